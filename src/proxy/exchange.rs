//! One exchange from its head to its record.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, StatusCode, Version, header};
use pingora::protocols::http::ServerSession;
use tollgate_api::{
    Answer, Body, BodyNeed, Connection, Exchange, Fault, Flow, Origin, Outcome, Tick, codes,
};

use super::{
    caller::Caller, gateway::Gateway, head, memory::Reservation, record::AttemptRecord, render,
};
use crate::{
    listener::{After, Drain},
    pipeline::{Progress, Refusals},
    routing::{Found, Input, RouteId},
    snapshot::{Provider, Route, Snapshot},
    telemetry::{self, TraceContext, metrics::Open},
};

/// An exchange under way. Dropped before its end, it still tells the plugins and the record.
pub(super) struct Run<'g, 's> {
    pub(super) gateway: &'g Gateway,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) caller: Caller<'s>,
    pub(super) exchange: Option<Exchange>,
    pub(super) route: Option<Arc<Route>>,
    pub(super) progress: Progress,
    pub(super) refusals: Refusals,
    pub(super) memory: Reservation,
    pub(super) attempts: Vec<AttemptRecord>,
    pub(super) fault: Option<Fault>,
    pub(super) upstream_wait: Duration,
    pub(super) length: Option<u64>,
    pub(super) connection: &'g Arc<Connection>,
    drain: &'g Drain,
    pub(super) started: Tick,
    pub(super) id: Arc<str>,
    pub(super) caller_id: Option<Arc<str>>,
    pub(super) trace: TraceContext,
    pub(super) protocol: Version,
    pub(super) method: Method,
    pub(super) status: Option<StatusCode>,
    /// Host and path, for requests that no route takes.
    pub(super) place: Option<(String, String)>,
    /// The attempt under way, so that its plugins are told of its end whatever happens.
    pub(super) current: Option<(Arc<Provider>, Progress)>,
    ended: bool,
    _in_flight: Open,
}

impl<'g, 's> Run<'g, 's> {
    pub(super) fn new(
        gateway: &'g Gateway,
        snapshot: Arc<Snapshot>,
        session: &'s mut ServerSession,
        connection: &'g Arc<Connection>,
        started: Tick,
        drain: &'g Drain,
    ) -> Self {
        let header = session.req_header();
        let trace = TraceContext::of(&header.headers, &*gateway.entropy);
        let caller_id = telemetry::trace::caller_request_id(&header.headers).map(Arc::from);
        let (protocol, method) = (header.version, header.method.clone());
        Self {
            gateway,
            snapshot,
            caller: Caller::new(session, gateway.clock.clone()),
            exchange: None,
            route: None,
            progress: Progress::default(),
            refusals: Refusals::default(),
            memory: gateway.held.reserve(),
            attempts: Vec::new(),
            fault: None,
            upstream_wait: Duration::ZERO,
            length: None,
            connection,
            drain,
            started,
            id: telemetry::trace::request_id(&*gateway.entropy),
            caller_id,
            trace,
            protocol,
            method,
            status: None,
            place: None,
            current: None,
            ended: false,
            _in_flight: gateway.telemetry.metrics().exchange(),
        }
    }

    /// Serves the exchange to its end; every fault has been answered then.
    pub(super) async fn serve(&mut self) {
        match self.open() {
            Ok(()) => {}
            Err(fault) => {
                let answer = render::fault(&fault, &self.id);
                self.fault = Some(fault);
                return self.send(answer).await;
            }
        }
        match self.request().await {
            Ok(Served::Sent) => {}
            Ok(Served::Answer) => self.respond().await,
            Err(fault) => {
                self.refuse(fault);
                self.respond().await;
            }
        }
    }

