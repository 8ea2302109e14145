//! Refunds, the same in both protocols.

use super::*;

#[tokio::test]
async fn a_refund_is_made_once_and_never_beyond_what_was_paid() {
    for protocol in [Protocol::V2, Protocol::V3] {
        let bench = Bench::new();
        bench.order("order-1", "9.00").await;
        let refund = async |number: Option<&str>, amount: &str| {
            let mut content = json!({ "out_trade_no": "order-1", "refund_amount": amount });
            if let Some(number) = number {
                content["out_request_no"] = number.into();
            }
            bench.call(protocol, "alipay.trade.refund", &content).await
        };
        let early = refund(Some("r1"), "3.00").await;
        assert_eq!(early.code(), "ACQ.TRADE_STATUS_ERROR", "nobody has paid");
        bench.twin.desk().pay("order-1").unwrap();
        assert_eq!(
            refund(None, "3.00").await.code(),
            "ACQ.INVALID_PARAMETER",
            "a part needs a number"
        );
        for (change, turn) in [("Y", 0), ("N", 1)] {
            let done = refund(Some("r1"), "3.00").await.json;
            assert_eq!(done["fund_change"], change, "refunded {turn} times before: {done}");
            assert_eq!(done["refund_fee"], "3.00", "in all");
        }
        let other = refund(Some("r1"), "2.00").await;
        assert_eq!(other.code(), "ACQ.DISCORDANT_REPEAT_REQUEST", "another amount");
        let beyond = refund(Some("r2"), "6.01").await;
        assert_eq!(beyond.code(), "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "more than is left");
        assert_eq!(refund(Some("r2"), "6.00").await.json["refund_fee"], "9.00", "the rest");
        assert_eq!(
            refund(Some("r3"), "0.01").await.code(),
            "ACQ.TRADE_STATUS_ERROR",
            "nothing left"
        );
        let book = bench.twin.book();
        assert_eq!(book["totals"]["CNY"], json!({ "paid": 900, "refunded": 900 }), "{book:#}");
        assert_eq!(book["refunds"][0]["requests"], 3, "all requests are counted");
    }
}

#[tokio::test]
async fn a_refund_is_found_by_its_number_within_its_order() {
    for protocol in [Protocol::V2, Protocol::V3] {
        let bench = Bench::new();
        for order in ["order-1", "order-2"] {
            bench.order(order, "9.00").await;
            bench.twin.desk().pay(order).unwrap();
        }
        let query = async |order: &str, number: &str| {
            let content = json!({ "out_trade_no": order, "out_request_no": number });
            bench.call(protocol, "alipay.trade.fastpay.refund.query", &content).await
        };
        for (order, amount) in [("order-1", "3.00"), ("order-2", "4.00")] {
            let content =
                json!({ "out_trade_no": order, "refund_amount": amount, "out_request_no": "r1" });
            let done = bench.call(protocol, "alipay.trade.refund", &content).await.json;
            assert_eq!(done["fund_change"], "Y", "the number is free in {order}: {done}");
            let found = query(order, "r1").await.json;
            assert_eq!(found["refund_status"], "REFUND_SUCCESS", "found: {found}");
            assert_eq!(
                (&found["refund_amount"], &found["total_amount"]),
                (&json!(amount), &json!("9.00")),
                "its own"
            );
            assert_eq!(found["out_request_no"], "r1", "under its number");
        }
        let none = query("order-1", "r2").await.json;
        assert_eq!(
            (none.get("refund_status"), &none["out_trade_no"]),
            (None, &json!("order-1")),
            "none such"
        );
        assert_eq!(query("order-3", "r1").await.code(), "ACQ.TRADE_NOT_EXIST", "of no order");
        let whole = json!({ "out_trade_no": "order-1", "refund_amount": "9.00" });
        let beyond = bench.call(protocol, "alipay.trade.refund", &whole).await;
        assert_eq!(beyond.code(), "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "not all is left");
    }
}
