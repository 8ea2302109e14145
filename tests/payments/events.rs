//! What the institution receives of notifications, once they were verified.

use serde_json::{Value, json};

use super::stage::Stage;

/// This notification becomes this event.
async fn becomes(stage: &Stage, path: &str, notification: Value, event: Value) {
    stage.answers_text(204, "");
    let answer = stage.notify(path, &notification).await;
    assert_eq!(answer.status, 204, "{notification}: the institution's answer: {}", answer.text());
    let received = stage.last();
    assert_eq!(received.method + " " + &received.target, "POST /events/payments", "its place");
    let body: Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(body, event, "{notification}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wechat_pays_notifications_become_events() {
    let stage = Stage::new().await;
    let notification = |kind: &str, resource: Value| {
        json!({ "id": "EV-1", "event_type": kind, "create_time": "2026-11-24T20:00:00+08:00",
            "resource_type": "encrypt-resource", "summary": "x", "resource": resource })
    };
    for (state, status) in [("SUCCESS", "paid"), ("CLOSED", "canceled"), ("PAYERROR", "failed")] {
        becomes(
            &stage,
            "/notify/wechat_pay",
            notification(
                "TRANSACTION.SUCCESS",
                json!({ "mchid": "1900000109", "out_trade_no": "order_0001",
                    "transaction_id": "4200001", "trade_state": state,
                    "amount": { "total": 1050, "payer_total": 1050, "currency": "CNY" } }),
            ),
            json!({ "id": "EV-1", "channel": "wechat_pay", "event": format!("payment.{status}"),
                "order_id": "order_0001", "status": status, "amount": "10.50", "currency": "CNY",
                "provider_reference": "4200001" }),
        )
        .await;
    }
    for (state, status) in
        [("SUCCESS", "succeeded"), ("ABNORMAL", "failed"), ("CLOSED", "canceled")]
    {
        becomes(
            &stage,
            "/notify/wechat_pay",
            notification(
                "REFUND.SUCCESS",
                json!({ "mchid": "1900000109", "out_trade_no": "order_0001",
                    "out_refund_no": "refund_0001", "refund_id": "5030001", "refund_status": state,
                    "amount": { "total": 1050, "refund": 250 } }),
            ),
            json!({ "id": "EV-1", "channel": "wechat_pay", "event": format!("refund.{status}"),
                "order_id": "order_0001", "refund_id": "refund_0001", "status": status,
                "amount": "2.50", "currency": "CNY", "provider_reference": "5030001" }),
        )
        .await;
    }
    becomes(
        &stage,
        "/notify/wechat_pay",
        notification("COMPLAINT.CREATE", json!({ "complaint_id": "7" })),
        json!({ "id": "EV-1", "channel": "wechat_pay", "event": "other",
            "provider_event": "COMPLAINT.CREATE", "data": { "complaint_id": "7" } }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alipays_notifications_become_events() {
    let stage = Stage::new().await;
    let notification = |status: &str, more: Value| {
        let mut all = json!({ "notify_id": "n-1", "notify_type": "trade_status_sync",
            "app_id": "2021001122334455", "out_trade_no": "order_0001", "trade_no": "2026112422001",
            "trade_status": status, "total_amount": "10.5" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for (state, event, status) in [
        ("WAIT_BUYER_PAY", "payment.requires_action", "requires_action"),
        ("TRADE_SUCCESS", "payment.paid", "paid"),
        ("TRADE_FINISHED", "payment.finished", "paid"),
        ("TRADE_CLOSED", "payment.canceled", "canceled"),
    ] {
        becomes(
            &stage,
            "/notify/alipay",
            notification(state, json!({})),
            json!({ "id": "n-1", "channel": "alipay", "event": event, "order_id": "order_0001",
                "status": status, "amount": "10.50", "currency": "CNY",
                "provider_reference": "2026112422001" }),
        )
        .await;
    }
    for (state, status) in [("TRADE_SUCCESS", "partially_refunded"), ("TRADE_CLOSED", "refunded")] {
        let refund = json!({ "gmt_refund": "2026-11-24 20:00:00.000", "refund_fee": "2.50",
            "out_biz_no": "refund_0001" });
        becomes(
            &stage,
            "/notify/alipay",
            notification(state, refund),
            json!({ "id": "n-1", "channel": "alipay", "event": "payment.refunded",
                "order_id": "order_0001", "refund_id": "refund_0001", "status": status,
                "amount": "10.50", "refunded_amount": "2.50", "currency": "CNY",
                "provider_reference": "2026112422001" }),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripes_events_become_events() {
    let stage = Stage::new().await;
    for (kind, event, status) in [
        ("payment_intent.succeeded", "payment.paid", "paid"),
        ("payment_intent.processing", "payment.pending", "pending"),
        ("payment_intent.requires_action", "payment.requires_action", "requires_action"),
        ("payment_intent.canceled", "payment.canceled", "canceled"),
        ("payment_intent.payment_failed", "payment.failed", "requires_action"),
    ] {
        becomes(
            &stage,
            "/notify/stripe",
            json!({ "id": "evt_1", "type": kind, "livemode": true, "data": { "object": {
                "id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "jpy",
                "metadata": { "order_id": "order_0001" },
                "last_payment_error": { "code": "card_declined" } } } }),
            json!({ "id": "evt_1", "channel": "stripe", "event": event, "order_id": "order_0001",
                "status": status, "amount": "1000", "currency": "JPY",
                "provider_reference": "pi_1", "failure": "card_declined" }),
        )
        .await;
    }
    becomes(
        &stage,
        "/notify/stripe",
        json!({ "id": "evt_1", "type": "refund.updated", "data": { "object": { "id": "re_1",
            "object": "refund", "status": "failed", "amount": 250, "currency": "usd",
            "payment_intent": "pi_1", "metadata": { "order_id": "order_0001", "refund_id": "refund_0001" } } } }),
        json!({ "id": "evt_1", "channel": "stripe", "event": "refund.failed",
            "order_id": "order_0001", "refund_id": "refund_0001", "status": "failed",
            "amount": "2.50", "currency": "USD", "provider_reference": "re_1",
            "payment_reference": "pi_1" }),
    )
    .await;
    let data = json!({ "object": { "id": "cus_1", "object": "customer", "x": 1 } });
    becomes(
        &stage,
        "/notify/stripe",
        json!({ "id": "evt_1", "type": "customer.created", "data": data }),
        json!({ "id": "evt_1", "channel": "stripe", "event": "other",
            "provider_event": "customer.created", "data": data }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_notification_is_refused_and_the_institution_hears_nothing() {
    let stage = Stage::new().await;
    stage.answers_text(204, "");
    for (path, body, pointer) in [
        ("/notify/wechat_pay", json!({ "resource": {} }), "/id"),
        (
            "/notify/alipay",
            json!({ "notify_id": "1", "trade_status": "TRADE_SUCCESS" }),
            "/total_amount",
        ),
        ("/notify/stripe", json!({ "id": "evt_1", "data": {} }), "/type"),
        (
            "/notify/stripe",
            json!({ "id": "evt_1", "type": "payment_intent.succeeded", "data": { "object": {
                "id": "pi_1", "object": "payment_intent", "amount": 1000,
                "metadata": { "order_id": "order_0001" } } } }),
            "/data/object/currency",
        ),
    ] {
        let answer = stage.notify(path, &body).await;
        assert_eq!(answer.fault().as_deref(), Some("field_invalid"), "{path}: {}", answer.text());
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_in_another_currency_makes_no_event_in_yuan() {
    let stage = Stage::new().await;
    stage.answers_text(204, "");
    let amount = json!({ "total": 1050, "refund": 250, "currency": "USD" });
    for resource in [
        json!({ "out_trade_no": "order_0001", "transaction_id": "4200001",
            "trade_state": "SUCCESS", "amount": amount }),
        json!({ "out_trade_no": "order_0001", "out_refund_no": "refund_0001",
            "refund_id": "5030001", "refund_status": "SUCCESS", "amount": amount }),
    ] {
        let body = json!({ "id": "EV-1", "event_type": "X", "resource_type": "encrypt-resource",
            "resource": resource });
        let answer = stage.notify("/notify/wechat_pay", &body).await;
        assert_eq!(answer.fault().as_deref(), Some("field_invalid"), "{body}: {}", answer.text());
    }
    assert_eq!(stage.count(), 0, "the institution hears nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_in_units_of_stripes_own_are_handed_on_as_they_are() {
    let stage = Stage::new().await;
    for currency in ["isk", "mga", "ugx"] {
        for object in [
            json!({ "id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": currency,
                "metadata": { "order_id": "order_0001" } }),
            json!({ "id": "re_1", "object": "refund", "status": "succeeded", "amount": 1000,
                "currency": currency,
                "metadata": { "order_id": "order_0001", "refund_id": "refund_0001" } }),
        ] {
            let data = json!({ "object": object });
            let kind = "payment_intent.succeeded";
            becomes(
                &stage,
                "/notify/stripe",
                json!({ "id": "evt_1", "type": kind, "data": data }),
                json!({ "id": "evt_1", "channel": "stripe", "event": "other",
                    "provider_event": kind, "data": data }),
            )
            .await;
        }
    }
}
