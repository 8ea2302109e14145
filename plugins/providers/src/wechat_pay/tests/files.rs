//! Bills: not signed, and verified all the same.

use std::{io::Write, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tollgate_api::{
    Answer, Body, Exchange, Plugin, Which,
    testing::{self, Bench, request, respond, verdict},
};
use tollgate_crypto::{Digest, DigestAlgorithm, to_hex};

use super::support::*;

const BILL: &[u8] = "交易时间,公众账号ID\n`2026-01-01 08:00:00,`wx1\n".as_bytes();
const TARGET: &str = "/v3/billdownload/file?token=Dgm%2Fx&n=1";

fn get(target: &str) -> Exchange {
    let mut exchange = testing::exchange();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    exchange.request.method = http::Method::GET;
    exchange.request.path = path.to_owned();
    exchange.request.query = (!query.is_empty()).then(|| query.to_owned());
    exchange
}

fn announcement(algorithm: DigestAlgorithm, name: &str, file: &[u8]) -> Value {
    json!({
        "download_url": format!("https://api.mch.weixin.qq.com{TARGET}"),
        "hash_type": name,
        "hash_value": to_hex(&Digest::of(algorithm, file)),
    })
}

/// Lets the plugin see this answer to a request for the bill's address.
async fn announce(plugin: &dyn Plugin, body: &Value, nonce: &str, query: &str) {
    let mut exchange = get(&format!("/v3/bill/tradebill?bill_date=2025-12-31{query}"));
    let answer = Signer { nonce, ..wechat_pay() }.answer(200, body.to_string());
    assert_eq!(verdict(&respond(plugin, &mut exchange, answer).await), "ok", "announced");
}

/// Downloads the bill in pieces, and what is said at its end.
async fn streamed(plugin: &dyn Plugin, file: &[u8], size: usize) -> &'static str {
    let mut exchange = get(TARGET);
    assert_eq!(verdict(&request(plugin, &mut exchange).await), "ok", "it was announced");
    let answer = Answer { body: Body::Streamed, ..testing::answer_with_body("x") };
    assert_eq!(verdict(&respond(plugin, &mut exchange, answer).await), "ok", "the head passes");
    assert!(plugin.observer(&exchange, Which::Request).is_none(), "requests are not watched");
    let mut observer = plugin.observer(&exchange, Which::Answer).unwrap();
    file.chunks(size).for_each(|piece| observer.chunk(piece));
    verdict(&observer.end())
}

async fn held(plugin: &dyn Plugin, file: &'static [u8]) -> &'static str {
    let mut exchange = get(TARGET);
    assert_eq!(verdict(&request(plugin, &mut exchange).await), "ok", "it was announced");
    let answer = testing::answer_with_body(Bytes::from_static(file));
    verdict(&respond(plugin, &mut exchange, answer).await)
}

fn built() -> (Bench, std::sync::Arc<dyn Plugin>) {
    let mut bench = upstream();
    let plugin = plugin(&mut bench, &json!({}));
    (bench, plugin)
}

#[tokio::test]
async fn a_bill_passes_by_its_announced_digest_and_no_other() {
    for (algorithm, name) in [
        (DigestAlgorithm::Sha1, "SHA1"),
        (DigestAlgorithm::Sha256, "SHA256"),
        (DigestAlgorithm::Sm3, "SM3"),
    ] {
        let (_bench, plugin) = built();
        announce(&*plugin, &announcement(algorithm, name, BILL), "a", "").await;
        for size in [1, 7, 4_096] {
            assert_eq!(streamed(&*plugin, BILL, size).await, "ok", "{name}, {size} bytes a piece");
        }
        assert_eq!(held(&*plugin, BILL).await, "ok", "{name}, where a route holds answers");
        let mismatch = "upstream_checksum_mismatch";
        let mut other = BILL.to_vec();
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(streamed(&*plugin, &other, 7).await, mismatch, "{name}: its last byte");
        assert_eq!(streamed(&*plugin, &BILL[1..], 7).await, mismatch, "{name}: cut");
        assert_eq!(streamed(&*plugin, b"", 7).await, mismatch, "{name}: nothing");
        assert_eq!(held(&*plugin, &BILL[1..]).await, mismatch, "{name}: cut and held");
    }
}

#[tokio::test]
async fn the_download_is_signed_like_any_call() {
    let (_bench, plugin) = built();
    announce(&*plugin, &announcement(DigestAlgorithm::Sha1, "SHA1", BILL), "a", "").await;
    let mut exchange = get(TARGET);
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "announced");
    assert!(exchange.request.headers.contains_key("authorization"), "signed");
    assert_eq!(exchange.request.target(), TARGET, "under the address as it was announced");
}

