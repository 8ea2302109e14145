//! On a route: notifications are verified, decrypted, handed on once, and acknowledged.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, header};
use tollgate_api::{
    Body, BodyNeed, Exchange, Fault, Flow, Hooks, Identity, Needs, Origin, Outcome, Plugin, Side,
    Step, Turn, codes,
    json::{Document, Fragment, Limits, ValueRef},
};

use super::{
    KIND, Variant, acknowledgement,
    platform::PlatformKeys,
    presented::{self, presented},
    resource::ResourceKey,
};
use crate::{
    notification::{Deliveries, Delivery},
    verification::{Verified, Verifier},
};

/// `wechat_pay` on a route.
pub(super) struct Notifications {
    pub merchant_id: String,
    pub variant: Variant,
    pub keys: Arc<PlatformKeys>,
    pub verifier: Verifier,
    pub resource_key: ResourceKey,
    pub deliveries: Arc<Deliveries>,
}

/// An event that is under way to the institution.
struct UnderWay(String);

/// A notification that was verified and decrypted.
struct Event {
    id: String,
    body: Bytes,
}

impl Plugin for Notifications {
    fn needs(&self) -> Needs {
        Needs { request: BodyNeed::Whole, answer: BodyNeed::Nothing }
    }

    fn hooks(&self) -> Hooks {
        Hooks::ALL
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        Step::later(self.receive(exchange))
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        let event = exchange.take::<UnderWay>();
        let Some(answer) = exchange.answer.as_mut() else { return Ok(Turn::Pass).into() };
        if let Origin::Fault(code) = answer.origin {
            acknowledgement::fault(answer, code);
            if let Some(UnderWay(event)) = event {
                self.deliveries.abandon(event.as_bytes());
            }
            return Ok(Turn::Pass).into();
        }
        // Without an event it is our own acknowledgement of one that was delivered before.
        let Some(UnderWay(event)) = event else { return Ok(Turn::Pass).into() };
        if !acknowledgement::is_taken(answer) {
            acknowledgement::refusal(answer);
            self.deliveries.abandon(event.as_bytes());
            return Ok(Turn::Pass).into();
        }
        let origin = answer.origin;
        *answer = acknowledgement::success();
        answer.origin = origin;
        Step::later(async move {
            self.deliveries.done(event.as_bytes()).await;
            Ok(Turn::Pass)
        })
    }

    fn on_end(&self, exchange: &mut Exchange, _: &Outcome) {
        // Nobody told how the delivery ended, so it may be tried again.
        if let Some(UnderWay(event)) = exchange.take::<UnderWay>() {
            self.deliveries.abandon(event.as_bytes());
        }
    }
}

impl Notifications {
    async fn receive<'a>(&'a self, exchange: &'a mut Exchange) -> Result<Flow, Fault> {
        let body = exchange.request.body.whole().ok_or_else(|| {
            Fault::new(&codes::INTERNAL)
                .caused_by("a body was streamed past a plugin that reads it")
        })?;
        let presented = presented(self.variant, &exchange.request.headers, &body)
            .map_err(|refusal| refusal.fault(Side::Route))?;
        let proof = self.verifier.verify(&*self.keys, &presented).await;
        let proof = proof.map_err(|refusal| refusal.fault(Side::Route))?;
        let event = self.read(&body, &proof)?;
        if self.deliveries.begin(event.id.as_bytes()).await? == Delivery::Acknowledge {
            return Ok(Flow::Respond(Box::new(acknowledgement::success())));
        }
        exchange.store(UnderWay(event.id));
        exchange.identity = Some(Identity {
            subject: Some(self.merchant_id.clone()),
            client_id: Some(KIND.to_owned()),
            scopes: Vec::new(),
            claims: Arc::default(),
            proven_by: KIND,
        });
        let request = &mut exchange.request;
        presented::remove(&mut request.headers);
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = Body::Held(event.body);
        Ok(Flow::Continue)
    }

    /// Takes a notification apart that was proved to be WeChat Pay's, and decrypts its resource.
    fn read(&self, body: &Bytes, _: &Verified) -> Result<Event, Fault> {
        let document = Document::parse(body, Limits::default())
            .map_err(|error| Fault::new(&codes::INVALID_JSON).caused_by(error))?;
        let root = document.root();
        let invalid = || Fault::new(&codes::FIELD_INVALID);
        let id = root.get("id").and_then(|id| id.as_str()).ok_or_else(invalid)?;
        if !(1..=LONGEST_ID).contains(&id.len()) {
            return Err(invalid());
        }
        let sealed = root.get("resource").ok_or_else(invalid)?;
        let undecryptable = || {
            Fault::new(&codes::DECRYPTION_FAILED)
                .caused_by("a signed resource does not decrypt: is `api_v3_key` the merchant's?")
        };
        let plain = self.resource_key.open(sealed).map(Bytes::from).ok_or_else(undecryptable)?;
        let resource = Document::parse(&plain, Limits::default()).map_err(|_| undecryptable())?;
        if !self.is_for_us(resource.root()) {
            return Err(Fault::new(&codes::NOTIFICATION_MISDIRECTED));
        }
        let facts = FACTS.iter().filter_map(|name| Some((*name, Fragment::of(root.get(name)?))));
        let resource = ("resource", Fragment::of(resource.root()));
        let body = Fragment::object(facts.chain([resource])).into_bytes();
        Ok(Event { id: id.into_owned(), body })
    }

    /// Whether one of the merchants that the event names is ours. Some events name none (complaints);
    /// that their resource decrypts with our key is what says whom they are for.
    fn is_for_us(&self, resource: ValueRef<'_>) -> bool {
        let mut named = MERCHANTS.iter().filter_map(|name| resource.get(name)).peekable();
        named.peek().is_none()
            || named.any(|value| value.as_str().is_some_and(|id| *id == *self.merchant_id))
    }
}

/// What is passed on of a notification beside its resource.
const FACTS: [&str; 5] = ["id", "event_type", "create_time", "resource_type", "summary"];
/// Members of a resource that name the merchant whom an event is for: the merchant itself, the service
/// provider, or the one that started a combined payment.
const MERCHANTS: [&str; 4] = ["mchid", "mch_id", "sp_mchid", "combine_mchid"];
/// Bytes of an event's identifier, at most; WeChat Pay's have up to 36.
const LONGEST_ID: usize = 128;
