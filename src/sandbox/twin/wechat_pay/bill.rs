//! The trade bill: applied for with a date, downloaded without a signature, held against its hash.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::{
    super::{Answer, CHINA, Desk, Moment, Payment, Refund, Settlement, hex},
    WechatPay, orders,
    refused::Refused,
};
use crate::sandbox::Request;

/// Which bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BillType {
    All,
    Success,
    Refund,
}

/// A line of a bill: a payment, or a refund of one.
struct Line<'a> {
    payment: &'a Payment,
    refund: Option<&'a Refund>,
    merchant: &'a str,
}

impl WechatPay {
    /// `GET /v3/bill/tradebill?bill_date=…&bill_type=…`.
    pub(super) fn trade_bill(&self, request: &Request, desk: &Desk) -> Result<Answer, Refused> {
        let date = request.parameter("bill_date").ok_or_else(|| {
            Refused::parameter("query", "bill_date", "expected a date such as 2026-11-24")
        })?;
        let kind = match request.parameter("bill_type").as_deref() {
            None | Some("ALL") => BillType::All,
            Some("SUCCESS") => BillType::Success,
            Some("REFUND") => BillType::Refund,
            Some(_) => {
                let issue = "expected `ALL`, `SUCCESS` or `REFUND`";
                return Err(Refused::parameter("query", "bill_type", issue));
            }
        };
        if request.parameter("tar_type").is_some() {
            let issue = "the twin does not compress bills";
            return Err(Refused::parameter("query", "tar_type", issue));
        }
        let text = self.bill(&date, kind, desk)?;
        let token = desk.nonce(64);
        {
            let mut bills = self.bills.lock();
            if bills.len() == TOKENS {
                bills.pop_front();
            }
            bills.push_back((token.clone(), date, kind));
        }
        let url = self.url.lock().clone().unwrap_or_else(|| {
            format!("https://{}", request.header(&header::HOST).unwrap_or_default())
        });
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &text);
        Ok(Answer::json(
            StatusCode::OK,
            &json!({
                "hash_type": "SHA1",
                "hash_value": hex(hash.as_ref()),
                "download_url": format!("{url}/v3/billdownload/file?token={token}"),
            }),
        ))
    }

    /// `GET /v3/billdownload/file?token=…`: its answer is not signed.
    pub(super) fn download(&self, request: &Request, desk: &Desk) -> Result<Answer, Refused> {
        let token = request.parameter("token").unwrap_or_default();
        let bills = self.bills.lock();
        let found = bills.iter().find(|(known, _, _)| *known == token).cloned();
        drop(bills);
        let (_, date, kind) = found.ok_or_else(|| {
            let why = "the token is unknown; apply for the bill again";
            Refused::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", "参数错误", why)
        })?;
        let text = self.bill(&date, kind, desk)?;
        Ok(Answer::of(StatusCode::OK, "text/plain", text).announced())
    }

    fn bill(&self, date: &str, kind: BillType, desk: &Desk) -> Result<Bytes, Refused> {
        let found = desk.book().settlement(date).cloned();
        let settlement = found.ok_or_else(|| {
            let why = format!("{date} is not settled: `POST /_settle` closes the day");
            Refused::new(StatusCode::BAD_REQUEST, "NO_STATEMENT_EXIST", "账单文件不存在", why)
        })?;
        Ok(text(&settlement, kind, &self.merchant.id))
    }
}

/// A bill: UTF-8 with a mark at its beginning, every value behind a backtick, lines ended by CRLF.
pub(super) fn text(settlement: &Settlement, kind: BillType, merchant: &str) -> Bytes {
    let payments = settlement.payments.iter().map(|payment| (payment, None));
    let refunds = settlement.refunds.iter().map(|(refund, payment)| (payment, Some(refund)));
    let lines: Vec<Line<'_>> = payments
        .chain(refunds)
        .filter(|(_, refund)| match kind {
            BillType::All => true,
            BillType::Success => refund.is_none(),
            BillType::Refund => refund.is_some(),
        })
        .map(|(payment, refund)| Line { payment, refund, merchant })
        .collect();
    let columns: Vec<&(&str, Shown)> = COLUMNS
        .iter()
        .filter(|(name, _)| match kind {
            BillType::All => !DATES.contains(name),
            BillType::Success => !DATES.contains(name) && !name.contains("退款"),
            BillType::Refund => true,
        })
        .collect();
    let row = |values: Vec<String>| format!("{}\r\n", values.join(","));
    let mut text = String::from("\u{feff}");
    text += &row(columns.iter().map(|(name, _)| (*name).to_owned()).collect());
    for line in &lines {
        text += &row(columns.iter().map(|(_, shown)| format!("`{}", shown(line))).collect());
    }
    let paid = yuan(lines.iter().map(Line::paid).sum());
    let refunded = yuan(lines.iter().map(Line::refunded).sum());
    let fees: i64 = lines.iter().map(Line::fee).sum();
    text += &row(SUMMARY.iter().map(|name| (*name).to_owned()).collect());
    let totals = [
        lines.len().to_string(),
        paid.clone(),
        refunded.clone(),
        yuan(0),
        long_yuan(fees),
        paid,
        refunded,
    ];
    text += &row(totals.iter().map(|total| format!("`{total}")).collect());
    text.into()
}

