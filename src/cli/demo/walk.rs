//! The walk: one step after another, each with what it promises.

use std::fs;

use http::StatusCode;
use serde_json::Value;

use super::{
    call::{Answered, Call},
    checks::{code, status, token, until},
    life,
    load::Load,
    page::{Page, shortened},
    stage::{Hosted, MARKET, PROBER, SHOP, Stage},
    story,
};

/// Every step, in order. Later steps go on although an earlier one failed.
pub(super) async fn walk(stage: &Stage, page: &mut Page) {
    no_token(stage, page).await;
    wrong_audience(stage, page).await;
    too_many_requests(stage, page).await;
    encrypted_for_a(stage, page).await;
    routed_to_b(stage, page).await;
    tampered(stage, page).await;
    live_edit(stage, page).await;
    life::live(stage, page).await;
    story::metrics(stage, page).await;
}

async fn no_token(stage: &Stage, page: &mut Page) {
    page.step(
        "A payment without a token",
        "Nobody pays anonymously. The gateway refuses before it reads what was sent, and says how to do better.",
    );
    let call = Call::post(payments(stage), None, payment("100001", "100.00", "USD"));
    let Some(answer) =
        call.shown(&stage.client, page, &["www-authenticate", "tollgate-error"]).await
    else {
        return;
    };
    status(page, &answer, StatusCode::UNAUTHORIZED);
    code(page, &answer, "token_missing");
    let challenge = answer.header("www-authenticate");
    page.promise(
        "it says that a bearer token is wanted",
        challenge.starts_with("Bearer"),
        &challenge,
    );
    let charge = stage.acquirer.provider.charge("100001");
    page.promise("no provider heard of it", charge.is_none(), &"a charge");
}

async fn wrong_audience(stage: &Stage, page: &mut Page) {
    page.step(
        "A token that is meant for somebody else",
        "Issued by the right issuer and signed with the right key, but for the audience `reports`.",
    );
    let Some(token) = token(stage, page, SHOP, Some("reports")).await else { return };
    let call = Call::post(payments(stage), Some(&token), payment("100002", "100.00", "USD"));
    let Some(answer) =
        call.shown(&stage.client, page, &["www-authenticate", "tollgate-error"]).await
    else {
        return;
    };
    status(page, &answer, StatusCode::UNAUTHORIZED);
    code(page, &answer, "token_audience_invalid");
    page.promise("the token is not repeated", !answer.body.contains(&token), &answer.body);
}

async fn too_many_requests(stage: &Stage, page: &mut Page) {
    page.step(
        "Too many requests",
        "Fraudsters try stolen cards by the thousand, so a client may check three cards a minute. \
         The fourth check is refused; another client is not affected.",
    );
    let Some(prober) = token(stage, page, PROBER, None).await else { return };
    let Some(shop) = token(stage, page, SHOP, None).await else { return };
    let url = format!("{}/v1/card-checks", stage.gateway);
    let mut statuses = Vec::new();
    for card in 1..=3 {
        let body = card_check(card);
        let answer = stage.client.send(&Call::post(url.clone(), Some(&prober), body)).await;
        statuses.push(answer.map_or(0, |answer| answer.status.as_u16()));
    }
    page.note("before", &format!("three checks, answered {statuses:?}"));
    let call = Call::post(url.clone(), Some(&prober), card_check(4));
    let shown = ["ratelimit-policy", "ratelimit", "retry-after", "tollgate-error"];
    let Some(answer) = call.shown(&stage.client, page, &shown).await else { return };
    page.promise(
        "three checks were answered 200",
        statuses == [200, 200, 200],
        &format!("{statuses:?}"),
    );
    status(page, &answer, StatusCode::TOO_MANY_REQUESTS);
    code(page, &answer, "rate_limited");
    let wait = answer.header("retry-after").parse::<u32>();
    page.promise(
        "it says when to come back",
        wait.is_ok_and(|seconds| (1..=60).contains(&seconds)),
        &answer.header("retry-after"),
    );
    let told =
        !answer.header("ratelimit").is_empty() && !answer.header("ratelimit-policy").is_empty();
    page.promise("it tells the limit and what is left of it", told, &"neither");
    let other = Call::post(url, Some(&shop), card_check(5));
    let other = stage.client.send(&other).await.map_or(0, |answer| answer.status.as_u16());
    page.promise("another client is answered 200", other == 200, &other);
}

