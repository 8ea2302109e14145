//! What is wrong with settings is said at its place, without a byte of a key.

use serde_json::{Value, json};
use tollgate_api::Side;
use tollgate_payload::jwe::Jwe;

use crate::support::{bench, env, file};

#[test]
fn the_short_form_loads_as_the_design_writes_it() {
    bench(Side::Upstream).plugin::<Jwe>(json!({
        "encrypt_to": file("rsa/provider.jwk"), "algorithm": "RSA-OAEP-256",
        "encryption": "A256GCM", "decrypt_with": file("rsa/ours.pem"),
    }));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_mistake_is_reported_at_the_setting_it_is_in() {
    let rsa = |more: Value| {
        let base = json!({ "algorithm": "RSA-OAEP-256", "encryption": "A256GCM" });
        crate::support::merged(base, &more)
    };
    let with = |algorithm: &str, more: Value| {
        let base = json!({ "algorithm": algorithm, "encryption": "A256GCM", "key_format": "hex" });
        crate::support::merged(base, &more)
    };
    let key = |more: Value| crate::support::merged(json!({ "key": file("rsa/ours.pem") }), &more);
    for (settings, pointer, said) in [
        (rsa(json!({})), "", "expected a key"),
        (rsa(json!({ "encrypt_to": file("absent.pem") })), "/encrypt_to", "cannot be read"),
        (rsa(json!({ "encrypt_to": file("p256/provider.jwk") })), "/encrypt_to", "RSA"),
        (rsa(json!({ "encrypt_to": file("rsa/ours.pem") })), "/encrypt_to", "PUBLIC KEY"),
        (rsa(json!({ "encrypt_with": env("SHARED_32") })), "/encrypt_with", "`encrypt_to`"),
        (rsa(json!({ "decrypt_with": file("absent.pem") })), "/decrypt_with", "cannot be read"),
        (rsa(json!({ "decrypt_with": file("p256/ours.pem") })), "/decrypt_with", "RSA"),
        (rsa(json!({ "decrypt_with": [key(json!({})), key(json!({}))] })), "/decrypt_with", "own"),
        (
            rsa(
                json!({ "decrypt_with": [key(json!({ "kid": "a" })), key(json!({ "kid": "a" }))] }),
            ),
            "/decrypt_with",
            "identifier of its own",
        ),
        (
            rsa(json!({ "decrypt_with": [{ "key": file("p256/ours.pem"), "kid": "a" }] })),
            "/decrypt_with/0/key",
            "RSA",
        ),
        (
            rsa(json!({ "decrypt_with": key(json!({ "algorithm": "ECDH-ES" })) })),
            "/decrypt_with/algorithm",
            "EC key",
        ),
        (
            rsa(json!({ "decrypt_with": key(json!({ "kid": "" })) })),
            "/decrypt_with/kid",
            "1 to 256",
        ),
        (
            rsa(json!({ "decrypt_with": [key(json!({ "encryptions": [] }))] })),
            "/decrypt_with/0/encryptions",
            "at least one",
        ),
        (
            rsa(json!({ "encrypt_to": file("rsa/provider.jwk"), "encrypt_kid": "" })),
            "/encrypt_kid",
            "1 to 256",
        ),
        (
            rsa(json!({ "decrypt_with": file("rsa/ours.pem"), "encrypt_kid": "a" })),
            "/encrypt_kid",
            "without a key",
        ),
        (with("ECDH-ES", json!({ "encrypt_to": file("rsa/provider.jwk") })), "/encrypt_to", "EC"),
        (
            with("dir", json!({ "encrypt_to": file("rsa/provider.jwk") })),
            "/encrypt_to",
            "`encrypt_with`",
        ),
        (with("dir", json!({ "encrypt_with": env("SHARED_16") })), "/encrypt_with", "32 bytes"),
        (with("A256KW", json!({ "encrypt_with": env("SHARED_16") })), "/encrypt_with", "32 bytes"),
        (with("A256GCMKW", json!({ "decrypt_with": env("SHARED_64") })), "/decrypt_with", "32"),
        (with("dir", json!({ "decrypt_with": env("ABSENT") })), "/decrypt_with", "not set"),
        (
            with(
                "dir",
                json!({ "decrypt_with": { "key": env("SHARED_32"),
                         "encryptions": ["A256GCM", "A128CBC-HS256"] } }),
            ),
            "/decrypt_with/encryptions",
            "exactly one",
        ),
        (
            with(
                "A256KW",
                json!({ "decrypt_with": { "key": env("SHARED_32"), "format": "base64url" } }),
            ),
            "/decrypt_with/key",
            "32 bytes",
        ),
        (
            rsa(json!({ "decrypt_with": file("rsa/ours.pem"), "scope": { "envelope": "" } })),
            "/scope/envelope",
            "member name",
        ),
        (
            rsa(json!({ "decrypt_with": file("rsa/ours.pem"),
                        "answer_scope": { "fields": ["a", "a.b"] } })),
            "/answer_scope/fields",
            "overlaps",
        ),
        (
            rsa(json!({ "decrypt_with": file("rsa/ours.pem"), "media_type": "jose" })),
            "/media_type",
            "media type",
        ),
        (
            rsa(json!({ "decrypt_with": file("rsa/ours.pem"), "max_fields": 0 })),
            "/max_fields",
            "1 to 10000",
        ),
    ] {
        let errors = bench(Side::Route).errors::<Jwe>(settings.clone());
        let found = errors.iter().any(|e| e.pointer == pointer && e.expected.contains(said));
        assert!(found, "{settings}: expected `{said}` at `{pointer}`, found {errors:?}");
        let shown = format!("{errors:?}");
        for secret in ["PRIVATE", "000102", "AAECAw"] {
            assert!(!shown.contains(secret), "{settings}: shows a key: {shown}");
        }
    }
}

#[test]
fn unknown_settings_and_written_out_secrets_are_refused_without_showing_them() {
    for (wrong, said) in [
        (json!({ "encript_to": file("a") }), "encript_to"),
        (json!({ "decrypt_with": { "key": file("a"), "id": "x" } }), "id"),
        (json!({ "decrypt_with": "hunter2" }), "found text"),
        (json!({ "decrypt_with": ["hunter2"] }), "found text"),
        (json!({ "decrypt_with": { "key": "hunter2" } }), "{ file: … }"),
        (json!({ "scope": { "everything": 1 } }), "everything"),
        (json!({ "scope": { "fields": ["a..b"] } }), "expected"),
        (json!({ "algorithm": "RSA1_5" }), "RSA-OAEP-256"),
        (json!({ "algorithm": "none" }), "RSA-OAEP-256"),
        (json!({ "encryption": "A192GCM" }), "A256GCM"),
    ] {
        let base = json!({ "algorithm": "dir", "encryption": "A256GCM" });
        let errors = bench(Side::Route).errors::<Jwe>(crate::support::merged(base, &wrong));
        let shown = format!("{errors:?}");
        assert!(shown.contains(said), "{wrong}: {shown}");
        assert!(!shown.contains("hunter2"), "a secret written out is not repeated: {shown}");
    }
}

#[test]
fn a_json_web_key_for_something_else_is_refused() {
    let public = crate::support::key(tollgate_crypto::KeyKind::Rsa, "provider").public_key();
    for (members, accepted) in [
        (json!({ "use": "enc", "alg": "RSA-OAEP-256", "kid": "k" }), true),
        (json!({ "key_ops": ["encrypt", "wrapKey"] }), true),
        (json!({ "use": "sig" }), false),
        (json!({ "alg": "RSA-OAEP" }), false),
        (json!({ "key_ops": ["verify"] }), false),
        (json!({ "key_ops": "encrypt" }), false),
    ] {
        let mut bench = bench(Side::Upstream);
        let jwk = crate::support::merged(Value::Object(public.to_jwk()), &members).to_string();
        bench.sources.put_file("key.jwk", jwk);
        let built = bench.build::<Jwe>(json!({
            "algorithm": "RSA-OAEP-256", "encryption": "A256GCM", "encrypt_to": file("key.jwk"),
        }));
        assert_eq!(built.is_ok(), accepted, "{members}");
    }
}

/// Errors of the configuration are drawn from the schema, so it must tell the forms of a key apart
/// by the one member each has, and say that all of them are secrets.
#[test]
fn the_schema_tells_the_forms_of_a_key_apart() {
    let schema = schemars::schema_for!(Jwe).to_value();
    for (pointer, forms) in [
        ("/$defs/JweDecryptKeyOrReference", ["file", "env", "key"].as_slice()),
        ("/$defs/JweDecryptKeyList", &["file", "env", "key", ""]),
    ] {
        let list = schema.pointer(pointer).unwrap();
        assert_eq!(list["writeOnly"], true, "{pointer} is a secret");
        let found: Vec<_> = list["anyOf"].as_array().unwrap().iter().collect();
        assert_eq!(found.len(), forms.len(), "{pointer}");
        for (form, required) in found.iter().zip(forms) {
            let name = form["$ref"].as_str().unwrap_or_default().trim_start_matches('#');
            let form = schema.pointer(name).filter(|_| !name.is_empty()).unwrap_or(form);
            if !required.is_empty() {
                assert_eq!(form["required"], json!([required]), "{pointer}");
            }
        }
    }
}
