//! What each plugin decided, for metrics and the access log.

use std::sync::Arc;

use tollgate_api::Code;

use super::Mode;

/// One plugin's decision about one request or answer.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Name of the plugin instance, such as `create-payment/jwt`.
    pub plugin: Arc<str>,
    /// Whether it counted.
    pub mode: Mode,
    /// The fault it raised; `None` if it let the exchange pass.
    pub fault: Option<&'static Code>,
}

/// Receives every decision as it is made, for metrics.
pub trait Weigher: Send + Sync {
    /// A plugin let the exchange pass (`fault` is `None`), or refused it.
    fn weigh(&self, plugin: &Arc<str>, mode: Mode, fault: Option<&'static Code>);
}

/// The refusals of one exchange; passes are only counted, so the common case allocates nothing.
#[derive(Debug, Default)]
pub struct Verdicts(Vec<Verdict>);

impl Verdicts {
    /// All refusals, in the order made.
    pub fn refusals(&self) -> &[Verdict] {
        &self.0
    }

    pub(super) fn record(&mut self, weigher: &dyn Weigher, plugin: &Arc<str>, mode: Mode, fault: Option<&'static Code>) {
        weigher.weigh(plugin, mode, fault);
        if fault.is_some() {
            self.0.push(Verdict { plugin: plugin.clone(), mode, fault });
        }
    }
}
