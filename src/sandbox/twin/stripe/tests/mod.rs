//! The twin as a merchant sees it, in one process.

mod events;
mod idempotency;
mod merchant;
mod money;
mod payments;

use http::Method;
use serde_json::json;

use super::{
    super::{Fault, Kept, Options, Plan, Signature},
    *,
};
use merchant::{Bench, START};
