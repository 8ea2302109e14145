//! HTTP/2 connections to one address: shared by many exchanges, checked before a payment trusts one
//! that was quiet, and never left behind when an exchange fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use pingora::{
    connectors::http::v2::ConnectionRef,
    protocols::{Digest, UniqueID, http::v2::client::Http2Session},
};
use tokio::sync::watch;
use tollgate_api::{Clock, Tick};

use crate::upstream::{connect::ConnectError, session::Reuse, wire::Wire};

/// All connections to one address.
#[derive(Default)]
pub(super) struct Http2Pool {
    connections: Mutex<Vec<Arc<Http2Connection>>>,
    /// Held while a connection is opened: many requests at once open one connection, not many.
    pub(super) opening: tokio::sync::Mutex<()>,
}

/// One connection.
pub(super) struct Http2Connection {
    handle: ConnectionRef,
    ping: tokio::sync::Mutex<Option<h2::PingPong>>,
    /// When the provider last showed that it reads what we send.
    alive_at: AtomicU64,
}

impl Http2Pool {
    /// A stream on a connection that is already there.
    pub(super) async fn lend(
        &self,
        reuse: Reuse,
        clock: &dyn Clock,
        idle: Duration,
    ) -> Option<(Arc<Http2Connection>, Http2Session)> {
        loop {
            let connection = self.with_room(clock.tick(), idle)?;
            let trusted = match reuse {
                Reuse::Any => true,
                Reuse::FresherThan(limit) => connection.answers(limit, clock).await,
            };
            if !trusted {
                connection.retire();
                continue;
            }
            match connection.handle.spawn_stream().await {
                Ok(Some(stream)) => return Some((connection, stream)),
                // Others were faster and it is full, or it is going away: not offered again.
                Ok(None) => {}
                Err(_) => connection.retire(),
            }
        }
    }

    /// Keeps a new connection.
    pub(super) fn add(&self, connection: Arc<Http2Connection>) {
        self.connections.lock().push(connection);
    }

    fn with_room(&self, now: Tick, idle: Duration) -> Option<Arc<Http2Connection>> {
        let mut connections = self.connections.lock();
        connections.retain(|connection| connection.is_open(now, idle));
        connections.iter().find(|connection| connection.handle.more_streams_allowed()).cloned()
    }

    /// Lets go of what is closed or too old.
    pub(super) fn sweep(&self, now: Tick, idle: Duration) {
        self.connections.lock().retain(|connection| connection.is_open(now, idle));
    }

    /// Lets go of one connection without streams; whether there was one.
    pub(super) fn evict(&self) -> bool {
        let mut connections = self.connections.lock();
        let found = connections.iter().position(|connection| connection.handle.is_idle());
        found.map(|at| connections.swap_remove(at)).is_some()
    }

    pub(super) fn clear(&self) {
        self.connections.lock().clear();
    }

    pub(super) fn idle(&self) -> usize {
        self.connections.lock().iter().filter(|connection| connection.handle.is_idle()).count()
    }
}

impl Http2Connection {
    /// Speaks HTTP/2 on a new connection. Without ALPN nobody has said yet that the peer can, so a
    /// PING must be answered before the first request is risked.
    pub(super) async fn open(
        wire: Wire,
        agreed: bool,
        clock: &dyn Clock,
    ) -> Result<Arc<Self>, ConnectError> {
        let id = wire.id();
        let (sender, mut connection) = h2::client::Builder::new()
            .enable_push(false)
            .initial_max_send_streams(MAX_STREAMS)
            .max_concurrent_streams(1)
            .max_header_list_size(MAX_HEADER_LIST)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake::<_, Bytes>(wire)
            .await
            .map_err(|_| ConnectError::Protocol)?;
        let ping = connection.ping_pong();
        let (closing, closed) = watch::channel(false);
        tokio::spawn(async move {
            // Its error reaches the streams as their own.
            let _ = connection.await;
            let _ = closing.send(true);
        });
        let handle = ConnectionRef::new(
            sender,
            closed,
            Arc::new(AtomicBool::new(false)),
            id,
            MAX_STREAMS,
            Digest::default(),
        );
        let opened = Arc::new(Self {
            handle,
            ping: tokio::sync::Mutex::new(ping),
            alive_at: AtomicU64::new(clock.tick().0),
        });
        if !agreed && !opened.answers(Duration::ZERO, clock).await {
            return Err(ConnectError::Protocol);
        }
        Ok(opened)
    }

    /// A new stream, unless the connection is full or going away.
    pub(super) async fn stream(&self) -> Option<Http2Session> {
        self.handle.spawn_stream().await.ok().flatten()
    }

    /// The provider has just completed an exchange.
    pub(super) fn touch(&self, now: Tick) {
        self.alive_at.fetch_max(now.0, Ordering::AcqRel);
    }

    /// No new streams; those that run may end.
    pub(super) fn retire(&self) {
        self.handle.mark_shutdown();
    }

    fn is_open(&self, now: Tick, idle: Duration) -> bool {
        let stale = self.handle.is_idle() && self.quiet(now) >= idle;
        !self.handle.is_closed() && !self.handle.is_shutting_down() && !stale
    }

    fn quiet(&self, now: Tick) -> Duration {
        now.since(Tick(self.alive_at.load(Ordering::Acquire)))
    }

    /// Whether the provider was heard within `limit`, or answers a PING now.
    async fn answers(&self, limit: Duration, clock: &dyn Clock) -> bool {
        if !limit.is_zero() && self.quiet(clock.tick()) < limit {
            return true;
        }
        let mut ping = self.ping.lock().await;
        if !limit.is_zero() && self.quiet(clock.tick()) < limit {
            return true;
        }
        let Some(pinger) = ping.as_mut() else { return false };
        match tokio::time::timeout(PING_LIMIT, pinger.ping(h2::Ping::opaque())).await {
            Ok(Ok(_)) => {
                self.touch(clock.tick());
                true
            }
            _ => false,
        }
    }
}

const MAX_STREAMS: usize = 100;
const MAX_HEADER_LIST: u32 = 64 * 1_024;
/// What a provider may send before we read on, per stream and per connection.
const STREAM_WINDOW: u32 = 2 * 1_024 * 1_024;
const CONNECTION_WINDOW: u32 = 8 * 1_024 * 1_024;
/// A connection that takes longer to answer a PING is not worth a payment.
const PING_LIMIT: Duration = Duration::from_millis(500);
