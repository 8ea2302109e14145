//! Calls that the gateway makes to a provider on its own behalf, for a plugin that asks.
//!
//! One attempt over a connection of the upstream, with its trust and identity, bounded in time and
//! size. What goes wrong is told as a kind, never as the engine's text.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{Version, header};
use pingora::{http::RequestHeader, protocols::http::client::HttpSession};
use tollgate_api::{Call, Caller, FetchError, Fetched};

use super::{ConnectError, Released, Reuse, Session, Upstream};

/// An upstream that can be called. Cloning shares it.
#[derive(Clone, Debug)]
pub struct UpstreamCaller {
    upstream: Arc<Upstream>,
    host: Option<String>,
}

impl UpstreamCaller {
    /// Calls this upstream, under this `Host` or each endpoint's own.
    pub fn new(upstream: Arc<Upstream>, host: Option<String>) -> Self {
        Self { upstream, host }
    }

    async fn attempt(&self, call: Call, limit: usize) -> Result<Fetched, FetchError> {
        let mut picked = self.upstream.pick(&[]).await.map_err(|_| FetchError::Unreachable)?;
        let reuse = if call.method.is_safe() {
            Reuse::Any
        } else {
            Reuse::FresherThan(self.upstream.spec().reuse_unsafe)
        };
        let session = self.upstream.connect(&mut picked, reuse).await;
        let mut session = session.map_err(|error| match error {
            ConnectError::Tls(_) => FetchError::Untrusted,
            ConnectError::Timeout => FetchError::Timeout,
            _ => FetchError::Unreachable,
        })?;
        let host = self.host.clone().unwrap_or_else(|| picked.endpoint().authority());
        let result = converse(&mut session, &call, &host, limit).await;
        let how = match &result {
            Ok(_) => Released::Reusable,
            Err(FetchError::TooLarge | FetchError::Redirect) => Released::Cancelled,
            Err(_) => Released::Broken,
        };
        self.upstream.note(&picked, how != Released::Broken);
        self.upstream.release(session, how);
        result
    }
}

impl Caller for UpstreamCaller {
    fn call(
        &self,
        call: Call,
        limit: usize,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        Box::pin(async move {
            tokio::time::timeout(deadline, self.attempt(call, limit))
                .await
                .unwrap_or(Err(FetchError::Timeout))
        })
    }
}

async fn converse(
    session: &mut Session,
    call: &Call,
    host: &str,
    limit: usize,
) -> Result<Fetched, FetchError> {
    let head = head(call, host).ok_or(FetchError::Invalid)?;
    let client = &mut session.client;
    send(client, head, call.body.clone()).await.ok_or(FetchError::Invalid)?;
    let (status, headers) = loop {
        client.read_response_header().await.map_err(|_| FetchError::Invalid)?;
        let head = client.response_header().ok_or(FetchError::Invalid)?;
        if !head.status.is_informational() {
            break (head.status, head.headers.clone());
        }
        if matches!(client, HttpSession::H2(_)) || head.status.as_u16() == 101 {
            return Err(FetchError::Invalid);
        }
    };
    if status.is_redirection() {
        return Err(FetchError::Redirect);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = client.read_response_body().await.map_err(|_| FetchError::Invalid)? {
        if body.len() + chunk.len() > limit {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    // Over HTTP/2 a stream that was reset looks like one that ended.
    if let HttpSession::H2(client) = client {
        client.check_response_end_or_error().map_err(|_| FetchError::Invalid)?;
    }
    Ok(Fetched { status, headers, body: body.freeze() })
}

async fn send(client: &mut HttpSession, head: RequestHeader, body: Bytes) -> Option<()> {
    match client {
        HttpSession::H2(client) => {
            client.write_request_header(Box::new(head), body.is_empty()).ok()?;
            if !body.is_empty() {
                client.write_request_body(body, true).await.ok()?;
            }
        }
        client => {
            client.write_request_header(Box::new(head)).await.ok()?;
            if !body.is_empty() {
                client.write_request_body(body, false).await.ok()?;
            }
            client.finish_request_body().await.ok()?;
        }
    }
    Some(())
}

fn head(call: &Call, host: &str) -> Option<RequestHeader> {
    let mut head = RequestHeader::build(
        call.method.clone(),
        call.target.as_bytes(),
        Some(call.headers.len() + 3),
    )
    .ok()?;
    head.set_version(Version::HTTP_11);
    head.insert_header(header::HOST, host).ok()?;
    for (name, value) in &call.headers {
        head.append_header(name.clone(), value.clone()).ok()?;
    }
    head.insert_header(header::ACCEPT_ENCODING, "identity").ok()?;
    if !call.body.is_empty() || call.method == http::Method::POST {
        head.insert_header(header::CONTENT_LENGTH, call.body.len()).ok()?;
    }
    Some(head)
}
