//! Which bucket a request belongs to.
//!
//! Keys are SHA-256 digests of a kind and a value. The kind keeps an address apart from a client of
//! the same name; the digest has a fixed size whatever a caller sends, and puts no card number into a
//! store.

use std::net::IpAddr;

use tollgate_api::{
    Exchange, Fault, codes,
    expression::{EvalErrorKind, ExchangeVariables, Expression, Root},
    json::{Document, Limits},
};
use tollgate_crypto::digest::Sha256;

use super::Per;

/// The key of a bucket.
pub(super) type Key = [u8; 32];

/// The key of the bucket that counts this request.
pub(super) fn key_of(per: &Per, exchange: &Exchange) -> Result<Key, Fault> {
    Ok(match per {
        Per::Client => match exchange.identity.as_ref().and_then(|identity| identity.client()) {
            Some(client) => key("client", client.as_bytes()),
            None => address(exchange.client),
        },
        Per::Address => address(exchange.client),
        Per::Route => key("route", exchange.route.as_bytes()),
        Per::Header(name) => {
            let mut values = exchange.request.headers.get_all(name.name()).iter();
            match (values.next(), values.next()) {
                (Some(value), None) if !value.is_empty() => key("header", value.as_bytes()),
                (Some(_), Some(_)) => key("repeated", b""),
                _ => key("missing", b""),
            }
        }
        Per::Expression(expression) => match value_of(expression, exchange)? {
            Some(value) => key("expression", value.as_bytes()),
            None => key("missing", b""),
        },
    })
}

/// What the expression yields; nothing if the request lacks what it names.
fn value_of(expression: &Expression, exchange: &Exchange) -> Result<Option<String>, Fault> {
    // A body that is not JSON has none of the fields an expression can name.
    let body = expression
        .names(Root::Body)
        .then(|| exchange.request.body.whole())
        .flatten()
        .and_then(|body| Document::parse(&body, Limits::default()).ok());
    match expression.evaluate_string(&ExchangeVariables::new(exchange, body.as_ref())) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == EvalErrorKind::MissingField => Ok(None),
        Err(error) => Err(Fault::new(&codes::EXPRESSION_FAILED).caused_by(error)),
    }
}

/// An IPv6 customer has at least a /64 and could use each address once.
fn address(address: IpAddr) -> Key {
    match address.to_canonical() {
        IpAddr::V4(address) => key("address", &address.octets()),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            let network: Vec<u8> =
                [a, b, c, d].iter().flat_map(|part| part.to_be_bytes()).collect();
            key("network", &network)
        }
    }
}

fn key(kind: &str, value: &[u8]) -> Key {
    let mut digest = Sha256::new();
    digest.update(kind.as_bytes());
    digest.update(b"\0");
    digest.update(value);
    digest.finish()
}
