//! The accept loop of one socket.

use std::{io, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::FutureExt;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tollgate_api::Clock;

use super::{Drain, Event, Handler, ListenerSpec, admission::Admission, connection::Accepted};

/// A bound socket, about to accept.
pub(super) struct Door<H: Handler> {
    pub(super) socket: TcpListener,
    /// What the listener is now; a reload stores another.
    pub(super) spec: Arc<ArcSwap<ListenerSpec>>,
    pub(super) handler: Arc<H>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) drain: Drain,
}

impl<H: Handler> Door<H> {
    /// Accepts until the drain begins, then closes the socket.
    pub(super) async fn open(mut self) {
        let admission = Arc::new(Admission::default());
        loop {
            tokio::select! {
                biased;
                () = self.drain.begins() => break,
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => self.enter(stream, &admission),
                    // The caller was gone before it was accepted.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(_) => {
                    self.handler.event(&self.spec.load().name, Event::AcceptFailed);
                    // Out of descriptors or memory, most likely: trying again at once would only
                    // burn time until a connection ends.
                    sleep(AFTER_FAILURE).await;
                }},
            }
        }
        // Callers whose connections the system has completed believe themselves connected; closing
        // the socket would reset them.
        for _ in 0..BACKLOG {
            match self.socket.accept().now_or_never() {
                Some(Ok((stream, _))) => self.enter(stream, &admission),
                _ => break,
            }
        }
    }

    fn enter(&self, stream: TcpStream, admission: &Arc<Admission>) {
        // Fails for a connection that is gone already.
        let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
        let spec = self.spec.load_full();
        match admission.admit(peer.ip(), &spec.limits) {
            Ok(permit) => {
                let accepted = Accepted {
                    stream,
                    peer,
                    local,
                    spec,
                    handler: self.handler.clone(),
                    clock: self.clock.clone(),
                    drain: self.drain.clone(),
                    permit,
                };
                tokio::spawn(accepted.serve());
            }
            Err(reason) => self.handler.event(&spec.name, Event::TurnedAway(reason)),
        }
    }
}

/// Completed connections that may wait to be accepted.
pub(super) const BACKLOG: u32 = 4096;
/// Pause after the system could not hand over a connection.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
