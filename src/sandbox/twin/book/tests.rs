use serde_json::{Map, Value, json};

use super::*;

const NOW: Duration = Duration::from_hours(490_896);

fn payment(order: &str, amount: u64) -> Payment {
    Payment {
        order: order.to_owned(),
        id: format!("id-{order}"),
        amount,
        currency: "CNY".to_owned(),
        state: PaymentState::Pending,
        refunded: 0,
        created: NOW,
        paid: None,
        closed: None,
        requests: 1,
        notify: None,
        terms: json!({ "description": "tea" }),
        details: Map::new(),
        settled: None,
    }
}

fn refund(number: &str, order: &str, amount: u64) -> Refund {
    Refund {
        number: number.to_owned(),
        id: format!("id-{number}"),
        order: order.to_owned(),
        amount,
        currency: "CNY".to_owned(),
        state: RefundState::Processing,
        created: NOW,
        completed: None,
        requests: 1,
        notify: None,
        terms: Value::Null,
        details: Map::new(),
        settled: None,
    }
}

fn paid(order: &str, amount: u64) -> Book {
    let mut book = Book::default();
    book.enter(payment(order, amount));
    book.pay(order, NOW).unwrap();
    book
}

#[test]
fn an_order_is_entered_once_and_its_number_never_means_two_things() {
    let mut book = Book::default();
    assert!(matches!(book.enter(payment("1", 500)), Entry::New(_)), "the first");
    let Entry::Repeated(again) = book.enter(payment("1", 500)) else { panic!("a repetition") };
    assert_eq!(again.requests, 2, "both requests are counted");
    let other = Payment { terms: json!({ "description": "coffee" }), ..payment("1", 500) };
    for (other, what) in [
        (payment("1", 501), "another amount"),
        (Payment { currency: "USD".to_owned(), ..payment("1", 500) }, "another currency"),
        (other, "other terms"),
    ] {
        assert!(matches!(book.enter(other), Entry::Conflict(_)), "{what}");
    }
    assert_eq!(book.payments().count(), 1, "one order stands in the book");
    assert_eq!(book.payment_by_id("id-1").unwrap().amount, 500, "as it was first");
}

#[test]
fn an_order_is_paid_once_and_never_after_it_was_closed() {
    let mut book = paid("1", 500);
    assert_eq!(book.pay("1", NOW), Err(BookError::State(PaymentState::Paid)), "already paid");
    assert_eq!(book.close("1", NOW), Err(BookError::State(PaymentState::Paid)), "paid stays paid");
    book.enter(payment("2", 500));
    for turn in 0..2 {
        assert!(book.close("2", NOW).is_ok(), "closed {turn} times before");
    }
    assert_eq!(book.pay("2", NOW), Err(BookError::State(PaymentState::Closed)), "closed");
    assert_eq!(book.pay("3", NOW), Err(BookError::Unknown), "never ordered");
}

#[test]
fn refunds_never_exceed_what_was_paid_and_are_made_once() {
    let mut book = paid("1", 500);
    assert!(matches!(book.refund(refund("r1", "1", 300)), Ok(Entry::New(_))), "the first");
    assert!(matches!(book.refund(refund("r1", "1", 300)), Ok(Entry::Repeated(_))), "once more");
    assert!(matches!(book.refund(refund("r1", "1", 200)), Ok(Entry::Conflict(_))), "differently");
    for (amount, what) in [(201, "more than is left"), (0, "nothing"), (u64::MAX, "everything")] {
        let refused = book.refund(refund("r2", "1", amount));
        assert_eq!(refused, Err(BookError::TooMuch { left: 200 }), "{what}");
    }
    assert_eq!(book.payment("1").unwrap().state, PaymentState::PartlyRefunded, "in part");
    assert!(matches!(book.refund(refund("r2", "1", 200)), Ok(Entry::New(_))), "the rest");
    assert_eq!(book.payment("1").unwrap().state, PaymentState::Refunded, "all of it");
    assert_eq!(
        book.refund(refund("r3", "1", 1)),
        Err(BookError::State(PaymentState::Refunded)),
        "nothing is left"
    );
    book.enter(payment("2", 500));
    assert_eq!(
        book.refund(refund("r4", "2", 1)),
        Err(BookError::State(PaymentState::Pending)),
        "nobody has paid"
    );
    assert_eq!(book.refunds_of("1").count(), 2, "two refunds stand in the book");
}

#[test]
fn everything_is_settled_once() {
    let mut book = paid("1", 500);
    book.enter(payment("2", 700));
    book.refund(refund("r1", "1", 300)).unwrap();
    let settled = book.settle("2026-01-01").shown();
    assert_eq!((&settled["payments"], &settled["refunds"]), (&json!(1), &json!(0)), "what is done");
    book.complete_refund("r1", NOW).unwrap();
    book.pay("2", NOW).unwrap();
    let settled = book.settle("2026-01-02").shown();
    assert_eq!((&settled["paid"], &settled["refunded"]), (&json!(700), &json!(300)), "the rest");
    book.settle("2026-01-02");
    assert_eq!(book.settlement("2026-01-02").unwrap().payments.len(), 1, "and nothing twice");
}

#[test]
fn the_book_is_bounded_and_forgets_the_oldest_whole() {
    let mut book = paid("0", 500);
    book.refund(refund("r", "0", 500)).unwrap();
    for order in 1..=PAYMENTS {
        book.enter(payment(&order.to_string(), 1));
    }
    assert_eq!(book.payments().count(), PAYMENTS, "no more than that");
    assert!(book.payment("0").is_none() && book.payment_by_id("id-0").is_none(), "the oldest");
    assert!(book.refunded("r").is_none() && book.refunds_of("0").count() == 0, "and its refund");
    assert!(book.payment("1").is_some(), "and no other");
}

#[test]
fn settled_days_are_bounded_and_the_oldest_goes_first() {
    let mut book = paid("1", 500);
    for day in 0..=SETTLEMENTS {
        book.settle(&format!("{:04}-01-01", 2000 + day));
    }
    assert!(book.settlement("2000-01-01").is_none(), "the oldest day was forgotten");
    assert!(book.settlement("2001-01-01").is_some(), "and no other");
}

#[test]
fn refunds_are_bounded_and_what_was_given_back_stays_counted() {
    let mut book = paid("1", 1_000_000);
    for number in 0..=REFUNDS {
        book.refund(refund(&number.to_string(), "1", 1)).unwrap();
    }
    assert!(
        book.refunded("0").is_none() && book.refunded("1").is_some(),
        "the oldest is forgotten"
    );
    let given = book.payment("1").unwrap().refunded;
    assert_eq!(given, REFUNDS as u64 + 1, "all of it was given back");
}