async fn encrypted_for_a(stage: &Stage, page: &mut Page) {
    page.step(
        "A payment, encrypted for provider A",
        "The caller speaks plain JSON. The card acquirer reads nothing but JWE, RSA-OAEP-256 with \
         A256GCM, and answers alike. Neither knows of the other.",
    );
    let Some(token) = token(stage, page, SHOP, None).await else { return };
    let call = Call::post(payments(stage), Some(&token), payment("123456", "100.00", "USD"));
    let Some(answer) = call.shown(&stage.client, page, &["content-type"]).await else { return };
    let wire = stage.acquirer.provider.wire();
    page.note("A was sent", &shortened(&wire.request, WIRE));
    page.note("A answered", &shortened(&wire.answer, WIRE));
    page.line("");
    status(page, &answer, StatusCode::OK);
    approved(page, &answer, &stage.acquirer, "123456");
    let sealed = |text: &str| {
        text.contains("encrypted") && !text.contains("123456") && !text.contains("amount")
    };
    page.promise("the request crossed the network encrypted", sealed(&wire.request), &wire.request);
    page.promise("so did the answer", sealed(&wire.answer), &wire.answer);
    let forwarded = wire.header_names.iter().any(|name| name == "authorization");
    page.promise("the caller's token did not leave the gateway", !forwarded, &"it did");
}

