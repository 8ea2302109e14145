//! What every exchange shares: the current snapshot, clock, entropy, telemetry, memory budget.

use std::sync::Arc;

use arc_swap::ArcSwap;
use pingora::protocols::http::ServerSession;
use tokio::sync::Notify;
use tollgate_api::{Clock, Code, Connection, Entropy, Fault, Tick, codes};

use super::{exchange::Run, memory::HeldMemory};
use crate::{
    listener::{After, Drain, Event, Handler, HandshakeFailure},
    snapshot::Snapshot,
    telemetry::{
        Record, Telemetry, TraceContext,
        metrics::{Handshake, Refusal},
        trace::request_id,
    },
};

/// Serves exchanges by whatever configuration is in force.
pub struct Gateway {
    snapshot: ArcSwap<Snapshot>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) held: Arc<HeldMemory>,
    cut: Notify,
}

impl Gateway {
    /// A gateway that starts with this configuration.
    pub fn new(
        snapshot: Arc<Snapshot>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let held = Arc::new(HeldMemory::default());
        held.set_limit(snapshot.held_memory);
        Self {
            snapshot: ArcSwap::new(snapshot),
            clock,
            entropy,
            telemetry,
            held,
            cut: Notify::new(),
        }
    }

    /// The configuration in force. Whoever holds it sees it unchanged to the end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Puts a new configuration in force for the requests that come after.
    pub fn swap(&self, snapshot: Arc<Snapshot>) {
        self.held.set_limit(snapshot.held_memory);
        self.snapshot.store(snapshot);
    }

    /// The monotonic time.
    pub fn tick(&self) -> Tick {
        self.clock.tick()
    }

    /// Ends every exchange now: the process stops. Each tells its plugins and writes its record.
    pub fn cut_off(&self) {
        self.cut.notify_waiters();
    }

    /// The memory budget of held bodies.
    pub fn held(&self) -> &HeldMemory {
        &self.held
    }
}

impl Handler for Gateway {
    async fn exchange(
        &self,
        session: &mut ServerSession,
        connection: &Arc<Connection>,
        started: Tick,
        drain: &Drain,
    ) -> After {
        // Boxed: a large future would be copied at every await of the connection loop.
        let mut run =
            Box::new(Run::new(self, self.snapshot(), session, connection, started, drain));
        tokio::select! {
            biased;
            () = run.serve() => {}
            () = self.cut.notified() => run.cut_off(),
        }
        run.finish()
    }

    fn refused(&self, connection: &Arc<Connection>, code: &'static Code, started: Tick) {
        let id = request_id(&*self.entropy);
        let trace = TraceContext::of(&http::HeaderMap::new(), &*self.entropy);
        let fault = Fault::new(code);
        let total = self.clock.tick().since(started);
        let gone = code == &codes::CALLER_INCOMPLETE;
        let record = Record {
            time: self.clock.unix(),
            // Nobody was left to answer.
            status: (!gone).then(|| code.status()),
            fault: Some(&fault),
            total,
            // All that happened was to wait for the rest of a head.
            caller_wait: total,
            caller_gone: gone,
            ..Record::new(connection, &id, trace)
        };
        self.telemetry.finished(&record);
    }

    fn event(&self, listener: &str, event: Event) {
        let metrics = self.telemetry.metrics();
        let meter = metrics.listener(listener);
        match event {
            Event::Opened => meter.opened(),
            Event::Closed => meter.closed(),
            Event::TurnedAway(_) | Event::AcceptFailed => meter.refused(Refusal::Capacity),
            Event::Handshake => meter.handshake(Handshake::Completed),
            Event::HandshakeFailed(HandshakeFailure::Timeout) => {
                meter.handshake(Handshake::TimedOut);
            }
            Event::HandshakeFailed(_) => meter.handshake(Handshake::Failed),
            Event::Panicked => metrics.panicked(),
        }
    }
}
