//! What is wrong with settings is said at its place, without a byte of a key.

use serde_json::{Value, json};
use tollgate_api::Side;
use tollgate_payload::aes_gcm::AesGcm;

use crate::{
    aes_gcm_layouts::settings,
    support::{bench, env},
};

fn assert_refused(cases: &[(Value, &str, &str)]) {
    for (settings, pointer, said) in cases {
        let errors = bench(Side::Route).errors::<AesGcm>(settings.clone());
        let found = errors.iter().any(|e| e.pointer == *pointer && e.expected.contains(said));
        assert!(found, "{settings}: expected `{said}` at `{pointer}`, found {errors:?}");
        let shown = format!("{errors:?}");
        assert!(!shown.contains("000102"), "{settings}: shows a key: {shown}");
    }
}

#[test]
fn mistakes_about_keys_are_reported_where_they_are() {
    let named = |keys: Value| json!({ "key_format": "hex", "key_id_in": { "header": "x-key" }, "decrypt_with": keys });
    assert_refused(&[
        (json!({}), "", "expected a key"),
        (json!({ "encrypt_with": env("ABSENT") }), "/encrypt_with", "not set"),
        (json!({ "encrypt_with": env("SHARED_32") }), "/encrypt_with", "16 or 32"),
        (settings(&json!({ "encrypt_with": env("SHARED_24") })), "/encrypt_with", "16 or 32"),
        (settings(&json!({ "encrypt_with": env("SHARED_64") })), "/encrypt_with", "16 or 32"),
        (settings(&json!({ "key_format": "jwk" })), "/encrypt_with", "JSON Web Key"),
        (settings(&json!({ "decrypt_with": [] })), "/decrypt_with", "1 to 4"),
        (
            settings(&json!({ "decrypt_with": [env("SHARED_32"), env("ABSENT")] })),
            "/decrypt_with/1",
            "not set",
        ),
        (
            settings(&json!({ "decrypt_with": [{ "key": env("SHARED_24") }] })),
            "/decrypt_with/0/key",
            "16 or 32",
        ),
        (
            settings(&json!({ "decrypt_with": vec![env("SHARED_32"); 5] })),
            "/decrypt_with",
            "found 5",
        ),
        (
            settings(&json!({ "decrypt_with": { "key": env("SHARED_32"), "id": "a" } })),
            "/decrypt_with/id",
            "without `key_id_in`",
        ),
        (named(env("SHARED_32")), "/decrypt_with", "expected the `id`"),
        (named(json!([{ "key": env("SHARED_32"), "id": "" }])), "/decrypt_with/0/id", "1 to 256"),
        (named(json!([{ "key": env("SHARED_32"), "id": "a\n" }])), "/decrypt_with/0/id", "place"),
        (
            named(json!([
                { "key": env("SHARED_32"), "id": "a" }, { "key": env("OTHER_32"), "id": "a" }
            ])),
            "/decrypt_with/1/id",
            "of its own",
        ),
        (settings(&json!({ "encrypt_key_id": "a" })), "/encrypt_key_id", "without `key_id_in`"),
        (
            settings(&json!({ "key_id_in": { "header": "x-key" } })),
            "/encrypt_key_id",
            "expected the name",
        ),
        (
            json!({ "decrypt_with": env("SHARED_32"), "encrypt_key_id": "a" }),
            "/encrypt_key_id",
            "without `encrypt_with`",
        ),
    ]);
}

#[test]
fn places_that_do_not_go_together_are_reported_where_they_are() {
    let fields = json!({ "fields": ["pan"] });
    assert_refused(&[
        (
            settings(&json!({ "scope": fields, "nonce": { "header": "x-n" } })),
            "/nonce",
            "of its own",
        ),
        (settings(&json!({ "scope": fields, "tag": { "header": "x-t" } })), "/tag", "of its own"),
        (
            settings(&json!({ "scope": fields, "nonce": { "member": "iv" } })),
            "/nonce/member",
            "only with an envelope",
        ),
        (settings(&json!({ "tag": { "member": "t" } })), "/tag/member", "only with an envelope"),
        (
            settings(&json!({ "scope": { "envelope": "d" }, "tag": { "member": "d" } })),
            "/tag/member",
            "of its own",
        ),
        (
            settings(&json!({ "scope": { "envelope": "d" }, "nonce": { "member": "x" },
                              "tag": { "member": "x" } })),
            "/tag/member",
            "of its own",
        ),
        (
            settings(&json!({ "nonce": { "header": "x-n" }, "tag": { "header": "X-N" } })),
            "/tag/header",
            "of its own",
        ),
        (settings(&json!({ "nonce": { "header": "host" } })), "/nonce/header", "may set"),
        (settings(&json!({ "nonce": { "header": "etag" } })), "/nonce/header", "meaning"),
        (settings(&json!({ "encoding": "raw", "scope": fields })), "/encoding", "`scope`"),
        (
            settings(&json!({ "encoding": "raw", "answer_scope": { "envelope": "d" } })),
            "/encoding",
            "`answer_scope`",
        ),
        (settings(&json!({ "scope": { "fields": [] } })), "/scope/fields", "at least one"),
        (settings(&json!({ "content_type": "json" })), "/content_type", "media type"),
        (settings(&json!({ "max_fields": 10_001 })), "/max_fields", "10000"),
    ]);
}

#[test]
fn associated_data_that_cannot_arrive_unchanged_is_reported_where_it_is() {
    let data = |scope: Value, parts: Value| {
        settings(&json!({ "scope": scope,
            "associated_data": { "parts": parts, "separator": "|" } }))
    };
    let fields = json!({ "fields": ["card.number"] });
    assert_refused(&[
        (data(json!("body"), json!([])), "/associated_data/parts", "1 to 16"),
        (data(json!("body"), json!([{ "field": "a" }])), "/associated_data/parts/0", "no field"),
        (
            data(fields.clone(), json!([{ "text": "x" }, { "field": "card" }])),
            "/associated_data/parts/1",
            "not encrypted",
        ),
        (
            data(fields.clone(), json!([{ "field": "l[*]" }])),
            "/associated_data/parts/0",
            "without `[*]`",
        ),
        (
            data(json!("body"), json!([{ "header": "content-type" }])),
            "/associated_data/parts/0",
            "as it was sent",
        ),
        (
            data(json!("body"), json!([{ "header": "content-digest" }])),
            "/associated_data/parts/0",
            "as it was sent",
        ),
        (
            data(json!("body"), json!([{ "text": "a|b" }, { "text": "c" }])),
            "/associated_data/parts/0",
            "without the separator",
        ),
    ]);
}

#[test]
fn unknown_settings_and_written_out_secrets_are_refused_without_showing_them() {
    for (wrong, said) in [
        (json!({ "encrypt": env("A") }), "encrypt"),
        (json!({ "encrypt_with": "hunter2" }), "expected"),
        (json!({ "decrypt_with": "hunter2" }), "found text"),
        (json!({ "decrypt_with": { "key": env("A"), "kid": "x" } }), "kid"),
        (json!({ "nonce": "suffix" }), "suffix"),
        (json!({ "associated_data": { "parts": [{ "query": "a" }] } }), "query"),
    ] {
        let errors = bench(Side::Route).errors::<AesGcm>(wrong.clone());
        let shown = format!("{errors:?}");
        assert!(shown.contains(said), "{wrong}: {shown}");
        assert!(!shown.contains("hunter2"), "a secret written out is not repeated: {shown}");
    }
}
