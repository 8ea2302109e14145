//! Confirmation: the payer pays, and the provider's notification becomes one clean event.

use http::StatusCode;
use serde_json::Value;

use super::{
    super::{
        checks::{code, status, until},
        page::{Page, shortened},
    },
    CHANNELS, Shop,
    channel::Order,
    wire::{at, field, form_field, has, list, text},
};
use crate::sandbox::twin::{Event, Fault, On, PaymentState, Plan, Sealing, Signature};

/// Every order is paid. The first provider notifies twice.
pub(super) async fn paid(shop: &Shop<'_>, page: &mut Page, orders: &[Order]) {
    page.step(
        "The payers pay",
        "Each provider notifies the gateway: signed, and encrypted where the provider does that. The \
         gateway proves it, opens it, hands the institution one clean event, and acknowledges it in \
         the provider's own words. The first notification comes twice.",
    );
    for (turn, order) in orders.iter().enumerate() {
        let (channel, twice) = (order.channel, turn == 0);
        let twin = &channel.party(shop).twin;
        if twice {
            let plan = Plan::times(1).on(On::Notification);
            twin.faults().plan(Fault::DuplicateNotification, plan);
        }
        if let Err(error) = twin.desk().pay(order.in_book()) {
            page.promise("the payer pays", false, &error);
            continue;
        }
        let wanted = if twice { 2 } else { 1 };
        let institution = &shop.stage.cast.institution;
        let done = until(async || {
            acknowledged(&twin.notifications(), order) >= wanted
                && !institution.events(&order.id).is_empty()
        })
        .await;
        let events = institution.events(&order.id);
        let event = events.first().cloned().unwrap_or_default();
        if turn > 0 {
            page.line("");
        }
        let wire = notification(&twin.wire(), &event);
        let body = one_line(text(&wire, "/body"));
        let body = shortened(&body, 200);
        page.note(&format!("{} sent", channel.provider), &body);
        let proof = match field(&wire, channel.proof) {
            // Alipay's is a field of the form.
            "" => form_field(text(&wire, "/body"), channel.proof),
            proof => proof,
        };
        page.note("", &format!("{}: {}", channel.proof, shortened(proof, 60)));
        page.note("institution", &event.to_string());
        page.line("");
        let members = [
            ("event", "payment.paid"),
            ("status", "paid"),
            ("amount", "100.00"),
            ("currency", channel.currency),
        ];
        page.promise(
            &format!(
                "{} was acknowledged {}",
                channel.provider,
                if twice { "both times" } else { "at once" }
            ),
            done,
            &format!("{:?}", twin.notifications()),
        );
        page.promise(
            "the institution received one event: paid, how much, and the provider's number",
            events.len() == 1
                && has(&event, &members)
                && !text(&event, "/provider_reference").is_empty(),
            &format!("{events:?}"),
        );
    }
}

/// Somebody says that an order was paid, and it is not.
pub(super) async fn forged(shop: &Shop<'_>, page: &mut Page) {
    page.step(
        "A notification that somebody forged",
        "It looks like WeChat Pay's and says that an order was paid. Only its signature is wrong.",
    );
    let Some(channel) = CHANNELS.first() else { return };
    let twin = &channel.party(shop).twin;
    let order = Order { channel, id: format!("{}_0002", channel.kind), reference: None };
    if shop.quietly(page, &shop.order(channel, &order.id)).await.is_none() {
        return;
    }
    let now = twin.desk().now();
    let payment = twin.desk().book().payment(&order.id).cloned();
    let Some(mut payment) = payment else {
        return page.promise("the order stands in the book", false, &"none");
    };
    (payment.state, payment.paid) = (PaymentState::Paid, Some(now));
    let letter = twin.dialect().letters(&Event::Paid(payment), twin.desk()).pop();
    let Some((letter, to)) = letter.and_then(|letter| Some((letter.clone(), letter.to?))) else {
        return page.promise("a notification can be worded", false, &"none");
    };
    let sealing = Sealing { signature: Signature::Wrong, now };
    let envelope = twin.dialect().seal_letter(&letter, &sealing, twin.desk());
    page.request(&[
        format!("curl {to}"),
        format!("  -d '{}'", shortened(&String::from_utf8_lossy(&envelope.body), 150)),
    ]);
    let answer = match shop.stage.client.post(&to, envelope.headers, envelope.body).await {
        Ok(answer) => answer,
        Err(error) => return page.promise("the gateway answers", false, &error),
    };
    page.answer(answer.status, &answer.headers, &["tollgate-error"], &answer.body);
    status(page, &answer, StatusCode::UNAUTHORIZED);
    code(page, &answer, "signature_invalid");
    let events = shop.stage.cast.institution.events(&order.id);
    page.promise("the institution heard nothing of it", events.is_empty(), &format!("{events:?}"));
}

/// The notification that an event was made of.
fn notification(wire: &Value, event: &Value) -> Value {
    let id = text(event, "/id");
    let own = list(wire, "/notifications").iter().find(|one| text(one, "/body").contains(id));
    own.cloned().unwrap_or_default()
}

/// A text on one line, with single spaces.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How often a notification about this order was acknowledged.
fn acknowledged(notifications: &[Value], order: &Order) -> usize {
    let own = notifications.iter().filter(|one| text(one, "/order") == order.in_book());
    let attempts = own.flat_map(|one| list(one, "/attempts"));
    attempts.filter(|attempt| at(attempt, "/acknowledged") == true).count()
}
