//! One conversation with a provider: the request's body goes out, the answer comes in, each held or
//! streamed, both at the same time where both stream.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http::{HeaderMap, StatusCode, header};
use pingora::http::{RequestHeader, ResponseHeader};
use tollgate_api::{
    Answer, AnswerHead, Body, BodyNeed, Exchange, Fault, Observer, Tick, Turn, Which, codes,
};

use super::{
    caller::{Watched, bodiless},
    exchange::{Run, is_coded, provider_answer},
    failure, hop, render,
    wire::{Event, Wire},
};
use crate::{
    pipeline::Progress,
    snapshot::{Provider, Route},
    upstream::{Evidence, Failure},
};

/// How a conversation ended.
pub(super) enum Conversed {
    /// The whole answer is in the exchange; no plugin has seen it yet.
    Held,
    /// The answer went to the caller, or as much of it as could be trusted.
    Streamed,
    /// A plugin refused the answer at its head: ours is in the exchange, seen by the upstream's.
    Replaced,
    /// A plugin asks for another attempt.
    Again,
    /// No valid answer.
    Failed(Fault, Evidence),
    /// The caller or a plugin is at fault, not the provider.
    Refused(Fault),
}

/// The times that bound a conversation.
pub(super) struct Deadlines {
    total: Option<Tick>,
    transfer: Option<Tick>,
    first_byte: Duration,
    progress: Duration,
    caller: Duration,
}

impl Deadlines {
    pub(super) fn new(provider: &Provider, route: &Route, started: Tick, streams: bool) -> Self {
        Self {
            total: (!streams).then(|| started.after(provider.total)),
            transfer: provider.transfer.map(|transfer| started.after(transfer)),
            first_byte: provider.first_byte,
            progress: provider.progress,
            caller: route.body_timeout,
        }
    }
}

/// A conversation's state.
pub(super) struct Talk {
    wire: Wire,
    provider: Arc<Provider>,
    route: Arc<Route>,
    upstream_progress: Progress,
    deadlines: Deadlines,
    /// The caller's body still streams.
    sending: bool,
    withheld_request: Option<Bytes>,
    request_observers: Vec<Box<dyn Observer>>,
    request_ended: Tick,
    write_failed: Option<Failure>,
    answer: Incoming,
    status: Option<StatusCode>,
    announced: Option<u64>,
}

/// What is done with the answer.
enum Incoming {
    Awaited,
    Held(BytesMut),
    Streamed { observers: Vec<Box<dyn Observer>>, withheld: Option<Bytes> },
}

/// What happened next.
enum Happened {
    FromCaller(Result<Option<Bytes>, Fault>),
    FromProvider(Result<Event, Failure>),
    HungUp,
    CallerSlow,
    ProviderSlow,
}

impl Talk {
    pub(super) fn new(
        wire: Wire,
        provider: Arc<Provider>,
        route: Arc<Route>,
        upstream_progress: Progress,
        deadlines: Deadlines,
    ) -> Self {
        Self {
            wire,
            provider,
            route,
            upstream_progress,
            deadlines,
            sending: false,
            withheld_request: None,
            request_observers: Vec::new(),
            request_ended: Tick::default(),
            write_failed: None,
            answer: Incoming::Awaited,
            status: None,
            announced: None,
        }
    }

    pub(super) fn into_parts(self) -> (Wire, Option<StatusCode>) {
        (self.wire, self.status)
    }

    /// How long to wait for the next thing to happen, and whether the provider is who we wait for.
    fn patience(&self, now: Tick) -> (Duration, bool) {
        let (mut wait, provider) = match (&self.answer, self.sending) {
            // The provider need not answer before it has the whole request.
            (Incoming::Awaited, true) => (self.deadlines.caller, false),
            (Incoming::Awaited, false) => {
                (self.request_ended.after(self.deadlines.first_byte).since(now), true)
            }
            _ => (self.deadlines.progress, true),
        };
        let mut ends_with_provider = provider;
        let bounds = match self.answer {
            Incoming::Streamed { .. } => [None, self.deadlines.transfer],
            _ => [self.deadlines.total, self.deadlines.transfer],
        };
        for bound in bounds.into_iter().flatten() {
            let left = bound.since(now);
            if left < wait {
                (wait, ends_with_provider) = (left, true);
            }
        }
        (wait, ends_with_provider)
    }
}

