//! Alipay: what the gateway signs, changed on its way to Alipay.

use super::alipay::{Scene, V2, V3};
use crate::providers::message::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_v3_request_that_was_changed_on_its_way_is_not_the_gateways_any_more() {
    let scene = Scene::new("v3").await;
    let part = |name: &'static str| {
        field("authorization", move |value| {
            let start = value.find(&format!("{name}=")).expect("a part") + name.len() + 1;
            other_at(value, start + 9)
        })
    };
    let sign = "invalid-signature";
    let changes: Vec<(&str, Change, &str)> = vec![
        ("the method", method("PUT"), sign),
        ("the path", target(|target| target.replace("precreate", "create")), sign),
        ("the query", target(|target| format!("{target}?a=1")), sign),
        ("the application", part("app_id"), "invalid-app-id"),
        ("the certificate", part("app_cert_sn"), "invalid-app-cert-sn"),
        ("the root certificate", letter("alipay-root-cert-sn"), "invalid-alipay-root-cert-sn"),
        (
            "the root certificate, missing",
            missing("alipay-root-cert-sn"),
            "missing-alipay-root-cert-sn",
        ),
        ("the nonce", part("nonce"), sign),
        ("the time, within the window", part("timestamp"), sign),
        ("the signature", part(",sign"), sign),
        (
            "the scheme",
            replaced("authorization", "ALIPAY-SHA256withRSA", "ALIPAY-SM3withSM2"),
            "invalid-authorization",
        ),
        ("the header, missing", missing("authorization"), "missing-timestamp"),
        ("the header, twice", twice("authorization"), "missing-timestamp"),
        ("the token of the application", added("alipay-app-auth-token", "another"), sign),
        ("the first byte of the body", byte(|_| 0), sign),
        ("the amount", body(|text| text.replace("5.00", "5.01")), sign),
        ("the last byte of the body", byte(|length| length - 1), sign),
        ("the body, written again", written_again(), sign),
        ("the body, none", body(|_| String::new()), sign),
    ];
    scene.requests(V3, changes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_v2_request_that_was_changed_on_its_way_is_not_the_gateways_any_more() {
    let scene = Scene::new("v2").await;
    let sign = "invalid-signature";
    let query = |from: &'static str, to: &'static str| -> Change {
        Box::new(move |message| {
            assert!(message.target.contains(from), "`{from}` stands in {}", message.target);
            message.target = message.target.replacen(from, to, 1);
        })
    };
    let changes: Vec<(&str, Change, &str)> = vec![
        ("the method", method("GET"), "invalid-http-method"),
        ("the called method", query("precreate", "create"), sign),
        ("the application", query("2021001122334455", "2021001122334456"), "invalid-app-id"),
        ("the time", query("timestamp=2", "timestamp=1"), "invalid-timestamp"),
        ("the character set", query("charset=utf-8", "charset=UTF-8"), sign),
        ("the type", query("RSA2", "RSA"), "invalid-signature-type"),
        ("the version", query("version=1.0", "version=1.1"), sign),
        ("the certificate", query("app_cert_sn=", "app_cert_sn=0"), "invalid-app-cert-sn"),
        (
            "the root certificate",
            query("root_cert_sn=", "root_cert_sn=0"),
            "invalid-alipay-root-cert-sn",
        ),
        ("the signature", query("&sign=", "&sign=A"), sign),
        ("the signature, missing", query("&sign=", "&sing="), "missing-signature"),
        (
            "another parameter",
            target(|target| format!("{target}&notify_url=https%3A%2F%2Fevil.example")),
            sign,
        ),
        ("the amount", body(|text| text.replace("5.00", "5.01")), sign),
        ("the content, none", body(|_| String::new()), sign),
    ];
    scene.requests(V2, changes).await;
}
