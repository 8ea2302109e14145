//! Provider twins: real wire formats, checks of their own, a book, and faults on demand.
//!
//! A [`Twin`] is a [`Dialect`] and what all providers share. The twin keeps the [`Book`], decides
//! which [`Fault`]s happen, tells merchants what happened, and answers whoever watches it. The dialect
//! checks requests, acts on the book, words and signs answers and notifications, and keeps its keys.
//! It does so with code of its own: nothing of the gateway's plugins and nothing of its crypto crate.
//!
//! **What happens to a request.** [`Dialect::serve`] checks it, changes the book and words an
//! [`Answer`]; faults are drawn for the answer's subject (an order number); an answer that acts may be
//! replaced by [`Dialect::failure`]; [`Dialect::seal`] signs what is left, rightly or wrongly; then it
//! is sent, late, cut off, or not at all. So a fault never changes what stands in the book.
//!
//! **What happens to an event.** [`Desk::pay`] and [`Desk::complete_refund`] change the book and tell
//! of it: [`Dialect::letters`] words notifications once, [`Dialect::seal_letter`] signs each attempt,
//! [`Dialect::acknowledged`] says whether another is needed, and [`Dialect::ladder`] when.
//!
//! **To add a provider**: implement [`Dialect`], with a constructor
//! `open(&Kept, now, …) -> Result<Self, OpenError>` that reads the files of [`Dialect::files`] where
//! they are and makes what is missing; use [`Desk`] for the time, the book, numbers ([`Seed::digits`])
//! and nonces; call [`Desk::refuse`] for whatever is refused; and stand in [`PROVIDERS`]. Everything
//! else is here.
//!
//! **For whoever watches** there are paths beside the provider's own, all of which begin with `/_`;
//! `control.rs` lists them.

pub mod alipay;
mod book;
mod calendar;
mod control;
mod credentials;
mod desk;
mod dialect;
mod faults;
mod files;
mod hex;
mod notifier;
mod providers;
mod seed;
mod shared;
pub mod stripe;
mod tls;
pub mod wechat_pay;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::task::AbortHandle;
use tollgate_api::{Clock, Entropy};

pub use book::{Book, BookError, Entry, Payment, PaymentState, Refund, RefundState, Settlement};
pub use calendar::{CHINA, Moment};
pub use credentials::Credentials;
pub use desk::Desk;
pub use dialect::{Answer, Dialect, Envelope, Event, Letter, Place, Sealing, Signature, put};
pub use faults::{Fault, Faults, On, Plan};
pub use files::{File, Kept, OpenError, write};
pub use hex::hex;
pub use providers::{Open, PROVIDERS};
pub use seed::Seed;
use shared::{Shared, run};
pub use tls::tls;

use super::{MakeError, Reply, Request, Service};

/// How a twin behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Decides identifiers and faults.
    pub seed: u64,
    /// After how long payers pay by themselves; `None`: when they are told.
    pub pay_after: Option<Duration>,
    /// After how long the money of a refund arrives.
    pub refund_after: Duration,
    /// Where notifications go, whatever requests say.
    pub notify: Option<String>,
    /// Whom to trust when they are sent, in PEM; the system's authorities if it is not said.
    pub trust: Option<Vec<u8>>,
    /// Of a million, how much of the provider's waiting times between notifications is waited.
    pub ladder_scale: u32,
    /// How slow an answer is that is slow.
    pub slow: Duration,
    /// How late a notification is that is late.
    pub late: Duration,
    /// How wrong a clock is that is wrong: more than anybody lets pass unasked, which is ten minutes.
    pub skew: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            pay_after: None,
            refund_after: Duration::ZERO,
            notify: None,
            trust: None,
            ladder_scale: 10_000,
            slow: Duration::from_secs(3),
            late: Duration::from_secs(5),
            skew: Duration::from_mins(11),
        }
    }
}