impl Run<'_, '_> {
    /// Sends the request and takes the answer in.
    pub(super) async fn converse(&mut self, talk: &mut Talk, head: RequestHeader) -> Conversed {
        match self.open_request(talk, head).await {
            Ok(()) => {}
            // A write error is not the outcome: the provider may have answered before it closed.
            Err(failure) if failure.evidence != Evidence::NothingSent => {
                talk.write_failed = Some(failure)
            }
            Err(failure) => {
                return Conversed::Failed(failure::of_attempt(&failure), failure.evidence);
            }
        }
        loop {
            let happened = self.next(talk).await;
            let step = match happened {
                Happened::FromCaller(Ok(chunk)) => self.on_caller_chunk(talk, chunk).await,
                Happened::FromCaller(Err(_)) => {
                    // Never completed towards the provider: the wire is dropped unfinished.
                    self.caller.gone = true;
                    Some(Conversed::Refused(Fault::new(&codes::CALLER_INCOMPLETE)))
                }
                Happened::CallerSlow => {
                    self.caller.keep = false;
                    Some(Conversed::Refused(Fault::new(&codes::BODY_TIMEOUT)))
                }
                Happened::HungUp => {
                    self.caller.gone = true;
                    Some(Conversed::Refused(Fault::new(&codes::CALLER_GONE)))
                }
                Happened::ProviderSlow => {
                    let failure = talk.wire.timed_out();
                    Some(self.broken(talk, &failure).await)
                }
                Happened::FromProvider(Err(failure)) => Some(self.broken(talk, &failure).await),
                Happened::FromProvider(Ok(event)) => self.on_event(talk, event).await,
            };
            if let Some(conversed) = step {
                return conversed;
            }
        }
    }

    async fn open_request(&mut self, talk: &mut Talk, head: RequestHeader) -> Result<(), Failure> {
        let progress = talk.deadlines.progress;
        let body = match &self.exchange {
            Some(exchange) => exchange.request.body.clone(),
            None => Body::Empty,
        };
        let result = match body {
            Body::Empty => talk.wire.send_head(head, true, progress).await,
            Body::Held(body) => {
                talk.wire.send_head(head, body.is_empty(), progress).await?;
                if body.is_empty() {
                    Ok(())
                } else {
                    talk.wire.send_chunk(body, true, progress).await
                }
            }
            Body::Streamed => {
                talk.sending = true;
                if let Some(exchange) = &mut self.exchange {
                    talk.route.chain.observers(
                        exchange,
                        Which::Request,
                        &mut talk.request_observers,
                    );
                    talk.provider.chain.observers(
                        exchange,
                        Which::Request,
                        &mut talk.request_observers,
                    );
                }
                let sent = talk.wire.send_head(head, false, progress).await;
                self.caller.invite_body().await;
                sent
            }
        };
        talk.request_ended = self.caller.now();
        result
    }

    /// Waits for the caller, the provider or a deadline.
    async fn next(&mut self, talk: &mut Talk) -> Happened {
        let now = self.caller.now();
        let (wait, for_provider) = talk.patience(now);
        let safe = self.method().is_safe();
        let sending = talk.sending;
        let happened = tokio::select! {
            biased;
            event = talk.wire.next() => Happened::FromProvider(event),
            watched = self.caller.watch(sending, safe) => match watched {
                Watched::Chunk(chunk) => Happened::FromCaller(chunk),
                Watched::HungUp => Happened::HungUp,
            },
            () = tokio::time::sleep(wait) => {
                if for_provider { Happened::ProviderSlow } else { Happened::CallerSlow }
            }
        };
        if sending && matches!(happened, Happened::FromCaller(_)) {
            self.caller.waited += self.caller.now().since(now);
        }
        happened
    }

