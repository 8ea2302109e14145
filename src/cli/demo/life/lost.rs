//! Answers that are lost: what the caller is told, and how the truth is found.

use http::StatusCode;

use super::{
    super::{
        call::{Answered, Call},
        checks::{code, status, until},
        page::Page,
    },
    CHANNELS, Shop,
    channel::{Channel, Order},
    wire::text,
};
use crate::sandbox::twin::{Fault, Plan};

/// A provider takes an order, and its answer never arrives.
pub(super) async fn order(shop: &Shop<'_>, page: &mut Page) {
    page.step(
        "An answer that is lost",
        "The provider did what it was asked for, and the connection broke before it could say so. The \
         gateway cannot know that. It says so, and does not ask a second time by itself. The caller \
         asks by its own number.",
    );
    let Some(channel) = CHANNELS.first() else { return };
    let twin = &channel.party(shop).twin;
    let order = Order { channel, id: format!("{}_0003", channel.kind), reference: None };
    let call = shop.order(channel, &order.id);
    if lost(shop, page, channel, &call).await.is_none() {
        return;
    }
    let (orders, state, requests) = booked(shop, page, &order);
    page.promise(
        "the provider was asked once, and has one order that nobody paid",
        (orders, state.as_str(), requests) == (1, "pending", 1),
        &format!("{orders} orders, {requests} requests, {state}"),
    );
    page.line("");

    let ask = order.ask(shop);
    let Some(asked) = ask.shown(&shop.stage.client, page, &["tollgate-error"]).await else {
        return;
    };
    page.promise(
        "asked for, it is there: the payer has to act",
        asked.status == StatusCode::OK && asked.text("status") == "requires_action",
        &asked.body,
    );
    let Some(again) = shop.quietly(page, &call).await else { return };
    let paid = twin.desk().pay(order.in_book());
    page.line("");
    let (orders, state, requests) = booked(shop, page, &order);
    page.promise(
        "ordered again with the same number, it is the same order",
        again.status == StatusCode::OK && again.text("order_id") == order.id && requests == 2,
        &again.body,
    );
    page.promise(
        "and paid once",
        paid.is_ok() && (orders, state.as_str()) == (1, "paid"),
        &format!("{orders} orders, {state}"),
    );
    let Some(found) = shop.quietly(page, &ask).await else { return };
    page.promise("asked for again, it is paid", found.text("status") == "paid", &found.body);
}

/// A provider charges a card at once, and its answer never arrives.
pub(super) async fn charge(shop: &Shop<'_>, page: &mut Page) {
    page.step(
        "The same, and the money has moved",
        "A stored card is charged at once, and nobody hears it. The order's number is the provider's \
         idempotency key: sending it again finds the charge instead of making another. The \
         notification tells of it as well.",
    );
    let Some(channel) = CHANNELS.iter().find(|channel| channel.name == "stripe") else { return };
    let order = Order { channel, id: format!("{}_0003", channel.kind), reference: None };
    let mut call = shop.order(channel, &order.id);
    call.body = call.body.map(|body| body.replace('}', r#", "payment_method": "pm_card_visa"}"#));
    if lost(shop, page, channel, &call).await.is_none() {
        return;
    }
    let (charges, state, _) = booked(shop, page, &order);
    page.promise(
        "the provider has charged, once",
        (charges, state.as_str()) == (1, "paid"),
        &format!("{charges} charges, {state}"),
    );
    page.line("");

    let Some(again) = call.shown(&shop.stage.client, page, &["tollgate-error"]).await else {
        return;
    };
    let (charges, state, _) = booked(shop, page, &order);
    page.promise(
        "sent again with the same number, it is paid",
        again.status == StatusCode::OK && again.text("status") == "paid",
        &again.body,
    );
    page.promise(
        "and was charged once for both",
        (charges, state.as_str()) == (1, "paid"),
        &format!("{charges} charges, {state}"),
    );
    let institution = &shop.stage.cast.institution;
    let heard = until(async || !institution.events(&order.id).is_empty()).await;
    let events = institution.events(&order.id);
    let same = events.iter().all(|event| {
        text(event, "/event") == "payment.paid"
            && text(event, "/provider_reference") == again.text("provider_reference")
    });
    page.promise(
        "the notification told of the same payment",
        heard && same,
        &format!("{events:?}"),
    );
}

/// Sends a call whose answer is lost.
async fn lost(
    shop: &Shop<'_>,
    page: &mut Page,
    channel: &Channel,
    call: &Call,
) -> Option<Answered> {
    channel.party(shop).twin.faults().plan(Fault::LostAnswer, Plan::times(1));
    let answer = call.shown(&shop.stage.client, page, &["tollgate-error"]).await?;
    status(page, &answer, StatusCode::BAD_GATEWAY);
    code(page, &answer, "upstream_broken");
    page.line("");
    Some(answer)
}

/// Prints what the provider's book has of an order, and returns it.
fn booked(shop: &Shop<'_>, page: &mut Page, order: &Order) -> (usize, String, u64) {
    let (count, state, requests) = order.booked(shop);
    let times = if requests == 1 { "once" } else { "twice" };
    let text = format!("{count} payment for {}, {state}, asked for {times}", order.id);
    page.note(&format!("{} has", order.channel.provider), &text);
    (count, state, requests)
}
