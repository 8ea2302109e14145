//! A notification on its way through a route: delivered once, and acknowledged in Alipay's form.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tollgate_api::{Answer, Exchange, Fault, Flow, Origin, Turn};

use super::message::held;
use crate::notification::{Deliveries, Delivery};

/// The events of one account, and how they are acknowledged.
pub(super) struct Inbox {
    pub deliveries: Deliveries,
    pub words: &'static Words,
}

/// What Alipay is told.
pub(super) struct Words {
    media_type: &'static str,
    taken: &'static str,
    not_taken: &'static str,
}

/// For notifications of v2 and v3: a bare word. Anything but `success` is sent again.
pub(super) static WORDS: Words =
    Words { media_type: "text/plain", taken: "success", not_taken: "fail" };

/// For notifications of Antom: a result.
pub(super) static RESULTS: Words = Words {
    media_type: "application/json",
    taken: r#"{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}"#,
    not_taken: r#"{"result":{"resultCode":"PROCESS_FAIL","resultStatus":"F","resultMessage":"fail"}}"#,
};

/// The event that this exchange delivers.
struct UnderWay(Vec<u8>);

impl Inbox {
    /// Delivers the event, or acknowledges it because it was delivered before.
    pub async fn begin(&self, exchange: &mut Exchange, event: Vec<u8>) -> Result<Flow, Fault> {
        match self.deliveries.begin(&event).await? {
            Delivery::Deliver => {
                exchange.store(UnderWay(event));
                Ok(Flow::Continue)
            }
            Delivery::Acknowledge => {
                let taken = Bytes::from_static(self.words.taken.as_bytes());
                Ok(Flow::Respond(Box::new(Answer::new(
                    StatusCode::OK,
                    self.words.media_type,
                    taken,
                ))))
            }
        }
    }

    /// Tells Alipay whether the institution took the event. What the institution says besides stays
    /// here.
    pub async fn finish(&self, exchange: &mut Exchange) -> Turn {
        let under_way = exchange.take::<UnderWay>();
        let Some(answer) = exchange.answer.as_mut() else { return Turn::Pass };
        let fault = matches!(answer.origin, Origin::Fault(_));
        let taken = !fault && answer.status.is_success();
        match under_way {
            Some(UnderWay(event)) if taken => self.deliveries.done(&event).await,
            Some(UnderWay(event)) => self.deliveries.abandon(&event),
            None => {}
        }
        if !fault {
            answer.headers = HeaderMap::new();
            answer.status = match (taken, answer.status.as_u16()) {
                (true, _) => StatusCode::OK,
                (false, 400..) => answer.status,
                (false, _) => StatusCode::BAD_GATEWAY,
            };
        }
        let word = if taken { self.words.taken } else { self.words.not_taken };
        answer
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(self.words.media_type));
        answer.body = held(Bytes::from_static(word.as_bytes()));
        Turn::Pass
    }

    /// The exchange is over: what was not finished may be delivered anew.
    pub fn abandon(&self, exchange: &mut Exchange) {
        if let Some(UnderWay(event)) = exchange.take() {
            self.deliveries.abandon(&event);
        }
    }
}
