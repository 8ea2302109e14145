//! Settlement: the day's file, downloaded through the gateway and held against its digest.

use http::StatusCode;
use tollgate_crypto::{Digest, DigestAlgorithm, to_hex};

use super::{
    super::{
        call::{Answered, Call},
        page::{Page, shortened},
        walk::until,
    },
    Shop,
};
use crate::sandbox::twin::{Fault, Plan};

/// The file as it should be.
pub(super) async fn file(shop: &Shop<'_>, page: &mut Page) {
    page.step(
        "The settlement file of the day",
        "Files are not signed: the signed answer before announces the file's digest. The gateway \
         remembers it, and streams the file while it computes the digest.",
    );
    let Some((announced, call)) = announced(shop, page).await else { return };
    page.request(&call.typed());
    let file = shop.stage.client.download(&call).await;
    let text = String::from_utf8_lossy(&file.bytes);
    if let Some((status, headers)) = &file.head {
        page.answer(*status, headers, &["content-type", "content-length"], "");
    }
    for line in text.lines() {
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
    page.promise("and lists the payment and its refund", lists, &text);
}

/// A file that is another than the announced one.
pub(super) async fn changed(shop: &Shop<'_>, page: &mut Page) {
    page.step(
        "A settlement file that was changed on its way",
        "One digit of it is another. The gateway withholds the end of a file until the digest fits; here \
         it never does.",
    );
    let Some((_, call)) = announced(shop, page).await else { return };
    shop.stage.cast.wechat_pay.twin.faults().plan(Fault::ChangedFile, Plan::times(1));
    let before = mismatches(shop).await;
    page.request(&call.typed());
    let file = shop.stage.client.download(&call).await;
    if let Some((status, headers)) = &file.head {
        page.answer(*status, headers, &["content-length", "tollgate-error"], "");
    }
    let end = file.broken.as_deref().and_then(|error| error.rsplit(": ").next());
    let end = end.unwrap_or("the end");
    page.note("the client", &format!("{} bytes, then: {end}", file.bytes.len()));
    page.line("");
    page.promise(
        "the download is left incomplete: no program takes it for the file",
        file.broken.is_some(),
        &format!("{} bytes", file.bytes.len()),
    );
    let counted = until(async || mismatches(shop).await > before).await;
    page.promise("operators see `upstream_checksum_mismatch`", counted, &"nothing");
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

/// Columns of a line of the file.
const LINE: usize = 110;
