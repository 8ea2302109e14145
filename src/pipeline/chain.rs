//! A compiled chain of plugins on one side.

use std::{ops::Range, sync::Arc};

use tollgate_api::{
    AnswerHead, BodyNeed, Exchange, Fault, Flow, Hooks, Needs, Observer, Outcome, Plugin, Turn,
    Which,
};

use super::Refusals;
use crate::telemetry::metrics::{PluginMeter, Verdict};

/// Whether a plugin's decision counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It does.
    #[default]
    Enforced,
    /// It runs on a view of the exchange; its verdict is recorded and has no effect.
    Shadow,
}

impl Mode {
    /// The word used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Shadow => "shadow",
        }
    }
}

/// A plugin in its place.
pub struct Entry {
    /// The plugin.
    pub plugin: Arc<dyn Plugin>,
    /// Its kind, such as `jwt`.
    pub kind: &'static str,
    /// Its stable name, unique in the configuration, such as `create-payment/jwt`.
    pub name: Arc<str>,
    /// Whether its decision counts.
    pub mode: Mode,
    /// Counts its verdicts.
    pub meter: PluginMeter,
}

/// How far a chain has run on an exchange, so that exactly the plugins that saw the request see
/// the answer and the end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    entered: usize,
}

/// Plugins in the order written.
pub struct Chain {
    entries: Vec<(Entry, Hooks)>,
    needs: Needs,
    first_instance: u32,
    first_whole: usize,
    asks_at_head: bool,
}

impl Chain {
    /// Compiles a chain. `first_instance` numbers its plugins' slots; the chains that can run on
    /// one exchange must not overlap.
    pub fn new(entries: Vec<Entry>, first_instance: u32) -> Self {
        let needs = entries.iter().fold(Needs::NOTHING, |all, entry| all.max(entry.plugin.needs()));
        let first_whole = entries
            .iter()
            .position(|entry| entry.plugin.needs().request == BodyNeed::Whole)
            .unwrap_or(entries.len());
        let asks_at_head = needs.answer != BodyNeed::Nothing;
        let entries = entries
            .into_iter()
            .map(|entry| {
                let hooks = entry.plugin.hooks();
                (entry, hooks)
            })
            .collect();
        Self { entries, needs, first_instance, first_whole, asks_at_head }
    }

    /// The most that any plugin needs of each body.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Number of plugins that may run before the request's body must be held.
    pub fn before_body(&self) -> usize {
        self.first_whole
    }

