//! What an official SDK signed and encrypted, and what it takes for signed.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    super::{super::Signature, certificate, form::Parameters, keys},
    *,
};
use crate::sandbox::Reply;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/generated/alipay.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A twin with the keys of the vectors, at their time.
fn bench(vectors: &Value) -> Bench {
    let file =
        |name, member: &str| File { name, text: text(&vectors[member]).to_owned(), what: "" };
    let files = [
        file("app_public_key.pem", "app_public_key_pem"),
        file("encrypt_key", "aes_key_b64"),
        file("provider/alipay_private_key.pem", "alipay_private_key_pem"),
    ];
    Bench::from(Options::default(), &files)
}

fn code(reply: Reply) -> String {
    let Reply::Answer { body, .. } = reply else { panic!("an answer") };
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn what_the_sdk_signed_is_accepted() {
    let vectors = vectors();
    let bench = bench(&vectors);
    for vector in vectors["v2"].as_array().unwrap() {
        let mut parameters = Parameters::default();
        for kind in ["url_params", "form_params"] {
            for (name, value) in vector[kind].as_object().unwrap() {
                parameters.set(name, text(value));
            }
        }
        let signed = parameters.text_to_sign(&["sign"]);
        assert_eq!(signed, text(&vector["signed_string"]), "the text is the same");
        let mut headers = HeaderMap::new();
        let media = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(http::header::CONTENT_TYPE, media);
        let body = Bytes::from(parameters.encoded());
        let request = Request::new(Method::POST, "/gateway.do", headers, body);
        let body = code(bench.reply(request).await);
        assert!(body.contains("\"40004\"") || body.contains("\"10000\""), "{body}");
    }
    for vector in vectors["v3"].as_array().unwrap() {
        let mut headers = HeaderMap::new();
        for (name, value) in vector["headers"].as_object().unwrap() {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_str(text(value)).unwrap());
        }
        let method = Method::from_bytes(text(&vector["method"]).as_bytes()).unwrap();
        let body = Bytes::from(text(&vector["body"]).to_owned());
        let request = Request::new(method, text(&vector["request_target"]), headers, body);
        let body = code(bench.reply(request).await);
        assert!(body.contains("\"ACQ."), "what is wrong is not the signature: {body}");
    }
}

#[test]
fn what_the_twin_signs_is_what_the_sdk_accepts() {
    let vectors = vectors();
    let how = Sealing { signature: Signature::Right, now: START };
    let platform = platform(&vectors);
    for vector in vectors["v2"].as_array().unwrap() {
        let whole: Value = serde_json::from_str(text(&vector["response_raw"])).unwrap();
        let object = match vector["response_signed_slice"].as_str() {
            Some(slice) => slice.to_owned(),
            // An encrypted one, which is a text.
            None => continue,
        };
        let (signature, _) = platform.sign(object.as_bytes(), &how);
        assert_eq!(signature, text(&whole["sign"]), "signed as recorded: {object}");
    }
    for vector in vectors["v3"].as_array().unwrap() {
        let headers = &vector["response"]["headers"];
        let signed = format!(
            "{}\n{}\n{}\n",
            text(&headers["alipay-timestamp"]),
            text(&headers["alipay-nonce"]),
            text(&vector["response"]["body"])
        );
        let (signature, _) = platform.sign(signed.as_bytes(), &how);
        assert_eq!(signature, text(&headers["alipay-signature"]), "signed as recorded");
    }
    let notify = &vectors["notify"];
    let (signature, _) = platform.sign(text(&notify["signed_string"]).as_bytes(), &how);
    assert_eq!(signature, text(&notify["form_params"]["sign"]), "and so are notifications");
}

#[test]
fn what_the_sdk_encrypted_is_read_and_the_other_way_round() {
    let vectors = vectors();
    let key = ContentKey::read(text(&vectors["aes_key_b64"])).unwrap();
    for vector in vectors["v3"].as_array().unwrap() {
        if vector["headers"].get("alipay-encrypt-type").is_none() {
            continue;
        }
        let sealed = text(&vector["response"]["body"]);
        let clear = key.decrypt(sealed).unwrap();
        assert_eq!(clear, text(&vector["response_plain"]).as_bytes(), "read");
        assert_eq!(key.encrypt(&clear), sealed, "and written");
    }
    for sealed in ["", "AAAA", "not base64!", "AAAAAAAAAAAAAAAAAAAAAA=="] {
        assert_eq!(key.decrypt(sealed), None, "`{sealed}` was not encrypted with this key");
    }
    assert!(ContentKey::read("AAAA").is_none(), "three bytes are no key");
}

#[test]
fn what_is_forged_is_told_from_what_was_signed() {
    let vectors = vectors();
    let key = keys::der(text(&vectors["alipay_public_key_pem"])).unwrap();
    let mut forms = vec![(&vectors["notify"]["form_params"], true)];
    let negative = vectors["notify_negative"].as_array().unwrap();
    forms.extend(negative.iter().map(|vector| (&vector["form_params"], false)));
    assert!(forms.len() > 1, "there are forged ones");
    for (form, good) in forms {
        // Signed with what is empty, which the twin never sends.
        let mut parts: Vec<String> = form
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "sign" | "sign_type"))
            .map(|(name, value)| format!("{name}={}", text(value)))
            .collect();
        parts.sort();
        let verified = keys::verify(&key, parts.join("&").as_bytes(), text(&form["sign"]));
        assert_eq!(verified, good, "{form}");
    }
}

/// Alipay with the key of the vectors.
fn platform(vectors: &Value) -> Platform {
    let private = text(&vectors["alipay_private_key_pem"]);
    let key = keys::SigningKey::read(private).unwrap();
    let root = certificate::Root::of(private.to_owned(), START).unwrap();
    let certificate = root.issue("a", private, START).unwrap();
    Platform::new(root, (certificate, key))
}
