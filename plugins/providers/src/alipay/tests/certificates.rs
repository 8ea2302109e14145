//! Certificate mode: the numbers, and which certificate may have signed.

use http::HeaderValue;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use tollgate_crypto::{Digest, DigestAlgorithm, to_hex};

use super::*;
use crate::alipay::certificates::{leaves, number, root_number};

/// An authority, and what it issued.
struct Pki {
    authority: String,
    app: String,
    alipay: String,
    /// Of Alipay's, too, and with the same key, but over since 2020.
    expired: String,
    root: String,
}

const AUTHORITY_SERIAL: u64 = 0x7fff_ffff_ffff;

fn params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CountryName, "CN");
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.serial_number = Some(serial.into());
    params
}

impl Pki {
    fn new() -> Self {
        let vectors = generated("alipay.json");
        let key = |member: &str| KeyPair::from_pem(text(&vectors[member])).unwrap();
        let (app, alipay) = (key("app_private_key_pem"), key("alipay_private_key_pem"));
        let root_key = KeyPair::from_pem(text(&generated("antom.json")["antom_private_key_pem"]));
        let root_key = root_key.unwrap();
        let mut authority = params("Test Authority", AUTHORITY_SERIAL);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_pem = authority.self_signed(&root_key).unwrap().pem();
        let issuer = Issuer::new(authority, root_key);
        let issue = |params: CertificateParams, key: &KeyPair| {
            params.signed_by(key, &issuer).unwrap().pem()
        };
        let mut expired = params("Alipay", 3);
        expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
        Self {
            app: issue(params("App", 1), &app),
            alipay: issue(params("Alipay", 2), &alipay),
            expired: issue(expired, &alipay),
            root: authority_pem.clone(),
            authority: authority_pem,
        }
    }

    fn bench(&self, side: Side) -> Bench {
        let mut bench = bench(side);
        bench.sources.put_file("app.crt", self.app.clone());
        bench
            .sources
            .put_file("alipay.crt", format!("{}{}{}", self.alipay, self.authority, self.expired));
        bench.sources.put_file(
            "root.crt",
            format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{}", self.root),
        );
        bench
    }
}

fn certified(protocol: &str) -> Value {
    let mut settings = settings(protocol);
    settings.as_object_mut().unwrap().remove("alipay_public_key");
    let files = json!({ "app": "app.crt", "alipay": "alipay.crt", "root": "root.crt" });
    with(settings, "certificates", files)
}

/// The number of what the authority issued under this serial, computed as Alipay's documents say.
fn number_of(serial: u64) -> String {
    let text = format!("CN=Test Authority,C=CN{serial}");
    to_hex(&Digest::of(DigestAlgorithm::Md5, text.as_bytes()))
}

#[test]
fn numbers_are_those_of_the_official_sdk() {
    let Some(vectors) = foreign("alipay/cert-sn.json") else { return };
    for case in vectors["cases"].as_array().unwrap() {
        let file = text(&case["file"]);
        let pem = text(&vectors["certs_pem"][file]);
        let found =
            if case["root"] == true { root_number(pem) } else { leaves(pem).first().map(number) };
        assert_eq!(found.as_deref(), case["sn"].as_str(), "{file}");
    }
}

#[test]
fn issuers_in_a_file_are_not_whom_alipay_signs_as() {
    let pki = Pki::new();
    let file = format!("{}{}", pki.authority, pki.alipay);
    let found: Vec<_> = leaves(&file).iter().map(number).collect();
    assert_eq!(found, [number_of(2)], "the leaf alone");
    assert_eq!(root_number(&pki.root), Some(number_of(AUTHORITY_SERIAL)), "the root");
    assert_eq!(root_number("nothing"), None, "no certificate");
}

#[tokio::test]
async fn v3_names_both_certificates_and_accepts_only_the_one_that_is_named_and_current() {
    let pki = Pki::new();
    let (good, expired) = (number_of(2), number_of(3));
    for (number, expected) in [
        (Some(good.as_str()), Ok("{}")),
        (Some(expired.as_str()), Err("upstream_signature_key_unknown")),
        (Some("00"), Err("upstream_signature_key_unknown")),
        (Some(""), Err("upstream_signature_missing")),
        (None, Err("upstream_signature_missing")),
    ] {
        let plugin = pki.bench(Side::Upstream).plugin::<Alipay>(certified("v3"));
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let headers = &exchange.request.headers;
        let field = header(headers, "authorization").unwrap();
        let app = format!("app_id={APP_ID},app_cert_sn={},nonce=", number_of(1));
        assert!(field.contains(&app), "{field}");
        let root = number_of(AUTHORITY_SERIAL);
        assert_eq!(header(headers, "alipay-root-cert-sn"), Some(root.as_str()), "the root");
        let mut answer = super::v3::signed("{}", "n");
        if let Some(number) = number {
            answer.headers.insert("alipay-sn", HeaderValue::from_str(number).unwrap());
        }
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "{number:?}");
    }
}

