//! Servers, certificates and shorthands.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use pingora::http::RequestHeader;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tollgate_api::{Job, ManualClock, State};
use tollgate_crypto::Secret;

use crate::upstream::{
    ClientIdentity, EndpointSpec, Picked, Released, Reuse, Session, Trust, Upstream, UpstreamSpec,
};

/// An authority of one's own.
pub(super) struct Ca {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
}

impl Ca {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub(super) fn leaf(&self, name: &str) -> Pair {
        self.leaf_with(name, |_| {})
    }

    pub(super) fn leaf_with(&self, name: &str, adjust: impl Fn(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        adjust(&mut params);
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { chain, key: key.serialize_pem() }
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::from_pem(self.pem.as_bytes()).unwrap()
    }

    pub(super) fn identity(&self, name: &str) -> ClientIdentity {
        let pair = self.leaf(name);
        let key = Secret::new(pair.key.into_bytes());
        ClientIdentity::from_pem(pair.chain.as_bytes(), key).unwrap()
    }
}

/// What a server shows; client certificates of `clients` are asked for, not required.
pub(super) fn server_tls(pair: &Pair, clients: Option<&Ca>, alpn: &[&[u8]]) -> Arc<ServerConfig> {
    tls(pair, clients, false, alpn)
}

/// A server that takes no client without a certificate.
pub(super) fn strict_tls(pair: &Pair, clients: &Ca) -> Arc<ServerConfig> {
    tls(pair, Some(clients), true, &[])
}

fn tls(pair: &Pair, clients: Option<&Ca>, required: bool, alpn: &[&[u8]]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let chain = vec![CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

/// A server that answers with the number of the connection and the client certificate it saw.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    closing: watch::Sender<usize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), tls)
    }

    /// On a loopback address of its own: when it has stopped, nobody else is found there.
    pub(super) async fn apart() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(10);
        let [.., third, last] = std::process::id().to_be_bytes();
        let host = [127, NEXT.fetch_add(1, Ordering::SeqCst), third, last];
        Self::on(TcpListener::bind(SocketAddr::from((host, 0))).await.unwrap(), None)
    }

    pub(super) fn on(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (closing, closed) = watch::channel(0);
        let counter = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                let (tls, mut closed) = (tls.clone(), closed.clone());
                closed.mark_unchanged();
                tasks.spawn(async move {
                    let serve = async {
                        let Some(config) = tls else { return http1(stream, number, "-").await };
                        let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else {
                            return;
                        };
                        let session = stream.get_ref().1;
                        let client = common_name(session.peer_certificates());
                        if session.alpn_protocol() == Some(b"h2") {
                            http2(stream, number).await;
                        } else {
                            http1(stream, number, &client).await;
                        }
                    };
                    tokio::select! { () = serve => {}, _ = closed.changed() => {} }
                });
            }
        });
        Self { address, accepted, closing, task }
    }

    /// Connections accepted so far.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Closes all connections that are open.
    pub(super) fn hang_up(&self) {
        self.closing.send_modify(|count| *count += 1);
    }

    /// Ends it; its port is free again, for others too unless it stood [apart](Self::apart).
    pub(super) async fn stop(mut self) -> SocketAddr {
        self.task.abort();
        let _ = (&mut self.task).await;
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Changes with every byte and its place.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

fn common_name(chain: Option<&[CertificateDer<'_>]>) -> String {
    let Some(leaf) = chain.and_then(<[_]>::first) else { return "-".to_owned() };
    let (_, certificate) = x509_parser::parse_x509_certificate(leaf).unwrap();
    let name = certificate.subject().iter_common_name().next().unwrap().as_str().unwrap();
    name.to_owned()
}

async fn http1<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, number: usize, client: &str) {
    let mut seen = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let mut piece = [0; 1_024];
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(read) => seen.extend_from_slice(&piece[..read]),
            }
        };
        let head = String::from_utf8(seen.drain(..end).collect()).unwrap();
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned)
            })
            .map_or(0, |value| value.parse().unwrap());
        while seen.len() < length {
            let mut piece = [0; 1_024];
            let read = stream.read(&mut piece).await.unwrap();
            seen.extend_from_slice(&piece[..read]);
        }
        let body: Vec<u8> = seen.drain(..length).collect();
        let sum = checksum(&body);
        let mut body = format!("{number} {client}");
        if head.starts_with("POST /sum ") {
            body = format!("{length} {sum}");
        }
        let (status, extra) = match head.split(' ').nth(1).unwrap() {
            "/silent" => std::future::pending().await,
            "/drop" => return,
            "/garbage" => {
                stream.write_all(b"not http at all\r\n\r\n").await.unwrap();
                return;
            }
            "/close" => ("200 OK", "connection: close\r\n"),
            "/keep" => ("200 OK", "keep-alive: timeout=3\r\n"),
            "/sick" => ("503 Service Unavailable", ""),
            _ => ("200 OK", ""),
        };
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{extra}\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn http2<S: AsyncRead + AsyncWrite + Unpin>(stream: S, number: usize) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let reset = match request.uri().path() {
            "/refuse" => Some(h2::Reason::REFUSED_STREAM),
            "/http1" => Some(h2::Reason::HTTP_1_1_REQUIRED),
            _ => None,
        };
        if let Some(reason) = reset {
            respond.send_reset(reason);
            continue;
        }
        tokio::spawn(async move {
            if request.uri().path() == "/silent" {
                std::future::pending::<()>().await;
            }
            // An answer before the end of the body would have the body refused.
            let mut body = request.into_body();
            while let Some(Ok(_)) = body.data().await {}
            let Ok(mut answer) = respond.send_response(http::Response::new(()), false) else {
                return;
            };
            let _ = answer.send_data(Bytes::from(format!("{number} h2")), true);
        });
    }
}