async fn routed_to_b(stage: &Stage, page: &mut Page) {
    page.step(
        "A payment for provider B, chosen by the body",
        "The same address and the same JSON with `\"channel\": \"wallet\"` goes to the wallet, which \
         wants AES-256-GCM with a shared key, and an API key of ours that callers never see.",
    );
    let Some(token) = token(stage, page, SHOP, None).await else { return };
    let body = payment("200001", "25.50", "USD").replace('}', r#", "channel": "wallet"}"#);
    let call = Call::post(payments(stage), Some(&token), body);
    let Some(answer) = call.shown(&stage.client, page, &["content-type"]).await else { return };
    let wire = stage.wallet.provider.wire();
    page.note("B was sent", &shortened(&wire.request, WIRE));
    page.note("B answered", &shortened(&wire.answer, WIRE));
    page.line("");
    status(page, &answer, StatusCode::OK);
    approved(page, &answer, &stage.wallet, "200001");
    let sealed = wire.request.contains("ciphertext") && !wire.request.contains("200001");
    page.promise("the request crossed the network encrypted", sealed, &wire.request);
    let at_a = stage.acquirer.provider.charge("200001");
    page.promise("provider A never heard of it", at_a.is_none(), &"a charge");
}

async fn tampered(stage: &Stage, page: &mut Page) {
    page.step(
        "An answer that was changed on its way",
        "Provider A charges, but one bit of its answer is flipped. Nothing of an answer that cannot \
         be proven reaches the caller. The order number makes it safe to ask again.",
    );
    let Some(token) = token(stage, page, SHOP, None).await else { return };
    let call = Call::post(payments(stage), Some(&token), payment("300001", "75.00", "USD"));
    stage.acquirer.provider.fail_next(crate::sandbox::Fault::Tamper);
    let Some(answer) = call.shown(&stage.client, page, &["content-type", "tollgate-error"]).await
    else {
        return;
    };
    status(page, &answer, StatusCode::BAD_GATEWAY);
    code(page, &answer, "upstream_decryption_failed");
    let sent = stage.acquirer.provider.wire().answer;
    let sent: Value = serde_json::from_str(&sent).unwrap_or_default();
    let sealed = sent.get("encrypted").and_then(Value::as_str).unwrap_or_default();
    let charge = stage.acquirer.provider.charge("300001");
    let authorization =
        charge.as_ref().map(|charge| charge.authorization.as_str()).unwrap_or_default();
    let leaked = [sealed, authorization, "approved"]
        .into_iter()
        .any(|secret| secret.is_empty() || answer.body.contains(secret))
        || sealed.split('.').any(|segment| answer.body.contains(segment));
    page.promise("not a byte of that answer leaked", !leaked, &answer.body);

    let again = stage.client.send(&call).await;
    let again_status = again.as_ref().map_or(0, |answer| answer.status.as_u16());
    page.promise("the same request once more is answered 200", again_status == 200, &again_status);
    let charge = stage.acquirer.provider.charge("300001");
    let requests = charge.map_or(0, |charge| charge.requests);
    page.promise(
        "provider A charged once for both",
        requests == 2,
        &format!("{requests} requests"),
    );
}

async fn live_edit(stage: &Stage, page: &mut Page) {
    page.step(
        "A change of routing while payments are running",
        "Euros shall go to provider B from now on: one line of the configuration, while 200 payments \
         a second are running.",
    );
    let Some(shop) = token(stage, page, SHOP, None).await else { return };
    let Some(market) = token(stage, page, MARKET, None).await else { return };
    let provider_of = async |order: String| {
        let call = Call::post(payments(stage), Some(&shop), payment(&order, "10.00", "EUR"));
        match stage.client.send(&call).await {
            Ok(answer) => answer.text("provider"),
            Err(error) => error,
        }
    };
    let before = provider_of("400001".to_owned()).await;

    let path = stage.configuration();
    let text = fs::read_to_string(&path).unwrap_or_default();
    let edited = text.replacen(RULE_OFF, RULE_ON, 1);
    page.request(&[format!("$EDITOR {}", path.display())]);
    page.line(&format!("   - {RULE_OFF}"));
    page.line(&format!("   + {RULE_ON}"));
    page.line("");

    let load = Load::start(&stage.client, &payments(stage), &market);
    until(|| std::future::ready(load.good() >= LOAD_BEFORE)).await;
    let under_way = load.good();
    let written = stage.write_configuration(&edited);
    let mut tries = 0_u32;
    let switched = until(|| {
        tries += 1;
        let order = format!("400001-{tries}");
        let provider = provider_of(order);
        async move { provider.await == "wallet" }
    })
    .await;
    let at_switch = load.good();
    until(|| std::future::ready(load.good() >= at_switch + LOAD_AFTER)).await;
    let seen = load.stop().await;
    page.note(
        "load",
        &format!(
            "{} payments: {under_way} before the edit, {} until it was in force, {} after it",
            seen.good + seen.failed(),
            at_switch - under_way,
            seen.good - at_switch,
        ),
    );
    page.line("");
    page.promise("euros went to provider A before", before == "card-acquirer", &before);
    page.promise("the edit was written", written.is_ok(), &"an error");
    page.promise("it was in force without a restart", switched, &"provider A still");
    page.promise(
        "payments were running all the time",
        seen.good >= LOAD_BEFORE + LOAD_AFTER,
        &seen.good,
    );
    page.promise("none of them failed", seen.failed() == 0, &format!("{:?}", seen.failures));
}

fn payments(stage: &Stage) -> String {
    format!("{}/v1/payments", stage.gateway)
}

/// A payment as a caller writes it.
pub(super) fn payment(order: &str, amount: &str, currency: &str) -> String {
    format!(r#"{{"order_id": "{order}", "amount": "{amount}", "currency": "{currency}"}}"#)
}

fn card_check(card: u32) -> String {
    format!(r#"{{"card_token": "tok_{card}"}}"#)
}

fn approved(page: &mut Page, answer: &Answered, by: &Hosted, order: &str) {
    let name = by.provider.name();
    let charge = by.provider.charge(order);
    let told = answer.text("authorization_code");
    let same = charge.as_ref().is_some_and(|charge| charge.authorization == told);
    page.promise(
        &format!("{name} approved it, and the caller reads so in clear"),
        answer.text("status") == "approved" && answer.text("provider") == name,
        &answer.body,
    );
    page.promise("the code is the one in the provider's book", same, &format!("{charge:?}"));
}

const RULE_OFF: &str = "# - { when: 'body.currency == \"EUR\"', upstream: wallet }";
const RULE_ON: &str = "- { when: 'body.currency == \"EUR\"', upstream: wallet }";
/// Payments that must have gone well before the edit, and after it.
const LOAD_BEFORE: u64 = 300;
const LOAD_AFTER: u64 = 300;
/// Characters of a message on the wire that are printed.
const WIRE: usize = 110;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_has_the_rule_that_is_taken_in() {
        let text = include_str!("../../../conf/demo.yaml");
        assert_eq!(text.matches(RULE_OFF).count(), 1, "once, as a comment");
    }
}
