//! Speaks HTTP on the admin listener.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use pingora::{
    http::ResponseHeader,
    protocols::http::{HttpTask, ServerSession},
};
use tokio::time::timeout;
use tollgate_api::{Answer, Body, Code, Connection, Tick};

use super::{
    access::{self, Access},
    answer::{self, Call, Readiness},
};
use crate::{
    listener::{After, Drain, Event, Handler},
    proxy::Gateway,
    reload::{Actor, Reloader},
    snapshot::Role,
    telemetry::{Audit, Metrics, audit},
};

/// What operators' calls act on.
pub struct Operations {
    /// The exchange loop.
    pub gateway: Arc<Gateway>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Audit records.
    pub audit: Arc<Audit>,
}

/// Serves operators.
pub struct AdminHandler {
    operations: Operations,
    reloader: OnceLock<Arc<Reloader>>,
    draining: AtomicBool,
    denials: Mutex<Denials>,
}

/// Refused calls that have no audit record of their own.
#[derive(Default)]
struct Denials {
    since: Tick,
    recorded: u32,
    unrecorded: u64,
}

impl AdminHandler {
    /// A handler that cannot reload yet.
    pub fn new(operations: Operations) -> Self {
        Self {
            operations,
            reloader: OnceLock::new(),
            draining: AtomicBool::new(false),
            denials: Mutex::default(),
        }
    }

    /// Connects it with what reloads.
    pub fn connect(&self, reloader: Arc<Reloader>) {
        let _ = self.reloader.set(reloader);
    }

    /// From now on readiness is false.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.operations.metrics.draining(true);
    }

    async fn answer(&self, session: &ServerSession, connection: &Connection) -> Answer {
        let request = session.req_header();
        let call = match Call::of(&request.method, request.uri.path()) {
            Ok(call) => call,
            Err(answer) => return *answer,
        };
        // Before the snapshot, which is never older then.
        let standing = self.reloader.get().map(|reloader| reloader.standing()).unwrap_or_default();
        let snapshot = self.operations.gateway.snapshot();
        let mut operator = Arc::from("anybody");
        if let Some(role) = call.role() {
            match access::decide(&snapshot.admin, connection, &request.headers, role) {
                Access::Granted(name) => operator = name,
                Access::Unauthenticated => {
                    self.deny(call, connection);
                    let mut answer = answer::problem(
                        StatusCode::UNAUTHORIZED,
                        "a valid admin token is required, or a call from this machine itself",
                    );
                    answer.headers.insert(
                        header::WWW_AUTHENTICATE,
                        HeaderValue::from_static("Bearer realm=\"tollgate admin\""),
                    );
                    return answer;
                }
                Access::Forbidden(name) => {
                    self.record(&name, call, "denied", connection, 0);
                    return answer::problem(StatusCode::FORBIDDEN, "this operator may not do that");
                }
            }
        }
        match call {
            Call::Health => Answer::new(StatusCode::OK, "text/plain", Bytes::from_static(b"ok\n")),
            Call::Ready => {
                let degraded = self.operations.metrics.degraded();
                // What is wrong with a file shows parts of it: not for everybody.
                let detailed =
                    access::decide(&snapshot.admin, connection, &request.headers, Role::Read);
                answer::readiness(&Readiness {
                    draining: self.draining.load(Ordering::Relaxed),
                    snapshot: &snapshot,
                    degraded: &degraded,
                    standing: &standing,
                    detailed: matches!(detailed, Access::Granted(_)),
                })
            }
            Call::Metrics => {
                self.refresh_gauges();
                Answer::new(
                    StatusCode::OK,
                    "text/plain; version=0.0.4; charset=utf-8",
                    Bytes::from(self.operations.metrics.encode()),
                )
            }
            Call::Config => {
                if !self.record(&operator, call, "allowed", connection, 0) {
                    return answer::problem(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "the audit record of this call cannot be written",
                    );
                }
                answer::configuration(&self.operations.gateway, standing.last.as_ref())
            }
            Call::Reload => {
                if !self.record(&operator, call, "allowed", connection, 0) {
                    return answer::problem(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "the audit record of this call cannot be written",
                    );
                }
                let Some(reloader) = self.reloader.get() else {
                    return answer::problem(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "the process is still starting",
                    );
                };
                let outcome = reloader.reload(Actor::Operator(operator.to_string())).await;
                answer::reloaded(&outcome, self.operations.gateway.snapshot().generation)
            }
        }
    }

    /// Records a refusal of somebody unknown; beyond a number each minute they are only counted, so
    /// that nobody without a token can fill the audit log.
    fn deny(&self, call: Call, connection: &Connection) {
        let now = self.operations.gateway.tick();
        let mut denials = self.denials.lock();
        if now.since(denials.since) > DENIAL_WINDOW {
            denials.since = now;
            denials.recorded = 0;
        }
        if denials.recorded >= DENIALS {
            denials.unrecorded += 1;
            return;
        }
        denials.recorded += 1;
        let unrecorded = std::mem::take(&mut denials.unrecorded);
        drop(denials);
        self.record("unknown", call, "denied", connection, unrecorded);
    }

    /// Writes the audit record of a call; false if it could not be written and must not go ahead.
    fn record(
        &self,
        operator: &str,
        call: Call,
        result: &str,
        connection: &Connection,
        unrecorded: u64,
    ) -> bool {
        let mut detail = format!("from {}", connection.peer);
        if unrecorded > 0 {
            detail = format!("{detail}; {unrecorded} more were denied since the last record");
        }
        let event = audit::Event {
            actor: operator,
            action: call.action(),
            result,
            detail: Some(&detail),
            ..audit::Event::default()
        };
        self.operations.audit.write(&event).is_ok()
            || self.operations.audit.on_failure() == audit::OnFailure::Open
    }

    /// Figures that are read rather than counted.
    fn refresh_gauges(&self) {
        let snapshot = self.operations.gateway.snapshot();
        self.operations
            .metrics
            .held_memory(self.operations.gateway.held().used(), snapshot.held_memory);
        for provider in &snapshot.upstreams {
            for endpoint in provider.upstream.status() {
                self.operations.metrics.endpoint(
                    &provider.name,
                    &endpoint.endpoint,
                    endpoint.healthy,
                );
            }
        }
    }
}

