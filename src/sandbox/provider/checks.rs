//! What a provider demands of a message that it could read.

use serde_json::{Map, Value};

use super::Refusal;

/// A payment as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payment {
    pub order_id: String,
    pub amount: String,
    pub currency: String,
}

impl Payment {
    pub fn check(message: &Map<String, Value>, channel: &str) -> Result<Self, Refusal> {
        let text = |name| message.get(name).and_then(Value::as_str);
        if message.get("channel").is_some_and(|named| named.as_str() != Some(channel)) {
            return Err(Refusal::bad_request("channel_not_ours"));
        }
        let order_id = text("order_id").filter(|id| is_identifier(id));
        let amount = text("amount").filter(|amount| is_amount(amount));
        let currency = text("currency").filter(|currency| is_currency(currency));
        Ok(Self {
            order_id: order_id.ok_or(Refusal::bad_request("order_id_invalid"))?.to_owned(),
            amount: amount.ok_or(Refusal::bad_request("amount_invalid"))?.to_owned(),
            currency: currency.ok_or(Refusal::bad_request("currency_invalid"))?.to_owned(),
        })
    }
}

/// The token of the card that is to be checked.
pub(super) fn card_token(message: &Map<String, Value>) -> Result<&str, Refusal> {
    message
        .get("card_token")
        .and_then(Value::as_str)
        .filter(|token| is_identifier(token))
        .ok_or(Refusal::bad_request("card_token_invalid"))
}

fn is_identifier(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// More than zero, exactly two decimal places, no leading zero.
fn is_amount(text: &str) -> bool {
    let Some((whole, cents)) = text.split_once('.') else { return false };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (1..=10).contains(&whole.len())
        && cents.len() == 2
        && digits(whole)
        && digits(cents)
        && (whole == "0" || !whole.starts_with('0'))
        && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_payment_has_an_order_an_amount_and_a_currency() {
        let good = json!({ "order_id": "123456", "amount": "100.00", "currency": "USD" });
        assert!(Payment::check(&message(&good), "card").is_ok(), "as it should be");
        let cases = [
            ("order_id", json!(""), "order_id_invalid"),
            ("order_id", json!("a b"), "order_id_invalid"),
            ("order_id", json!("x".repeat(65)), "order_id_invalid"),
            ("order_id", json!(123_456), "order_id_invalid"),
            ("order_id", Value::Null, "order_id_invalid"),
            ("amount", json!(100.0), "amount_invalid"),
            ("amount", json!("100"), "amount_invalid"),
            ("amount", json!("100.0"), "amount_invalid"),
            ("amount", json!("-1.00"), "amount_invalid"),
            ("amount", json!("0.00"), "amount_invalid"),
            ("amount", json!("007.00"), "amount_invalid"),
            ("amount", json!("1e3.00"), "amount_invalid"),
            ("currency", json!("usd"), "currency_invalid"),
            ("currency", json!("US"), "currency_invalid"),
        ];
        for (member, value, error) in cases {
            let mut payment = message(&good);
            payment.insert(member.to_owned(), value.clone());
            assert_eq!(
                Payment::check(&payment, "card"),
                Err(Refusal::bad_request(error)),
                "`{member}` is {value}"
            );
        }
    }

    #[test]
    fn a_payment_for_another_channel_is_refused() {
        let payment =
            json!({ "order_id": "1", "amount": "1.00", "currency": "USD", "channel": "card" });
        let refused = Payment::check(&message(&payment), "wallet");
        assert_eq!(refused, Err(Refusal::bad_request("channel_not_ours")), "it was routed wrongly");
    }
}
