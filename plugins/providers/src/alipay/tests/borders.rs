//! One signed text, two forms: signatures that are genuine, over forms that are not.

use std::time::Duration;

use tollgate_api::testing::NOW;

use super::{
    notifications::{encoded, parameters, payment, taken},
    *,
};

type Form = Vec<(String, String)>;

/// What Alipay signs of a form.
fn signed_text(form: &Form) -> String {
    let mut form: Form = form.iter().filter(|(name, _)| name != "sign_type").cloned().collect();
    form.sort();
    let pairs: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The form that was made of a genuine one: the text is the same, and so is the signature.
fn passed_off(genuine: &Form, forged: &[(&str, &str)]) -> String {
    let mut forged: Form =
        forged.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(signed_text(&forged), signed_text(genuine), "one text");
    assert_ne!(forged.len(), 0, "of another form");
    forged.push(("sign_type".into(), "RSA2".into()));
    forged.push(("sign".into(), alipay_signs(signed_text(genuine).as_bytes())));
    encoded(&forged)
}

#[tokio::test]
async fn a_signature_cannot_be_used_for_another_amount_by_moving_the_borders_of_values() {
    let plugin = plugin(Side::Route, settings("v3"));
    let time = "2026-01-01 08:00:00";
    // A subject that somebody chose, and that Alipay signed in good faith.
    let subject = "s&total_amount=9999.00&trade_status=TRADE_SUCCESS&zz=1";
    let genuine = parameters(&[("subject", subject), ("total_amount", "0.01"), ("version", "1.0")]);
    let moved = passed_off(
        &genuine,
        &[
            ("app_id", APP_ID),
            ("notify_id", "n-1"),
            ("notify_time", time),
            ("notify_type", "trade_status_sync"),
            ("out_trade_no", "o-1"),
            ("seller_id", "2088"),
            ("subject", "s"),
            ("total_amount", "9999.00"),
            ("trade_status", "TRADE_SUCCESS"),
            ("zz", "1&total_amount=0.01&trade_status=TRADE_SUCCESS&version=1.0"),
        ],
    );
    assert_eq!(taken(&*plugin, &moved).await, Err("signature_malformed"), "a value swallows");
    // The same with all that is genuine in the name of one parameter.
    let chosen = format!(
        "x&charset=utf-8&notify_id=F&notify_time={time}&out_trade_no=victim&seller_id=2088&total_amount=9999.00&total_x=1"
    );
    let genuine = parameters(&[("body", &chosen), ("total_amount", "0.01")]);
    let name = format!(
        "total_x=1&notify_id=n-1&notify_time={time}&notify_type=trade_status_sync&out_trade_no=o-1&seller_id=2088&total_amount"
    );
    let moved = passed_off(
        &genuine,
        &[
            ("app_id", APP_ID),
            ("body", "x"),
            ("charset", "utf-8"),
            ("notify_id", "F"),
            ("notify_time", time),
            ("out_trade_no", "victim"),
            ("seller_id", "2088"),
            ("total_amount", "9999.00"),
            (&name, "0.01"),
            ("trade_status", "TRADE_SUCCESS"),
        ],
    );
    assert_eq!(taken(&*plugin, &moved).await, Err("signature_malformed"), "a name swallows");
    let harmless = payment(&[("subject", "a=b&c %25 + d&"), ("notify_id", "n-9")]);
    assert!(taken(&*plugin, &harmless).await.is_ok(), "an `&` alone is no harm");
}

#[tokio::test]
async fn a_refund_cannot_be_passed_off_as_a_payment() {
    let plugin = plugin(Side::Route, settings("v3"));
    let time = "2026-01-01 08:00:00";
    let refund = [
        ("gmt_payment", "2026-01-01 07:00:00"),
        ("gmt_refund", "2026-01-01 07:59:59.123"),
        ("out_biz_no", "r-1"),
        ("refund_fee", "2.00"),
    ];
    let moved = passed_off(
        &parameters(&refund),
        &[
            ("app_id", APP_ID),
            ("gmt_payment", "2026-01-01 07:00:00&gmt_refund=2026-01-01 07:59:59.123"),
            ("notify_id", "n-1"),
            ("notify_time", time),
            ("notify_type", "trade_status_sync"),
            ("out_biz_no", "r-1"),
            ("out_trade_no", "o-1"),
            ("refund_fee", "2.00"),
            ("seller_id", "2088"),
            ("total_amount", "2.00"),
            ("trade_status", "TRADE_SUCCESS"),
        ],
    );
    assert_eq!(taken(&*plugin, &moved).await, Err("signature_malformed"), "it hides the refund");
    let event = taken(&*plugin, &payment(&refund)).await.unwrap();
    assert_eq!(event["gmt_refund"], "2026-01-01 07:59:59.123", "the genuine one is taken");
}

#[tokio::test]
async fn a_notification_counts_for_two_days_by_the_time_that_it_was_sent_at() {
    let day = 24 * 3600;
    for (at, age, time, code) in [
        (NOW, None, "2026-01-01 08:00:00", "ok"),
        (NOW + 2 * day, None, "2026-01-01 08:00:00", "ok"),
        (NOW + 2 * day + 1, None, "2026-01-01 08:00:00", "signature_expired"),
        (NOW, None, "2020-01-02 10:00:00", "signature_expired"),
        (NOW - 600, None, "2026-01-01 08:00:00", "ok"),
        (NOW - 601, None, "2026-01-01 08:00:00", "signature_expired"),
        (NOW + 3600, Some("1h"), "2026-01-01 08:00:00", "ok"),
        (NOW + 3601, Some("1h"), "2026-01-01 08:00:00", "signature_expired"),
        (NOW, None, "", "signature_missing"),
        (NOW, None, "2026-01-01T08:00:00+08:00", "signature_malformed"),
        (NOW, None, "1767225600000", "signature_malformed"),
    ] {
        let settings = match age {
            Some(age) => with(settings("v3"), "notification_age", json!(age)),
            None => settings("v3"),
        };
        let plugin = bench_at(Side::Route, at).plugin::<Alipay>(settings);
        let found = taken(&*plugin, &payment(&[("notify_time", time)])).await;
        assert_eq!(found.map_or_else(|code| code, |_| "ok"), code, "`{time}` at {at}, {age:?}");
    }
}

#[tokio::test]
async fn a_message_of_the_newer_family_says_its_time_in_milliseconds() {
    for (time, code) in [
        ("1767225600123", "ok"),
        ("1577836800000", "signature_expired"),
        ("1767225600.0", "signature_malformed"),
        ("", "signature_missing"),
    ] {
        let plugin = plugin(Side::Route, settings("v2"));
        let message = [("notify_time", ""), ("msg_method", "a.b"), ("utc_timestamp", time)];
        let found = taken(&*plugin, &payment(&message)).await;
        assert_eq!(found.map_or_else(|code| code, |_| "ok"), code, "`{time}`");
    }
}

#[tokio::test]
async fn what_was_delivered_is_remembered_for_as_long_as_it_would_be_taken() {
    let mut bench = bench_at(Side::Route, NOW - 600);
    let longest = with(settings("v3"), "notification_age", json!("71h"));
    let plugin = bench.plugin::<Alipay>(longest);
    let form = payment(&[]);
    let mut exchange = called(&*plugin, notifications::notification(&form)).await.unwrap();
    answered(&*plugin, &mut exchange, answer_with_body("{}")).await.unwrap();
    bench.clock.advance(Duration::from_hours(71) + Duration::from_mins(10));
    let mut again = notifications::notification(&form);
    let flow = plugin.on_request(&mut again).resolve().await.unwrap();
    assert!(matches!(flow, tollgate_api::Flow::Respond(_)), "acknowledged, not delivered");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(taken(&*plugin, &form).await, Err("signature_expired"), "then it is too old");
}

#[tokio::test]
async fn a_caller_cannot_get_a_signature_for_what_the_gateway_decides() {
    let plugin = plugin(Side::Upstream, settings("v2"));
    let url = "https://shop.example/?a=1&b=2&sign=3&app_id=4&order=5";
    let order = |changes: Value| {
        let mut call = json!({ "method": "alipay.trade.app.pay", "biz_content": "{}" });
        call.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        call
    };
    for (changes, code) in [
        (json!({}), "ok"),
        (json!({ "return_url": url, "notify_url": url }), "ok"),
        (json!({ "biz_content": { "subject": "Tom & Jerry", "quit_url": url } }), "ok"),
        (json!({ "aa": "x&app_auth_token=T&app_b=y" }), "field_invalid"),
        (json!({ "aa": { "a": "x&app_auth_token=T&app_b=y" } }), "field_invalid"),
        (json!({ "biz_content": "{}&charset=utf-8&method=b.c&z=" }), "field_invalid"),
        (json!({ "biz_content": { "subject": "&method=b.c&z=" } }), "field_invalid"),
        (json!({ "notify_url": "https://a.example/?a&timestamp=1" }), "field_invalid"),
        (json!({ "aa=1&app_auth_token": "T" }), "field_invalid"),
        (json!({ "a.b": "T" }), "field_invalid"),
        (json!({ "app_auth_token": "T" }), "account_denied"),
        (json!({ "app_auth_token": "" }), "ok"),
    ] {
        let call = super::v2::call(&order(changes.clone()));
        let mut exchange = call;
        let found = plugin.on_request(&mut exchange).resolve().await;
        let found = found.map_or_else(|fault| fault.code().name, |_| "ok");
        assert_eq!(found, code, "{changes}");
    }
    let open = bench(Side::Upstream).plugin::<Alipay>(with(
        settings("v2"),
        "caller_tokens",
        json!("pass"),
    ));
    let call = json!({ "method": "alipay.trade.query", "app_auth_token": "T" });
    let exchange = called(&*open, super::v2::call(&call)).await.unwrap();
    let query = decoded(exchange.request.query.as_deref().unwrap());
    assert_eq!(query["app_auth_token"], "T", "where the settings allow it");
}
