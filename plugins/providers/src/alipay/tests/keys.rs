//! Alipay's bare keys while they change.

use super::*;

/// A bench whose `other.pem` is another key than Alipay's, and who signs with it.
fn two_keys(side: Side) -> (Bench, impl Fn(&[u8]) -> String + use<>) {
    let vectors = generated("antom.json");
    let mut bench = bench(side);
    bench.sources.put_file("other.pem", text(&vectors["antom_public_key_pem"]).to_owned());
    (bench, signs(text(&vectors["antom_private_key_pem"])))
}

#[test]
fn our_own_key_is_not_taken_for_alipays() {
    let mut bench = bench(Side::Upstream);
    let ours = text(&generated("alipay.json")["app_public_key_pem"]).to_owned();
    bench.sources.put_file("ours.pem", ours);
    let settings = with(settings("v3"), "alipay_public_key", json!(["alipay.pem", "ours.pem"]));
    let errors = bench.errors::<Alipay>(settings);
    let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/alipay_public_key"], "{errors:?}");
    assert!(errors[0].expected.contains("the application's own"), "{errors:?}");
}

#[tokio::test]
async fn while_alipay_changes_its_key_what_either_one_signed_counts() {
    let (_, other_signs) = two_keys(Side::Upstream);
    let good = super::v3::signed("{}", "nonce-1");
    let mut other = super::v3::signed("{}", "nonce-2");
    let time = header(&other.headers, "alipay-timestamp").unwrap();
    let signature = other_signs(format!("{time}\nnonce-2\n{{}}\n").as_bytes());
    other.headers.insert("alipay-signature", signature.parse().unwrap());
    for (files, old, new) in [
        (json!("alipay.pem"), "ok", "upstream_signature_invalid"),
        (json!(["alipay.pem"]), "ok", "upstream_signature_invalid"),
        (json!(["alipay.pem", "other.pem"]), "ok", "ok"),
        (json!(["other.pem", "alipay.pem"]), "ok", "ok"),
        (json!("other.pem"), "upstream_signature_invalid", "ok"),
    ] {
        let settings = with(settings("v3"), "alipay_public_key", files.clone());
        for (answer, expected) in [(&good, old), (&other, new)] {
            // Each with a memory of its own, for it is the same answer.
            let (mut bench, _) = two_keys(Side::Upstream);
            let plugin = bench.plugin::<Alipay>(settings.clone());
            let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
            let found = answered(&*plugin, &mut exchange, answer.clone()).await;
            assert_eq!(found.map_or_else(|code| code, |_| "ok"), expected, "{files}");
        }
    }
}

#[test]
fn a_list_of_keys_says_which_of_them_cannot_be_used() {
    let (mut bench, _) = two_keys(Side::Route);
    for (files, pointers) in [
        (json!([]), vec!["/alipay_public_key"]),
        (
            json!(["alipay.pem", "alipay.pem", "alipay.pem", "alipay.pem", "alipay.pem"]),
            vec!["/alipay_public_key"],
        ),
        (
            json!(["none.pem", "other.pem", "content.key"]),
            vec!["/alipay_public_key/0", "/alipay_public_key/2"],
        ),
    ] {
        let settings = with(settings("v2"), "alipay_public_key", files.clone());
        let errors = bench.errors::<Alipay>(settings);
        let found: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(found, pointers, "{files}: {errors:?}");
    }
}
