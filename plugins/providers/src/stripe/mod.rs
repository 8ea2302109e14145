//! Stripe: calls with the institution's credentials on an upstream, webhooks on a route.
//!
//! Stripe signs webhooks and nothing else: that an answer is Stripe's is proved by TLS alone, so the
//! upstream side reads no body and calls and answers stream. Documents: docs.stripe.com, "Verify
//! events are sent from Stripe", "Idempotent requests", "Stripe-Context header", "Versioning".

mod account;
mod build;
mod calls;
mod config;
mod event;
mod idempotency;
mod known_answers;
mod signature;
#[cfg(test)]
mod tests;
mod webhook;

pub use config::{IdempotencyKeySettings, KeyScope, Stripe};
pub(crate) use known_answers::KNOWN_ANSWERS;

/// The plugin's name in the configuration.
const KIND: &str = "stripe";
