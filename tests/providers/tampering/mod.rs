//! Somebody on the way changes one class of bytes of a message that is otherwise genuine: whatever
//! a scheme signs is refused with a code of its own, by the gateway what the provider signed, and by
//! the provider what the gateway signed; and nothing of it is believed. What a scheme does not sign
//! stands in the same tables, and passes.

mod alipay;
mod alipay_requests;
mod antom;
mod stripe;
mod wechat_pay;

use std::sync::Arc;

use parking_lot::Mutex;

use super::{
    message::{self, Change, Message},
    relay::Relay,
};
use crate::support::*;

/// What becomes of a message that was changed.
enum Verdict {
    /// It is refused, with this code.
    Refused(&'static str),
    /// It passes: the scheme does not sign this.
    Passes,
}

use Verdict::{Passes, Refused};

/// What is changed, how, and what becomes of it.
type Row = (&'static str, Change, Verdict);

/// A call of an application.
struct Ask<'a> {
    gateway: &'a Gateway,
    method: &'a str,
    target: &'a str,
    body: &'a str,
}

impl Ask<'_> {
    async fn send(&self) -> Answer {
        let fields = [LOCAL, ("content-type", "application/json")];
        let fields = if self.body.is_empty() { &fields[..1] } else { &fields[..] };
        let mut caller = self.gateway.http1().await;
        caller.call(self.method, self.target, fields, self.body.as_bytes(), None).await
    }
}

/// Changes answers to this call on their way. Of what is refused nothing passes: none of these words.
/// An answer that comes a second time, unchanged, is refused with the code `again`, if the scheme can
/// tell.
async fn answers(
    relay: &Relay,
    ask: &Ask<'_>,
    words: &[&str],
    rows: Vec<Row>,
    again: Option<&str>,
) {
    for (what, change, verdict) in rows {
        relay.on_answers(change);
        let answer = ask.send().await;
        match verdict {
            Passes => assert_eq!(answer.fault(), None, "{what} is not signed: {}", answer.text()),
            Refused(code) => {
                assert_eq!(answer.fault().as_deref(), Some(code), "{what}: {}", answer.text());
                assert_eq!(answer.status, 502, "{what}: {}", answer.text());
                for word in words {
                    assert!(!answer.text().contains(word), "{what}: nothing of it passes");
                }
            }
        }
    }
    relay.cuts();
    let answer = ask.send().await;
    let code = answer.fault();
    assert_eq!(code.as_deref(), Some("upstream_broken"), "it breaks off: {}", answer.text());
    for word in words {
        assert!(!answer.text().contains(word), "it breaks off: nothing of it passes");
    }
    let kept = Arc::new(Mutex::new(Message::default()));
    let keeps = kept.clone();
    relay.on_answers(Box::new(move |answer| *keeps.lock() = answer.clone()));
    let answer = ask.send().await;
    assert_eq!((answer.status, answer.fault()), (200, None), "unchanged: {}", answer.text());
    for word in words {
        assert!(answer.text().contains(word), "unchanged it is there: `{word}`");
    }
    relay.on_answers(Box::new(move |answer| *answer = kept.lock().clone()));
    let answer = ask.send().await;
    assert_eq!(answer.fault().as_deref(), again, "a second time: {}", answer.text());
}

/// Brings a genuine notification to the gateway, changed. What is refused is refused with 401 unless
/// the code says otherwise, and the institution hears of none of it.
async fn notifications(
    gateway: &Gateway,
    institution: &Provider,
    genuine: impl AsyncFn() -> Message,
    rows: Vec<Row>,
) {
    let mut heard = 0;
    let kept = genuine().await;
    for (what, change, verdict) in rows {
        let mut message = if matches!(verdict, Passes) { genuine().await } else { kept.clone() };
        change(&mut message);
        let answer = message.send(&mut gateway.http1().await).await;
        match verdict {
            Passes => {
                assert_eq!(answer.status, 200, "{what} is not signed: {}", answer.text());
                heard += 1;
            }
            Refused(code) => {
                assert_eq!(answer.fault().as_deref(), Some(code), "{what}: {}", answer.text());
                assert!(answer.status >= 400, "{what}: {}", answer.status);
            }
        }
        assert_eq!(institution.requests().len(), heard, "{what}: what the institution heard");
    }
    let answer = kept.send(&mut gateway.http1().await).await;
    assert_eq!(answer.status, 200, "unchanged: {}", answer.text());
    assert_eq!(institution.requests().len(), heard + 1, "unchanged it is delivered");
}
