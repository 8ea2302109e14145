//! The attacks on JOSE that other implementations fell for.

use std::path::Path;

use super::*;

fn vectors() -> Option<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("TOLLGATE_VECTORS")
        .map_or_else(|| root.join("../../../shared/vectors"), Into::into);
    let candidates = [root.join("../../tests/vectors/generated"), shared.join("generated")];
    let text = candidates
        .iter()
        .find_map(|folder| std::fs::read_to_string(folder.join("jose-attacks.json")).ok());
    if text.is_none() {
        assert!(std::env::var_os("CI").is_none(), "jose-attacks.json is missing");
        eprintln!("SKIPPED: jose-attacks.json is missing; set TOLLGATE_VECTORS");
    }
    text.map(|text| serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn every_known_attack_is_refused_and_the_honest_token_is_not() {
    let Some(vectors) = vectors() else { return };
    let mut bench = Bench::new();
    bench.sources.put_file("rsa.pem", vectors["rsa_public_key_pem"].as_str().unwrap().to_owned());
    bench.sources.put_file("ec.pem", vectors["ec_public_key_pem"].as_str().unwrap().to_owned());
    let expected = &vectors["expected"];
    assert_eq!(expected["now_unix"], json!(NOW), "the bench stands at the vectors' time");
    let plugin = bench.plugin::<Jwt>(json!({
        "issuer": expected["iss"],
        "audience": expected["aud"],
        "algorithms": expected["algs"],
        "access_token_type": "required",
        "clock_skew": "0s",
        "keys": [
            {"file": "rsa.pem", "kid": "k1", "algorithm": "PS256"},
            {"file": "ec.pem", "kid": "k2", "algorithm": "ES256"},
        ],
    }));
    let valid = vectors["valid"].as_str().unwrap();
    assert_eq!(verdict_of(&*plugin, valid).await, "ok", "the honest token");
    let attacks = vectors["invalid_jwt"].as_array().unwrap();
    assert!(attacks.len() >= 15, "the vectors are complete");
    for attack in attacks {
        let fault = present(&*plugin, attack["jwt"].as_str().unwrap()).await;
        let fault = fault.err().unwrap_or_else(|| panic!("accepted: {}", attack["why"]));
        assert_eq!(fault.code().status, 401, "{} is the caller's fault", attack["why"]);
    }
    assert_eq!(verdict_of(&*plugin, valid).await, "ok", "the honest token, still");
}

#[tokio::test]
async fn a_token_changed_anywhere_is_refused_also_after_the_original_was_remembered() {
    let (plugin, issuer) = plugin(settings());
    let token = issuer.token(&claims());
    assert_eq!(verdict_of(&*plugin, &token).await, "ok", "remembered");
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_ne!(verdict_of(&*plugin, &changed).await, "ok", "changed at {at}");
    }
    for extended in [format!("{token}="), format!("{token}."), format!("{token}AA")] {
        assert_ne!(verdict_of(&*plugin, &extended).await, "ok", "something was added");
    }
}

#[tokio::test]
async fn a_token_beyond_every_size_is_refused() {
    let (plugin, issuer) = plugin(settings());
    let huge = issuer.token(&claims_but("padding", json!("x".repeat(20_000))));
    assert_eq!(verdict_of(&*plugin, &huge).await, "token_malformed", "too long");
}
