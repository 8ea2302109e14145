//! Serves a sandbox service over TLS on a free port of this machine.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::header;
use pingora::{
    http::{RequestHeader, ResponseHeader},
    protocols::http::{HttpTask, ServerSession},
};
use thiserror::Error;
use tokio::time::timeout;
use tollgate_api::{Clock, Code, Connection, Tick};

use super::{Pair, Reply, Request, Service};
use crate::listener::{
    After, Certificate, ClientAuth, Drain, Event, Handler, Limits, ListenerSpec, Listeners, TlsSpec,
};

/// A service that is being served.
pub struct Server<S: Service> {
    listeners: Listeners<Door<S>>,
    address: SocketAddr,
}

/// A service could not be served.
#[derive(Debug, Error)]
#[error("the sandbox cannot serve `{name}`: {reason}")]
pub struct StartError {
    name: String,
    reason: String,
}

impl<S: Service> Server<S> {
    /// Begins to serve on a free loopback port, on the tokio runtime this is called on.
    pub fn start(
        name: &str,
        service: Arc<S>,
        certificate: &Pair,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        Self::start_at(([127, 0, 0, 1], 0).into(), name, service, Some(certificate), clock)
    }

    /// Begins to serve at this address, without TLS if there is no certificate.
    pub fn start_at(
        address: SocketAddr,
        name: &str,
        service: Arc<S>,
        certificate: Option<&Pair>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let refuse = |reason: String| StartError { name: name.to_owned(), reason };
        let tls = certificate.map(|pair| {
            let pair = Certificate::from_pem(pair.chain.as_bytes(), pair.key.as_bytes())?;
            TlsSpec::new(vec![pair], ClientAuth::Off)
        });
        let spec = ListenerSpec {
            name: name.into(),
            address,
            tls: tls.transpose().map_err(refuse)?,
            limits: Limits::default(),
        };
        let listeners = Listeners::new(Arc::new(Door(service)), clock);
        let prepared = listeners.prepare(vec![spec]).map_err(|errors| {
            refuse(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        })?;
        listeners.commit(prepared);
        let address = listeners
            .addresses()
            .first()
            .map(|(_, address)| *address)
            .ok_or_else(|| refuse("no address".to_owned()))?;
        Ok(Self { listeners, address })
    }

    /// Where it is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves no further requests, and waits a moment for those that are being served.
    pub async fn stop(&self) {
        self.listeners.drain(STOP_TIME).await;
    }
}

struct Door<S>(Arc<S>);

impl<S: Service> Handler for Door<S> {
    async fn exchange(
        &self,
        session: &mut ServerSession,
        _: &Arc<Connection>,
        _: Tick,
        drain: &Drain,
    ) -> After {
        let body = timeout(BODY_TIME, read(session)).await.ok().flatten();
        let whole = body.is_some();
        let reply = match body {
            Some(body) => {
                let head = session.req_header();
                let request =
                    Request::new(head.method.clone(), &target(head), head.headers.clone(), body);
                self.0.answer(request).await
            }
            None => Reply::Hangup,
        };
        let broken = matches!(reply, Reply::Broken { .. });
        if drain.begun() || !whole {
            session.set_keepalive(None);
        }
        let sent = timeout(WRITE_TIME, send(session, reply)).await.is_ok_and(|sent| sent);
        if sent && !broken && !drain.begun() { After::Keep } else { After::Close }
    }

