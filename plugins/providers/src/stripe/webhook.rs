//! Webhooks: verified, delivered once, acknowledged when the institution has taken them.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use tollgate_api::{
    Answer, Body, Exchange, Fault, Flow, Identity, Needs, Origin, Outcome, Plugin, Side, Step,
    Turn, codes,
};

use super::{
    KIND,
    event::Expected,
    signature::{FIELD, Secrets, presented},
};
use crate::{
    notification::{Deliveries, Delivery},
    verification::Verifier,
};

/// The plugin on a route.
pub(super) struct Webhook {
    pub verifier: Verifier,
    pub secrets: Secrets,
    pub expected: Expected,
    pub deliveries: Deliveries,
}

/// The event that is being delivered.
struct UnderWay(String);

impl Plugin for Webhook {
    fn needs(&self) -> Needs {
        // The institution's answer is replaced, whatever its length.
        Needs::WHOLE
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        Step::later(self.receive(exchange))
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        let Some(UnderWay(event)) = exchange.take() else { return Step::Now(Ok(Turn::Pass)) };
        let taken = match &mut exchange.answer {
            Some(answer) if answer.origin.is_provider() => {
                let taken = answer.status.is_success();
                conclude(answer);
                taken
            }
            _ => false,
        };
        if !taken {
            self.deliveries.abandon(event.as_bytes());
            return Step::Now(Ok(Turn::Pass));
        }
        Step::later(async move {
            self.deliveries.done(event.as_bytes()).await;
            Ok(Turn::Pass)
        })
    }

    fn on_end(&self, exchange: &mut Exchange, _: &Outcome) {
        if let Some(UnderWay(event)) = exchange.take() {
            self.deliveries.abandon(event.as_bytes());
        }
    }
}

impl Webhook {
    async fn receive(&self, exchange: &mut Exchange) -> Result<Flow, Fault> {
        let body = exchange.request.body.whole().ok_or(&codes::INTERNAL)?;
        let headers = &exchange.request.headers;
        let refused = |refusal: crate::verification::Refusal| refusal.fault(Side::Route);
        let message = presented(headers, &body).map_err(refused)?;
        self.verifier.verify(&self.secrets, &message).await.map_err(refused)?;
        let event = self.expected.identifier(&body)?;
        exchange.request.headers.remove(FIELD);
        exchange.identity = Some(stripe());
        match self.deliveries.begin(event.as_bytes()).await? {
            Delivery::Deliver => {
                exchange.store(UnderWay(event));
                Ok(Flow::Continue)
            }
            Delivery::Acknowledge => Ok(Flow::Respond(Box::new(Answer::new(
                StatusCode::OK,
                JSON,
                Bytes::from_static(RECEIVED),
            )))),
        }
    }
}

/// Makes of the institution's answer what Stripe is told: that the event was received, or that it is
/// to be sent again. What the institution wrote is none of Stripe's business.
fn conclude(answer: &mut Answer) {
    answer.headers = HeaderMap::new();
    if answer.status.is_success() {
        answer.status = StatusCode::OK;
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        answer.body = Body::Held(Bytes::from_static(RECEIVED));
    } else {
        if !(answer.status.is_client_error() || answer.status.is_server_error()) {
            answer.status = StatusCode::BAD_GATEWAY;
        }
        answer.body = Body::Empty;
    }
    answer.origin = Origin::Gateway;
}

fn stripe() -> Identity {
    Identity {
        subject: Some(KIND.to_owned()),
        client_id: None,
        scopes: Vec::new(),
        claims: std::sync::Arc::default(),
        proven_by: KIND,
    }
}

const JSON: &str = "application/json";
const RECEIVED: &[u8] = br#"{"received":true}"#;
