use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::{super::keys, *};

/// Requests that an SDK signed, with the keys they belong to.
fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/generated/wechatpay.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn merchant(vectors: &Value) -> Merchant {
    let key = keys::public_of(text(vectors, "merchant_private_key_pem")).unwrap();
    Merchant::new(
        text(vectors, "mchid").to_owned(),
        MerchantCertificate { serial: text(vectors, "merchant_serial").to_owned(), key },
    )
}

fn request(vector: &Value) -> Request {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("accept", "application/json"),
        ("user-agent", "test"),
        ("authorization", text(vector, "authorization")),
    ] {
        let name = HeaderName::from_static(name);
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let method = Method::from_bytes(text(vector, "method").as_bytes()).unwrap();
    let body = Bytes::from(text(vector, "body").to_owned());
    Request::new(method, text(vector, "canonical_url"), headers, body)
}

fn now(vector: &Value) -> Duration {
    Duration::from_secs(vector["timestamp"].as_u64().unwrap())
}

#[test]
fn requests_that_an_sdk_signed_are_accepted_once() {
    let vectors = vectors();
    let merchant = merchant(&vectors);
    let requests = vectors["requests"].as_array().unwrap();
    assert!(requests.len() >= 3, "there are requests to try");
    for vector in requests {
        let request = request(vector);
        let what = text(vector, "canonical_url");
        assert_eq!(merchant.check(&request, now(vector)), Ok(()), "{what}");
        let again = merchant.check(&request, now(vector)).unwrap_err();
        assert_eq!(again.message, "请求重放", "{what}: sent a second time");
    }
}

#[test]
fn whatever_is_changed_on_the_way_is_refused() {
    let vectors = vectors();
    let vector = &vectors["requests"][1];
    let authorization = text(vector, "authorization");
    let authorize = |from: &str, to: &str| {
        assert!(authorization.contains(from), "`{from}` is there to be changed");
        let mut request = request(vector);
        let value = HeaderValue::from_str(&authorization.replacen(from, to, 1)).unwrap();
        request.headers.insert("authorization", value);
        request
    };
    let changed = |change: fn(&mut Request)| {
        let mut request = request(vector);
        change(&mut request);
        request
    };
    let later = "timestamp=\"1767225602\"";
    let cases = [
        ("another method", changed(|request| request.method = Method::PUT)),
        ("another path", changed(|request| request.target.push('/'))),
        ("a query", changed(|request| request.target.push_str("?a=1"))),
        (
            "a body with a space more",
            changed(|request| {
                request.body = Bytes::from([b" ", &request.body[..]].concat());
            }),
        ),
        ("no body", changed(|request| request.body = Bytes::new())),
        ("another time", authorize("timestamp=\"1767225601\"", later)),
        ("another nonce", authorize("nonce_str=\"10d7", "nonce_str=\"20d7")),
        ("another merchant", authorize("mchid=\"1900000109\"", "mchid=\"1900000108\"")),
        ("another serial number", authorize("serial_no=\"4C", "serial_no=\"4D")),
        ("a serial number in lower case", authorize("serial_no=\"4C1A0F", "serial_no=\"4c1a0f")),
        ("another signature", authorize("signature=\"dihE", "signature=\"dihF")),
        ("a signature that is cut", authorize("signature=\"dihENNk6", "signature=\"")),
        (
            "a probe",
            authorize("signature=\"dihENNk625ahZRJA+vv5", "signature=\"WECHATPAY/SIGNTEST/"),
        ),
        ("another scheme", authorize("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3")),
        ("a part twice", authorize("mchid=", "mchid=\"1900000109\",mchid=")),
        ("a part more", authorize("mchid=", "extra=\"1\",mchid=")),
        ("a part less", authorize("mchid=\"1900000109\",", "")),
        ("a part without quotes", authorize("\"1767225601\"", "1767225601")),
        ("an empty part", authorize("\"1767225601\"", "\"\"")),
        ("a time with a sign", authorize("\"1767225601\"", "\"+1767225601\"")),
        (
            "no authorization",
            changed(|request| {
                request.headers.remove("authorization");
            }),
        ),
        (
            "two authorizations",
            changed(|request| {
                let value = request.headers["authorization"].clone();
                request.headers.append("authorization", value);
            }),
        ),
    ];
    for (what, request) in cases {
        let merchant = merchant(&vectors);
        let refused = merchant.check(&request, now(vector)).expect_err(what);
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{what}");
        assert_eq!(refused.code, "SIGN_ERROR", "{what}");
        let good = merchant.check(&super::tests::request(vector), now(vector));
        assert_eq!(good, Ok(()), "after {what}, the unchanged request is still good");
    }
}

#[test]
fn a_request_is_good_for_five_minutes_on_either_side() {
    let vectors = vectors();
    let vector = &vectors["requests"][0];
    for (seconds, good) in [(-300, false), (-299, true), (0, true), (299, true), (300, false)] {
        let now = now(vector).as_secs().saturating_add_signed(seconds);
        let checked = merchant(&vectors).check(&request(vector), Duration::from_secs(now));
        assert_eq!(checked.is_ok(), good, "{seconds} s away: {checked:?}");
    }
}

#[test]
fn a_developer_is_told_what_should_have_been_signed() {
    let vectors = vectors();
    let vector = &vectors["requests"][1];
    let mut request = request(vector);
    request.target.push_str("?a=1");
    let refused = merchant(&vectors).check(&request, now(vector)).unwrap_err();
    let detail = refused.detail.unwrap();
    let message = detail["sign_information"]["truncated_sign_message"].as_str().unwrap();
    assert!(
        message.starts_with("POST\n/v3/pay/transactions/native?a=1\n1767225601\n"),
        "{message}"
    );
    let expected = refused.expected.unwrap();
    assert!(expected.len() > message.len(), "the merchant sees less of the body than the watcher");
    assert_eq!(
        detail["sign_information"]["sign_message_length"].as_u64().unwrap(),
        expected.len() as u64,
        "its length in bytes"
    );
}

#[test]
fn who_says_not_what_it_accepts_or_is_gets_an_error_before_all_checks() {
    let vectors = vectors();
    for name in ["accept", "user-agent"] {
        let mut request = request(&vectors["requests"][0]);
        request.headers.remove(name);
        let refused = merchant(&vectors).check(&request, Duration::ZERO).unwrap_err();
        assert_eq!(refused.code, "PARAM_ERROR", "without `{name}`");
    }
}

#[test]
fn nonces_are_bounded_and_forgotten_when_time_refuses_them() {
    let mut seen = Seen::default();
    assert!(seen.enter(1_000, "1000", "a"), "new");
    assert!(!seen.enter(1_001, "1000", "a"), "seen");
    assert!(seen.enter(1_601, "1601", "b"), "another");
    assert_eq!(seen.nonces.len(), 1, "the first was forgotten");
    for number in 0..NONCES {
        seen.enter(1_601, "1601", &number.to_string());
    }
    assert_eq!(seen.nonces.len(), NONCES, "no more than that");
    assert_eq!(seen.order.len(), NONCES, "in the order of their coming");
}
