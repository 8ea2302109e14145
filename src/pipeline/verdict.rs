//! What plugins refused, for the record of the exchange; every verdict is counted as it is made.

use std::sync::Arc;

use tollgate_api::Code;

use super::Mode;

/// One plugin's refusal of one request or answer.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Name of the plugin instance, such as `route/create-payment/jwt`.
    pub plugin: Arc<str>,
    /// Whether it counted.
    pub mode: Mode,
    /// The fault it raised.
    pub fault: &'static Code,
}

/// The refusals of one exchange; passes are only counted, so the common case allocates nothing.
#[derive(Debug, Default)]
pub struct Refusals(Vec<Refusal>);

impl Refusals {
    /// All refusals, in the order made.
    pub fn iter(&self) -> impl Iterator<Item = &Refusal> {
        self.0.iter()
    }

    pub(super) fn push(&mut self, plugin: &Arc<str>, mode: Mode, fault: &'static Code) {
        self.0.push(Refusal { plugin: plugin.clone(), mode, fault });
    }
}
