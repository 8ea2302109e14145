//! A call and a notification as another implementation signed and encrypted them, and the same changed.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tollgate_api::json::{Document, Limits};
use tollgate_crypto::{PublicKey, Secret, known_answers::KnownAnswer};

use super::{Variant, canonical, presented::presented, resource::ResourceKey};
use crate::{known_answers::Data, verification::VerifyingKey};

/// What the scheme must answer.
pub(crate) const KNOWN_ANSWERS: &[KnownAnswer] = &[
    KnownAnswer {
        algorithm: "WeChat Pay v3 call",
        source: SOURCE,
        check: || call().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "WeChat Pay v3 notification",
        source: SOURCE,
        check: || notification().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "WeChat Pay v3 resource",
        source: SOURCE,
        check: || resource().unwrap_or(false),
    },
];

fn call() -> Option<bool> {
    let data = data();
    let fits = |target: &str, body: &str| {
        let method = Method::from_bytes(data.text("/request/method")?.as_bytes()).ok()?;
        let (timestamp, nonce) = (data.text("/request/timestamp")?, data.text("/request/nonce")?);
        let text = canonical::request(&method, target, timestamp, nonce, body.as_bytes());
        data.fits("/merchant_public_key", &text, "/request/signature")
    };
    let (target, body) = (data.text("/request/target")?, data.text("/request/body")?);
    let dearer = body.replace("\"total\":1,", "\"total\":2,");
    Some(fits(target, body)? && !fits(target, &dearer)? && !fits(&format!("{target}?"), body)?)
}

fn notification() -> Option<bool> {
    let data = data();
    let headers: Option<HeaderMap> = data
        .members("/notification/headers")?
        .into_iter()
        .map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?)))
        .collect::<Option<Vec<(HeaderName, HeaderValue)>>>()
        .map(HeaderMap::from_iter);
    let headers = headers?;
    let accepted = |key: &str, body: &str| {
        let key = PublicKey::from_pem(data.text(key)?).ok()?;
        let message = presented(Variant::Rsa, &headers, body.as_bytes()).ok()?;
        let mut signatures = message.signatures.iter();
        Some(signatures.any(|code| VerifyingKey::verify(&key, &message.message, code)))
    };
    let body = data.text("/notification/body")?;
    let other = body.replace("TRANSACTION.SUCCESS", "TRANSACTION.SUCCESs");
    Some(
        accepted("/platform_public_key", body)?
            && !accepted("/platform_public_key", &other)?
            && !accepted("/merchant_public_key", body)?,
    )
}

fn resource() -> Option<bool> {
    let data = data();
    let key = Secret::from(data.text("/api_v3_key")?);
    let key = ResourceKey::new(Variant::Rsa, &key).ok()?;
    let open = |body: &str| {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let document = Document::parse(&body, Limits::default()).ok()?;
        Some(key.open(document.root().get("resource")?))
    };
    let body = data.text("/notification/body")?;
    let plaintext = data.text("/plaintext")?.as_bytes();
    let elsewhere =
        body.replace("\"associated_data\":\"transaction\"", "\"associated_data\":\"refund\"");
    Some(open(body)?.as_deref() == Some(plaintext) && open(&elsewhere)?.is_none())
}

fn data() -> Data {
    Data::new(include_str!("known_answers.json"))
}

const SOURCE: &str = "made with wechatpay-axios-plugin 0.9.6";