    async fn on_caller_chunk(
        &mut self,
        talk: &mut Talk,
        chunk: Option<Bytes>,
    ) -> Option<Conversed> {
        let Some(chunk) = chunk else {
            talk.sending = false;
            for observer in &mut talk.request_observers {
                if let Err(fault) = observer.end() {
                    return Some(Conversed::Refused(fault));
                }
            }
            let last = talk.withheld_request.take().unwrap_or_default();
            self.write_on(talk, last, true).await;
            talk.request_ended = self.caller.now();
            return None;
        };
        if self.caller.bytes_in > talk.route.request_body as u64 {
            self.caller.keep = false;
            return Some(Conversed::Refused(Fault::new(&codes::BODY_TOO_LARGE)));
        }
        let now = if talk.request_observers.is_empty() {
            Some(chunk)
        } else {
            for observer in &mut talk.request_observers {
                observer.chunk(&chunk);
            }
            talk.withheld_request.replace(chunk)
        };
        if let Some(chunk) = now {
            self.write_on(talk, chunk, false).await;
        }
        None
    }

    /// Writes a piece of the request. A failure ends the sending, not the conversation.
    async fn write_on(&mut self, talk: &mut Talk, chunk: Bytes, end: bool) {
        if talk.write_failed.is_some() {
            return;
        }
        if let Err(failure) = talk.wire.send_chunk(chunk, end, talk.deadlines.progress).await {
            talk.write_failed = Some(failure);
            talk.sending = false;
            talk.request_ended = self.caller.now();
        }
    }

    async fn on_event(&mut self, talk: &mut Talk, event: Event) -> Option<Conversed> {
        match event {
            Event::Interim(head) => {
                if matches!(
                    self.exchange.as_ref().map(|exchange| &exchange.request.body),
                    Some(Body::Streamed)
                ) {
                    self.caller.send_interim(head).await;
                }
                None
            }
            Event::Head(head) => self.on_head(talk, *head).await,
            Event::Chunk(chunk) => self.on_chunk(talk, chunk).await,
            Event::End(trailers) => self.on_end(talk, trailers).await,
        }
    }

    /// The answer's head decides whether its body is held or streams.
    async fn on_head(&mut self, talk: &mut Talk, head: ResponseHeader) -> Option<Conversed> {
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
        if talk.sending {
            // The rest of the request may never come.
            self.caller.keep = false;
        }
        let method = self.method().clone();
        if self.fault.is_some() != fault_before || !matches!(answer.body, Body::Streamed) {
            // A route plugin put its own answer in the provider's place.
            self.caller.send(&answer, &method).await;
            return Some(Conversed::Streamed);
        }
        let first = if observers.is_empty() { self.first_chunk(talk).await } else { None };
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
    async fn first_chunk(&mut self, talk: &mut Talk) -> Option<Result<Event, Failure>> {
        tokio::task::unconstrained(talk.wire.next()).now_or_never()
    }

    async fn on_chunk(&mut self, talk: &mut Talk, chunk: Bytes) -> Option<Conversed> {
        match &mut talk.answer {
            Incoming::Awaited => None,
            Incoming::Held(body) => {
                if body.len() + chunk.len() > talk.route.response_body {
                    return Some(Conversed::Refused(Fault::new(&codes::RESPONSE_TOO_LARGE)));
                }
                if let Err(fault) = self.memory.grow(chunk.len()) {
                    return Some(Conversed::Refused(fault));
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
                (self.caller.gone && self.method().is_safe()).then_some(Conversed::Streamed)
            }
        }
    }

    async fn on_end(&mut self, talk: &mut Talk, trailers: Option<HeaderMap>) -> Option<Conversed> {
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
    async fn broken(&mut self, talk: &mut Talk, failure: &Failure) -> Conversed {
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
