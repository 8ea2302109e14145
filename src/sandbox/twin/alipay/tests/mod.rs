//! The twin as an application sees it, in one process.

mod app;
mod bills;
mod notices;
mod payments;
mod proofs_v2;
mod proofs_v3;
mod refunds;
mod vectors;

use http::Method;
use serde_json::json;

use super::{
    super::{Fault, Kept, On, Options, Plan},
    *,
};
use app::{Bench, Protocol, START};
