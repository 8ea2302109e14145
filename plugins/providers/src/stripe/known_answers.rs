//! A webhook as Stripe's own library signed it, and the same one changed.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tollgate_crypto::{HmacSha256Key, Secret, known_answers::KnownAnswer};

use super::signature::{FIELD, Secrets, presented};
use crate::verification::VerifyingKey;

/// What the scheme must answer.
pub(crate) const KNOWN_ANSWERS: &[KnownAnswer] = &[
    KnownAnswer {
        algorithm: "Stripe webhook",
        source: "made with stripe 23.1.0 for Node.js",
        check: || {
            let altered = PAYLOAD.replace("evt_test", "evt_tent");
            let later = HEADER.replacen("t=1767225600", "t=1767225601", 1);
            accepted(SECRET, HEADER, PAYLOAD)
                && !accepted(SECRET, HEADER, &altered)
                && !accepted(SECRET, &later, PAYLOAD)
                && !accepted("whsec_another", HEADER, PAYLOAD)
        },
    },
    KnownAnswer {
        algorithm: "Stripe webhook with two codes",
        source: "made with stripe 23.1.0 for Node.js",
        check: || {
            accepted(SECRET, &rolled("v1"), PAYLOAD) && !accepted(SECRET, &rolled("v0"), PAYLOAD)
        },
    },
];

/// Whether the signature fits; how old it is does not matter here.
fn accepted(secret: &str, header: &str, payload: &str) -> bool {
    let Ok(field) = HeaderValue::from_str(header) else { return false };
    let headers = HeaderMap::from_iter([(FIELD, field)]);
    let secrets = Secrets([HmacSha256Key::new(&Secret::from(secret))].into());
    presented(&headers, &Bytes::copy_from_slice(payload.as_bytes())).is_ok_and(|message| {
        let codes = secrets.codes();
        message.signatures.iter().any(|signature| codes.verify(&message.message, signature))
    })
}

/// The header with another endpoint's code before it, the right one under this scheme.
fn rolled(scheme: &str) -> String {
    let (time, code) = HEADER.split_once(",v1=").unwrap_or_default();
    format!("{time},v1={},{scheme}={code}", "0".repeat(64))
}

const SECRET: &str = "whsec_128sPfz-jSHwcnIt5hX95mlzJAbjPVFc";
const PAYLOAD: &str = "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}";
const HEADER: &str =
    "t=1767225600,v1=7f2475f176e424c8c3e1c8676ba19d04158097e24844e135ea6063947e459531";