/// A provider's twin. Its tasks end with it.
pub struct Twin {
    shared: Arc<Shared>,
    errands: AbortHandle,
}

impl Twin {
    /// A twin with an empty book, on the tokio runtime this is called on. It fails if the trust bundle
    /// cannot be used.
    pub fn new(
        dialect: Box<dyn Dialect>,
        options: Options,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Self>, String> {
        let (desk, receiver) = Desk::new(&options, clock, entropy);
        let shared = Arc::new(Shared::new(dialect, desk, options)?);
        let errands = tokio::spawn(run(receiver, Arc::downgrade(&shared))).abort_handle();
        Ok(Arc::new(Self { shared, errands }))
    }

    /// The provider's language, with its files and facts.
    pub fn dialect(&self) -> &dyn Dialect {
        &*self.shared.dialect
    }

    /// The desk, with the book.
    pub fn desk(&self) -> &Desk {
        &self.shared.desk
    }

    /// The faults that are planned.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The book, and what became of notifications, as a document.
    pub fn book(&self) -> Value {
        let mut shown = self.shared.desk.book().shown();
        if let Some(members) = shown.as_object_mut() {
            members.insert("provider".to_owned(), self.shared.dialect.name().into());
            members.insert("notifications".to_owned(), self.shared.notifier.records().into());
        }
        shown
    }

    /// Sends notifications here from now on, whatever requests say: [`Options::notify`] for whoever
    /// knows it later.
    pub fn notify(&self, url: &str) {
        self.shared.notifier.direct(url);
    }

    /// What became of notifications, the latest last.
    pub fn notifications(&self) -> Vec<Value> {
        self.shared.notifier.records()
    }

    /// The last request and answer, and the latest notifications, as they crossed the network, each cut
    /// to a few kilobytes.
    pub fn wire(&self) -> Value {
        self.shared.wire()
    }

    /// Shows the merchant the provider's next keys, where the provider does that. What keys there are.
    pub async fn announce(&self) -> Result<Value, MakeError> {
        self.shared.announce().await?;
        Ok(self.shared.dialect.keys())
    }

    /// Changes the provider's keys; the old ones stay good. What keys there are afterwards.
    pub async fn rotate(&self) -> Result<Value, MakeError> {
        self.shared.rotate().await?;
        Ok(self.shared.dialect.keys())
    }

    /// Ends all keys but the newest. What keys there are afterwards.
    pub fn retire(&self) -> Value {
        self.shared.dialect.retire();
        self.shared.dialect.keys()
    }

    /// Gives the merchant new credentials; the old ones stay good. What there are afterwards, and the
    /// files that changed, by name.
    pub async fn renew(&self) -> Result<Value, MakeError> {
        let before: Vec<String> = self.dialect().files().into_iter().map(|it| it.text).collect();
        self.shared.renew().await?;
        let files = self.dialect().files().into_iter().filter(|file| !before.contains(&file.text));
        let files: Map<String, Value> =
            files.map(|file| (file.name.to_owned(), file.text.into())).collect();
        Ok(json!({ "credentials": self.dialect().credentials(), "files": files }))
    }

    /// Ends all of the merchant's credentials but the newest.
    pub fn revoke(&self) -> Value {
        self.shared.dialect.revoke();
        self.shared.dialect.credentials()
    }

    /// Settles what was paid and refunded, under this date or today's in the provider's time.
    pub fn settle(&self, date: Option<&str>) -> Settlement {
        let now = Moment::of(self.shared.desk.now(), self.shared.dialect.offset()).date();
        self.shared.desk.book().settle(date.unwrap_or(&now))
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.errands.abort();
    }
}

impl Service for Twin {
    async fn answer(&self, request: Request) -> Reply {
        if request.path.starts_with("/_") {
            return control::answer(self, &request).await;
        }
        self.shared.serve(&request).await
    }
}

#[cfg(test)]
mod tests;
