//! Balance transactions: what every payment and every refund does to the balance, and the payouts of
//! days that were settled.

use serde_json::{Value, json};

use super::{
    super::{Desk, Payment, Refund, RefundState, Settlement},
    call::Call,
    list,
    refused::Refused,
};

/// A line of the balance.
struct Line {
    id: String,
    kind: &'static str,
    source: String,
    amount: i64,
    fee: i64,
    currency: String,
    created: u64,
    settled: Option<String>,
}

/// The balance transaction of a payment, by its charge.
pub(super) fn of_charge(payment: &Payment) -> String {
    format!("txn_{}", payment.id.trim_start_matches("ch_"))
}

/// The balance transaction of a refund.
pub(super) fn of_refund(refund: &Refund) -> String {
    format!("txn_{}", refund.number.trim_start_matches("re_"))
}

/// `GET /v1/balance_transactions`.
pub(super) fn list(call: &Call, url: &str, desk: &Desk) -> Result<Value, Refused> {
    let known =
        ["limit", "starting_after", "ending_before", "type", "payout", "source", "currency"];
    call.knows(&known)?;
    let (kind, payout) = (call.text("type")?, call.text("payout")?);
    let (source, currency) = (call.text("source")?, call.text("currency")?);
    let wanted = |line: &Line| {
        kind.is_none_or(|kind| line.kind == kind)
            && source.is_none_or(|source| line.source == source)
            && currency.is_none_or(|currency| line.currency == currency)
            && payout.is_none_or(|payout| {
                line.settled.as_deref().is_some_and(|date| payout_id(date) == payout)
            })
    };
    let all = lines(desk).into_iter().filter(wanted).map(|line| line.shown()).collect();
    list::page(all, call, url)
}

/// `GET /v1/balance_transactions/{id}`.
pub(super) fn retrieve(id: &str, desk: &Desk) -> Result<Value, Refused> {
    let found = lines(desk).into_iter().find(|line| line.id == id);
    let found = found.map(|line| line.shown());
    found.ok_or_else(|| Refused::no_such("balance transaction", "id", id))
}

/// `GET /v1/payouts`: one for every day that was settled.
pub(super) fn payouts(call: &Call, url: &str, desk: &Desk) -> Result<Value, Refused> {
    call.knows(&["limit", "starting_after", "ending_before"])?;
    let mut dates: Vec<(String, String, i64)> = Vec::new();
    for line in lines(desk) {
        let Some(date) = line.settled else { continue };
        let net = line.amount - line.fee;
        match dates.iter_mut().find(|(other, of, _)| *other == date && *of == line.currency) {
            Some((_, _, sum)) => *sum += net,
            None => dates.push((date, line.currency, net)),
        }
    }
    dates.sort_by(|one, other| other.cmp(one));
    let shown = |(date, currency, amount): (String, String, i64)| {
        json!({
            "id": payout_id(&date), "object": "payout", "amount": amount, "currency": currency,
            "arrival_date": date, "automatic": true, "livemode": false, "status": "paid",
        })
    };
    list::page(dates.into_iter().map(shown).collect(), call, url)
}

/// The day as Stripe's itemised report of a payout has it (`payout_reconciliation.itemized`).
pub(super) fn statement(settlement: &Settlement) -> String {
    let payments = settlement.payments.iter().map(|payment| (Line::of(payment), payment));
    let refunds = settlement.refunds.iter().map(|(refund, payment)| (Line::back(refund), payment));
    let mut text = COLUMNS.join(",") + "\n";
    for (line, payment) in payments.chain(refunds) {
        let order = payment.details.get("metadata").and_then(|metadata| metadata.get("order_id"));
        let values = [
            payout_id(&settlement.date),
            settlement.date.clone(),
            line.id.clone(),
            line.created.to_string(),
            line.kind.to_owned(),
            line.currency.clone(),
            line.amount.to_string(),
            line.fee.to_string(),
            (line.amount - line.fee).to_string(),
            line.source.clone(),
            payment.order.clone(),
            order.and_then(Value::as_str).unwrap_or_default().to_owned(),
        ];
        let quoted = values.map(|value| {
            if value.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", value.replace('"', "\"\""))
            } else {
                value
            }
        });
        text += &quoted.join(",");
        text.push('\n');
    }
    text
}

/// All of it, the newest first.
fn lines(desk: &Desk) -> Vec<Line> {
    let book = desk.book();
    let mut lines: Vec<Line> = Vec::new();
    for payment in book.payments().filter(|payment| payment.paid.is_some()) {
        lines.push(Line::of(payment));
        let done = |refund: &&Refund| refund.state == RefundState::Succeeded;
        lines.extend(book.refunds_of(&payment.order).filter(done).map(Line::back));
    }
    lines.sort_by_key(|line| line.created);
    lines.reverse();
    lines
}

impl Line {
    fn of(payment: &Payment) -> Self {
        let amount = i64::try_from(payment.amount).unwrap_or(i64::MAX);
        Self {
            id: of_charge(payment),
            kind: "charge",
            source: payment.id.clone(),
            amount,
            // 2.9 % and 30, half a unit rounded up.
            fee: (amount * 29 + 500) / 1_000 + 30,
            currency: payment.currency.to_lowercase(),
            created: payment.paid.unwrap_or(payment.created).as_secs(),
            settled: payment.settled.clone(),
        }
    }

    /// Stripe keeps its fee when money goes back.
    fn back(refund: &Refund) -> Self {
        Self {
            id: of_refund(refund),
            kind: "refund",
            source: refund.number.clone(),
            amount: -i64::try_from(refund.amount).unwrap_or(i64::MAX),
            fee: 0,
            currency: refund.currency.to_lowercase(),
            created: refund.completed.unwrap_or(refund.created).as_secs(),
            settled: refund.settled.clone(),
        }
    }

    fn shown(&self) -> Value {
        let fees = match self.fee {
            0 => json!([]),
            fee => json!([{ "amount": fee, "currency": self.currency, "type": "stripe_fee" }]),
        };
        json!({
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "created": self.created,
            "currency": self.currency,
            "fee": self.fee,
            "fee_details": fees,
            "net": self.amount - self.fee,
            "reporting_category": self.kind,
            "source": self.source,
            "status": if self.settled.is_some() { "available" } else { "pending" },
            "type": self.kind,
        })
    }
}

fn payout_id(date: &str) -> String {
    format!("po_{}", date.replace('-', ""))
}

const COLUMNS: [&str; 12] = [
    "automatic_payout_id",
    "automatic_payout_effective_at",
    "balance_transaction_id",
    "created",
    "reporting_category",
    "currency",
    "gross",
    "fee",
    "net",
    "source_id",
    "payment_intent_id",
    "payment_metadata[order_id]",
];
