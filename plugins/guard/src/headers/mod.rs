//! Header fields by rule: set, added and removed on the way in and on the way out.
//!
//! What the gateway is responsible for (framing, connection fields, host) cannot be configured.
//! Secrets are marked sensitive: they show neither in Debug nor in a header compression table.

mod build;
mod change;
mod config;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use tollgate_api::{BodyNeed, Exchange, Fault, Flow, Hooks, Needs, Plugin, Step, Turn, codes};

use self::change::Change;

pub use config::{ChangeSettings, Headers, ValueSettings};

/// The plugin, ready to run.
struct Rules {
    request: Change,
    response: Change,
}

impl Plugin for Rules {
    fn needs(&self) -> Needs {
        let reads_body = self.request.reads_body() || self.response.reads_body();
        let request = if reads_body { BodyNeed::Whole } else { BodyNeed::Nothing };
        Needs { request, answer: BodyNeed::Nothing }
    }

    fn hooks(&self) -> Hooks {
        Hooks {
            request: !self.request.is_nothing(),
            response: !self.response.is_nothing(),
            end: false,
        }
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        let decided = self.request.decide(exchange, |failure| {
            Err(Fault::new(&codes::EXPRESSION_FAILED).caused_by(failure))
        });
        Step::Now(decided.map(|decided| {
            decided.make(&mut exchange.request.headers);
            Flow::Continue
        }))
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        // The provider has done its work: a header that cannot be computed is left out.
        let decided = self.response.decide(exchange, |_| Ok::<_, Infallible>(None));
        if let (Ok(decided), Some(answer)) = (decided, &mut exchange.answer) {
            decided.make(&mut answer.headers);
        }
        Step::Now(Ok(Turn::Pass))
    }
}
