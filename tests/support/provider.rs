//! Providers that record what they receive and answer by script.

use std::{
    fmt::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use h2::{Reason, RecvStream, server::SendResponse};
use http::{HeaderMap, Response};
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::{Line, http1::chunked, http2, line::Head, within};

/// A server on a free loopback port. It ends, with all its connections, when this is dropped.
pub struct Provider {
    /// Where it is.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

/// A request as a provider received it, or as much as it has received so far.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// Number of the connection it came on, from 1.
    pub connection: usize,
    /// Its method.
    pub method: String,
    /// Its target: path and query.
    pub target: String,
    /// Its fields in the order of arrival, names in lower case. `:authority` is among them.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The sizes of its chunks, if it was chunked.
    pub chunks: Vec<usize>,
    /// Trailer fields.
    pub trailers: Vec<(String, String)>,
    /// Whether its end came.
    pub complete: bool,
}

impl Received {
    /// The value of a header field; several are joined by commas.
    pub fn header(&self, name: &str) -> Option<String> {
        Head { first: String::new(), fields: self.headers.clone() }.field(name)
    }
}

/// What a provider answers.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Header fields; the framing is added.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
    /// The body comes in pieces of this size and without an announced length.
    pub chunks: Option<usize>,
    /// Trailer fields (HTTP/2).
    pub trailers: Vec<(String, String)>,
}

impl Reply {
    /// An answer with a length.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    /// With a header field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In pieces of this size, without an announced length.
    #[must_use]
    pub fn in_chunks(mut self, size: usize) -> Self {
        self.chunks = Some(size);
        self
    }

    /// With a trailer field (HTTP/2).
    #[must_use]
    pub fn with_trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self
    }
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
                    Accepted::Plain(stream) => streams(stream, connection, log, script).await,
                    Accepted::Tls(stream) => streams(*stream, connection, log, script).await,
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

/// A connection at an HTTP/1.1 provider.
pub struct Peer {
    /// The connection, for what no ordinary server would do.
    pub line: Line,
    /// Its number, from 1.
    pub connection: usize,
    log: Arc<Log>,
    current: Option<(usize, Head)>,
}

impl Peer {
    /// Reads a request whole; `None` if the connection ended or broke before.
    pub async fn request(&mut self) -> Option<Received> {
        self.head().await?;
        self.body().await
    }

    /// Reads a request's head.
    pub async fn head(&mut self) -> Option<Received> {
        let head = self.line.head().await.ok().flatten()?;
        let mut words = head.first.split(' ');
        let received = Received {
            connection: self.connection,
            method: words.next().unwrap_or_default().to_owned(),
            target: words.next().unwrap_or_default().to_owned(),
            headers: head.fields.clone(),
            ..Received::default()
        };
        let at = self.log.begin(received.clone());
        self.current = Some((at, head));
        Some(received)
    }

    /// Reads the body of the request whose head was read.
    pub async fn body(&mut self) -> Option<Received> {
        let (at, head) = self.current.take().expect("a head was read");
        let log = self.log.clone();
        if head.field("transfer-encoding").is_some() {
            assert_eq!(head.count("content-length"), 0, "never both framings: {head:?}");
            while let Some(chunk) = self.line.chunk().await.ok()? {
                log.update(at, |received| {
                    received.chunks.push(chunk.len());
                    received.body.extend_from_slice(&chunk);
                });
            }
            let trailers = self.line.trailers().await.ok()?;
            log.update(at, |received| received.trailers = trailers);
        } else if let Some(length) = head.field("content-length") {
            let mut left: usize = length.parse().expect("one valid length");
            while left > 0 {
                let piece = self.line.some(left).await.ok()?;
                left -= piece.len();
                log.update(at, |received| received.body.extend_from_slice(&piece));
            }
        }
        log.update(at, |received| received.complete = true);
        Some(log.requests.lock()[at].clone())
    }

