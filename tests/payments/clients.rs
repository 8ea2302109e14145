//! Which client may do what.

use serde_json::{Map, Value, json};

use super::stage::{Call, Stage, example, example_in, parsed, yaml};
use crate::support::*;

const RAW: [(&str, &str); 3] = [
    ("wechat-pay.raw.example", "/v3/pay/transactions/id/1"),
    ("alipay.raw.example", "/v3/alipay/trade/query"),
    ("stripe.raw.example", "/v1/balance"),
];

fn token(issuer: &Issuer, scope: &str) -> String {
    issuer.token(&json!({ "scope": scope }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_providers_own_apis_are_open_to_a_scope_of_their_own_alone() {
    let issuer = Issuer::new("a");
    let mut stage = Stage::with_tokens(example(), &issuer).await;
    for (host, path) in RAW {
        for (scope, fault) in
            [("payments:write payments:read", Some("insufficient_scope")), ("payments:raw", None)]
        {
            stage.present(&token(&issuer, scope));
            let before = stage.count();
            let answer = stage.call_text("applications", host, "GET", path, "").await;
            assert_eq!(answer.fault().as_deref(), fault, "{host}, {scope}: {}", answer.text());
            let sent = usize::from(fault.is_none());
            assert_eq!(stage.count() - before, sent, "{host}, {scope}: what the provider hears");
        }
        let head = stage.call_text("applications", host, "HEAD", path, "").await;
        assert_eq!(head.status, 405, "{host}: an answer without a body proves nothing");
    }
    stage.present(&token(&issuer, "payments:raw"));
    let query = Call("GET", "/v1/payments/order_0001?channel=alipay", Value::Null);
    assert_eq!(
        stage.call(query).await.fault().as_deref(),
        Some("insufficient_scope"),
        "nor does it open the payments API"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_payment_can_be_paid_with_is_told_to_those_alone_who_may_create_it() {
    let issuer = Issuer::new("a");
    let mut stage = Stage::with_tokens(example(), &issuer).await;
    let intent = json!({ "id": "pi_1", "object": "payment_intent", "status": "requires_action",
        "amount": 1050, "currency": "usd", "client_secret": "pi_1_secret_2",
        "metadata": { "order_id": "order_0001" } });
    let action = json!({ "type": "client_secret", "value": "pi_1_secret_2" });
    for (path, found) in [
        ("/v1/payments/order_0001?channel=stripe&reference=pi_1", intent.clone()),
        (
            "/v1/payments/order_0001?channel=stripe",
            json!({ "object": "search_result", "data": [intent.clone()], "has_more": false }),
        ),
    ] {
        stage.answers(200, &found);
        for (scope, expected) in
            [("payments:read", &Value::Null), ("payments:read payments:write", &action)]
        {
            stage.present(&token(&issuer, scope));
            let answer = stage.call(Call("GET", path, Value::Null)).await;
            assert_eq!(answer.status, 200, "{path}, {scope}: {}", answer.text());
            assert_eq!(parsed(&answer)["action"], *expected, "{path}, {scope}");
        }
    }
}

/// The example with the rule that it shows for clients' own orders.
fn with_own_orders() -> Map<String, Value> {
    let is_shown = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("# - ") || line.starts_with("#   ")
    };
    let yaml = yaml();
    let shown = yaml.lines().filter(is_shown).count();
    assert_eq!(shown, 7, "nothing else is shown as a comment");
    let lines: Vec<String> = yaml
        .lines()
        .map(|line| if is_shown(&line) { line.replacen("# ", "", 1) } else { line.to_owned() })
        .collect();
    example_in(&lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_reaches_its_own_orders_alone_where_that_rule_stands() {
    let issuer = Issuer::new("a");
    let mut stage = Stage::with_tokens(with_own_orders(), &issuer).await;
    let scope = "payments:read payments:write";
    let shop = issuer.token(&json!({ "scope": scope }));
    let nobody = issuer.token(&json!({ "scope": scope, "client_id": null }));
    stage.answers(500, &json!({}));
    for channel in ["wechat_pay", "alipay", "stripe"] {
        for (client, order, is_own) in [
            (&shop, "shop_0001", true),
            (&shop, "stall_0001", false),
            (&shop, "shopper_0001", false),
            (&nobody, "shop_0001", false),
            (&nobody, "_0000001", false),
        ] {
            stage.present(client);
            // A number in the body does not stand for the one in the path.
            let body = json!({ "channel": channel, "order_id": "shop_0001", "amount": "1.00",
                "payment_amount": "2.00", "currency": "CNY", "description": "Tea",
                "reference": "pi_1", "refund_id": "refund_0001" });
            let mut payment = body.clone();
            payment["order_id"] = order.into();
            let path = |rest: &str| format!("/v1/payments/{order}{rest}");
            let query = format!("?channel={channel}&reference=re_1");
            for (method, path, body) in [
                ("POST", "/v1/payments".to_owned(), payment),
                ("GET", path(&query), Value::Null),
                ("POST", path("/cancel"), body.clone()),
                ("POST", path("/refunds"), body),
                ("GET", path(&format!("/refunds/refund_0001{query}")), Value::Null),
            ] {
                if is_own {
                    let call = Call(method, &path, body);
                    stage.tells(call, (502, "provider_unavailable")).await;
                } else {
                    let call = Call(method, &path, body);
                    let problem = stage.refuses(call, "operation_unsupported").await;
                    let detail = problem["detail"].as_str().unwrap();
                    assert!(detail.contains("client"), "{method} {path}: it is said why: {detail}");
                }
            }
        }
    }
}
