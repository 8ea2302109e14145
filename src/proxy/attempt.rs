//! Attempts at a provider: each with a fresh copy of the request and its own run of the upstream's
//! plugins. Whether another follows is decided by `upstream::decide` alone.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use tollgate_api::{Body, Exchange, Fault, Flow, Outcome, Tick, Turn, codes};

use super::{
    exchange::{Run, Served},
    failure, forward,
    record::AttemptRecord,
    render, rules,
    talk::{Conversed, Deadlines, Talk},
    wire::Wire,
};
use crate::{
    pipeline::Progress,
    snapshot::{Provider, Route},
    upstream::{self, Evidence, Next, Picked, Released, Reuse, Session, Situation},
};

/// How an attempt ended.
enum Ended {
    /// The answer is in the exchange, seen by the upstream's plugins.
    Answer,
    /// It streamed to the caller.
    Sent,
    /// It got no valid answer, or a plugin asks for another attempt.
    Failed { fault: Fault, evidence: Evidence },
}

impl Run<'_, '_> {
    /// Chooses the upstream and calls it.
    pub(super) async fn call(&mut self, route: &Arc<Route>) -> Result<Served, Fault> {
        let entropy = self.gateway.entropy.clone();
        let at = rules::choose(route, self.exchange()?, &*entropy)?;
        let provider =
            self.snapshot.upstreams.get(at).cloned().ok_or_else(|| Fault::new(&codes::INTERNAL))?;
        let exchange = self.exchange()?;
        exchange.upstream = Some(provider.name.clone());
        if route.unauthenticated && !provider.forward_authorization {
            // Nobody looked at it, so nobody decided that the provider may see it.
            exchange.request.headers.remove(http::header::AUTHORIZATION);
        }
        let base = exchange.request.clone();
        let started = self.caller.now();
        let mut tried = Vec::new();
        let served = loop {
            let attempt = self.exchange()?.attempt + 1;
            self.exchange()?.attempt = attempt;
            let read_before = self.caller.bytes_in;
            let ended = self.attempt(route, &provider, &mut tried, started).await;
            let replayable =
                !matches!(base.body, Body::Streamed) || self.caller.bytes_in == read_before;
            let again = match &ended {
                Ok(Ended::Failed { evidence, .. }) => {
                    let next = upstream::decide(&Situation {
                        method_safe: self.is_safe(),
                        evidence: *evidence,
                        replayable,
                        attempts_made: attempt,
                        deadline_left: provider
                            .total
                            .saturating_sub(self.caller.now().since(started)),
                        ..provider.upstream.situation()
                    });
                    matches!(next, Next::Again { .. }) && !self.caller.answered()
                }
                _ => false,
            };
            let exchange = self.exchange()?;
            exchange.request = base.clone();
            match ended? {
                _ if again => exchange.answer = None,
                Ended::Answer => break Served::Answer,
                Ended::Sent => break Served::Sent,
                Ended::Failed { fault, .. } => {
                    // The connection broke after a streamed answer had begun: it was left incomplete.
                    if self.caller.answered() {
                        self.fault = Some(fault);
                        break Served::Sent;
                    }
                    return Err(fault);
                }
            }
        };
        Ok(served)
    }

    /// One attempt: plugins, connection, conversation, plugins.
    async fn attempt(
        &mut self,
        route: &Arc<Route>,
        provider: &Arc<Provider>,
        tried: &mut Vec<usize>,
        started: Tick,
    ) -> Result<Ended, Fault> {
        self.current = Some((provider.clone(), Progress::default()));
        let result = self.attempt_inner(route, provider, tried, started).await;
        let outcome = Outcome {
            status: self
                .exchange
                .as_ref()
                .and_then(|exchange| exchange.answer.as_ref())
                .map(|answer| answer.status),
            fault: match &result {
                Ok(Ended::Failed { fault, .. }) | Err(fault) => Some(fault.code()),
                _ => None,
            },
            cancelled: false,
        };
        self.end_attempt(&outcome);
        result
    }

