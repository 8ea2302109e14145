//! The tiny handler, the listener around it, certificates, and clients.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use pingora::{http::ResponseHeader, protocols::http::ServerSession};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, Semaphore},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tollgate_api::{Clock, Code, Connection, SystemClock, Tick};

use crate::listener::*;

/// Fails instead of hanging.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it ends in time")
}

/// Measures how long something takes.
pub struct Stopwatch(SystemClock);

impl Stopwatch {
    pub fn new() -> Self {
        Self(SystemClock::new())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.tick().since(Tick::default())
    }
}

/// Answers by path: `/hold` waits to be released, `/panic`, `/mute` and `/who` do as they say, the
/// rest is 200 with the length of the body that was read.
pub struct Tiny {
    pub seen: Mutex<Vec<String>>,
    pub refused: Mutex<Vec<&'static str>>,
    pub events: Mutex<Vec<Event>>,
    pub changed: Notify,
    pub entered: Semaphore,
    pub release: Semaphore,
}

impl Tiny {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            seen: Mutex::default(),
            refused: Mutex::default(),
            events: Mutex::default(),
            changed: Notify::new(),
            entered: Semaphore::new(0),
            release: Semaphore::new(0),
        })
    }

    /// Waits until something is true of what was recorded.
    pub async fn until(&self, what: impl Fn(&Self) -> bool) {
        within(async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if what(self) {
                    return;
                }
                changed.await;
            }
        })
        .await;
    }

    pub fn count(&self, event: Event) -> usize {
        self.events.lock().iter().filter(|seen| **seen == event).count()
    }

    async fn answer(
        &self,
        session: &mut ServerSession,
        connection: &Connection,
        drain: &Drain,
    ) -> pingora::Result<After> {
        let path = session.req_header().uri.path().to_owned();
        self.seen.lock().push(path.clone());
        self.changed.notify_waiters();
        let mut read = 0;
        while let Some(chunk) = session.read_request_body().await? {
            read += chunk.len();
        }
        let body = match path.as_str() {
            "/hold" => {
                self.entered.add_permits(1);
                self.release.acquire().await.expect("open").forget();
                "held".to_owned()
            }
            "/panic" => panic!("as asked"),
            "/mute" => return Ok(After::Keep),
            "/who" => describe(connection),
            "/large" => "x".repeat(200_000),
            _ => read.to_string(),
        };
        if drain.begun() {
            session.set_keepalive(None);
        }
        let mut head = ResponseHeader::build(200, None)?;
        head.insert_header("content-length", body.len())?;
        session.write_response_header(Box::new(head)).await?;
        session.write_response_body(body.into(), true).await?;
        Ok(After::Keep)
    }
}

fn describe(connection: &Connection) -> String {
    let Some(tls) = &connection.tls else { return "plaintext".to_owned() };
    format!(
        "{} {} name={} protocol={} client={}",
        tls.version,
        tls.cipher,
        tls.server_name.as_deref().unwrap_or("-"),
        tls.protocol.as_deref().unwrap_or("-"),
        tls.client_certificates.len(),
    )
}

impl Handler for Tiny {
    async fn exchange(
        &self,
        session: &mut ServerSession,
        connection: &Arc<Connection>,
        _: Tick,
        drain: &Drain,
    ) -> After {
        self.answer(session, connection, drain).await.unwrap_or(After::Close)
    }

    fn refused(&self, _: &Arc<Connection>, code: &'static Code, _: Tick) {
        self.refused.lock().push(code.name);
        self.changed.notify_waiters();
    }

    fn event(&self, _: &str, event: Event) {
        self.events.lock().push(event);
        self.changed.notify_waiters();
    }
}

/// Listeners around a tiny handler.
pub struct Stand {
    pub tiny: Arc<Tiny>,
    pub listeners: Arc<Listeners<Tiny>>,
    pub address: SocketAddr,
}

impl Stand {
    /// One listener on a free port.
    pub fn with(tls: Option<TlsSpec>, limits: Limits) -> Self {
        let tiny = Tiny::new();
        let listeners = Arc::new(Listeners::new(tiny.clone(), Arc::new(SystemClock::new())));
        let prepared = listeners.prepare(vec![spec("main", tls, limits)]).expect("a free port");
        listeners.commit(prepared);
        let address = listeners.addresses()[0].1;
        Self { tiny, listeners, address }
    }

    pub fn plain() -> Self {
        Self::with(None, Limits::default())
    }

    pub async fn connect(&self) -> Client<TcpStream> {
        Client(TcpStream::connect(self.address).await.expect("it listens"))
    }

    /// A TLS connection that trusts this authority and offers these protocols.
    pub async fn secure(
        &self,
        client: Arc<ClientConfig>,
        name: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        within(TlsConnector::from(client).connect(name, stream)).await
    }
}

pub fn spec(name: &str, tls: Option<TlsSpec>, limits: Limits) -> ListenerSpec {
    ListenerSpec { name: name.into(), address: ([127, 0, 0, 1], 0).into(), tls, limits }
}

/// An HTTP/1 client that sees bytes.
pub struct Client<S>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(async {
            self.0.write_all(bytes.as_ref()).await.expect("written");
            self.0.flush().await.expect("flushed");
        })
        .await;
    }

    /// One answer with a `Content-Length`: head and body.
    pub async fn answer(&mut self) -> (String, String) {
        within(async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.expect("a head"));
            }
            let head = String::from_utf8(head).expect("ASCII").to_ascii_lowercase();
            let (_, length) = head.split_once("content-length: ").expect("a length");
            let length = length.split("\r\n").next().expect("a line").parse().expect("a number");
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await.expect("a body");
            (head, String::from_utf8(body).expect("text"))
        })
        .await
    }

    /// Everything until the connection ends.
    pub async fn rest(&mut self) -> String {
        within(async {
            let mut all = Vec::new();
            self.0.read_to_end(&mut all).await.expect("a clean end");
            String::from_utf8(all).expect("text")
        })
        .await
    }
}

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Chain and key in PEM.
    pub fn issue(&self, names: &[&str]) -> (String, String) {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(names)
            .expect("parameters")
            .signed_by(&key, &self.0)
            .expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    pub fn certificate(&self, names: &[&str]) -> Certificate {
        let (chain, key) = self.issue(names);
        Certificate::from_pem(chain.as_bytes(), key.as_bytes()).expect("a good certificate")
    }

    pub fn trust(&self) -> Arc<RootCertStore> {
        trust_from_pem(self.0.pem().as_bytes()).expect("a good bundle")
    }

    /// A client that trusts this authority.
    pub fn client(
        &self,
        protocols: &[&str],
        identity: Option<(String, String)>,
    ) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(self.trust());
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(chain.as_bytes()).expect("PEM")],
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM"),
                )
                .expect("an identity"),
        };
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// TLS with one certificate for `pay.example` and no client certificates.
pub fn simple_tls(authority: &Authority) -> TlsSpec {
    TlsSpec::new(vec![authority.certificate(&["pay.example"])], ClientAuth::Off).expect("TLS")
}
