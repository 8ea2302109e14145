//! Plugins that speak a provider's own security dialect, each on both sides: on an upstream they sign
//! and encrypt calls and verify and decrypt answers; on a route they verify and decrypt the provider's
//! notifications, acknowledge them in the provider's form, and hand the institution a clean event.
//!
//! What all providers share stands in three places, so that one more provider is mostly its canonical
//! string: [`verification`] has the order in which a signed message is checked, [`notification`] sees
//! that an event is delivered once, [`signing`] makes signatures without holding up other exchanges.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod alipay;
pub mod known_answers;
pub mod notification;
pub mod signing;
pub mod stripe;
pub mod verification;
pub mod wechat_pay;
