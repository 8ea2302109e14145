//! Who may ask, and what becomes of payment intents.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use merchant::{PAY, answered};

const INTENTS: &str = "/v1/payment_intents";

#[tokio::test]
async fn only_the_secret_key_opens_the_door() {
    let bench = Bench::new();
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let other = format!("Bearer {}0", bench.key);
    for (value, expected, what) in [
        (format!("Bearer {}", bench.key), 200, "Bearer"),
        (basic(&format!("{}:", bench.key)), 200, "Basic"),
        (other.clone(), 401, "another key"),
        (format!("Bearer {}", bench.key.to_uppercase()), 401, "in capitals"),
        (basic(&format!("{}:x", bench.key)), 401, "a password"),
        (basic(&format!(":{}", bench.key)), 401, "as a password"),
        (format!("Token {}", bench.key), 401, "another scheme"),
        (bench.key.clone(), 401, "no scheme"),
        ("Bearer ".to_owned(), 401, "nothing"),
    ] {
        let request = bench.request(&Method::GET, INTENTS, "", &[("authorization", &value)]);
        let answer = answered(bench.reply(request).await);
        assert_eq!(answer.status, expected, "{what}: {}", answer.json);
        assert!(answer.headers.contains_key("request-id"), "{what}: every answer has a number");
        assert!(!answer.json.to_string().contains(&bench.key), "{what}: no key is told");
    }
    let mut none = bench.request(&Method::GET, INTENTS, "", &[]);
    none.headers.remove("authorization");
    let answer = answered(bench.reply(none).await);
    assert_eq!((answer.status, answer.error("type")), (401, "invalid_request_error"), "no key");
    for (version, expected) in
        [("2025-09-30.clover", 200), ("2022-11-15", 200), ("latest", 400), ("2025-09-30.", 400)]
    {
        let request = bench.request(&Method::GET, INTENTS, "", &[("stripe-version", version)]);
        let answer = answered(bench.reply(request).await);
        assert_eq!(answer.status, expected, "{version}");
        assert!(expected != 200 || answer.headers["stripe-version"] == version, "echoed");
    }
}

#[tokio::test]
async fn the_payment_method_decides_what_happens() {
    let bench = Bench::new();
    let made = bench.post(INTENTS, "amount=500&currency=usd").await.json;
    assert_eq!(made["status"], "requires_payment_method", "nothing to pay with");
    let confirm = format!("{INTENTS}/{}/confirm", made["id"].as_str().unwrap());
    let early = bench.post(&confirm, "").await;
    assert_eq!(early.error("code"), "payment_intent_unexpected_state", "still nothing");
    let declined = bench.post(&confirm, "payment_method=pm_card_chargeDeclined").await;
    assert_eq!((declined.status, declined.error("type")), (402, "card_error"), "declined");
    assert_eq!(declined.error("decline_code"), "generic_decline", "for no reason");
    let intent = &declined.json["error"]["payment_intent"];
    assert_eq!(intent["status"], "requires_payment_method", "and open for another card");
    assert_eq!(intent["last_payment_error"]["code"], "card_declined", "with the reason");
    let waits = bench.post(&confirm, "payment_method=pm_card_authenticationRequired").await.json;
    assert_eq!(waits["status"], "requires_action", "the payer has to prove itself");
    assert_eq!(waits["next_action"]["type"], "use_stripe_sdk", "somehow");
    let unknown = bench.post(&confirm, "payment_method=pm_none").await;
    assert_eq!((unknown.status, unknown.error("code")), (400, "resource_missing"), "no such card");
    let paid = bench.post(&confirm, "payment_method=pm_card_visa").await.json;
    assert_eq!(
        (&paid["status"], &paid["amount_received"]),
        (&json!("succeeded"), &json!(500)),
        "paid"
    );
    let again = bench.post(&confirm, "payment_method=pm_card_visa").await;
    assert_eq!(again.error("code"), "payment_intent_unexpected_state", "and not twice");
    let charge =
        bench.get(&format!("/v1/charges/{}", paid["latest_charge"].as_str().unwrap())).await;
    assert_eq!(charge.json["payment_intent"], paid["id"], "the charge knows the intent");

    let held = PAY.to_owned() + "&capture_method=manual";
    let held = bench.post(INTENTS, &held).await.json;
    assert_eq!(
        (&held["status"], &held["amount_capturable"]),
        (&json!("requires_capture"), &json!(1_099)),
        "held"
    );
    let id = held["id"].as_str().unwrap();
    let part = bench.post(&format!("{INTENTS}/{id}/capture"), "amount_to_capture=1").await;
    assert_eq!(part.status, 400, "not in part");
    let captured = bench.post(&format!("{INTENTS}/{id}/capture"), "").await.json;
    assert_eq!(captured["status"], "succeeded", "captured");
    let cancelled = bench.post(&format!("{INTENTS}/{id}/cancel"), "").await;
    assert_eq!(cancelled.error("code"), "payment_intent_unexpected_state", "too late to cancel");
    let open = bench.post(INTENTS, "amount=500&currency=usd").await.json;
    let cancel = format!("{INTENTS}/{}/cancel", open["id"].as_str().unwrap());
    let cancelled = bench.post(&cancel, "cancellation_reason=duplicate").await.json;
    assert_eq!(
        (&cancelled["status"], &cancelled["cancellation_reason"]),
        (&json!("canceled"), &json!("duplicate")),
        "cancelled"
    );
    let paid = &bench.twin.book()["totals"];
    assert_eq!(
        (&paid["USD"]["paid"], &paid["EUR"]["paid"]),
        (&json!(500), &json!(1_099)),
        "once each"
    );
}