#[tokio::test]
async fn a_compressed_bill_is_verified_by_the_digest_of_what_is_inside() {
    let packed = {
        let mut packing = GzEncoder::new(Vec::new(), Compression::default());
        packing.write_all(BILL).unwrap();
        packing.finish().unwrap()
    };
    let (_bench, plugin) = built();
    let announced = announcement(DigestAlgorithm::Sha1, "SHA1", BILL);
    announce(&*plugin, &announced, "a", "&tar_type=GZIP").await;
    let mismatch = "upstream_checksum_mismatch";
    for size in [1, 10, 4_096] {
        assert_eq!(streamed(&*plugin, &packed, size).await, "ok", "{size} bytes a piece");
        let cut = &packed[..packed.len() - 1];
        assert_eq!(streamed(&*plugin, cut, size).await, mismatch, "cut, {size} bytes a piece");
        let more = [&packed[..], b"x"].concat();
        assert_eq!(streamed(&*plugin, &more, size).await, mismatch, "longer, {size} a piece");
    }
    assert_eq!(streamed(&*plugin, BILL, 7).await, mismatch, "not compressed at all");
    let mut other = packed.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    assert_eq!(streamed(&*plugin, &other, 7).await, mismatch, "changed");
    announce(&*plugin, &announced, "b", "").await;
    assert_eq!(streamed(&*plugin, &packed, 7).await, mismatch, "compressed, though not asked for");
}

#[tokio::test]
async fn a_file_that_was_not_announced_is_refused_before_anything_is_sent() {
    let (bench, plugin) = built();
    let refused = |target: &'static str| {
        let plugin = plugin.clone();
        async move { verdict(&request(&*plugin, &mut get(target)).await) }
    };
    assert_eq!(refused(TARGET).await, "checksum_unknown", "nothing was announced");
    announce(&*plugin, &announcement(DigestAlgorithm::Sha1, "SHA1", BILL), "a", "").await;
    assert_eq!(refused(TARGET).await, "ok", "announced");
    for other in [
        "/v3/billdownload/file",
        "/v3/billdownload/file?token=Dgm/x&n=1",
        "/v3/billdownload/file?token=Dgm%2Fx",
        "/v3/transferdownload/signfile?token=Dgm%2Fx&n=1",
    ] {
        assert_eq!(refused(other).await, "checksum_unknown", "{other}");
    }
    bench.clock.advance(Duration::from_mins(10));
    assert_eq!(refused(TARGET).await, "checksum_unknown", "forgotten");
}

#[tokio::test]
async fn only_what_can_be_verified_by_is_remembered() {
    let good = announcement(DigestAlgorithm::Sha1, "SHA1", BILL);
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (what, body, expected) in [
        ("as it is", good.clone(), "ok"),
        ("in a list", json!({ "download_bill_list": [{}, good] }), "ok"),
        ("encrypted besides", with("encrypt_key", "AAAA".into()), "checksum_unknown"),
        ("another digest", with("hash_type", "MD5".into()), "checksum_unknown"),
        ("a short digest", with("hash_value", "00".into()), "checksum_unknown"),
        ("no digest", with("hash_value", Value::Null), "checksum_unknown"),
        ("no address", with("download_url", "::".into()), "checksum_unknown"),
    ] {
        let (_bench, plugin) = built();
        announce(&*plugin, &body, "a", "").await;
        let found = verdict(&request(&*plugin, &mut get(TARGET)).await);
        assert_eq!(found, expected, "{what}");
    }
    let (_bench, plugin) = built();
    let mut forged = wechat_pay().answer(200, good.to_string());
    forged.headers.remove("wechatpay-signature");
    let mut exchange = get("/v3/bill/tradebill");
    respond(&*plugin, &mut exchange, forged).await.unwrap_err();
    let found = verdict(&request(&*plugin, &mut get(TARGET)).await);
    assert_eq!(found, "checksum_unknown", "what was not verified announces nothing");
}

#[tokio::test]
async fn an_error_in_the_place_of_a_file_must_be_signed() {
    let (_bench, plugin) = built();
    announce(&*plugin, &announcement(DigestAlgorithm::Sha1, "SHA1", BILL), "a", "").await;
    for (signed, expected) in [(true, "ok"), (false, "upstream_signature_missing")] {
        let mut exchange = get(TARGET);
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "announced");
        let mut answer = wechat_pay().answer(400, "{\"code\":\"PARAM_ERROR\"}");
        if !signed {
            answer.headers.remove("wechatpay-signature");
        }
        answer.headers.insert("wechatpay-nonce", "n-1".parse().unwrap());
        let found = verdict(&respond(&*plugin, &mut exchange, answer).await);
        assert_eq!(found, expected, "signed: {signed}");
    }
}

#[tokio::test]
async fn what_has_neither_signature_nor_digest_passes_only_where_it_is_allowed() {
    let path = "/v3/merchant-service/images/ABCDEF";
    for (allowed, expected) in
        [(json!([]), "upstream_signature_missing"), (json!(["complaint_images"]), "ok")]
    {
        let mut bench = upstream();
        let plugin = plugin(&mut bench, &json!({ "unsigned_answers": allowed }));
        let mut exchange = get(path);
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "asked for");
        let answer = testing::answer_with_body("\u{0}PNG");
        let found = verdict(&respond(&*plugin, &mut exchange, answer).await);
        assert_eq!(found, expected, "{allowed}");
    }
}
