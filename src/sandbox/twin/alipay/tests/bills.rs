//! The trade bill.

use super::*;
use app::answered;

#[tokio::test]
async fn a_settled_day_can_be_downloaded_for_half_a_minute() {
    let bench = Bench::new();
    for (order, amount) in [("order-1", "9.00"), ("order-2", "0.50")] {
        bench.order(order, amount).await;
        bench.twin.desk().pay(order).unwrap();
    }
    let refund =
        json!({ "out_trade_no": "order-1", "refund_amount": "3.00", "out_request_no": "r1" });
    bench.call(Protocol::V3, "alipay.trade.refund", &refund).await;
    let ask = async |date: &str| {
        let path = "/v3/alipay/data/dataservice/bill/downloadurl/query";
        let target = format!("{path}?bill_type=trade&bill_date={date}");
        answered(bench.reply(bench.v3(&Method::GET, &target, "")).await)
    };
    assert_eq!(ask("2026-01-01").await.code(), "BILL_NOT_EXIST", "before the day is closed");
    assert_eq!(bench.twin.settle(None).date, "2026-01-01", "today");
    bench.twin.dialect().served_at("https://127.0.0.1:9");
    let url = ask("2026-01-01").await.json["bill_download_url"].as_str().unwrap().to_owned();
    let target = url.strip_prefix("https://127.0.0.1:9").unwrap().to_owned();
    let get =
        |target: &str| Request::new(Method::GET, target, http::HeaderMap::new(), Bytes::new());
    let file = answered(bench.reply(get(&target)).await);
    assert_eq!(file.status, StatusCode::OK, "nobody has to sign for it");
    assert_eq!(file.body[..4], *b"PK\x03\x04", "an archive");
    assert!(!file.headers.contains_key("alipay-signature"), "and it is not signed");
    let text = String::from_utf8_lossy(&file.body).into_owned();
    for part in [
        "2088102116773037_20260101_业务明细.csv",
        "2088102116773037_20260101_业务明细(汇总).csv",
        "order-1\t,交易,大乐透 & 50% \"off\",2026-01-01 08:00:00,2026-01-01 08:00:00,",
        "order-1\t,退款,",
        ",-3.00,-3.00,",
        ",r1\t,",
        "#交易合计：2笔，商家实收共9.50元",
        "#退款合计：1笔，商家实收退款共-3.00元",
        "合计\t,,2,1,9.50,9.50,0.00,6.50",
    ] {
        assert!(text.contains(part), "`{part}` in {text}");
    }
    let v2 = json!({ "bill_type": "trade", "bill_date": "2026-01-01" });
    let method = "alipay.data.dataservice.bill.downloadurl.query";
    let answer = bench.call(Protocol::V2, method, &v2).await;
    assert!(answer.json["bill_download_url"].is_string(), "in v2 as well: {}", answer.json);

    bench.clock.advance(Duration::from_secs(31));
    let late = answered(bench.reply(get(&target)).await);
    assert_eq!(late.code(), "BILL_NOT_EXIST", "the address has expired");
    let unknown = answered(bench.reply(get("/downloadBillFile.resource?fileId=a")).await);
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST, "and others never were");
}
