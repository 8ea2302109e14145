//! One request and its answer, as plugins see them.

mod message;
mod slots;

use std::{net::IpAddr, sync::Arc};

pub use message::{Answer, Body, Origin, Request};
pub use slots::Slots;

use crate::{Connection, Identity, Tick};

/// A request on its way through the gateway, and its answer on the way back.
///
/// Route plugins see the caller's request. Upstream plugins see a copy of it that belongs to one
/// attempt: what they change is gone when the attempt is over.
#[derive(Debug)]
pub struct Exchange {
    /// The connection it came on.
    pub connection: Arc<Connection>,
    /// Address of the caller: the peer's, or the one that a trusted proxy vouched for.
    pub client: IpAddr,
    /// Unique id of this exchange: in the log, in `X-Request-Id`, in faults.
    pub id: Arc<str>,
    /// Name of the matched route.
    pub route: Arc<str>,
    /// Values of the route's path template, in the order of the template.
    pub params: Vec<(Arc<str>, String)>,
    /// Name of the chosen upstream, once chosen.
    pub upstream: Option<Arc<str>>,
    /// Number of the current attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// When its first byte was seen.
    pub started: Tick,
    /// The request.
    pub request: Request,
    /// The answer, once there is one.
    pub answer: Option<Answer>,
    /// Who the caller is, once a plugin has proved it.
    pub identity: Option<Identity>,
    slots: Slots,
}

impl Exchange {
    /// An exchange at its start.
    pub fn new(
        connection: Arc<Connection>,
        client: IpAddr,
        id: Arc<str>,
        route: Arc<str>,
        started: Tick,
        request: Request,
    ) -> Self {
        Self {
            connection,
            client,
            id,
            route,
            params: Vec::new(),
            upstream: None,
            attempt: 0,
            started,
            request,
            answer: None,
            identity: None,
            slots: Slots::default(),
        }
    }

    /// State of the plugin that is running now, if it has stored any of this type.
    pub fn slot<T: Send + 'static>(&self) -> Option<&T> {
        self.slots.find()
    }

    /// Stores state for the plugin that is running now; replaces what it stored of this type.
    pub fn store<T: Send + 'static>(&mut self, state: T) {
        self.slots.store(state);
    }

    /// Takes the state of the plugin that is running now.
    pub fn take<T: Send + 'static>(&mut self) -> Option<T> {
        self.slots.take()
    }

    /// For the pipeline: the slots, to say which plugin runs now and to end an attempt.
    pub fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }

    /// For the pipeline: a view that a shadowed plugin may change without any effect. Bodies and
    /// shared parts are not copied; the slots are the view's own and start empty.
    #[must_use]
    pub fn view(&self) -> Self {
        Self {
            connection: self.connection.clone(),
            client: self.client,
            id: self.id.clone(),
            route: self.route.clone(),
            params: self.params.clone(),
            upstream: self.upstream.clone(),
            attempt: self.attempt,
            started: self.started,
            request: self.request.clone(),
            answer: self.answer.clone(),
            identity: self.identity.clone(),
            slots: Slots::default(),
        }
    }
}
