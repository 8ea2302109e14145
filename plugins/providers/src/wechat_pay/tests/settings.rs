//! Everything that can be wrong with the settings is told at its place.

use serde_json::{Value, json};
use tollgate_api::testing::Bench;

use super::support::*;
use crate::wechat_pay::WechatPay;

fn pointers(mut bench: Bench, settings: Value) -> Vec<String> {
    bench.sources.put_file("text", "nothing of use");
    bench.sources.put_file("short", "0123456789abcdef0123456789abcde");
    bench.sources.put_file("long", "0123456789abcdef0123456789abcdef0");
    bench.sources.put_file("line", "0123456789abcdef0123456789abcdef\r\n");
    match bench.build::<WechatPay>(settings) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| error.pointer).collect(),
    }
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    let key = |file: &str| json!({ "file": file });
    let public = json!({ "id": PUBLIC_KEY_ID, "key": "keys/wechat_pay.pem" });
    for (changes, expected) in [
        (json!({}), &[][..]),
        (json!({ "api_v3_key": key("line") }), &[]),
        (json!({ "merchant_id": "19 \"" }), &["/merchant_id"]),
        (json!({ "api_v3_key": key("short") }), &["/api_v3_key"]),
        (json!({ "api_v3_key": key("long") }), &["/api_v3_key"]),
        (json!({ "api_v3_key": key("absent") }), &["/api_v3_key"]),
        (json!({ "certificate_serial": null }), &["/certificate_serial"]),
        (json!({ "certificate_serial": "12 34" }), &["/certificate_serial"]),
        (json!({ "private_key": null }), &["/private_key"]),
        (json!({ "private_key": key("text") }), &["/private_key"]),
        (json!({ "private_key": key("keys/wechat_pay.pem") }), &["/private_key"]),
        (json!({ "platform_keys": {} }), &["/platform_keys"]),
        (json!({ "platform_keys": { "download": false } }), &["/platform_keys"]),
        (
            json!({ "platform_keys": { "public_keys": [{ "id": "a b", "key": "text" }] } }),
            &["/platform_keys/public_keys/0/id", "/platform_keys/public_keys/0/key"],
        ),
        (
            json!({ "platform_keys": { "public_keys": [public, public] } }),
            &["/platform_keys/public_keys/1/id"],
        ),
        (
            json!({ "platform_keys": { "certificates": ["keys/first.pem", "keys/first.pem"] } }),
            &["/platform_keys/certificates/1"],
        ),
        (
            json!({ "platform_keys": { "certificates": ["keys/wechat_pay.pem"] } }),
            &["/platform_keys/certificates/0"],
        ),
        (
            json!({ "platform_keys": { "download": { "upstream": "other" } } }),
            &["/platform_keys/download/upstream"],
        ),
        (
            json!({ "platform_keys": { "download": { "every": "59s" } } }),
            &["/platform_keys/download/every"],
        ),
        (json!({ "encrypt_fields": ["a", "a.b"] }), &["/encrypt_fields/1"]),
        (json!({ "decrypt_fields": ["$"] }), &["/decrypt_fields/0"]),
        (json!({ "algorithm": "sm2" }), &["/platform_keys/public_keys/0/key", "/private_key"]),
    ] {
        let bench = upstream();
        serves(&bench, || Err(tollgate_api::FetchError::Unreachable));
        assert_eq!(pointers(bench, settings_with(&changes)), expected, "{changes}");
    }
}

#[test]
fn a_route_needs_no_private_key_unless_it_downloads_and_has_no_fields() {
    let bare = json!({ "private_key": null, "certificate_serial": null });
    assert_eq!(pointers(route(), settings_with(&bare)), [""; 0], "notifications alone");
    let mut downloads = bare.clone();
    downloads["platform_keys"] = json!({ "download": { "upstream": "wechat-pay" } });
    let bench = route();
    bench.callers.upstream("wechat-pay", |_| Err(tollgate_api::FetchError::Unreachable));
    let expected = ["/certificate_serial", "/private_key"];
    assert_eq!(pointers(bench, settings_with(&downloads)), expected, "a download is signed");
    let own = json!({ "platform_keys": { "download": true } });
    let expected = ["/platform_keys/download"];
    assert_eq!(pointers(route(), settings_with(&own)), expected, "a route has no upstream");
    for (name, value) in [
        ("encrypt_fields", json!(["a"])),
        ("decrypt_fields", json!(["a"])),
        ("unsigned_answers", json!(["statements"])),
        ("unsigned_errors", json!("status")),
    ] {
        let found = pointers(route(), settings_with(&json!({ name: value })));
        assert_eq!(found, [format!("/{name}")], "`{name}` concerns calls");
    }
}

#[test]
fn unknown_keys_are_refused_and_a_switch_is_a_switch() {
    for settings in [
        settings_with(&json!({ "merchant": "1" })),
        settings_with(&json!({ "platform_keys": { "keys": [] } })),
        settings_with(&json!({ "platform_keys": { "download": { "evry": "1h" } } })),
        settings_with(&json!({ "platform_keys": { "download": "yes" } })),
        settings_with(&json!({ "unsigned_answers": ["all"] })),
        settings_with(&json!({ "algorithm": "rsa2" })),
    ] {
        assert_eq!(pointers(upstream(), settings.clone()).len(), 1, "{settings}");
    }
}
