//! Forgetting what the configuration no longer names, so that reloads do not pile up series.

use std::collections::{HashMap, HashSet};

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};

use super::{Metrics, NONE};

/// The names of a configuration.
#[derive(Debug, Clone, Default)]
pub struct InUse<'a> {
    /// Of its routes.
    pub routes: HashSet<&'a str>,
    /// Of its upstreams.
    pub upstreams: HashSet<&'a str>,
    /// Stable names of its plugin instances.
    pub plugins: HashSet<&'a str>,
}

impl InUse<'_> {
    fn keeps(&self, label: &str, value: &str) -> bool {
        let names = match label {
            "route" => &self.routes,
            "upstream" => &self.upstreams,
            "plugin" => &self.plugins,
            _ => return true,
        };
        value.is_empty() || value == NONE || names.contains(value)
    }
}

/// Removes the children of one family that are not in use.
pub(super) type Prune = Box<dyn Fn(&InUse<'_>) + Send + Sync>;

pub(super) fn pruner<B: MetricVecBuilder + 'static>(family: MetricVec<B>) -> Prune
where
    MetricVec<B>: Collector,
{
    Box::new(move |in_use| {
        for collected in family.collect() {
            for child in collected.get_metric() {
                let labels = child.get_label().iter();
                let labels: HashMap<&str, &str> =
                    labels.map(|label| (label.name(), label.value())).collect();
                if labels.iter().any(|(label, value)| !in_use.keeps(label, value)) {
                    // It may be gone already, which is what was wanted.
                    let _ = family.remove(&labels);
                }
            }
        }
    })
}

impl Metrics {
    /// After a reload: forgets routes, upstreams and plugins that are not in use any more. An
    /// exchange of the old configuration that ends later is counted anew.
    pub fn retain(&self, in_use: &InUse<'_>) {
        // The cached children first: whoever finds none makes one, and it must not be pruned after.
        self.routes.each(|routes| routes.retain(|route| in_use.keeps("route", route)));
        self.upstreams.retain(|upstream| in_use.keeps("upstream", upstream));
        self.measures.retain(|plugin| in_use.keeps("plugin", plugin));
        for prune in &self.prune {
            prune(in_use);
        }
    }
}
