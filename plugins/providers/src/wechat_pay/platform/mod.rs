//! WeChat Pay's keys: those of the configuration, and the certificates that are downloaded.
//!
//! A signature names its key, and exactly that one is tried. Public keys and certificates stand side by
//! side, so that a merchant can move from one to the other. Downloaded certificates belong to the
//! merchant: routes and upstreams share them, and a reload keeps them.

mod download;
mod key;
mod store;

use std::{sync::Arc, time::Duration};

use tollgate_api::{Clock, Step};

pub(super) use self::{
    download::Source,
    key::PlatformKey,
    store::{Reporter, Store},
};
use crate::verification::{KeyFor, Keys, Refusal, VerifyingKey};

/// The keys that one plugin accepts.
pub(super) struct PlatformKeys {
    pub clock: Arc<dyn Clock>,
    /// Of the configuration, public keys first.
    pub fixed: Vec<Arc<PlatformKey>>,
    /// Where certificates come from, if they are downloaded.
    pub downloads: Option<Downloads>,
}

/// Downloaded certificates and the means to download more.
pub(super) struct Downloads {
    pub store: Arc<Store>,
    /// Kept here for the store, which forgets whoever is gone.
    pub _source: Arc<Source>,
    /// Kept here for the same reason.
    pub _reporter: Arc<Reporter>,
}

impl PlatformKeys {
    /// The key of exactly this identifier, if it is known and in force.
    pub fn lookup(&self, id: &str) -> Option<Arc<PlatformKey>> {
        let now = self.clock.unix();
        let fixed = self.fixed.iter().find(|key| key.id == id && key.is_in_force(now)).cloned();
        fixed.or_else(|| {
            self.downloads.as_ref()?.store.certificates().iter().find(|key| key.id == id).cloned()
        })
    }

    /// The key to encrypt to, and to ask WeChat Pay to sign with: a public key, else the certificate
    /// that expires last.
    pub async fn preferred(&self) -> Result<Arc<PlatformKey>, Refusal> {
        if let Some(key) = self.preferred_now() {
            return Ok(key);
        }
        if let Some(downloads) = &self.downloads {
            downloads.store.demand(RETRY_WITHOUT_KEYS).await;
        }
        self.preferred_now().ok_or(Refusal::KeysUnavailable)
    }

    fn preferred_now(&self) -> Option<Arc<PlatformKey>> {
        let now = self.clock.unix();
        let public = self.fixed.iter().find(|key| key.expires_at().is_none());
        let last = || {
            let downloaded = self.downloads.iter().flat_map(|it| it.store.certificates());
            let all = self.fixed.iter().cloned().chain(downloaded);
            // One that has begun is better than one that will.
            all.filter(|key| key.is_in_force(now))
                .max_by_key(|key| (key.is_current(now), key.expires_at()))
        };
        public.cloned().or_else(last)
    }

    fn has_any(&self) -> bool {
        let now = self.clock.unix();
        self.fixed.iter().any(|key| key.is_in_force(now))
            || self.downloads.as_ref().is_some_and(|it| !it.store.certificates().is_empty())
    }
}

impl Keys for PlatformKeys {
    fn find<'a>(&'a self, id: &'a str) -> KeyFor<'a> {
        if let Some(key) = self.lookup(id) {
            return Step::Now(Ok(key as Arc<dyn VerifyingKey>));
        }
        let missing = || {
            if self.has_any() { Refusal::KeyUnknown } else { Refusal::KeysUnavailable }
        };
        // Only certificates are downloaded, so only what could be the number of one is worth a call.
        let Some(downloads) = self.downloads.as_ref().filter(|_| is_serial(id)) else {
            return Step::Now(Err(missing()));
        };
        let wait = if self.has_any() { COOLDOWN } else { RETRY_WITHOUT_KEYS };
        Step::later(async move {
            downloads.store.demand(wait).await;
            match self.lookup(id) {
                Some(key) => Ok(key as Arc<dyn VerifyingKey>),
                None => Err(missing()),
            }
        })
    }
}

fn is_serial(id: &str) -> bool {
    let digits = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    digits && (1..=LONGEST_SERIAL).contains(&id.len())
}

/// Whoever sends unknown serial numbers causes no more than one download in this time.
pub(super) const COOLDOWN: Duration = Duration::from_mins(1);
/// The same while there is no key at all and everything is refused.
const RETRY_WITHOUT_KEYS: Duration = Duration::from_secs(5);
/// Hexadecimal digits of a serial number, at most (RFC 5280 section 4.1.2.2: 20 bytes).
const LONGEST_SERIAL: usize = 40;