#[tokio::test]
async fn v2_names_both_certificates_and_accepts_only_the_one_that_is_named_and_current() {
    let pki = Pki::new();
    let plugin = pki.bench(Side::Upstream).plugin::<Alipay>(certified("v2"));
    let signature = alipay_signs(b"{}");
    let missing = "upstream_signature_missing";
    let unknown = "upstream_signature_key_unknown";
    for (number, expected) in [
        (json!(number_of(2)), Ok("{}")),
        (json!(number_of(3)), Err(unknown)),
        (json!("00"), Err(unknown)),
        (json!(""), Err(missing)),
        (json!(null), Err(missing)),
        (json!(1), Err("upstream_invalid_answer")),
    ] {
        let call = super::v2::call(&json!({ "method": "a.b" }));
        let mut exchange = called(&*plugin, call).await.unwrap();
        let query = decoded(exchange.request.query.as_deref().unwrap());
        assert_eq!(query["app_cert_sn"], number_of(1), "the application's");
        assert_eq!(query["alipay_root_cert_sn"], number_of(AUTHORITY_SERIAL), "the root's");
        let raw = format!(
            "{{\"a_b_response\":{{}},\"sign\":\"{signature}\",\"alipay_cert_sn\":{number}}}"
        );
        let found = answered(&*plugin, &mut exchange, answer_with_body(raw)).await;
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "{number}");
    }
}

#[tokio::test]
async fn a_notification_may_name_its_certificate_and_then_it_counts() {
    let pki = Pki::new();
    let mut settings = certified("v3");
    let files = settings["certificates"].as_object_mut().unwrap();
    files.remove("app");
    files.remove("root");
    settings.as_object_mut().unwrap().remove("private_key");
    let plugin = pki.bench(Side::Route).plugin::<Alipay>(settings);
    for (number, code) in [
        (None, "ok"),
        (Some(number_of(2)), "ok"),
        (Some(number_of(3)), "signature_key_unknown"),
        (Some("00".to_owned()), "signature_key_unknown"),
    ] {
        let named =
            number.as_ref().map(|number| format!("alipay_cert_sn={number}&")).unwrap_or_default();
        let id = number.as_deref().unwrap_or("none");
        let signed = format!("{named}app_id={APP_ID}&notify_id={id}&utc_timestamp=1767225600000");
        let signature = alipay_signs(signed.as_bytes()).replace('+', "%2B").replace('=', "%3D");
        let form = format!("{signed}&sign_type=RSA2&sign={signature}");
        let found = called(&*plugin, super::notifications::notification(&form)).await;
        let found = found.map_or_else(|fault| fault.code().name, |_| "ok");
        assert_eq!(found, code, "{number:?}");
    }
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused_where_they_are_named() {
    let pki = Pki::new();
    let errors = |side, file: &str, content: String, settings: Value| {
        let mut bench = pki.bench(side);
        bench.sources.put_file(file, content);
        let errors = bench.errors::<Alipay>(settings);
        errors.into_iter().map(|error| (error.pointer, error.expected)).collect::<Vec<_>>()
    };
    for (file, content, pointer, expected) in [
        ("app.crt", pki.alipay.clone(), "/certificates/app", "the certificate of `private_key`"),
        ("app.crt", "x".into(), "/certificates/app", "one certificate"),
        ("app.crt", format!("{}{}", pki.app, pki.alipay), "/certificates/app", "one certificate"),
        ("alipay.crt", "x".into(), "/certificates/alipay", "Alipay's certificate"),
        ("root.crt", "x".into(), "/certificates/root", "signed with RSA"),
    ] {
        let found = errors(Side::Upstream, file, content, certified("v3"));
        let [(at, text)] = found.as_slice() else { panic!("{file}: {found:?}") };
        assert_eq!(at, pointer, "{file}");
        assert!(text.contains(expected), "{file}: {text}");
    }
    let missing = with(certified("v3"), "certificates", json!({ "alipay": "alipay.crt" }));
    let found = pki.bench(Side::Upstream).errors::<Alipay>(missing);
    let texts: Vec<_> = found.iter().map(|error| error.expected.as_str()).collect();
    assert!(texts.iter().any(|text| text.contains("`app`")), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("`root`")), "{texts:?}");
}