    /// Answers.
    pub async fn reply(&mut self, reply: &Reply) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Reply\r\n", reply.status);
        for (name, value) in &reply.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let mut message = match reply.chunks {
            Some(_) => format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
            None if matches!(reply.status, 204 | 304) => format!("{head}\r\n"),
            None => format!("{head}Content-Length: {}\r\n\r\n", reply.body.len()),
        }
        .into_bytes();
        match reply.chunks {
            Some(size) => message.extend(chunked(&reply.body, size)),
            None => message.extend_from_slice(&reply.body),
        }
        self.line.write(message).await
    }

    /// Writes bytes as one segment.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.line.write(bytes).await;
    }

    /// Says nothing until the gateway gives up.
    pub async fn silence(&mut self) {
        self.line.ended().await;
    }

    /// Breaks the connection off.
    pub fn reset(self) {
        self.line.reset();
    }
}

/// A stream at an HTTP/2 provider.
pub struct Stream {
    /// The body, for what no ordinary server would do.
    pub incoming: RecvStream,
    /// The answer, for what no ordinary server would do.
    pub respond: SendResponse<Bytes>,
    /// Number of the connection, from 1.
    pub connection: usize,
    log: Arc<Log>,
    at: usize,
}

impl Stream {
    /// Reads the request whole; `None` if it broke off.
    pub async fn request(&mut self) -> Option<Received> {
        while let Some(piece) = self.incoming.data().await {
            let piece = piece.ok()?;
            let _ = self.incoming.flow_control().release_capacity(piece.len());
            self.log.update(self.at, |received| {
                received.chunks.push(piece.len());
                received.body.extend_from_slice(&piece);
            });
        }
        let trailers = self.incoming.trailers().await.ok()?;
        self.log.update(self.at, |received| {
            received.trailers = trailers.map(|map| http2::fields(&map)).unwrap_or_default();
            received.complete = true;
        });
        Some(self.log.requests.lock()[self.at].clone())
    }

    /// What was received so far.
    pub fn head(&self) -> Received {
        self.log.requests.lock()[self.at].clone()
    }

    /// Answers.
    pub async fn reply(&mut self, reply: &Reply) {
        let mut response = Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(name, value);
        }
        let bodiless = matches!(reply.status, 204 | 304);
        if reply.chunks.is_none() && !bodiless {
            response = response.header("content-length", reply.body.len());
        }
        let response = response.body(()).unwrap();
        let ends = reply.body.is_empty() && reply.trailers.is_empty();
        let Ok(mut stream) = self.respond.send_response(response, ends) else { return };
        if ends {
            return;
        }
        let size = reply.chunks.unwrap_or(16 * 1024);
        let mut rest = reply.body.clone();
        while !rest.is_empty() {
            let piece = rest.split_to(size.min(rest.len()));
            let end = rest.is_empty() && reply.trailers.is_empty();
            if http2::push(&mut stream, piece, end).await.is_err() {
                return;
            }
        }
        if !reply.trailers.is_empty() {
            let mut map = HeaderMap::new();
            for (name, value) in &reply.trailers {
                let name: http::HeaderName = name.parse().unwrap();
                map.append(name, value.parse().unwrap());
            }
            let _ = stream.send_trailers(map);
        }
    }

    /// Resets the stream.
    pub fn reset(&mut self, reason: Reason) {
        self.respond.send_reset(reason);
    }

    /// Says nothing until the gateway gives the stream up.
    pub async fn silence(&mut self) {
        let _ = std::future::poll_fn(|context| self.respond.poll_reset(context)).await;
    }
}

async fn streams<S, F>(
    socket: S,
    connection: usize,
    log: Arc<Log>,
    script: Arc<impl Fn(Stream) -> F + Send + Sync + 'static>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(mut accepted) = h2::server::handshake(socket).await else { return };
    let mut tasks = JoinSet::new();
    while let Some(Ok((request, respond))) = accepted.accept().await {
        let (head, incoming) = request.into_parts();
        let mut headers = http2::fields(&head.headers);
        if let Some(authority) = head.uri.authority() {
            headers.insert(0, (":authority".to_owned(), authority.to_string()));
        }
        let at = log.begin(Received {
            connection,
            method: head.method.to_string(),
            target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers,
            ..Received::default()
        });
        tasks.spawn(script(Stream { incoming, respond, connection, log: log.clone(), at }));
    }
}
