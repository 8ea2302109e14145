//! The trade bill: an address is asked for with a date, and the file is there for half a minute.
//!
//! Alipay's own file is GBK; the twin's is UTF-8. Otherwise lines and columns are Alipay's.

use std::{collections::VecDeque, time::Duration};

use http::{StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{
    super::{Answer, CHINA, Desk, Moment, Payment, Refund, Settlement},
    Alipay,
    fields::Fields,
    money::yuan,
    refused::Refused,
    trade::{Told, buyer},
    zip,
};
use crate::sandbox::Request;

/// Bills that were asked for, by token, the oldest first.
#[derive(Default)]
pub(super) struct Bills(Mutex<VecDeque<(String, String, Duration)>>);

impl Alipay {
    /// `alipay.data.dataservice.bill.downloadurl.query`.
    pub(super) fn bill_url(
        &self,
        fields: &Fields,
        request: &Request,
        desk: &Desk,
    ) -> Result<Told, Refused> {
        if !matches!(fields.text("bill_type", 10)?, "trade" | "signcustomer") {
            return Err(Refused::field("bill_type", "expected `trade` or `signcustomer`"));
        }
        let date = fields.text("bill_date", 10)?;
        if desk.book().settlement(date).is_none() {
            let why = format!("{date} is not settled: `POST /_settle` closes the day");
            return Err(Refused::business("BILL_NOT_EXIST", "账单不存在", why));
        }
        let (token, now) = (desk.nonce(64), desk.now());
        {
            let mut bills = self.bills.0.lock();
            if bills.len() == TOKENS {
                bills.pop_front();
            }
            bills.push_back((token.clone(), date.to_owned(), now));
        }
        let url = self.url.lock().clone().unwrap_or_else(|| {
            format!("https://{}", request.header(&header::HOST).unwrap_or_default())
        });
        let (compact, seller) = (date.replace('-', ""), &self.app.seller);
        let query = format!("bizType=trade&userId={seller}&fileType=csv.zip&bizDates={compact}");
        let url = format!("{url}{PATH}?{query}&fileId={token}");
        Ok(Told::about(date, json!({ "bill_download_url": url, "bill_file_code": "EXIST" })))
    }

    /// The file itself: nobody signs for it, and it is not signed.
    pub(super) fn download(&self, request: &Request, desk: &Desk) -> Result<Answer, Refused> {
        let token = request.parameter("fileId").unwrap_or_default();
        let (bills, now) = (self.bills.0.lock(), desk.now());
        let found = bills.iter().find(|(known, ..)| *known == token).cloned();
        drop(bills);
        let expired = || {
            let why = "this address is unknown, or half a minute has passed: ask for it again";
            Refused::business("BILL_NOT_EXIST", "账单不存在", why)
        };
        let (_, date, at) = found.ok_or_else(expired)?;
        if now > at + LIFETIME {
            return Err(expired());
        }
        let settlement = desk.book().settlement(&date).cloned().ok_or_else(expired)?;
        let (seller, compact) = (&self.app.seller, date.replace('-', ""));
        let name = |kind| format!("{seller}_{compact}_业务明细{kind}.csv");
        let files = [
            (name(""), text(&settlement, seller).into_bytes()),
            (name("(汇总)"), summary(&settlement, seller).into_bytes()),
        ];
        Ok(Answer::of(StatusCode::OK, "application/octet-stream", zip::archive(&files)).unsigned())
    }
}

/// The bill: a head, a line for every payment and every refund, a foot. Lines end with CRLF, values
/// with a tab, so that spreadsheets take numbers for text.
pub(super) fn text(settlement: &Settlement, seller: &str) -> String {
    let Settlement { date, payments, refunds } = settlement;
    let mut lines = vec![
        "#支付宝业务明细查询".to_owned(),
        format!("#账号：[{seller}0156]"),
        format!("#起始日期：[{date} 00:00:00]   终止日期：[{date} 23:59:59]"),
        "#-----------------------------------------业务明细列表----------------------------------------"
            .to_owned(),
        COLUMNS.join(","),
    ];
    lines.extend(payments.iter().map(|payment| line(payment, None)));
    lines.extend(refunds.iter().map(|(refund, payment)| line(payment, Some(refund))));
    let paid = payments.iter().map(|payment| payment.amount).sum();
    let refunded = refunds.iter().map(|(refund, _)| refund.amount).sum();
    lines.extend([
        "#-----------------------------------------业务明细列表结束------------------------------------"
            .to_owned(),
        format!(
            "#交易合计：{}笔，商家实收共{}元，商家优惠共0.00元",
            payments.len(),
            yuan(paid)
        ),
        format!("#退款合计：{}笔，商家实收退款共-{}元，商家优惠退款共0.00元", refunds.len(), yuan(refunded)),
    ]);
    lines.join("\r\n") + "\r\n"
}

fn summary(settlement: &Settlement, seller: &str) -> String {
    let Settlement { date, payments, refunds } = settlement;
    let paid: u64 = payments.iter().map(|payment| payment.amount).sum();
    let refunded: u64 = refunds.iter().map(|(refund, _)| refund.amount).sum();
    let (sign, net) = signed(paid, refunded);
    let lines = [
        "#支付宝业务汇总查询".to_owned(),
        format!("#账号：[{seller}0156]"),
        format!("#起始日期：[{date} 00:00:00]   终止日期：[{date} 23:59:59]"),
        "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,服务费（元）,实收净额（元）".to_owned(),
        format!(
            "合计\t,,{},{},{},{},0.00,{sign}{}",
            payments.len(),
            refunds.len(),
            yuan(paid),
            yuan(paid),
            yuan(net)
        ),
    ];
    lines.join("\r\n") + "\r\n"
}

fn signed(paid: u64, refunded: u64) -> (&'static str, u64) {
    (if refunded > paid { "-" } else { "" }, paid.abs_diff(refunded))
}

fn line(payment: &Payment, refund: Option<&Refund>) -> String {
    let time = |since: Option<Duration>| {
        since.map_or_else(String::new, |since| Moment::of(since, CHINA).plain())
    };
    let said = |name: &str| {
        let said = payment.terms.get(name).and_then(Value::as_str).unwrap_or_default();
        said.replace([',', '\r', '\n', '\t'], " ")
    };
    let number = refund.and_then(|refund| refund.details.get("out_request_no")?.as_str());
    let (begun, ended) = match refund {
        Some(refund) => (Some(refund.created), refund.completed),
        None => (Some(payment.created), payment.paid),
    };
    let amount = match refund {
        Some(refund) => format!("-{}", yuan(refund.amount)),
        None => yuan(payment.amount),
    };
    let values = [
        format!("{}\t", payment.id),
        format!("{}\t", payment.order),
        if refund.is_some() { "退款" } else { "交易" }.to_owned(),
        said("subject"),
        time(begun),
        time(ended),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        buyer(payment).1.to_owned(),
        amount.clone(),
        amount,
        "0.00".to_owned(),
        "0.00".to_owned(),
        "0.00".to_owned(),
        "0.00".to_owned(),
        "0.00".to_owned(),
        String::new(),
        "0.00".to_owned(),
        "0.00".to_owned(),
        format!("{}\t", number.unwrap_or_default()),
        "0.00".to_owned(),
        "0.00".to_owned(),
        said("body"),
    ];
    values.join(",")
}

/// Where files are.
pub(super) const PATH: &str = "/downloadBillFile.resource";
const COLUMNS: [&str; 25] = [
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "商品名称",
    "创建时间",
    "完成时间",
    "门店编号",
    "门店名称",
    "操作员",
    "终端号",
    "对方账户",
    "订单金额（元）",
    "商家实收（元）",
    "支付宝红包（元）",
    "集分宝（元）",
    "支付宝优惠（元）",
    "商家优惠（元）",
    "券核销金额（元）",
    "券名称",
    "商家红包消费金额（元）",
    "卡消费金额（元）",
    "退款批次号/请求号",
    "服务费（元）",
    "分润（元）",
    "备注",
];
const TOKENS: usize = 1_000;
const LIFETIME: Duration = Duration::from_secs(30);
