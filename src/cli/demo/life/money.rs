//! Queries and refunds.

use http::StatusCode;
use serde_json::json;

use super::{
    super::{call::Call, checks::until, page::Page},
    Shop,
    channel::Order,
    wire::{at, has, list, show, text},
};

/// Every payment is asked for.
pub(super) async fn found(shop: &Shop<'_>, page: &mut Page, orders: &[Order]) {
    page.step(
        "What became of them",
        "Asked for by the institution's own number, and answered in the same form, whoever the \
         provider is. Its answer is proven before a byte of it counts.",
    );
    for (turn, order) in orders.iter().enumerate() {
        if turn > 0 {
            page.line("");
        }
        let channel = order.channel;
        let Some(answer) =
            order.ask(shop).shown(&shop.stage.client, page, &["tollgate-error"]).await
        else {
            continue;
        };
        let told = answer.json();
        let events = shop.stage.cast.institution.events(&order.id);
        let members = [("status", "paid"), ("amount", "100.00"), ("currency", channel.currency)];
        page.promise(
            &format!("{} says that it is paid", channel.provider),
            answer.status == StatusCode::OK && has(&told, &members),
            &answer.body,
        );
        let same = events.first().is_some_and(|event| {
            let number = text(event, "/provider_reference");
            !number.is_empty() && number == text(&told, "/provider_reference")
        });
        page.promise("under the number that the event had", same, &answer.body);
    }
}

/// A quarter of every payment goes back.
pub(super) async fn refunded(shop: &Shop<'_>, page: &mut Page, orders: &[Order]) {
    page.step(
        "A quarter of it back",
        "A refund has a number of the institution's own: sent again, it is the same refund. The \
         provider tells when the money has arrived.",
    );
    for (turn, order) in orders.iter().enumerate() {
        if turn > 0 {
            page.line("");
        }
        let channel = order.channel;
        let refund_id = format!("{}_refund_1", channel.kind);
        let mut body = json!({
            "channel": channel.name,
            "refund_id": refund_id,
            "amount": "25.00",
            "payment_amount": "100.00",
            "currency": channel.currency,
        });
        if let (Some(reference), Some(members)) = (&order.reference, body.as_object_mut()) {
            members.insert("reference".to_owned(), reference.as_str().into());
        }
        let url = format!("{}/v1/payments/{}/refunds", shop.stage.payments, order.id);
        let call = Call::post(url, Some(&shop.token), body.to_string());
        let Some(answer) = call.shown(&shop.stage.client, page, &["tollgate-error"]).await else {
            continue;
        };
        let twin = &channel.party(shop).twin;
        show(page, channel, at(&twin.wire(), "/request"));
        let institution = &shop.stage.cast.institution;
        let back = || {
            let events = institution.events(&order.id).into_iter().rev();
            events.into_iter().find(|event| REFUNDED.contains(&text(event, "/event")))
        };
        until(async || back().is_some()).await;
        let event = back().unwrap_or_default();
        page.note("institution", &event.to_string());
        page.line("");
        let told = answer.json();
        let pending_or_done = matches!(text(&told, "/status"), "pending" | "succeeded");
        let members = [("refund_id", refund_id.as_str()), ("amount", "25.00")];
        page.promise(
            &format!("{} refunds 25.00 {}", channel.provider, channel.currency),
            answer.status == StatusCode::OK && pending_or_done && has(&told, &members),
            &answer.body,
        );
        page.promise("and tells when the money is back", event.is_object(), &event);
        let again = shop.quietly(page, &call).await;
        let refunds = list(&twin.book(), "/refunds").len();
        page.promise(
            "sent again, it is the same refund",
            refunds == 1 && again.is_some_and(|again| again.status == StatusCode::OK),
            &format!("{refunds} refunds"),
        );
    }
}

/// The events that tell of money that is back.
const REFUNDED: [&str; 2] = ["refund.succeeded", "payment.refunded"];
