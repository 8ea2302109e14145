//! Stripe: webhooks are signed over time and body. Neither calls nor answers are signed: who stands
//! between is kept out by TLS alone.

use super::*;
use crate::providers::{message::*, twin::Stand};

const FIELD: &str = "stripe-signature";

/// What can be done to what Stripe signs.
fn rows() -> Vec<Row> {
    let time = |by: i64| {
        field(FIELD, move |value| {
            let (time, rest) = value[2..].split_once(',').expect("a time and codes");
            format!("t={},{rest}", time.parse::<i64>().unwrap() + by)
        })
    };
    let code = |change: fn(&str) -> String| {
        field(FIELD, move |value| {
            let (before, rest) = value.split_once("v1=").expect("a code");
            let (code, rest) = rest.split_at(64);
            format!("{before}v1={}{rest}", change(code))
        })
    };
    let whole = |change: fn(&str) -> String| field(FIELD, change);
    let invalid = || Refused("signature_invalid");
    let malformed = || Refused("signature_malformed");
    vec![
        ("the time, within the window", time(-1), invalid()),
        ("the time, too old", time(-302), Refused("signature_expired")),
        ("the time, too far ahead", time(60), Refused("signature_expired")),
        (
            "the time, missing",
            whole(|it| it[it.find("v1").unwrap()..].to_owned()),
            Refused("signature_missing"),
        ),
        ("the time, twice", whole(|it| format!("t=1,{it}")), malformed()),
        ("the time, no number", whole(|it| format!("t=x{}", &it[2..])), malformed()),
        (
            "the code",
            code(|code| {
                if code.starts_with('a') {
                    code.replacen('a', "b", 1)
                } else {
                    format!("a{}", &code[1..])
                }
            }),
            invalid(),
        ),
        ("the code, in capitals", code(str::to_uppercase), malformed()),
        ("the code, shorter", code(|code| code[..62].to_owned()), malformed()),
        (
            "the code, of another scheme",
            whole(|it| it.replace("v1=", "v2=")),
            Refused("signature_missing"),
        ),
        (
            "the code, beside a second one",
            code(|code| format!("{},v1={code}", "0".repeat(64))),
            Passes,
        ),
        ("the header, missing", missing(FIELD), Refused("signature_missing")),
        ("the header, empty", says(FIELD, ""), Refused("signature_missing")),
        ("the header, twice", twice(FIELD), malformed()),
        ("the first byte of the body", byte(|_| 0), invalid()),
        ("a byte in the middle of the body", byte(|length| length / 2), invalid()),
        ("the last byte of the body", byte(|length| length - 1), invalid()),
        ("the body, written again", written_again(), invalid()),
        ("the body, shorter", body(|text| text[..text.len() - 1].to_owned()), invalid()),
        ("the body, none", body(|_| String::new()), invalid()),
        ("the query", target(|target| format!("{target}?a=1")), Passes),
        ("the path", target(|target| format!("{target}/x")), Refused("route_not_found")),
        ("the method", method("PUT"), Refused("method_not_allowed")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_of_stripe_that_was_changed_on_its_way_reaches_nobody() {
    let post = Provider::http1(|_| Reply::new(200, "")).await;
    let institution = Provider::http1(|_| Reply::new(204, "")).await;
    let stand = Stand::new("stripe", &format!("{}/told", post.url()));
    let yaml = format!(
        "listeners: {{ plain: {{ address: '127.0.0.1:0' }} }}
routes:
  calls:
    match: {{ path_prefix: /v1 }}
    unauthenticated: true
    send_to: [{{ upstream: provider }}]
  events:
    match: {{ path: /told, methods: [POST] }}
    plugins: [{{ stripe: {{ webhook_secrets: [{{ file: twin/webhook_secret }}] }} }}]
    send_to: [{{ upstream: institution }}]
upstreams:
  provider:
    endpoints: ['http://{}']
    plugins: [{{ stripe: {{ secret_key: {{ file: twin/secret_key }} }} }}]
  institution: {{ endpoints: ['{}'] }}
",
        stand.address,
        institution.url(),
    );
    let gateway = stand.recipe(yaml).start();
    let count = std::sync::atomic::AtomicUsize::new(0);
    // Each payment tells of two events.
    let genuine = async || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let body = "amount=500&currency=usd&payment_method=pm_card_visa&confirm=true\
                    &payment_method_types[]=card";
        let key = format!("key-{number}");
        let fields = [
            LOCAL,
            ("content-type", "application/x-www-form-urlencoded"),
            ("idempotency-key", key.as_str()),
        ];
        let mut caller = gateway.http1().await;
        let paid = caller.call("POST", "/v1/payment_intents", &fields, body.as_bytes(), None).await;
        assert_eq!(paid.status, 200, "paid: {}", paid.text());
        post.until("both events", |requests| {
            requests.iter().filter(|request| request.complete).count() == 2 * (number + 1)
        })
        .await;
        Message::of_request(&post.requests()[2 * number])
    };
    notifications(&gateway, &institution, genuine, rows()).await;
}
