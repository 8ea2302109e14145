//! The gateway between official SDKs: what it signs is judged by code that a provider publishes, and what
//! that code signs is judged by the gateway. `make test-sdk` installs the SDKs (`packages/`) and runs these
//! tests; plain `cargo test` builds them and passes them over, because a machine need not have Node.js.
//!
//! `scripts/` is the little that stands between an SDK and these tests: one file per SDK and role. The
//! stand-ins among them are first held against the SDK's own client, so that what they refuse is wrong
//! and what they accept is right.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where its assumptions do"
)]

#[path = "../support/mod.rs"]
mod support;

mod party;
mod script;
mod tap;

mod alipay;
mod stripe;
mod twin;
mod wechat_pay;
