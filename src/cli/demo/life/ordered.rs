//! Order creation: one form for callers, three on the wire.

use http::StatusCode;

use super::{
    super::page::Page,
    CHANNELS, Shop,
    channel::Order,
    wire::{at, field, has, show, text},
};

/// An order at every provider.
pub(super) async fn three(shop: &Shop<'_>, page: &mut Page) -> Vec<Order> {
    page.step(
        "The same order at every provider",
        "Applications write one form. Each provider is asked in its own: path, unit of money, and the \
         signature over exactly these bytes. The answers come back in one form as well.",
    );
    let mut orders = Vec::new();
    for (turn, channel) in CHANNELS.iter().enumerate() {
        if turn > 0 {
            page.line("");
        }
        let id = format!("{}_0001", channel.kind);
        let call = shop.order(channel, &id);
        let Some(answer) = call.shown(&shop.stage.client, page, &["tollgate-error"]).await else {
            continue;
        };
        let party = channel.party(shop);
        let request = at(&party.twin.wire(), "/request").clone();
        show(page, channel, &request);
        page.line("");
        let told = answer.json();
        let members = [
            ("order_id", id.as_str()),
            ("channel", channel.name),
            ("status", "requires_action"),
            ("amount", "100.00"),
            ("currency", channel.currency),
        ];
        page.promise(
            &format!(
                "{} took the {} order, and the caller reads so",
                channel.provider, channel.kind
            ),
            answer.status == StatusCode::OK && has(&told, &members),
            &answer.body,
        );
        let body = text(&request, "/body");
        page.promise(
            &format!("it was asked for `{}`", channel.amount),
            body.contains(channel.amount),
            &body,
        );
        let proof = field(&request, "authorization");
        page.promise(
            &format!("and proved whose order it is by `{}…`", channel.scheme),
            proof.starts_with(channel.scheme),
            &proof,
        );
        let reference = at(&told, "/provider_reference").as_str().map(str::to_owned);
        orders.push(Order { channel, id, reference });
    }
    let refusals: usize =
        CHANNELS.iter().map(|channel| channel.party(shop).twin.desk().refusals().len()).sum();
    page.promise("no provider found fault with a signature", refusals == 0, &refusals);
    orders
}
