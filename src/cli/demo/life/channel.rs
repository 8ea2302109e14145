//! What differs from channel to channel: names, money, and how it looks on the wire.

use serde_json::Value;

use super::{
    super::{
        call::{Answered, Call},
        page::Page,
    },
    Shop,
    cast::Party,
    wire::{at, list, text},
};

/// A kind of payment, and who makes it.
pub(super) struct Channel {
    /// What payers call it.
    pub kind: &'static str,
    /// What it is called in the API.
    pub name: &'static str,
    /// What the provider is called.
    pub provider: &'static str,
    /// ISO 4217.
    pub currency: &'static str,
    /// How a request of ours proves that it is ours.
    pub scheme: &'static str,
    /// A hundred, as the provider writes it.
    pub amount: &'static str,
    /// The header field that proves a notification, in lower case, or the field of its form.
    pub proof: &'static str,
}

/// An order of the act.
pub(super) struct Order {
    /// Which channel.
    pub channel: &'static Channel,
    /// The institution's number.
    pub id: String,
    /// The provider's number, where it is needed to find the payment.
    pub reference: Option<String>,
}

impl Channel {
    /// The provider's twin.
    pub fn party<'a>(&self, shop: &'a Shop<'_>) -> &'a Party {
        let cast = &shop.stage.cast;
        let found = cast.parties().into_iter().find(|party| party.name() == self.name);
        found.unwrap_or(&cast.wechat_pay)
    }
}

impl Order {
    /// `GET` of the order, with a further path before the query.
    pub fn ask(&self, shop: &Shop<'_>) -> Call {
        let (id, channel) = (&self.id, self.channel.name);
        let mut url = format!("{}/v1/payments/{id}?channel={channel}", shop.stage.payments);
        if let Some(reference) = &self.reference {
            url.push_str("&reference=");
            url.push_str(reference);
        }
        Call::ask(url, &shop.token)
    }

    /// How many payments stand in the provider's book under this order, and what its state and the
    /// number of requests for it are.
    pub fn booked(&self, shop: &Shop<'_>) -> (usize, String, u64) {
        let book = self.channel.party(shop).twin.book();
        let own = || list(&book, "/payments").iter().filter(|payment| self.is(payment));
        let last = own().next_back().cloned().unwrap_or_default();
        let requests = at(&last, "/requests").as_u64().unwrap_or_default();
        (own().count(), text(&last, "/state").to_owned(), requests)
    }

    /// The number under which the provider's book has it.
    pub fn in_book(&self) -> &str {
        self.reference.as_deref().unwrap_or(&self.id)
    }

    fn is(&self, payment: &Value) -> bool {
        text(payment, "/order") == self.in_book()
            || text(payment, "/details/metadata/order_id") == self.id
    }
}

impl Shop<'_> {
    /// An order as the application writes it: the same JSON for every channel.
    pub fn order(&self, channel: &Channel, id: &str) -> Call {
        let body = format!(
            r#"{{"order_id": "{id}", "amount": "100.00", "currency": "{}", "channel": "{}", "description": "Tea"}}"#,
            channel.currency, channel.name
        );
        Call::post(format!("{}/v1/payments", self.stage.payments), Some(&self.token), body)
    }

    /// Sends a call that is not printed; what cannot be sent is a broken promise.
    pub async fn quietly(&self, page: &mut Page, call: &Call) -> Option<Answered> {
        match self.stage.client.send(call).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                page.promise("the gateway answers", false, &error);
                None
            }
        }
    }
}

/// Every channel of the act.
pub(super) static CHANNELS: &[Channel] = &[
    Channel {
        kind: "mobile",
        name: "wechat_pay",
        provider: "WeChat Pay",
        currency: "CNY",
        scheme: "WECHATPAY2-SHA256-RSA2048 ",
        amount: r#""total":10000"#,
        proof: "wechatpay-signature",
    },
    Channel {
        kind: "online",
        name: "alipay",
        provider: "Alipay",
        currency: "CNY",
        scheme: "ALIPAY-SHA256withRSA ",
        amount: r#""total_amount":"100.00""#,
        proof: "sign",
    },
    Channel {
        kind: "card",
        name: "stripe",
        provider: "Stripe",
        currency: "USD",
        scheme: "Bearer sk_test_",
        amount: "amount=10000",
        proof: "stripe-signature",
    },
];