#[tokio::test]
async fn parameters_are_refused_by_name() {
    let bench = Bench::new();
    for (body, code, param) in [
        ("currency=eur", "parameter_missing", "amount"),
        ("amount=1", "parameter_missing", "currency"),
        ("amount=0&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=1.5&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=-1&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=100000000&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=1&currency=euro", "parameter_invalid_string", "currency"),
        ("amount=1&currency=eur&confirm=yes", "parameter_invalid_boolean", "confirm"),
        (
            "amount=1&currency=eur&capture_method=never",
            "parameter_invalid_string",
            "capture_method",
        ),
        ("amount=1&currency=eur&metadata=1", "parameter_invalid_string", "metadata"),
        ("amount=1&currency=eur&surprise=1", "parameter_unknown", "surprise"),
        ("amount=1&amount=2&currency=eur", "parameter_unknown", "amount"),
    ] {
        let refused = bench.post(INTENTS, body).await;
        assert_eq!((refused.status, refused.error("code")), (400, code), "{body}");
        assert_eq!(refused.error("param"), param, "{body}");
    }
    let json = bench.request(&Method::POST, INTENTS, "{}", &[("content-type", "application/json")]);
    assert_eq!(answered(bench.reply(json).await).status, 400, "JSON is not version 1");
    for target in
        ["/v1/payment_intents/pi_none", "/v1/refunds/re_none", "/v1/events/evt_none", "/v1/none"]
    {
        let missing = bench.get(target).await;
        assert_eq!(missing.status, 404, "{target}: {}", missing.json);
    }
    assert_eq!(bench.twin.book()["orders"], 0, "nothing came of it");
}

