//! Notifications of Antom: JSON, signed like a call, with our own path in the signed text.

use http::HeaderMap;
use tollgate_api::{
    Exchange, Fault, Flow, Hooks, Needs, Outcome, Plugin, Request, Side, Step, Turn, codes,
    json::{Document, Limits},
};
use tollgate_crypto::sha256;

use super::{
    acknowledge::Inbox,
    antom::{CLIENT_ID, REQUEST_TIME, SIGNATURE, signature, text_to_sign},
    keys::AlipayKeys,
    message::whole,
    notifications::identity,
    time,
};
use crate::verification::{Presented, Refusal, Verifier, field};

/// The plugin on a route that takes Antom's notifications.
pub(super) struct AntomNotifications {
    pub client_id: String,
    pub keys: AlipayKeys,
    pub verifier: Verifier,
    pub inbox: Inbox,
}

impl Plugin for AntomNotifications {
    fn needs(&self) -> Needs {
        Needs::WHOLE
    }

    fn hooks(&self) -> Hooks {
        Hooks::ALL
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        Step::later(async move {
            let event = self.verify(&exchange.request).await?;
            for name in [SIGNATURE, CLIENT_ID, REQUEST_TIME] {
                exchange.request.headers.remove(name);
            }
            exchange.identity = Some(identity(&self.client_id));
            self.inbox.begin(exchange, event).await
        })
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        Step::later(async move { Ok(self.inbox.finish(exchange).await) })
    }

    fn on_end(&self, exchange: &mut Exchange, _: &Outcome) {
        self.inbox.abandon(exchange);
    }
}

impl AntomNotifications {
    /// What tells the event from others. Antom numbers no notifications; a repeated one has the same
    /// body under a new time.
    async fn verify(&self, request: &Request) -> Result<Vec<u8>, Fault> {
        let body = whole(&request.body)?;
        let refuse = |refusal: Refusal| refusal.fault(Side::Route);
        let (client, presented) = presented(&request.headers, request, &body).map_err(refuse)?;
        self.verifier.verify(&self.keys, &presented).await.map_err(refuse)?;
        if client != self.client_id {
            return Err(Fault::new(&codes::NOTIFICATION_MISDIRECTED));
        }
        Document::parse(&body, Limits::default())
            .map_err(|error| Fault::new(&codes::INVALID_JSON).caused_by(error))?;
        Ok(sha256(&body).to_vec())
    }
}

fn presented<'a>(
    headers: &'a HeaderMap,
    request: &Request,
    body: &[u8],
) -> Result<(&'a str, Presented), Refusal> {
    let signature = signature(field(headers, SIGNATURE)?)?;
    let (client, when) = (field(headers, CLIENT_ID)?, field(headers, REQUEST_TIME)?);
    let presented = Presented {
        key_id: String::new(),
        time: Some(time::moment(when).ok_or(Refusal::Malformed)?),
        message: text_to_sign(&request.method, &request.target(), client, when, body),
        signatures: vec![signature],
        nonce: None,
    };
    Ok((client, presented))
}
