//! Settlement: the day's file, downloaded through the gateway and held against its digest.

use http::StatusCode;
use tollgate_crypto::{Digest, DigestAlgorithm, to_hex};

use super::{
    super::{
        call::{Answered, Call},
        checks::until,
        page::{Page, shortened},
    },
    Shop,
};
use crate::sandbox::twin::{Fault, Payment, PaymentState, Plan};

/// The file as it should be.
pub(super) async fn file(shop: &Shop<'_>, page: &mut Page) {
    page.step(
        "The settlement file of the day",
        "Files are not signed: the signed answer before announces the file's digest. The gateway \
         remembers it, and streams the file while it computes the digest. A thousand other payments of \
         the day are in it as well.",
    );
    others(shop);
    let Some((announced, call)) = announced(shop, page).await else { return };
    page.request(&call.typed());
    let file = shop.stage.client.download(&call).await;
    let text = String::from_utf8_lossy(&file.bytes);
    if let Some((status, headers)) = &file.head {
        page.answer(*status, headers, &["content-type", "content-length"], "");
    }
    let lines: Vec<&str> = text.lines().collect();
    let (first, rest) = lines.split_at(lines.len().min(HEAD));
    let last = rest.split_at(rest.len().saturating_sub(TAIL)).1;
    for line in first.iter().chain(&["…"]).chain(last) {
        // Chinese characters are two columns wide.
        page.note("", &shortened(line, if line.is_ascii() { LINE } else { LINE / 2 }));
    }
    page.line("");
    let mut digest = Digest::new(DigestAlgorithm::Sha1);
    digest.update(&file.bytes);
    let digest = to_hex(&digest.finish());
    let good = file.head.as_ref().is_some_and(|(status, _)| *status == StatusCode::OK);
    page.promise(
        "the file came whole",
        good && file.broken.is_none(),
        &file.broken.as_deref().unwrap_or("another status"),
    );
    page.promise(
        "it has the digest that was announced",
        announced.text("hash_value").eq_ignore_ascii_case(&digest),
        &digest,
    );
    let lists = ["mobile_0001", "mobile_refund_1"].iter().all(|number| text.contains(number));
    page.promise("and lists the payment and its refund", lists, &lines.len());
}

/// A file that is another than the announced one.
pub(super) async fn changed(shop: &Shop<'_>, page: &mut Page) {
    page.step(
        "A settlement file that was changed on its way",
        "One digit of it is another. The gateway withholds the end of a file until the digest fits; here \
         it never does.",
    );
    let Some((_, call)) = announced(shop, page).await else { return };
    let whole = shop.stage.cast.wechat_pay.twin.settle(None);
    let whole = shop.stage.cast.wechat_pay.twin.dialect().statement(&whole).len();
    shop.stage.cast.wechat_pay.twin.faults().plan(Fault::ChangedFile, Plan::times(1));
    let before = mismatches(shop).await;
    page.request(&call.typed());
    let file = shop.stage.client.download(&call).await;
    if let Some((status, headers)) = &file.head {
        page.answer(*status, headers, &["content-length", "tollgate-error"], "");
    }
    let end = file.broken.as_deref().and_then(|error| error.rsplit(": ").next());
    let end = end.unwrap_or("the end");
    let came = file.bytes.len();
    page.note("the client", &format!("{came} of {whole} bytes, then: {end}"));
    page.line("");
    page.promise(
        "the download is left incomplete: no program takes it for the file",
        file.broken.is_some() && came < whole,
        &format!("{came} bytes"),
    );
    let counted = until(async || mismatches(shop).await > before).await;
    page.promise("operators see `upstream_checksum_mismatch`", counted, &"nothing");
}

/// Enters what else was paid on that day.
fn others(shop: &Shop<'_>) {
    let desk = shop.stage.cast.wechat_pay.twin.desk();
    let (now, mut book) = (desk.now(), desk.book());
    let Some(payment) = book.payment("mobile_0001").cloned() else { return };
    for number in 1..=OTHERS {
        book.enter(Payment {
            order: format!("shop_{number:06}"),
            id: format!("4200{number:024}"),
            state: PaymentState::Paid,
            refunded: 0,
            paid: Some(now),
            settled: None,
            ..payment.clone()
        });
    }
}

/// Closes the day and asks for its file: the answer, and the call that downloads the file.
async fn announced(shop: &Shop<'_>, page: &mut Page) -> Option<(Answered, Call)> {
    let stage = shop.stage;
    let date = stage.cast.wechat_pay.twin.settle(None).date;
    let raw = stage.payments.replace("localhost", "wechat-pay.raw.localhost");
    let call = Call::ask(format!("{raw}/v3/bill/tradebill?bill_date={date}"), &shop.token);
    let answer = call.shown(&stage.client, page, &["tollgate-error"]).await?;
    let url = answer.text("download_url");
    let Some(target) = url.strip_prefix(&stage.cast.wechat_pay.url) else {
        page.promise("the file is announced", false, &answer.body);
        return None;
    };
    let download = Call::ask(format!("{raw}{target}"), &shop.token);
    Some((answer, download))
}

/// How many files were found to be others than announced.
async fn mismatches(shop: &Shop<'_>) -> u32 {
    let call = Call::get(format!("{}/metrics", shop.stage.admin));
    let text = shop.stage.client.send(&call).await.map(|answer| answer.body).unwrap_or_default();
    let is_counted = |line: &&str| {
        line.starts_with("tollgate_faults_total{") && line.contains("upstream_checksum_mismatch")
    };
    let counts = text.lines().filter(is_counted).filter_map(|line| line.rsplit_once(' '));
    counts.filter_map(|(_, count)| count.parse::<u32>().ok()).sum()
}

/// Other payments of the day: a file that does not fit into one piece.
const OTHERS: u32 = 1_000;
/// Lines of the file that are printed, at its beginning and at its end.
const HEAD: usize = 3;
const TAIL: usize = 2;
/// Columns of a line of the file.
const LINE: usize = 110;