    /// Head and route.
    fn open(&mut self) -> Result<(), Fault> {
        let snapshot = self.snapshot.clone();
        let policy = snapshot.policies.get(&self.connection.listener).ok_or_else(|| {
            Fault::new(&codes::MISDIRECTED_REQUEST)
                .caused_by("the listener has left the configuration")
        })?;
        let has_body = !self.caller.body_done();
        let head = head::read(self.caller.header(), has_body, self.connection, policy);
        // What follows a head that nobody should have sent is not read as a request.
        self.caller.keep &= head.is_ok() || self.caller.is_http2();
        let head = head?;
        self.caller.configure(policy.write_timeout, head.expects_continue);
        self.length = if has_body { head.length } else { None };
        let found = snapshot.table.find(&Input {
            listener: &self.connection.listener,
            host: &head.authority.host,
            target: &head.target,
            method: &head.request.method,
            headers: &head.request.headers,
        });
        self.place = Some((head.request.host.clone(), head.request.path.clone()));
        let (RouteId(at), params) = match found {
            Found::Route { route, params } => (route, params),
            Found::NotFound => return Err(Fault::new(&codes::ROUTE_NOT_FOUND)),
            Found::Ambiguous(_) => return Err(Fault::new(&codes::AMBIGUOUS_REQUEST)),
            Found::MethodNotAllowed { allow } => {
                let allow = allow.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
                let mut fault = Fault::new(&codes::METHOD_NOT_ALLOWED);
                if let Ok(allow) = HeaderValue::from_str(&allow) {
                    fault = fault.with_header(header::ALLOW, allow);
                }
                return Err(fault);
            }
        };
        let route = snapshot.routes.get(at).cloned().ok_or_else(|| Fault::new(&codes::INTERNAL))?;
        let mut exchange = Exchange::new(
            self.connection.clone(),
            head.client,
            self.id.clone(),
            route.name.clone(),
            self.started,
            head.request,
        );
        exchange.params =
            params.iter().map(|(name, value)| (Arc::from(name), value.to_owned())).collect();
        self.trace.write(&mut exchange.request.headers);
        if self.caller_id.is_none()
            && let Ok(id) = HeaderValue::from_str(&self.id)
        {
            exchange.request.headers.insert(REQUEST_ID, id);
        }
        self.route = Some(route);
        self.exchange = Some(exchange);
        Ok(())
    }

    /// Route plugins, body, upstream.
    async fn request(&mut self) -> Result<Served, Fault> {
        let route = self.route.clone().ok_or_else(|| Fault::new(&codes::INTERNAL))?;
        if self.length.is_some_and(|length| length > route.request_body as u64) {
            return Err(Fault::new(&codes::BODY_TOO_LARGE));
        }
        // Who is refused by what can be known without the body never gets to send it.
        let before = route.chain.before_body();
        if let Some(served) = self.run_chain(&route, 0..before).await? {
            return Ok(served);
        }
        if route.needs.request != BodyNeed::Nothing && self.is_coded() {
            return Err(Fault::new(&codes::UNSUPPORTED_ENCODING));
        }
        if route.holds_request() && !self.caller.body_done() {
            let body = self
                .caller
                .hold(self.length, route.request_body, route.body_timeout, &mut self.memory)
                .await?;
            let exchange = self.exchange()?;
            exchange.request.body = if body.is_empty() { Body::Empty } else { Body::Held(body) };
        }
        if let Some(served) = self.run_chain(&route, before..route.chain.len()).await? {
            return Ok(served);
        }
        self.call(&route).await
    }

    async fn run_chain(
        &mut self,
        route: &Route,
        range: std::ops::Range<usize>,
    ) -> Result<Option<Served>, Fault> {
        let Self { exchange, progress, refusals, .. } = self;
        let exchange = exchange.as_mut().ok_or_else(|| Fault::new(&codes::INTERNAL))?;
        match route.chain.on_request(range, exchange, progress, refusals).await? {
            Flow::Continue => Ok(None),
            Flow::Respond(answer) => {
                exchange.answer = Some(*answer);
                Ok(Some(Served::Answer))
            }
        }
    }

    /// Makes a fault the answer.
    pub(super) fn refuse(&mut self, fault: Fault) {
        if let Some(exchange) = &mut self.exchange {
            exchange.answer = Some(render::fault(&fault, &self.id));
        }
        self.fault = Some(fault);
    }

    /// Route plugins over the answer, then the caller.
    async fn respond(&mut self) {
        self.shape_answer().await;
        let answer = self.exchange.as_mut().and_then(|exchange| exchange.answer.take());
        let answer =
            answer.unwrap_or_else(|| render::fault(&Fault::new(&codes::INTERNAL), &self.id));
        self.send(answer).await;
    }

