//! A provider's answer: its head decides whether the body is held or streams to the caller.

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http::{HeaderMap, header};
use pingora::http::ResponseHeader;
use tollgate_api::{Answer, AnswerHead, Body, BodyNeed, Exchange, Fault, Turn, Which, codes};

use super::{
    answer::bodiless,
    exchange::{Run, is_coded, provider_answer},
    failure, hop, render,
    talk::{Conversed, Incoming, Talk},
    wire::Event,
};
use crate::upstream::{Evidence, Failure};

impl Run<'_, '_> {
    /// The answer's head decides whether its body is held or streams.
    pub(super) async fn on_head(
        &mut self,
        talk: &mut Talk,
        head: ResponseHeader,
    ) -> Option<Conversed> {
        let mut headers = head.headers.clone();
        talk.status = Some(head.status);
        talk.announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        hop::strip_answer(&mut headers);
        headers.remove(header::CONTENT_LENGTH);
        let method = self.method().clone();
        let exchange = self.exchange.as_mut()?;
        let head = AnswerHead { status: head.status, headers: &headers };
        let need = talk
            .provider
            .chain
            .needs_answer(exchange, &head)
            .max(talk.route.chain.needs_answer(exchange, &head));
        let mut answer = provider_answer(head.status, headers.clone());
        if need != BodyNeed::Nothing && is_coded(&headers) {
            return Some(Conversed::Refused(Fault::new(&codes::UPSTREAM_ENCODING)));
        }
        if bodiless(&answer, &method) && method != http::Method::HEAD {
            answer.body = Body::Empty;
            exchange.answer = Some(answer);
            talk.answer = Incoming::Held(BytesMut::new());
            return None;
        }
        exchange.answer = Some(answer);
        if need == BodyNeed::Whole {
            if talk.announced.is_some_and(|length| length > talk.route.response_body as u64) {
                return Some(Conversed::Refused(Fault::new(&codes::RESPONSE_TOO_LARGE)));
            }
            talk.answer = Incoming::Held(BytesMut::new());
            return None;
        }
        self.begin_stream(talk).await
    }

    /// Plugins see the head, then it goes to the caller, with the first of the body if it is there.
    async fn begin_stream(&mut self, talk: &mut Talk) -> Option<Conversed> {
        let id = self.id().clone();
        let refuse = move |exchange: &mut Exchange, fault: &Fault| {
            exchange.answer = Some(render::fault(fault, &id));
        };
        let (turn, refused) = {
            let Self { exchange, refusals, .. } = self;
            let exchange = exchange.as_mut()?;
            talk.provider
                .chain
                .on_response(exchange, talk.upstream_progress, refusals, &refuse)
                .await
        };
        if turn == Turn::Again {
            return Some(Conversed::Again);
        }
        if let Some(fault) = refused {
            self.fault = Some(fault);
            return Some(Conversed::Replaced);
        }
        let fault_before = self.fault.is_some();
        self.shape_answer().await;
        let mut observers = Vec::new();
        if let Some(exchange) = &mut self.exchange {
            talk.provider.chain.observers(exchange, Which::Answer, &mut observers);
            talk.route.chain.observers(exchange, Which::Answer, &mut observers);
        }
        let mut answer = self.exchange.as_mut()?.answer.take()?;
        self.stamp(&mut answer);
        if !self.caller.body_done() {
            // The rest of the request may never come.
            self.caller.keep = false;
        }
        let method = self.method().clone();
        if self.fault.is_some() != fault_before || !matches!(answer.body, Body::Streamed) {
            // A route plugin put its own answer in the provider's place.
            self.caller.send(&answer, &method).await;
            return Some(Conversed::Streamed);
        }
        let first = if observers.is_empty() { Self::first_chunk(talk) } else { None };
        match first {
            None => self.caller.send_head(&answer, talk.announced, &method, None).await,
            Some(Ok(Event::Chunk(chunk))) => {
                self.caller.send_head(&answer, talk.announced, &method, Some(chunk)).await;
            }
            Some(Ok(Event::End(trailers))) => {
                self.caller.send_head(&answer, talk.announced.or(Some(0)), &method, None).await;
                self.caller.send_end(trailers).await;
                return Some(Conversed::Streamed);
            }
            Some(Ok(_)) => {}
            Some(Err(failure)) => {
                self.caller.send_head(&answer, talk.announced, &method, None).await;
                self.fault = Some(failure::of_attempt(&failure));
                self.caller.abort().await;
                return Some(Conversed::Streamed);
            }
        }
        talk.answer = Incoming::Streamed { observers, withheld: None };
        None
    }

