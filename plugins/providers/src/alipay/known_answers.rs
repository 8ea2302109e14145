//! Calls, answers and a notification as Alipay's own library signed them, and the same changed.

use bytes::Bytes;
use http::Method;
use tollgate_api::json::{Document, Limits};
use tollgate_crypto::{PublicKey, base64_decode, known_answers::KnownAnswer};

use super::{form::Parameters, notifications::readings, v2_answer::Parts, v3};
use crate::{known_answers::Data, verification::VerifyingKey};

/// What the scheme must answer.
pub(crate) const KNOWN_ANSWERS: &[KnownAnswer] = &[
    KnownAnswer {
        algorithm: "Alipay v2 call",
        source: SOURCE,
        check: || v2_call().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "Alipay v2 answer",
        source: SOURCE,
        check: || v2_answer().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "Alipay v3 call",
        source: SOURCE,
        check: || v3_call().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "Alipay v3 answer",
        source: SOURCE,
        check: || v3_answer().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "Alipay notification",
        source: SOURCE,
        check: || notification().unwrap_or(false),
    },
];

fn v2_call() -> Option<bool> {
    let data = data();
    let mut parameters = Parameters::default();
    for (name, value) in data.members("/v2_call/parameters")? {
        parameters.add(name.to_owned(), value.to_owned()).ok()?;
    }
    let fits = |parameters: &Parameters| {
        data.fits("/app_public_key", parameters.text_to_sign().as_bytes(), "/v2_call/signature")
    };
    let right = fits(&parameters)?;
    parameters.set("method", "alipay.trade.refund");
    Some(right && !fits(&parameters)?)
}

fn v2_answer() -> Option<bool> {
    let data = data();
    let key = PublicKey::from_pem(data.text("/alipay_public_key")?).ok()?;
    let accepted = |body: &str| {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let document = Document::parse(&body, Limits::default()).ok()?;
        let parts = Parts::of(&document, data.text("/v2_answer/method")?)?;
        let signature = base64_decode(parts.signature.as_deref()?).ok()?;
        Some(VerifyingKey::verify(&key, parts.content.raw().as_bytes(), &signature))
    };
    let body = data.text("/v2_answer/body")?;
    // The same to whoever reads it as JSON, but not the bytes that were signed.
    let spaced = body.replacen("\"code\":", "\"code\": ", 1);
    let failed = body.replacen("10000", "40004", 1);
    Some(accepted(body)? && !accepted(&spaced)? && !accepted(&failed)?)
}

fn v3_call() -> Option<bool> {
    let data = data();
    let fits = |target: &str, body: &str| {
        let method = Method::from_bytes(data.text("/v3_call/method")?.as_bytes()).ok()?;
        let authorization = data.text("/v3_call/authorization")?;
        let text = v3::text_to_sign(authorization, &method, target, body.as_bytes(), None);
        data.fits("/app_public_key", &text, "/v3_call/signature")
    };
    let (target, body) = (data.text("/v3_call/target")?, data.text("/v3_call/body")?);
    let refund = target.replace("query", "refund");
    Some(fits(target, body)? && !fits(target, &format!("{body} "))? && !fits(&refund, body)?)
}

fn v3_answer() -> Option<bool> {
    let data = data();
    let fits = |nonce: &str, body: &str| {
        let text = v3::answer_text(data.text("/v3_answer/timestamp")?, nonce, body.as_bytes());
        data.fits("/alipay_public_key", &text, "/v3_answer/signature")
    };
    let (nonce, body) = (data.text("/v3_answer/nonce")?, data.text("/v3_answer/body")?);
    let failed = body.replace("SUCCESS", "CLOSED");
    Some(fits(nonce, body)? && !fits(nonce, &failed)? && !fits("another", body)?)
}

fn notification() -> Option<bool> {
    let data = data();
    let key = PublicKey::from_pem(data.text("/alipay_public_key")?).ok()?;
    let accepted = |form: &str| {
        let mut form = Parameters::parse(form.as_bytes()).ok()?;
        let signature = base64_decode(&form.remove("sign")?).ok()?;
        let mut readings = readings(form).into_iter();
        Some(readings.any(|(text, _)| VerifyingKey::verify(&key, &text, &signature)))
    };
    let form = data.text("/notification")?;
    let cheaper = form.replace("total_amount=2.00", "total_amount=0.01");
    Some(accepted(form)? && cheaper != form && !accepted(&cheaper)?)
}

fn data() -> Data {
    Data::new(include_str!("known_answers.json"))
}

const SOURCE: &str = "made with alipay-sdk 4.14.0 for Node.js";