impl Handler for AdminHandler {
    async fn exchange(
        &self,
        session: &mut ServerSession,
        connection: &Arc<Connection>,
        _started: Tick,
        drain: &Drain,
    ) -> After {
        session.set_close_on_response_before_downstream_finish(false);
        let mut answer = self.answer(session, connection).await;
        answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        session.set_total_drain_timeout(Some(Duration::from_secs(1)));
        let drained = session.drain_request_body().await.is_ok();
        let keep = drained && !drain.begun();
        if !keep {
            session.set_keepalive(None);
        }
        let sent = timeout(WRITE_TIME, send(session, &answer)).await.is_ok_and(|sent| sent);
        if keep && sent { After::Keep } else { After::Close }
    }

    fn refused(&self, _: &Arc<Connection>, code: &'static Code, _: Tick) {
        tracing::debug!(code = code.name, "a malformed request on the admin listener");
    }

    fn event(&self, _: &str, _: Event) {}
}

async fn send(session: &mut ServerSession, answer: &Answer) -> bool {
    let Ok(mut head) = ResponseHeader::build_no_case(answer.status, Some(answer.headers.len() + 2))
    else {
        return false;
    };
    for (name, value) in &answer.headers {
        let _ = head.append_header(name.clone(), value.clone());
    }
    let body = match &answer.body {
        Body::Held(body) => body.clone(),
        _ => Bytes::new(),
    };
    let _ = head.insert_header(header::CONTENT_LENGTH, body.len());
    let head_only = session.req_header().method == http::Method::HEAD || body.is_empty();
    let mut tasks = vec![HttpTask::Header(Box::new(head), head_only)];
    if !head_only {
        tasks.push(HttpTask::Body(Some(body), true));
    }
    session.response_duplex_vec(tasks).await.is_ok()
}

/// Refusals of somebody unknown that are recorded one by one in a window.
const DENIALS: u32 = 30;

const DENIAL_WINDOW: Duration = Duration::from_mins(1);

/// Longest that sending an answer may take.
const WRITE_TIME: Duration = Duration::from_secs(10);