impl Line<'_> {
    fn paid(&self) -> u64 {
        if self.refund.is_none() { self.payment.amount } else { 0 }
    }

    fn refunded(&self) -> u64 {
        self.refund.map_or(0, |refund| refund.amount)
    }

    /// Six per mille, in hundred-thousandths of a yuan; given back with a refund.
    fn fee(&self) -> i64 {
        let fee = |fen: u64| i64::try_from(fen).unwrap_or(i64::MAX).saturating_mul(6);
        fee(self.paid()) - fee(self.refunded())
    }

    /// Of what the merchant said, without what would end a value.
    fn said(&self, pointer: &str) -> String {
        let said = self.payment.terms.pointer(&format!("/body{pointer}"));
        let said = said.and_then(Value::as_str).unwrap_or_default();
        said.replace(',', "\\ ").replace('\n', "\\n").replace('\r', "\\r")
    }

    fn of_refund(&self, shown: impl Fn(&Refund) -> String, else_: &str) -> String {
        self.refund.map_or_else(|| else_.to_owned(), shown)
    }
}

/// `1.23` of 123 fen.
fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// `-0.00600` of minus 600 hundred-thousandths.
fn long_yuan(parts: i64) -> String {
    let (sign, parts) = (if parts < 0 { "-" } else { "" }, parts.unsigned_abs());
    format!("{sign}{}.{:05}", parts / 100_000, parts % 100_000)
}

fn time(since: Option<std::time::Duration>) -> String {
    since.map_or_else(String::new, |since| Moment::of(since, CHINA).plain())
}

type Shown = fn(&Line<'_>) -> String;

const COLUMNS: [(&str, Shown); 29] = [
    ("交易时间", |line| {
        time(line.refund.map_or(line.payment.paid, |refund| Some(refund.created)))
    }),
    ("公众账号ID", |line| line.said("/appid")),
    ("商户号", |line| line.merchant.to_owned()),
    ("特约商户号", |_| "0".to_owned()),
    ("设备号", |_| String::new()),
    ("微信订单号", |line| line.payment.id.clone()),
    ("商户订单号", |line| line.payment.order.clone()),
    ("用户标识", |line| orders::text(line.payment, "openid").to_owned()),
    ("交易类型", |line| orders::text(line.payment, "trade_type").to_owned()),
    ("交易状态", |line| line.of_refund(|_| "REFUND".to_owned(), "SUCCESS")),
    ("付款银行", |_| "OTHERS".to_owned()),
    ("货币种类", |_| "CNY".to_owned()),
    ("应结订单金额", |line| yuan(line.paid())),
    ("代金券金额", |_| yuan(0)),
    ("退款申请时间", |line| time(line.refund.map(|refund| refund.created))),
    ("退款成功时间", |line| time(line.refund.and_then(|refund| refund.completed))),
    ("微信退款单号", |line| line.of_refund(|refund| refund.id.clone(), "0")),
    ("商户退款单号", |line| line.of_refund(|refund| refund.number.clone(), "0")),
    ("退款金额", |line| yuan(line.refunded())),
    ("充值券退款金额", |_| yuan(0)),
    ("退款类型", |line| line.of_refund(|_| "ORIGINAL".to_owned(), "")),
    ("退款状态", |line| line.of_refund(|_| "SUCCESS".to_owned(), "")),
    ("商品名称", |line| line.said("/description")),
    ("商户数据包", |line| line.said("/attach")),
    ("手续费", |line| long_yuan(line.fee())),
    ("费率", |_| "0.60%".to_owned()),
    ("订单金额", |line| yuan(line.paid())),
    ("申请退款金额", |line| yuan(line.refunded())),
    ("费率备注", |_| String::new()),
];
/// Columns of the bill of refunds alone.
const DATES: [&str; 2] = ["退款申请时间", "退款成功时间"];
const SUMMARY: [&str; 7] = [
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
];
const TOKENS: usize = 1_000;
