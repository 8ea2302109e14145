//! One conversation with a provider: the request's body goes out, the answer comes in, each held or
//! streamed, both at the same time where both stream. What is done with the answer is in
//! `incoming`.

use bytes::Bytes;
use futures::FutureExt;
use pingora::http::RequestHeader;
use tollgate_api::{Body, Fault, Which, codes};

use super::{
    caller::Watched,
    exchange::Run,
    failure,
    talk::{Conversed, Happened, Talk},
    wire::Event,
};
use crate::upstream::{Evidence, Failure};

impl Run<'_, '_> {
    /// Sends the request and takes the answer in.
    pub(super) async fn converse(&mut self, talk: &mut Talk, head: RequestHeader) -> Conversed {
        match self.open_request(talk, head).await {
            Ok(()) => {}
            // A write error is not the outcome: the provider may have answered before it closed.
            Err(failure) if failure.evidence != Evidence::NothingSent => {
                talk.write_failed = Some(failure);
            }
            Err(failure) => {
                return Conversed::Failed(failure::of_attempt(&failure), failure.evidence);
            }
        }
        loop {
            let happened = self.next(talk).await;
            let step = match happened {
                Happened::FromCaller(Ok(chunk)) => self.on_caller_chunk(talk, chunk).await,
                // Never completed towards the provider: the wire is dropped unfinished.
                Happened::FromCaller(Err(fault)) => Some(Conversed::Refused(fault)),
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
            Body::Held(mut body) => {
                let now = self.caller.now();
                // Head and first piece leave together; the loop sends the rest.
                let first = body.split_to(body.len().min(PIECE));
                talk.rest = body;
                let alone = talk.rest.is_empty();
                talk.wire.send_head(head, first.is_empty(), talk.write_patience(now)).await?;
                if first.is_empty() {
                    Ok(())
                } else {
                    talk.wire.send_chunk(first, alone, talk.write_patience(now)).await
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

    /// Sends what is left of a held body piece by piece, as long as the provider says nothing.
    async fn send_rest(&mut self, talk: &mut Talk) -> Option<Happened> {
        while !talk.rest.is_empty() && talk.write_failed.is_none() {
            let heard = tokio::task::unconstrained(talk.wire.next()).now_or_never();
            if let Some(event) = heard {
                return Some(Happened::FromProvider(event));
            }
            let piece = talk.rest.split_to(talk.rest.len().min(PIECE));
            let end = talk.rest.is_empty();
            self.write_on(talk, piece, end).await;
            talk.request_ended = self.caller.now();
        }
        None
    }

    /// Waits for the caller, the provider or a deadline.
    async fn next(&mut self, talk: &mut Talk) -> Happened {
        if let Some(happened) = self.send_rest(talk).await {
            return happened;
        }
        let now = self.caller.now();
        let (wait, for_provider) = talk.patience(now);
        let safe = self.is_safe();
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
        // The last piece is known as such if its length was announced: the provider may answer it
        // before the loop comes round to see the end.
        let ended = chunk.is_none() || self.caller.body_done();
        if self.caller.bytes_in > talk.route.request_body as u64 {
            self.caller.keep = false;
            return Some(Conversed::Refused(Fault::new(&codes::BODY_TOO_LARGE)));
        }
        let mut now = chunk;
        if !talk.request_observers.is_empty()
            && let Some(chunk) = now.take()
        {
            for observer in &mut talk.request_observers {
                observer.chunk(&chunk);
            }
            now = talk.withheld_request.replace(chunk);
        }
        if !ended {
            if let Some(chunk) = now {
                self.write_on(talk, chunk, false).await;
            }
            return None;
        }
        talk.sending = false;
        for observer in &mut talk.request_observers {
            if let Err(fault) = observer.end() {
                return Some(Conversed::Refused(fault));
            }
        }
        if let Some(last) = talk.withheld_request.take()
            && let Some(before) = now.replace(last)
        {
            self.write_on(talk, before, false).await;
        }
        self.write_on(talk, now.unwrap_or_default(), true).await;
        talk.request_ended = self.caller.now();
        None
    }

    /// Writes a piece of the request. A failure ends the sending, not the conversation.
    async fn write_on(&mut self, talk: &mut Talk, chunk: Bytes, end: bool) {
        if talk.write_failed.is_some() {
            return;
        }
        let patience = talk.write_patience(self.caller.now());
        if let Err(failure) = talk.wire.send_chunk(chunk, end, patience).await {
            talk.write_failed = Some(failure);
            talk.sending = false;
            talk.request_ended = self.caller.now();
        }
    }

    async fn on_event(&mut self, talk: &mut Talk, event: Event) -> Option<Conversed> {
        match event {
            Event::Interim(head) => {
                // Of an answer that may have to be held nothing passes before it was checked.
                let needs = talk.provider.chain.needs().max(talk.route.chain.needs());
                if needs.answer != tollgate_api::BodyNeed::Whole {
                    self.caller.send_interim(head).await;
                }
                None
            }
            Event::Head(head) => self.on_head(talk, *head).await,
            Event::Chunk(chunk) => self.on_chunk(talk, chunk).await,
            Event::End(trailers) => self.on_end(talk, trailers).await,
        }
    }
}

/// A held body is written in pieces of this size, each within `progress`.
const PIECE: usize = 64 * 1024;
