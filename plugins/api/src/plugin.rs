//! The trait every plugin implements, and the small types its hooks speak in.

use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};

use crate::{Answer, Exchange, Fault, Outcome};

/// A unit of policy on a route (towards the caller) or on an upstream (towards the provider).
///
/// Every hook but [`needs`](Plugin::needs) has a default. Requests run a chain in the order
/// written, answers in the reverse order. On an upstream the hooks run once per attempt.
pub trait Plugin: Send + Sync + 'static {
    /// The most this plugin may need of each body. Asked once, when the configuration is compiled.
    fn needs(&self) -> Needs;

    /// Which hooks are worth calling; the pipeline skips the others.
    fn hooks(&self) -> Hooks {
        Hooks::ALL
    }

    /// Asked at an answer's head; never more than `needs().answer`.
    fn needs_answer(&self, exchange: &Exchange, head: &AnswerHead<'_>) -> BodyNeed {
        let _ = (exchange, head);
        self.needs().answer
    }

    /// Sees the request. On a fault or an early answer the rest of the chain does not run.
    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        let _ = exchange;
        Step::Now(Ok(Flow::Continue))
    }

    /// Sees the answer ([`Exchange::answer`]), the provider's or the gateway's own.
    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        let _ = exchange;
        Step::Now(Ok(Turn::Pass))
    }

    /// For a streamed body: sees each chunk and may refuse at the end.
    fn observer(&self, exchange: &Exchange, body: Which) -> Option<Box<dyn Observer>> {
        let _ = (exchange, body);
        None
    }

    /// Exactly once for each exchange (on an upstream: attempt) whose `on_request` was called, also
    /// when the exchange was cancelled: release permits, record outcomes. Must not block.
    fn on_end(&self, exchange: &mut Exchange, outcome: &Outcome) {
        let _ = (exchange, outcome);
    }
}

/// What a hook returns: who needs no await allocates nothing.
pub enum Step<'a, T, E = Fault> {
    /// Decided at once.
    Now(Result<T, E>),
    /// Decided after waiting for something.
    Later(BoxFuture<'a, Result<T, E>>),
}

impl<'a, T, E> Step<'a, T, E> {
    /// Boxes a future.
    pub fn later(future: impl Future<Output = Result<T, E>> + Send + 'a) -> Self {
        Self::Later(Box::pin(future))
    }

    /// Waits for the result.
    pub async fn resolve(self) -> Result<T, E> {
        match self {
            Self::Now(result) => result,
            Self::Later(future) => future.await,
        }
    }
}

impl<T, E> From<Result<T, E>> for Step<'_, T, E> {
    fn from(result: Result<T, E>) -> Self {
        Self::Now(result)
    }
}

/// What happens to the request next.
#[derive(Debug)]
pub enum Flow {
    /// The next plugin, then the upstream.
    Continue,
    /// The plugin answers by itself; nothing goes upstream.
    Respond(Box<Answer>),
}

/// What happens to the answer next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The next plugin, then the caller.
    Pass,
    /// Upstream side only: try again (a token was purged, say). Subject to the attempt rule.
    Again,
}

/// Which of the two bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The caller's.
    Request,
    /// The provider's.
    Answer,
}

/// How much of a body a plugin reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum BodyNeed {
    /// Nothing: the body may stream.
    #[default]
    Nothing,
    /// Each chunk as it passes: the body may stream, its last chunk is withheld until all agree.
    Observe,
    /// The whole: the body is held in memory up to the route's limit.
    Whole,
}

/// What a plugin reads of both bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Of the request's body.
    pub request: BodyNeed,
    /// Of the answer's body.
    pub answer: BodyNeed,
}

impl Needs {
    /// Neither body.
    pub const NOTHING: Self = Self { request: BodyNeed::Nothing, answer: BodyNeed::Nothing };
    /// Both bodies, whole.
    pub const WHOLE: Self = Self { request: BodyNeed::Whole, answer: BodyNeed::Whole };

    /// The greater need of each body.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { request: self.request.max(other.request), answer: self.answer.max(other.answer) }
    }
}

/// Which hooks a plugin implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hooks {
    /// [`Plugin::on_request`].
    pub request: bool,
    /// [`Plugin::on_response`].
    pub response: bool,
    /// [`Plugin::on_end`].
    pub end: bool,
}

impl Hooks {
    /// Every hook.
    pub const ALL: Self = Self { request: true, response: true, end: true };
    /// Only `on_request`.
    pub const REQUEST: Self = Self { request: true, response: false, end: false };
    /// `on_request` and `on_response`.
    pub const BOTH: Self = Self { request: true, response: true, end: false };
}

/// The head of a provider's answer, before its body is read.
#[derive(Debug, Clone, Copy)]
pub struct AnswerHead<'a> {
    /// Status as received.
    pub status: StatusCode,
    /// Header fields as received, hop-by-hop fields removed.
    pub headers: &'a HeaderMap,
}

/// Sees a streamed body chunk by chunk.
pub trait Observer: Send {
    /// The next chunk, never empty.
    fn chunk(&mut self, data: &[u8]);

    /// The body has ended. A fault leaves the message incomplete for its receiver.
    fn end(&mut self) -> Result<(), Fault>;
}
