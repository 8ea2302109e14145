//! Plugins that no configuration has, for what can only be seen through them.

use tollgate_api::{BodyNeed, Exchange, Flow, Needs, Plugin, Step, Turn};

/// Reads nothing, but has both bodies held.
pub struct Holding;

impl Plugin for Holding {
    fn needs(&self) -> Needs {
        Needs { request: BodyNeed::Whole, answer: BodyNeed::Whole }
    }
}

/// Panics where it is told to.
pub enum Panicking {
    /// When it sees the request.
    OnRequest,
    /// When it sees the answer.
    OnResponse,
}

impl Plugin for Panicking {
    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    fn on_request<'a>(&'a self, _: &'a mut Exchange) -> Step<'a, Flow> {
        assert!(!matches!(self, Self::OnRequest), "as the test wants it");
        Step::Now(Ok(Flow::Continue))
    }

    fn on_response<'a>(&'a self, _: &'a mut Exchange) -> Step<'a, Turn> {
        assert!(!matches!(self, Self::OnResponse), "as the test wants it");
        Step::Now(Ok(Turn::Pass))
    }
}