    async fn attempt_inner(
        &mut self,
        route: &Arc<Route>,
        provider: &Arc<Provider>,
        tried: &mut Vec<usize>,
        started: Tick,
    ) -> Result<Ended, Fault> {
        let flow = {
            let Self { exchange, refusals, current, .. } = self;
            let (Some(exchange), Some((_, progress))) = (exchange.as_mut(), current.as_mut())
            else {
                return Err(Fault::new(&codes::INTERNAL));
            };
            provider.chain.on_request(0..provider.chain.len(), exchange, progress, refusals).await?
        };
        let progress = self.current.as_ref().map(|(_, progress)| *progress).unwrap_or_default();
        if let Flow::Respond(answer) = flow {
            self.exchange()?.answer = Some(*answer);
            return self.shape_upstream(provider, progress).await;
        }

        let began = self.caller.now();
        let (picked, session) = match self.reach(provider, tried, started).await {
            Ok(reached) => reached,
            Err((endpoint, fault)) => {
                return Ok(self.failed(provider, endpoint, began, fault));
            }
        };
        let reads_answer = provider.chain.needs().max(route.chain.needs()).answer
            != tollgate_api::BodyNeed::Nothing;
        let length = self.length;
        let head =
            forward::head(self.exchange()?, provider, picked.endpoint(), length, reads_answer);
        let head = match head {
            Ok(head) => head,
            Err(fault) => {
                provider.upstream.release(session, Released::Broken);
                return Err(fault);
            }
        };
        let streams = matches!(self.exchange()?.request.body, Body::Streamed);
        let deadlines = Deadlines::new(provider, route, started, streams);
        let waited = self.caller.waited;
        let mut talk =
            Talk::new(Wire::new(session), provider.clone(), route.clone(), progress, deadlines);
        // Until more is known. If a plugin panics, this is what is recorded.
        self.attempts.push(AttemptRecord {
            upstream: provider.name.clone(),
            endpoint: Some(picked.endpoint().to_string()),
            evidence: Evidence::Unknown,
            status: None,
            duration: Duration::ZERO,
        });
        let conversed = self.converse(&mut talk, head).await;
        let (wire, status) = talk.into_parts();
        let evidence = match &conversed {
            Conversed::Failed(_, evidence) => *evidence,
            _ => wire.evidence(),
        };
        let (session, complete) = wire.into_session();
        let duration = self.caller.now().since(began);
        self.upstream_wait += duration.saturating_sub(self.caller.waited.saturating_sub(waited));
        let released = match &conversed {
            // Refused before anything was processed: the connection is not to blame.
            Conversed::Failed(_, Evidence::NothingSent) => Released::Cancelled,
            Conversed::Failed(..) => Released::Broken,
            _ if complete => Released::Reusable,
            _ => Released::Cancelled,
        };
        provider.upstream.release(session, released);
        // What the caller or a plugin did says nothing about the endpoint.
        if !matches!(conversed, Conversed::Refused(_)) {
            provider.upstream.note(&picked, evidence == Evidence::Answered);
        }
        if let Some(attempt) = self.attempts.last_mut() {
            (attempt.evidence, attempt.status, attempt.duration) = (evidence, status, duration);
        }
        match conversed {
            Conversed::Held => self.shape_upstream(provider, progress).await,
            Conversed::Streamed => Ok(Ended::Sent),
            Conversed::Replaced => Ok(Ended::Answer),
            Conversed::Again => {
                Ok(Ended::Failed { fault: Fault::new(&codes::UPSTREAM_INVALID_ANSWER), evidence })
            }
            Conversed::Failed(fault, evidence) => Ok(Ended::Failed { fault, evidence }),
            Conversed::Refused(fault) => Err(fault),
        }
    }

    /// An endpoint and a connection to it; or which endpoint failed, and why. Nothing was sent.
    async fn reach(
        &mut self,
        provider: &Provider,
        tried: &mut Vec<usize>,
        started: Tick,
    ) -> Result<(Picked, Session), (Option<String>, Fault)> {
        let mut picked =
            provider.upstream.pick(tried).await.map_err(|error| (None, failure::of_pick(error)))?;
        tried.push(picked.index());
        let reuse =
            if self.is_safe() { Reuse::Any } else { Reuse::FresherThan(provider.reuse_unsafe) };
        let left = provider.total.saturating_sub(self.caller.now().since(started));
        let fault = match timeout(left, provider.upstream.connect(&mut picked, reuse)).await {
            Ok(Ok(session)) => return Ok((picked, session)),
            Ok(Err(error)) => failure::of_connect(error),
            Err(_) => Fault::new(&codes::UPSTREAM_CONNECT_TIMEOUT),
        };
        Err((Some(picked.endpoint().to_string()), fault))
    }

    /// The upstream's plugins over a held answer, in reverse.
    async fn shape_upstream(
        &mut self,
        provider: &Provider,
        progress: Progress,
    ) -> Result<Ended, Fault> {
        let id = self.id().clone();
        let refuse = move |exchange: &mut Exchange, fault: &Fault| {
            exchange.answer = Some(render::fault(fault, &id));
        };
        let Self { exchange, refusals, .. } = self;
        let exchange = exchange.as_mut().ok_or_else(|| Fault::new(&codes::INTERNAL))?;
        let (turn, refused) =
            provider.chain.on_response(exchange, progress, refusals, &refuse).await;
        if let Some(fault) = refused {
            self.fault = Some(fault);
        } else if turn == Turn::Again {
            let fault = Fault::new(&codes::UPSTREAM_INVALID_ANSWER);
            return Ok(Ended::Failed { fault, evidence: Evidence::Answered });
        }
        Ok(Ended::Answer)
    }

    /// Notes an attempt in which nothing was sent.
    fn failed(
        &mut self,
        provider: &Provider,
        endpoint: Option<String>,
        began: Tick,
        fault: Fault,
    ) -> Ended {
        let duration = self.caller.now().since(began);
        self.upstream_wait += duration;
        self.attempts.push(AttemptRecord {
            upstream: provider.name.clone(),
            endpoint,
            evidence: Evidence::NothingSent,
            status: None,
            duration,
        });
        Ended::Failed { fault, evidence: Evidence::NothingSent }
    }
}