    /// Runs the route's plugins over the answer, in reverse.
    pub(super) async fn shape_answer(&mut self) {
        let (Some(route), Some(exchange)) = (self.route.clone(), self.exchange.as_mut()) else {
            return;
        };
        let id = self.id.clone();
        let refuse = move |exchange: &mut Exchange, fault: &Fault| {
            exchange.answer = Some(render::fault(fault, &id));
        };
        let (_, refused) =
            route.chain.on_response(exchange, self.progress, &mut self.refusals, &refuse).await;
        if let Some(fault) = refused {
            self.fault = Some(fault);
        }
    }

    /// Sends an answer that is in memory.
    async fn send(&mut self, mut answer: Answer) {
        self.caller.settle(self.length).await;
        self.stamp(&mut answer);
        self.caller.send(&answer, &self.method).await;
    }

    /// What every answer carries, and what is remembered of it.
    pub(super) fn stamp(&mut self, answer: &mut Answer) {
        if self.drain.begun() {
            self.caller.keep = false;
        }
        let id = self.caller_id.as_ref().unwrap_or(&self.id);
        if let Ok(id) = HeaderValue::from_str(id) {
            answer.headers.insert(REQUEST_ID, id);
        }
        self.status = Some(answer.status);
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// Whether neither what the caller asks for nor what is sent to the provider in its place does
    /// anything.
    pub(super) fn is_safe(&self) -> bool {
        let sent = self.exchange.as_ref().map(|exchange| &exchange.request.method);
        self.method.is_safe() && sent.is_none_or(Method::is_safe)
    }

    pub(super) fn exchange(&mut self) -> Result<&mut Exchange, Fault> {
        self.exchange.as_mut().ok_or_else(|| Fault::new(&codes::INTERNAL))
    }

    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }

    fn is_coded(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| {
            !matches!(exchange.request.body, Body::Empty) && is_coded(&exchange.request.headers)
        })
    }

    /// The process stops before the exchange is complete.
    pub(super) fn cut_off(&mut self) {
        self.caller.keep = false;
        self.fault = Some(Fault::new(&codes::CUT_OFF));
        self.end(true);
    }

    /// Ends the exchange: plugins are told, the record is written.
    pub(super) fn finish(&mut self) -> After {
        self.end(false);
        if self.caller.keep && !self.caller.gone && self.caller.body_done() {
            After::Keep
        } else {
            After::Close
        }
    }

    fn end(&mut self, cancelled: bool) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if cancelled && self.fault.is_none() {
            let code =
                if std::thread::panicking() { &codes::INTERNAL } else { &codes::CALLER_GONE };
            self.fault = Some(Fault::new(code));
            if std::thread::panicking() && !self.caller.answered() {
                // The listener catches it, and answers.
                self.status = Some(codes::INTERNAL.status());
            }
        }
        let outcome =
            Outcome { status: self.status, fault: self.fault.as_ref().map(Fault::code), cancelled };
        self.end_attempt(&outcome);
        if let (Some(route), Some(exchange)) = (&self.route, &mut self.exchange) {
            route.chain.on_end(exchange, self.progress, &outcome);
        }
        self.record();
    }

    /// Tells the plugins of the attempt under way how it ended.
    pub(super) fn end_attempt(&mut self, outcome: &Outcome) {
        if let (Some((provider, progress)), Some(exchange)) =
            (self.current.take(), &mut self.exchange)
        {
            provider.chain.on_end(exchange, progress, outcome);
        }
    }
}

impl Drop for Run<'_, '_> {
    fn drop(&mut self) {
        self.end(true);
    }
}

/// How the call to the provider ended.
pub(super) enum Served {
    /// The answer is in the exchange, in memory, not yet seen by the route's plugins.
    Answer,
    /// The answer streamed to the caller already.
    Sent,
}

/// Whether a body with these headers is coded (`gzip`, say) and cannot be read as it is.
pub(super) fn is_coded(headers: &http::HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// An answer of a provider, before its body is known.
pub(super) fn provider_answer(status: StatusCode, headers: http::HeaderMap) -> Answer {
    Answer { status, headers, body: Body::Streamed, origin: Origin::Provider }
}

const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");