    /// Number of plugins.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no plugin at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The plugins in their places.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|(entry, _)| entry)
    }

    /// What the plugins need of this answer's body, now that its head is known.
    pub fn needs_answer(&self, exchange: &Exchange, head: &AnswerHead<'_>) -> BodyNeed {
        if !self.asks_at_head {
            return BodyNeed::Nothing;
        }
        self.entries
            .iter()
            .map(|(entry, _)| {
                let most = entry.plugin.needs().answer;
                if most == BodyNeed::Nothing {
                    most
                } else {
                    entry.plugin.needs_answer(exchange, head).min(most)
                }
            })
            .max()
            .unwrap_or_default()
    }

    /// Runs the plugins in `range` over the request, as far as they let it through. The first that
    /// refuses or answers ends it.
    pub async fn on_request(
        &self,
        range: Range<usize>,
        exchange: &mut Exchange,
        progress: &mut Progress,
        refusals: &mut Refusals,
    ) -> Result<Flow, Fault> {
        for at in range {
            let Some((entry, hooks)) = self.entries.get(at) else { break };
            progress.entered = at + 1;
            if !hooks.request {
                continue;
            }
            exchange.slots_mut().enter(self.instance(at));
            let result = match entry.mode {
                Mode::Enforced => entry.plugin.on_request(exchange).resolve().await,
                Mode::Shadow => {
                    let mut view = exchange.view();
                    exchange.slots_mut().lend(view.slots_mut());
                    let result = entry.plugin.on_request(&mut view).resolve().await;
                    exchange.slots_mut().absorb(view.slots_mut());
                    result
                }
            };
            entry.meter.count(match &result {
                Ok(Flow::Continue) => Verdict::Pass,
                Ok(Flow::Respond(_)) => Verdict::Respond,
                Err(_) => Verdict::Refuse,
            });
            if let Err(fault) = &result {
                refusals.push(&entry.name, entry.mode, fault.code());
            }
            if entry.mode == Mode::Shadow {
                continue;
            }
            match result {
                Ok(Flow::Continue) => {}
                Ok(respond @ Flow::Respond(_)) => return Ok(respond),
                Err(fault) => return Err(fault.from_plugin(entry.kind)),
            }
        }
        Ok(Flow::Continue)
    }

    /// Runs the plugins that saw the request over the answer, in reverse. `refuse` turns a fault of
    /// one of them into the answer that the remaining ones see; the last such fault is returned.
    pub async fn on_response(
        &self,
        exchange: &mut Exchange,
        progress: Progress,
        refusals: &mut Refusals,
        refuse: &(dyn Fn(&mut Exchange, &Fault) + Sync),
    ) -> (Turn, Option<Fault>) {
        let mut refused = None;
        for at in (0..progress.entered).rev() {
            let Some((entry, hooks)) = self.entries.get(at) else { continue };
            if !hooks.response {
                continue;
            }
            exchange.slots_mut().enter(self.instance(at));
            let result = match entry.mode {
                Mode::Enforced => entry.plugin.on_response(exchange).resolve().await,
                Mode::Shadow => {
                    let mut view = exchange.view();
                    exchange.slots_mut().lend(view.slots_mut());
                    let result = entry.plugin.on_response(&mut view).resolve().await;
                    exchange.slots_mut().absorb(view.slots_mut());
                    if let Err(fault) = result {
                        entry.meter.count(Verdict::Refuse);
                        refusals.push(&entry.name, entry.mode, fault.code());
                    }
                    continue;
                }
            };
            match result {
                Ok(Turn::Pass) => {}
                Ok(Turn::Again) => {
                    entry.meter.count(Verdict::Again);
                    return (Turn::Again, refused);
                }
                Err(fault) => {
                    let fault = fault.from_plugin(entry.kind);
                    entry.meter.count(Verdict::Refuse);
                    refusals.push(&entry.name, entry.mode, fault.code());
                    refuse(exchange, &fault);
                    refused = Some(fault);
                }
            }
        }
        (Turn::Pass, refused)
    }

    /// The observers of a body that streams. A shadowed plugin's refusal would have an effect, so
    /// it gets none.
    pub fn observers(
        &self,
        exchange: &mut Exchange,
        which: Which,
        observers: &mut Vec<Box<dyn Observer>>,
    ) {
        let need = match which {
            Which::Request => self.needs.request,
            Which::Answer => self.needs.answer,
        };
        if need == BodyNeed::Nothing {
            return;
        }
        for at in 0..self.entries.len() {
            let Some((entry, _)) = self.entries.get(at) else { continue };
            if entry.mode == Mode::Enforced {
                exchange.slots_mut().enter(self.instance(at));
                observers.extend(entry.plugin.observer(exchange, which));
            }
        }
    }

    /// Tells every plugin that saw the request how it ended, once.
    pub fn on_end(&self, exchange: &mut Exchange, progress: Progress, outcome: &Outcome) {
        for at in (0..progress.entered).rev() {
            let Some((entry, hooks)) = self.entries.get(at) else { continue };
            if hooks.end {
                exchange.slots_mut().enter(self.instance(at));
                entry.plugin.on_end(exchange, outcome);
            }
        }
        exchange.slots_mut().clear(self.first_instance..self.instance(self.entries.len()));
    }

    fn instance(&self, at: usize) -> u32 {
        self.first_instance.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
    }
}
