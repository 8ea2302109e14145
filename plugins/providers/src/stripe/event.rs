//! What an event says of itself, once it is proved to be Stripe's.

use bytes::Bytes;
use tollgate_api::{
    Fault, codes,
    json::{Document, Limits},
};

/// Which events are meant for this route.
#[derive(Debug)]
pub(super) struct Expected {
    /// Of this mode alone.
    pub livemode: Option<bool>,
    /// Of these accounts alone; empty for any.
    pub accounts: Vec<String>,
}

impl Expected {
    /// The identifier of an event that is meant for us. Events of API v1 name a connected account as
    /// `account`, those of v2 as `context`.
    pub fn identifier(&self, body: &Bytes) -> Result<String, Fault> {
        let event = Document::parse(body, Limits::default())
            .map_err(|error| Fault::new(&codes::INVALID_JSON).caused_by(error))?;
        let event = event.root();
        let invalid = || Fault::new(&codes::FIELD_INVALID);
        let misdirected = || Fault::new(&codes::NOTIFICATION_MISDIRECTED);
        let identifier = event.get("id").and_then(|id| id.as_str()).ok_or_else(invalid)?;
        if identifier.is_empty() || identifier.len() > LONGEST {
            return Err(invalid());
        }
        if let Some(expected) = self.livemode {
            let mode = event.get("livemode").and_then(|mode| mode.as_bool()).ok_or_else(invalid)?;
            if mode != expected {
                return Err(misdirected());
            }
        }
        if !self.accounts.is_empty() {
            let account = event.get("account").or_else(|| event.get("context"));
            let account = account.and_then(|account| account.as_str()).ok_or_else(misdirected)?;
            if !self.accounts.iter().any(|expected| *expected == account) {
                return Err(misdirected());
            }
        }
        Ok(identifier.into_owned())
    }
}

/// Of an identifier, in bytes. Stripe's have some thirty; object identifiers have at most 255.
const LONGEST: usize = 255;