    /// The body usually came with the head: one send instead of two.
    fn first_chunk(talk: &mut Talk) -> Option<Result<Event, Failure>> {
        tokio::task::unconstrained(talk.wire.next()).now_or_never()
    }

    pub(super) async fn on_chunk(&mut self, talk: &mut Talk, chunk: Bytes) -> Option<Conversed> {
        match &mut talk.answer {
            Incoming::Awaited => None,
            Incoming::Held(body) => {
                if body.len() + chunk.len() > talk.route.response_body {
                    return Some(Conversed::Refused(Fault::new(&codes::RESPONSE_TOO_LARGE)));
                }
                if self.memory.grow(chunk.len()).is_err() {
                    // The provider has acted: this must not look like a request that was turned away.
                    let fault = Fault::new(&codes::ANSWER_LOST);
                    return Some(Conversed::Refused(
                        fault.caused_by("the memory for held bodies is used up"),
                    ));
                }
                body.extend_from_slice(&chunk);
                None
            }
            Incoming::Streamed { observers, withheld } => {
                let now = if observers.is_empty() {
                    Some(chunk)
                } else {
                    for observer in observers.iter_mut() {
                        observer.chunk(&chunk);
                    }
                    withheld.replace(chunk)
                };
                if let Some(chunk) = now {
                    self.caller.send_chunk(chunk).await;
                }
                // Nobody is left to receive a safe request's answer; an unsafe one's is read on.
                (self.caller.gone && self.is_safe()).then_some(Conversed::Streamed)
            }
        }
    }

    pub(super) async fn on_end(
        &mut self,
        talk: &mut Talk,
        trailers: Option<HeaderMap>,
    ) -> Option<Conversed> {
        match std::mem::replace(&mut talk.answer, Incoming::Awaited) {
            Incoming::Awaited => {
                let failure = talk.wire.timed_out();
                Some(Conversed::Failed(
                    Fault::new(&codes::UPSTREAM_INVALID_ANSWER),
                    failure.evidence,
                ))
            }
            Incoming::Held(body) => {
                if let Some(Answer { body: slot, .. }) =
                    self.exchange.as_mut().and_then(|exchange| exchange.answer.as_mut())
                {
                    *slot = if body.is_empty() { Body::Empty } else { Body::Held(body.freeze()) };
                }
                Some(Conversed::Held)
            }
            Incoming::Streamed { mut observers, withheld } => {
                for observer in &mut observers {
                    if let Err(fault) = observer.end() {
                        self.fault = Some(fault);
                        self.caller.abort().await;
                        return Some(Conversed::Streamed);
                    }
                }
                if let Some(last) = withheld {
                    self.caller.send_chunk(last).await;
                }
                self.caller.send_end(trailers).await;
                Some(Conversed::Streamed)
            }
        }
    }

    /// The provider failed. Before the answer's head that is the attempt's failure; after it, the
    /// answer is incomplete, and so is what the caller gets.
    pub(super) async fn broken(&mut self, talk: &mut Talk, failure: &Failure) -> Conversed {
        match talk.answer {
            Incoming::Streamed { .. } => {
                self.fault = Some(failure::of_attempt(failure));
                self.caller.abort().await;
                Conversed::Streamed
            }
            Incoming::Held(_) => Conversed::Failed(failure::of_attempt(failure), Evidence::Unknown),
            Incoming::Awaited => Conversed::Failed(failure::of_attempt(failure), failure.evidence),
        }
    }
}
