//! What the tests of `stripe` share: credentials that look like Stripe's, webhooks signed like
//! Stripe's, a bench with both in place.

mod accounts;
mod calls;
mod keys;
mod properties;
mod settings;
mod tampering;
mod vectors;
mod webhook;

use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_api::{
    Body, Exchange, Fault, Identity, Plugin,
    testing::{Bench, NOW, exchange_with, request},
};
use tollgate_crypto::{hmac_sha256, to_hex};

use super::{Stripe, signature::signed_message};

const KEY: &str = "sk_test_0Canary";
const OLD_SECRET: &str = "whsec_0Old";
const SECRET: &str = "whsec_0New";

/// Settings of an upstream.
fn calls() -> Value {
    json!({ "secret_key": { "env": "KEY" }, "version": "2025-09-30.clover" })
}

/// Settings of a route.
fn webhooks() -> Value {
    json!({ "webhook_secrets": [{ "env": "SECRET" }] })
}

fn with(mut settings: Value, more: &Value) -> Value {
    let members = settings.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    settings
}

fn furnished(mut bench: Bench) -> Bench {
    bench.sources.put_variable("KEY", KEY);
    bench.sources.put_variable("SECRET", SECRET);
    bench.sources.put_variable("OLD_SECRET", OLD_SECRET);
    bench
}

fn caller(more: &Value) -> Arc<dyn Plugin> {
    furnished(Bench::upstream()).plugin::<Stripe>(with(calls(), more))
}

fn client(name: &str) -> Identity {
    Identity {
        subject: None,
        client_id: Some(name.to_owned()),
        scopes: Vec::new(),
        claims: Arc::default(),
        proven_by: "jwt",
    }
}

/// A header over this body, signed now.
fn signed(secret: &str, at: u64, body: &[u8]) -> String {
    format!("t={at},v1={}", code(secret, at, body))
}

fn code(secret: &str, at: u64, body: &[u8]) -> String {
    to_hex(&hmac_sha256(secret.as_bytes(), &signed_message(&at.to_string(), body)))
}

/// A webhook with this header.
fn webhook(header: &str, body: &[u8]) -> Exchange {
    let mut exchange = exchange_with(&[("stripe-signature", header)]);
    exchange.request.body = Body::Held(body.to_vec().into());
    exchange
}

/// A webhook as Stripe sends it now.
fn sound(body: &[u8]) -> Exchange {
    webhook(&signed(SECRET, NOW, body), body)
}

async fn receive(plugin: &dyn Plugin, mut exchange: Exchange) -> Result<(), Fault> {
    request(plugin, &mut exchange).await
}

const EVENT: &[u8] = br#"{"id":"evt_1","object":"event","livemode":false,"account":"acct_1"}"#;