/// An upstream under test, with the clock and the state that it lives in.
pub(super) struct Bench {
    pub(super) clock: Arc<ManualClock>,
    pub(super) state: State,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { clock: Arc::default(), state: State::default() }
    }

    pub(super) fn upstream(&self, spec: UpstreamSpec) -> Upstream {
        Upstream::new(spec, self.clock.clone(), &self.state).unwrap()
    }
}

/// An upstream with this one endpoint.
pub(super) fn spec(tls: bool, address: SocketAddr) -> UpstreamSpec {
    specs(&[EndpointSpec::new(tls, address.ip().to_string(), address.port())])
}

pub(super) fn specs(endpoints: &[EndpointSpec]) -> UpstreamSpec {
    UpstreamSpec::new("provider", endpoints.to_vec())
}

pub(super) async fn pick(upstream: &Upstream) -> Picked {
    upstream.pick(&[]).await.unwrap()
}

pub(super) async fn connect(upstream: &Upstream, reuse: Reuse) -> Session {
    within(upstream.connect(&mut pick(upstream).await, reuse)).await.unwrap()
}

/// Sends a request and reads the whole answer.
pub(super) async fn ask(session: &mut Session, path: &str) -> pingora::Result<String> {
    send(session, path, Bytes::from_static(b"paid")).await
}

/// As [`ask`], with a body.
pub(super) async fn send(
    session: &mut Session,
    path: &str,
    body: Bytes,
) -> pingora::Result<String> {
    let mut head = RequestHeader::build("POST", path.as_bytes(), None).unwrap();
    head.insert_header("host", "localhost").unwrap();
    head.insert_header("content-length", body.len()).unwrap();
    session.client.write_request_header(Box::new(head)).await?;
    let written = async {
        session.client.write_request_body(body, true).await?;
        session.client.finish_request_body().await
    };
    if let Err(error) = written.await
        && !session.is_http2()
    {
        return Err(error);
    }
    // On HTTP/2 the reason for a failed write is what is read next.
    session.client.read_response_header().await?;
    let mut body = Vec::new();
    while let Some(chunk) = session.client.read_response_body().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(body).unwrap())
}

/// A whole exchange that leaves its connection reusable: what the server said.
pub(super) async fn exchange(upstream: &Upstream, reuse: Reuse) -> String {
    exchange_at(upstream, reuse, "/").await
}

pub(super) async fn exchange_at(upstream: &Upstream, reuse: Reuse, path: &str) -> String {
    let mut session = connect(upstream, reuse).await;
    let answer = within(ask(&mut session, path)).await.unwrap_or_else(|error| {
        panic!(
            "no answer: {:?}, {}, {error:?}",
            session.failure(&error, false),
            session.is_reused()
        )
    });
    upstream.release(session, Released::Reusable);
    answer
}

/// The job whose name ends so.
pub(super) fn job(upstream: &Upstream, kind: &str) -> Job {
    upstream.jobs().into_iter().find(|job| job.name.ends_with(kind)).unwrap()
}

/// Nothing in these tests takes long; what does has gone wrong.
pub(super) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("in time")
}

/// Waits until it is so.
pub(super) async fn until(mut so: impl FnMut() -> bool) {
    within(async {
        while !so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
