//! Where metric families are declared: each is registered, and noted for the reference.
//!
//! Families are declared with constant names, so a name that Prometheus refuses is a bug that the
//! first test finds, not something that can happen later.
#![expect(
    clippy::expect_used,
    reason = "names and labels are constants; making the metrics once proves them"
)]

use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry,
    core::{Collector, Metric, MetricVec, MetricVecBuilder},
};

use super::retain::{Prune, pruner};

/// A metric family, as the operations manual lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Full name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Label names.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// A registry under construction.
pub(super) struct Registrar {
    registry: Registry,
    reference: Vec<Reference>,
    prune: Vec<Prune>,
}

impl Registrar {
    pub(super) fn new() -> Self {
        Self { registry: Registry::new(), reference: Vec::new(), prune: Vec::new() }
    }

    pub(super) fn finish(self) -> (Registry, Vec<Reference>, Vec<Prune>) {
        (self.registry, self.reference, self.prune)
    }

    pub(super) fn counter(&mut self, name: &'static str, help: &'static str) -> IntCounter {
        let counter = IntCounter::new(name, help).expect("a constant name");
        self.keep(Reference { name, kind: "counter", labels: &[], help }, counter)
    }

    pub(super) fn gauge(&mut self, name: &'static str, help: &'static str) -> IntGauge {
        let gauge = IntGauge::new(name, help).expect("a constant name");
        self.keep(Reference { name, kind: "gauge", labels: &[], help }, gauge)
    }

    pub(super) fn float(&mut self, name: &'static str, help: &'static str) -> Gauge {
        let gauge = Gauge::new(name, help).expect("a constant name");
        self.keep(Reference { name, kind: "gauge", labels: &[], help }, gauge)
    }

    pub(super) fn counters(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> IntCounterVec {
        let family = IntCounterVec::new(Opts::new(name, help), labels).expect("constant names");
        self.keep_family(Reference { name, kind: "counter", labels, help }, family)
    }

    pub(super) fn gauges(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> IntGaugeVec {
        let family = IntGaugeVec::new(Opts::new(name, help), labels).expect("constant names");
        self.keep_family(Reference { name, kind: "gauge", labels, help }, family)
    }

    pub(super) fn floats(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> GaugeVec {
        let family = GaugeVec::new(Opts::new(name, help), labels).expect("constant names");
        self.keep_family(Reference { name, kind: "gauge", labels, help }, family)
    }

    pub(super) fn histograms(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        buckets: &[f64],
        help: &'static str,
    ) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        let family = HistogramVec::new(options, labels).expect("constant names");
        self.keep_family(Reference { name, kind: "histogram", labels, help }, family)
    }

    fn keep_family<B: MetricVecBuilder + 'static>(
        &mut self,
        reference: Reference,
        family: MetricVec<B>,
    ) -> MetricVec<B>
    where
        MetricVec<B>: Collector + Clone,
    {
        self.prune.push(pruner(family.clone()));
        self.keep(reference, family)
    }

    fn keep<C: Collector + Clone + 'static>(&mut self, reference: Reference, family: C) -> C {
        self.registry.register(Box::new(family.clone())).expect("each name is declared once");
        self.reference.push(reference);
        family
    }
}

/// The child of a family whose labels were declared with this many names.
pub(super) fn child<B>(family: &MetricVec<B>, values: &[&str]) -> B::M
where
    B: MetricVecBuilder,
    B::M: Metric,
{
    family.get_metric_with_label_values(values).expect("as many values as the family has labels")
}
