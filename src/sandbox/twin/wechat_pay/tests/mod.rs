//! The twin as a merchant sees it, in one process.

mod bills;
mod merchant;
mod notices;
mod payments;
mod proofs;

use std::sync::{Arc, LazyLock};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tollgate_api::{Clock, ManualClock, SystemEntropy};

use super::{
    super::{Fault, Kept, On, Options, Plan, Twin},
    certificate::Certificate,
    *,
};
use merchant::{Answered, Bench};
