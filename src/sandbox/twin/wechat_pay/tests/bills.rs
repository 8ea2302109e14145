//! The trade bill.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::{super::super::hex, *};

async fn bill(bench: &Bench, kind: &str) -> (String, Answered) {
    let told =
        bench.get(&format!("/v3/bill/tradebill?bill_date=2026-01-01&bill_type={kind}")).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.json);
    assert_eq!(told.json["hash_type"], "SHA1", "as documented");
    let url = told.json["download_url"].as_str().unwrap();
    let target = url.strip_prefix("http://127.0.0.1:1").expect("where the twin is served");
    let file = bench.get(target).await;
    let hash = hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &file.body).as_ref());
    assert_eq!(told.json["hash_value"], hash.as_str(), "the file is the one that was meant");
    (String::from_utf8(file.body.to_vec()).unwrap(), file)
}

#[tokio::test]
async fn a_settled_day_has_a_bill_that_its_hash_proves() {
    let bench = Bench::new();
    bench.twin.dialect().served_at("http://127.0.0.1:1");
    bench.order("order-1", 500).await;
    bench.twin.desk().pay("order-1").unwrap();
    bench.refund("refund-1", "order-1", 200, 500).await;
    bench.twin.desk().complete_refund("refund-1").unwrap();
    let early = bench.get("/v3/bill/tradebill?bill_date=2026-01-01").await;
    assert_eq!(early.json["code"], "NO_STATEMENT_EXIST", "the day is not closed");
    bench.twin.settle(None);

    let (all, file) = bill(&bench, "ALL").await;
    assert!(!file.headers.contains_key("wechatpay-signature"), "the file is not signed");
    let lines: Vec<&str> = all.split("\r\n").collect();
    assert_eq!(lines.len(), 6, "two heads, two lines, a sum: {all}");
    assert!(lines[0].starts_with("\u{feff}交易时间,公众账号ID,商户号,特约商户号,"), "{}", lines[0]);
    assert!(lines[0].ends_with(",手续费,费率,订单金额,申请退款金额,费率备注"), "{}", lines[0]);
    assert_eq!(lines[0].split(',').count(), 27, "the columns of the documentation");
    for line in &lines[1..3] {
        assert_eq!(line.split(',').count(), 27, "as many values as columns: {line}");
        assert!(line.split(',').all(|value| value.starts_with('`')), "each behind a mark: {line}");
    }
    assert!(
        lines[1].starts_with("`2026-01-01 08:00:00,`wxd678efh567hg6787,`1900000109,`0,`,`4200")
    );
    assert!(lines[1].ends_with(",`tea\\  green,`,`0.03000,`0.60%,`5.00,`0.00,`"), "{}", lines[1]);
    assert!(lines[2].contains(",`refund-1,`2.00,`0.00,`ORIGINAL,`SUCCESS,"), "{}", lines[2]);
    assert_eq!(lines[4], "`2,`5.00,`2.00,`0.00,`0.01800,`5.00,`2.00", "the sums");

    let (paid, _) = bill(&bench, "SUCCESS").await;
    assert!(paid.contains("order-1") && !paid.contains("refund-1"), "payments alone: {paid}");
    let (back, _) = bill(&bench, "REFUND").await;
    assert!(back.contains(",退款申请时间,退款成功时间,微信退款单号,"), "{back}");
    assert_eq!(back.matches('\n').count(), 4, "refunds alone: {back}");
}

#[tokio::test]
async fn a_bill_is_not_given_for_nothing() {
    let bench = Bench::new();
    for (query, what) in [
        ("", "no date"),
        ("?bill_date=2026-01-01", "a day that is not settled"),
        ("?bill_date=2026-01-01&bill_type=SOME", "another type"),
        ("?bill_date=2026-01-01&tar_type=GZIP", "compressed"),
    ] {
        let refused = bench.get(&format!("/v3/bill/tradebill{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{what}");
    }
    let refused = bench.get("/v3/billdownload/file?token=guessed").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "a token that was guessed");
}

#[tokio::test]
async fn a_file_is_another_than_the_announced_one_when_that_is_wanted() {
    let bench = Bench::new();
    bench.twin.dialect().served_at("http://127.0.0.1:1");
    bench.order("order-1", 500).await;
    bench.twin.desk().pay("order-1").unwrap();
    bench.twin.settle(None);
    let (_, honest) = bill(&bench, "ALL").await;
    bench.twin.faults().plan(Fault::ChangedFile, Plan::times(1));
    let told = bench.get("/v3/bill/tradebill?bill_date=2026-01-01").await;
    assert!(bench.is_proven(&told.headers, &told.body), "the announcement is as it should be");
    let url = told.json["download_url"].as_str().unwrap();
    let target = url.strip_prefix("http://127.0.0.1:1").unwrap();
    let file = bench.get(target).await;
    assert_eq!(file.body.len(), honest.body.len(), "as long as the announced one");
    let differing = file.body.iter().zip(&honest.body).filter(|(left, right)| left != right);
    assert_eq!(differing.count(), 1, "and one byte of it is another");
    assert_eq!(bench.get(target).await.body, honest.body, "once");
}
