//! What a conversation with a provider remembers: what was sent, what came, how long to wait.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use tollgate_api::{Fault, Observer, Tick};

use super::wire::{Event, Wire};
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
    /// For a held request, over all attempts.
    total: Option<Tick>,
    /// For the held answer to a streamed request, from the request's end.
    answer_total: Duration,
    transfer: Option<Tick>,
    first_byte: Duration,
    pub(super) progress: Duration,
    caller: Duration,
}

impl Deadlines {
    pub(super) fn new(provider: &Provider, route: &Route, started: Tick, streams: bool) -> Self {
        Self {
            total: (!streams).then(|| started.after(provider.total)),
            answer_total: provider.total,
            transfer: provider.transfer.map(|transfer| started.after(transfer)),
            first_byte: provider.first_byte,
            progress: provider.progress,
            caller: route.body_timeout,
        }
    }
}

/// A conversation's state.
pub(super) struct Talk {
    pub(super) wire: Wire,
    pub(super) provider: Arc<Provider>,
    pub(super) route: Arc<Route>,
    pub(super) upstream_progress: Progress,
    pub(super) deadlines: Deadlines,
    /// The caller's body still streams.
    pub(super) sending: bool,
    /// What is still to be sent of a held body.
    pub(super) rest: Bytes,
    /// Its last chunk, kept back until every observer agrees.
    pub(super) withheld_request: Option<Bytes>,
    pub(super) request_observers: Vec<Box<dyn Observer>>,
    pub(super) request_ended: Tick,
    /// Sending failed; the answer may still come.
    pub(super) write_failed: Option<Failure>,
    pub(super) answer: Incoming,
    pub(super) status: Option<StatusCode>,
    /// The answer's `Content-Length`.
    pub(super) announced: Option<u64>,
}

/// What is done with the answer.
pub(super) enum Incoming {
    Awaited,
    Held(BytesMut),
    Streamed { observers: Vec<Box<dyn Observer>>, withheld: Option<Bytes> },
}

/// What happened next.
pub(super) enum Happened {
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
            rest: Bytes::new(),
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

    /// The longest that the next write to the provider may take.
    pub(super) fn write_patience(&self, now: Tick) -> Duration {
        let bounds = [self.deadlines.total, self.deadlines.transfer];
        bounds
            .into_iter()
            .flatten()
            .map(|bound| bound.since(now))
            .fold(self.deadlines.progress, Duration::min)
    }

    /// How long to wait for the next thing to happen, and whether the provider is who we wait for.
    pub(super) fn patience(&self, now: Tick) -> (Duration, bool) {
        let (mut wait, provider) = match (&self.answer, self.sending) {
            // The provider need not answer before it has the whole request.
            (Incoming::Awaited, true) => (self.deadlines.caller, false),
            (Incoming::Awaited, false) => {
                (self.request_ended.after(self.deadlines.first_byte).since(now), true)
            }
            _ => (self.deadlines.progress, true),
        };
        let mut ends_with_provider = provider;
        let total = match self.answer {
            Incoming::Streamed { .. } => None,
            _ if self.sending => self.deadlines.total,
            _ => self
                .deadlines
                .total
                .or_else(|| Some(self.request_ended.after(self.deadlines.answer_total))),
        };
        let bounds = [total, self.deadlines.transfer];
        for bound in bounds.into_iter().flatten() {
            let left = bound.since(now);
            if left < wait {
                (wait, ends_with_provider) = (left, true);
            }
        }
        (wait, ends_with_provider)
    }
}
