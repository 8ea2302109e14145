//! All listeners of the process: bound before they are reported, changed by a reload, drained.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::future::join_all;
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpSocket},
    time::timeout,
};
use tollgate_api::Clock;

use super::{
    Handler, ListenerSpec,
    accept::{BACKLOG, Door},
    drain::DrainControl,
};

/// The listeners of the process. They run on the tokio runtime in whose context they are used.
pub struct Listeners<H: Handler> {
    handler: Arc<H>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Vec<Running>,
    /// Drains of listeners that were removed but still have connections.
    leaving: Vec<Arc<DrainControl>>,
}

struct Running {
    bound: SocketAddr,
    spec: Arc<ArcSwap<ListenerSpec>>,
    drain: Arc<DrainControl>,
}

/// Listeners that are bound but do not accept yet. Dropping it closes what is new.
#[must_use = "a prepared change takes effect when it is committed"]
pub struct Prepared(Vec<(ListenerSpec, Option<TcpListener>)>);

/// A listener that cannot listen.
#[derive(Debug)]
pub struct BindError {
    /// Name of the listener.
    pub name: Arc<str>,
    /// Where it should have listened.
    pub address: SocketAddr,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    /// Another listener of the same configuration has the address.
    Twice(Arc<str>),
    /// The address overlaps with one that a running listener has, which is to be given up.
    Overlap(Arc<str>),
    System(io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, address, reason } = self;
        write!(f, "listener `{name}` cannot listen on `{address}`: ")?;
        match reason {
            Reason::Twice(other) => write!(f, "listener `{other}` has the same address"),
            Reason::Overlap(other) => write!(
                f,
                "it overlaps with the present address of listener `{other}`, which needs a restart"
            ),
            Reason::System(error) => match error.kind() {
                io::ErrorKind::AddrInUse => f.write_str("another process has the address"),
                io::ErrorKind::AddrNotAvailable => {
                    f.write_str("no network interface has the address")
                }
                io::ErrorKind::PermissionDenied => {
                    f.write_str("permission denied (ports below 1024 need a capability)")
                }
                _ => write!(f, "{error}"),
            },
        }
    }
}

impl std::error::Error for BindError {}

impl<H: Handler> Listeners<H> {
    /// No listeners yet.
    pub fn new(handler: Arc<H>, clock: Arc<dyn Clock>) -> Self {
        Self { handler, clock, state: Mutex::default() }
    }

    /// Binds what is new among these listeners, or says everything that cannot be bound. What runs
    /// is not touched.
    ///
    /// A listener is kept if its address stays the same, whatever its name becomes.
    pub fn prepare(&self, specs: Vec<ListenerSpec>) -> Result<Prepared, Vec<BindError>> {
        let state = self.state.lock();
        let mut prepared = Vec::<(ListenerSpec, Option<TcpListener>)>::with_capacity(specs.len());
        let mut errors = Vec::new();
        for spec in specs {
            let refuse =
                |reason| BindError { name: spec.name.clone(), address: spec.address, reason };
            if let Some((other, _)) = prepared
                .iter()
                .find(|(other, _)| spec.address.port() != 0 && other.address == spec.address)
            {
                errors.push(refuse(Reason::Twice(other.name.clone())));
                continue;
            }
            if state.running.iter().any(|running| running.serves(&spec)) {
                prepared.push((spec, None));
                continue;
            }
            match bind(spec.address) {
                Ok(socket) => prepared.push((spec, Some(socket))),
                Err(error) => {
                    let overlapping = (error.kind() == io::ErrorKind::AddrInUse)
                        .then(|| state.running.iter().find(|r| r.overlaps(spec.address)))
                        .flatten();
                    errors.push(refuse(match overlapping {
                        Some(running) => Reason::Overlap(running.spec.load().name.clone()),
                        None => Reason::System(error),
                    }));
                }
            }
        }
        if errors.is_empty() { Ok(Prepared(prepared)) } else { Err(errors) }
    }

    /// Makes the prepared listeners the ones that run: new ones begin to accept, kept ones use
    /// their new certificates and limits for every further connection, others are drained.
    pub fn commit(&self, prepared: Prepared) {
        let mut state = self.state.lock();
        let mut before = std::mem::take(&mut state.running);
        for (mut spec, socket) in prepared.0 {
            let kept = before.iter().position(|running| running.serves(&spec));
            match (socket, kept.map(|index| before.swap_remove(index))) {
                (None, Some(running)) => {
                    keep_session_keys(&mut spec, &running.spec.load());
                    running.spec.store(Arc::new(spec));
                    state.running.push(running);
                }
                (Some(socket), _) => {
                    if let Some(running) = self.start(spec, socket) {
                        state.running.push(running);
                    }
                }
                // It ran when it was prepared; two changes at once are the caller's mistake.
                (None, None) => debug_assert!(false, "a kept listener is gone"),
            }
        }
        for running in before {
            running.drain.begin();
            state.leaving.push(running.drain);
        }
        state.leaving.retain(|drain| !drain.is_finished());
    }

    fn start(&self, spec: ListenerSpec, socket: TcpListener) -> Option<Running> {
        let bound = socket.local_addr().ok()?;
        let (control, drain) = DrainControl::new();
        let spec = Arc::new(ArcSwap::from_pointee(spec));
        let door = Door {
            socket,
            spec: spec.clone(),
            handler: self.handler.clone(),
            clock: self.clock.clone(),
            drain,
        };
        tokio::spawn(door.open());
        Some(Running { bound, spec, drain: Arc::new(control) })
    }

    /// Names and bound addresses; where port 0 was asked for, the port that was given.
    pub fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        let state = self.state.lock();
        state.running.iter().map(|r| (r.spec.load().name.clone(), r.bound)).collect()
    }

    /// Stops accepting, closes idle connections, and waits until every exchange has ended, but no
    /// longer than this. Says whether all ended in time; those that did not go on.
    pub async fn drain(&self, grace: Duration) -> bool {
        let drains = {
            let mut state = self.state.lock();
            let running = std::mem::take(&mut state.running);
            state.leaving.extend(running.into_iter().map(|running| running.drain));
            state.leaving.clone()
        };
        for drain in &drains {
            drain.begin();
        }
        timeout(grace, join_all(drains.iter().map(|drain| drain.finished()))).await.is_ok()
    }
}

impl Running {
    /// Whether this socket is the one that the specification wants.
    fn serves(&self, spec: &ListenerSpec) -> bool {
        let current = self.spec.load();
        current.address == spec.address && (spec.address.port() != 0 || current.name == spec.name)
    }

    fn overlaps(&self, address: SocketAddr) -> bool {
        self.bound.port() == address.port()
            && (self.bound.ip() == address.ip()
                || self.bound.ip().is_unspecified()
                || address.ip().is_unspecified())
    }
}

/// Sessions can be resumed across a reload that does not change TLS.
fn keep_session_keys(spec: &mut ListenerSpec, before: &ListenerSpec) {
    if spec.tls == before.tls {
        spec.tls.clone_from(&before.tls);
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart must not wait for the connections of the process before it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