#[tokio::test]
async fn intents_are_found_by_account_page_and_search() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for order in 0..5 {
        let body = PAY.replace("order-1", &format!("order-{order}"));
        ids.push(bench.post(INTENTS, &body).await.json["id"].clone());
    }
    let open = bench.post(INTENTS, "amount=7&currency=usd&metadata[order_id]=a%27b").await.json;
    let numbers = |page: &Value| -> Vec<Value> {
        page["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect()
    };
    let page = bench.get("/v1/payment_intents?limit=2").await.json;
    assert_eq!(numbers(&page), [open["id"].clone(), ids[4].clone()], "the newest first");
    assert_eq!(page["has_more"], true, "and there is more");
    let next = format!("/v1/payment_intents?limit=4&starting_after={}", ids[4].as_str().unwrap());
    let page = bench.get(&next).await.json;
    assert_eq!((numbers(&page).len(), &page["has_more"]), (4, &json!(false)), "the rest");
    let back = format!("/v1/payment_intents?limit=1&ending_before={}", ids[4].as_str().unwrap());
    assert_eq!(numbers(&bench.get(&back).await.json), [open["id"].clone()], "and back");
    for (query, expected) in [
        ("metadata['order_id']:'order-3'", vec![&ids[3]]),
        ("metadata[\"order_id\"]:\"a'b\"", vec![&open["id"]]),
        ("status:'succeeded' AND metadata['order_id']:'order-0'", vec![&ids[0]]),
        ("currency:'usd' OR metadata['order_id']:'order-0'", vec![&open["id"], &ids[0]]),
        ("-status:'succeeded'", vec![&open["id"]]),
        ("amount<100", vec![&open["id"]]),
        ("amount:7", vec![&open["id"]]),
        ("amount>5000", vec![]),
    ] {
        let mut url = reqwest::Url::parse("http://twin/v1/payment_intents/search").unwrap();
        url.query_pairs_mut().append_pair("query", query);
        let target = format!("{}?{}", url.path(), url.query().unwrap());
        let found = bench.get(&target).await.json;
        assert_eq!(found["object"], "search_result", "{query}: {found}");
        assert_eq!(numbers(&found).iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for query in [
        "",
        "status",
        "status:'a",
        "colour:'a'",
        "status:'a' AND",
        "status:'a'%20AND%20status:'b'%20OR%20status:'c'",
    ] {
        let refused = bench.get(&format!("/v1/payment_intents/search?query={query}")).await;
        assert_eq!(refused.status, 400, "{query}");
    }
    let account = [("stripe-account", "acct_1")];
    let target = format!("{INTENTS}/{}", ids[0].as_str().unwrap());
    let request = bench.request(&Method::GET, &target, "", &account);
    assert_eq!(answered(bench.reply(request).await).status, 404, "another account's is not there");
    let update =
        bench.post(&target, "metadata[order_id]=&metadata[x]=1&description=tea").await.json;
    assert_eq!(
        (&update["metadata"], &update["description"]),
        (&json!({ "x": "1" }), &json!("tea")),
        "updated"
    );
}

#[tokio::test]
async fn the_same_seed_makes_the_same_numbers_and_the_same_faults() {
    let run = async |seed| {
        let bench = Bench::with(Options { seed, ..Options::default() });
        bench.twin.faults().plan(Fault::ErrorAfterCharge, Plan::share("0.5").unwrap());
        let mut seen = Vec::new();
        for order in 0..16 {
            let answer = bench.keyed(INTENTS, PAY, &format!("key-{order}")).await;
            seen.push(answer.status);
        }
        let payments = bench.twin.book()["payments"].as_array().unwrap().clone();
        assert_eq!(payments.len(), 16, "a failure changes nothing of the book");
        (seen, payments.iter().map(|payment| payment["order"].clone()).collect::<Vec<_>>())
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await, "the same");
    assert_ne!(first, run(8).await, "another seed decides otherwise");
}

#[tokio::test]
async fn an_intent_shows_its_charge_where_that_is_wanted() {
    let bench = Bench::new();
    let id = bench.paid().await;
    let plain = bench.get(&format!("{INTENTS}/{id}")).await.json;
    assert!(plain["latest_charge"].is_string(), "its number: {plain}");
    let refund = format!("payment_intent={id}&amount=100");
    assert_eq!(bench.post("/v1/refunds", &refund).await.status, 200, "a part of it goes back");
    let wide = bench.get(&format!("{INTENTS}/{id}?expand[]=latest_charge")).await.json;
    assert_eq!(wide["latest_charge"]["id"], plain["latest_charge"], "the same: {wide}");
    assert_eq!(wide["latest_charge"]["amount_refunded"], 100, "as it is now: {wide}");
    let query = "/v1/payment_intents/search?query=metadata['order_id']:'ORDER-1'";
    let plain = bench.get(query).await.json;
    assert_eq!(plain["data"][0]["latest_charge"], wide["latest_charge"]["id"], "searched: {plain}");
    let page = bench.get(&format!("{query}&expand[]=data.latest_charge")).await.json;
    assert_eq!(page["data"][0], wide, "the same, searched in capitals: {page}");
    let refund = format!("{refund}&expand[]=payment_intent");
    let refund = bench.post("/v1/refunds", &refund).await.json;
    assert_eq!(refund["payment_intent"]["id"], json!(id), "whose it is: {refund}");
    let order = &refund["payment_intent"]["metadata"]["order_id"];
    assert_eq!(order, "order-1", "and which order's: {refund}");
    let open = bench.post(INTENTS, "amount=500&currency=usd").await.json;
    let path = format!("{INTENTS}/{}?expand[]=latest_charge", open["id"].as_str().unwrap());
    assert!(bench.get(&path).await.json["latest_charge"].is_null(), "none before it is paid");
}
