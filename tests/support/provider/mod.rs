//! Providers that record what they receive and answer by script.

mod message;
mod peer;
mod stream;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::{Line, within};

pub use message::{Received, Reply};
pub use peer::Peer;
pub use stream::Stream;

/// A server on a free loopback port. It ends, with all its connections, when this is dropped.
pub struct Provider {
    /// Where it is.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

impl Provider {
    /// HTTP/1.1 on keep-alive connections; answers every request that came whole.
    pub async fn http1(reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::http1_over(None, reply).await
    }

    /// The same over TLS, or not.
    pub async fn http1_over(
        tls: Option<Arc<ServerConfig>>,
        reply: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let reply = Arc::new(reply);
        Self::scripted(tls, move |mut peer: Peer| {
            let reply = reply.clone();
            async move {
                while let Some(request) = peer.request().await {
                    if peer.reply(&reply(&request)).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }

    /// HTTP/1.1 by script: it is run for each connection.
    pub async fn raw<F>(script: impl Fn(Peer) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        Self::scripted(None, script).await
    }

    /// The same over TLS, or not.
    pub async fn scripted<F>(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(Peer) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let script = Arc::new(script);
        Self::accept(tls, move |socket, connection, log| {
            let script = script.clone();
            async move {
                let line = match socket {
                    Accepted::Plain(stream) => Line::plain(stream),
                    Accepted::Tls(stream) => Line::over(*stream),
                };
                script(Peer { line, connection, log, current: None }).await;
            }
        })
        .await
    }

    /// HTTP/2 without TLS (prior knowledge); answers every request that came whole.
    pub async fn http2(reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::http2_over(None, reply).await
    }

    /// The same over TLS, or not.
    pub async fn http2_over(
        tls: Option<Arc<ServerConfig>>,
        reply: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let reply = Arc::new(reply);
        Self::streams_over(tls, move |mut stream: Stream| {
            let reply = reply.clone();
            async move {
                if let Some(request) = stream.request().await {
                    stream.reply(&reply(&request)).await;
                }
            }
        })
        .await
    }

    /// HTTP/2 without TLS by script: it is run for each stream.
    pub async fn streams<F>(script: impl Fn(Stream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::streams_over(None, script).await
    }

    /// The same over TLS, or not.
    pub async fn streams_over<F>(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(Stream) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let script = Arc::new(script);
        Self::accept(tls, move |socket, connection, log| {
            let script = script.clone();
            async move {
                match socket {
                    Accepted::Plain(stream) => {
                        stream::streams(stream, connection, log, script).await;
                    }
                    Accepted::Tls(stream) => {
                        stream::streams(*stream, connection, log, script).await;
                    }
                }
            }
        })
        .await
    }

    async fn accept<F>(
        tls: Option<Arc<ServerConfig>>,
        serve: impl Fn(Accepted, usize, Arc<Log>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let (theirs, speaks_tls) = (log.clone(), tls.is_some());
        let serve = Arc::new(serve);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = theirs.connections.fetch_add(1, Ordering::SeqCst) + 1;
                theirs.changed.send_replace(());
                let (tls, log, serve) = (tls.clone(), theirs.clone(), serve.clone());
                connections.spawn(async move {
                    let _ = stream.set_nodelay(true);
                    let socket = match tls {
                        None => Accepted::Plain(stream),
                        Some(config) => match TlsAcceptor::from(config).accept(stream).await {
                            Ok(stream) => Accepted::Tls(Box::new(stream)),
                            Err(_) => return,
                        },
                    };
                    serve(socket, number, log).await;
                });
            }
        });
        Self { address, tls: speaks_tls, log, task }
    }

    /// Its URL, as an endpoint is configured.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// What it received so far, whole or not.
    pub fn requests(&self) -> Vec<Received> {
        self.log.requests.lock().clone()
    }

    /// How many connections it accepted.
    pub fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// The only request it received, whole.
    pub fn only_request(&self) -> Received {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "the provider received exactly one request: {requests:?}");
        let request = requests.remove(0);
        assert!(request.complete, "and received it whole: {request:?}");
        request
    }

    /// Waits until this is true of what it received.
    pub async fn until(&self, what: &str, holds: impl Fn(&[Received]) -> bool) {
        let mut changes = self.log.changed.subscribe();
        within(what, async {
            while !holds(&self.log.requests.lock()) {
                changes.changed().await.unwrap();
            }
        })
        .await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address at which every connection is refused while this lives.
pub struct Refusing {
    /// The address.
    pub address: SocketAddr,
    _socket: TcpSocket,
}

impl Refusing {
    /// Takes a free port and does not listen on it.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { address: socket.local_addr().unwrap(), _socket: socket }
    }

    /// Its URL, as an endpoint is configured.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

enum Accepted {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    changed: watch::Sender<()>,
}

impl Log {
    fn begin(&self, received: Received) -> usize {
        let mut requests = self.requests.lock();
        requests.push(received);
        let at = requests.len() - 1;
        drop(requests);
        self.changed.send_replace(());
        at
    }

    fn update(&self, at: usize, change: impl FnOnce(&mut Received)) {
        change(&mut self.requests.lock()[at]);
        self.changed.send_replace(());
    }
}