    fn refused(&self, _: &Arc<Connection>, _: &'static Code, _: Tick) {}

    fn event(&self, _: &str, _: Event) {}
}

/// The body, unless it is too large or breaks off.
async fn read(session: &mut ServerSession) -> Option<Bytes> {
    let mut body = BytesMut::new();
    loop {
        match session.read_request_body().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_LIMIT => {
                body.extend_from_slice(&chunk);
            }
            Ok(None) => return Some(body.freeze()),
            _ => return None,
        }
    }
}

/// Path and query as they were sent.
fn target(head: &RequestHeader) -> String {
    match str::from_utf8(head.raw_path()) {
        Ok(target) if target.starts_with('/') => target.to_owned(),
        _ => head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
    }
}

async fn send(session: &mut ServerSession, reply: Reply) -> bool {
    let (status, headers, body, whole) = match reply {
        Reply::Answer { status, headers, body } => (status, headers, body, true),
        Reply::Broken { status, headers, body } if body.len() > 1 => (status, headers, body, false),
        Reply::Broken { .. } | Reply::Hangup => return false,
    };
    let Ok(mut head) = ResponseHeader::build_no_case(status, Some(headers.len() + 1)) else {
        return false;
    };
    for (name, value) in &headers {
        if head.append_header(name.clone(), value.clone()).is_err() {
            return false;
        }
    }
    if head.insert_header(header::CONTENT_LENGTH, body.len()).is_err() {
        return false;
    }
    let head_only = body.is_empty() || session.req_header().method == http::Method::HEAD;
    let mut tasks = vec![HttpTask::Header(Box::new(head), head_only)];
    if !head_only {
        let sent = if whole { body.len() } else { body.len() / 2 };
        tasks.push(HttpTask::Body(Some(body.slice(..sent)), whole));
    }
    session.response_duplex_vec(tasks).await.is_ok()
}

/// Payments are small.
const BODY_LIMIT: usize = 256 * 1024;
const BODY_TIME: Duration = Duration::from_secs(10);
const WRITE_TIME: Duration = Duration::from_secs(10);
const STOP_TIME: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;
    use tollgate_api::SystemClock;

    use super::*;
    use crate::sandbox::Authority;

    struct Echo;

    impl Service for Echo {
        async fn answer(&self, request: Request) -> Reply {
            match request.path.as_str() {
                "/silent" => return Reply::Hangup,
                "/broken" => {
                    let whole = Reply::json(StatusCode::OK, &json!({ "a": "b" }));
                    let Reply::Answer { status, headers, body } = whole else { return whole };
                    return Reply::Broken { status, headers, body };
                }
                _ => {}
            }
            let body = String::from_utf8_lossy(&request.body);
            Reply::json(StatusCode::CREATED, &json!({ "target": request.target, "body": body }))
        }
    }

    fn client(trust: &str) -> reqwest::Client {
        let roots = reqwest::Certificate::from_pem_bundle(trust.as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only(roots).no_proxy().build().unwrap()
    }

    #[tokio::test]
    async fn a_service_is_served_over_tls_to_whoever_trusts_its_authority() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let clock = Arc::new(SystemClock::new());
        let ours = Authority::new("Ours", clock.unix()).unwrap();
        let other = Authority::new("Other", clock.unix()).unwrap();
        let pair = ours.server(&["127.0.0.1"]).unwrap();
        let server = Server::start("echo", Arc::new(Echo), &pair, clock).unwrap();
        let url = |path: &str| format!("https://{}{path}", server.address());

        let client_of_ours = client(&ours.certificate());
        for turn in 0..2 {
            let answer =
                client_of_ours.post(url("/a%2f?b=%41+c")).body("hello").send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::CREATED, "request {turn}");
            let body = answer.text().await.unwrap();
            assert_eq!(body, r#"{"body":"hello","target":"/a%2f?b=%41+c"}"#, "request {turn}");
        }
        let large = vec![0; BODY_LIMIT + 1];
        let refused = client_of_ours.post(url("/a")).body(large).send().await;
        assert!(refused.is_err(), "a body that is too large ends the connection");
        let silent = client_of_ours.get(url("/silent")).send().await;
        assert!(silent.is_err(), "a reply that is none ends the connection");
        let broken = client_of_ours.get(url("/broken")).send().await.unwrap();
        assert_eq!(broken.status(), StatusCode::OK, "the head of a broken answer comes");
        assert!(broken.bytes().await.is_err(), "and its body never comes whole");

        let stranger = client(&other.certificate()).get(url("/a")).send().await;
        assert!(
            stranger.is_err_and(|error| error.is_connect()),
            "another authority is not trusted"
        );
        server.stop().await;
        assert!(client_of_ours.get(url("/a")).send().await.is_err(), "stopped");
    }
}
