//! The plugin around a protection: decides from its side which way each message goes.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use tollgate_api::{
    Answer, Body, BodyNeed, Exchange, Fault, Flow, Hooks, Needs, Offload, Origin, Plugin, Side,
    Step, Turn, Which, codes,
};

use super::{Problem, StatusPattern};

/// The parts of a message that a protection may read and change.
pub(crate) struct Message {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Protects messages for the other party and reveals what it protected.
pub(crate) trait Protection: Send + Sync + 'static {
    /// Whether it has a key to protect with.
    fn protects(&self) -> bool;
    /// Whether it has a key to reveal with.
    fn reveals(&self) -> bool;
    /// Whether revealing takes around a millisecond whatever the size.
    fn is_expensive(&self) -> bool;
    /// Protects a message.
    fn protect(&self, which: Which, message: Message) -> Result<Message, Problem>;
    /// The reverse.
    fn reveal(&self, which: Which, message: Message) -> Result<Message, Problem>;
}

/// `jwe` or `aes_gcm`, built.
pub(crate) struct Transformer<P> {
    pub side: Side,
    pub protection: Arc<P>,
    pub plain: Vec<StatusPattern>,
    pub offload: Arc<Offload>,
}

#[derive(Clone, Copy)]
enum Action {
    Protect,
    Reveal,
}

impl<P: Protection> Transformer<P> {
    /// What happens to a message, if anything: towards the party on our side it is protected, from
    /// that party it is revealed.
    fn action(&self, which: Which) -> Option<Action> {
        let protect = (self.side == Side::Upstream) == (which == Which::Request);
        if protect {
            self.protection.protects().then_some(Action::Protect)
        } else {
            self.protection.reveals().then_some(Action::Reveal)
        }
    }

    fn is_heavy(&self, action: Action, body: &Bytes) -> bool {
        body.len() > INLINE || (matches!(action, Action::Reveal) && self.protection.is_expensive())
    }

    fn need(&self, which: Which) -> BodyNeed {
        if self.action(which).is_some() { BodyNeed::Whole } else { BodyNeed::Nothing }
    }

    /// Whether this answer is left alone from the start: a fault of the gateway holds nothing
    /// secret and must stay readable; on the upstream side only the provider's answers count.
    fn is_exempt(&self, action: Action, answer: &Answer) -> bool {
        match action {
            Action::Protect => matches!(answer.origin, Origin::Fault(_)) || self.is_plain(answer),
            Action::Reveal => !answer.origin.is_provider(),
        }
    }

    fn is_plain(&self, answer: &Answer) -> bool {
        self.plain.iter().any(|pattern| pattern.matches(answer.status))
    }

    /// Applies what came of an answer. A status that may be plain passes as it is when it does not
    /// have the protected form; what has the form and fails is refused all the same.
    fn settle(
        &self,
        action: Action,
        answer: &mut Answer,
        done: Result<Message, Problem>,
    ) -> Result<Turn, Fault> {
        match done {
            Ok(message) => {
                answer.headers = message.headers;
                answer.body = held(message.body);
            }
            Err(problem)
                if matches!(action, Action::Reveal)
                    && problem.is_about_form()
                    && self.is_plain(answer) => {}
            Err(problem) => return Err(problem.into_fault(Which::Answer)),
        }
        Ok(Turn::Pass)
    }
}

impl<P: Protection> Plugin for Transformer<P> {
    fn needs(&self) -> Needs {
        Needs { request: self.need(Which::Request), answer: self.need(Which::Answer) }
    }

    fn hooks(&self) -> Hooks {
        Hooks::BOTH
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        let request = &mut exchange.request;
        if self.action(Which::Answer).is_some() {
            // Part of an encrypted answer cannot be decrypted, part of a plain one is no message.
            request.headers.remove(header::RANGE);
            request.headers.remove(header::IF_RANGE);
        }
        let Some(action) = self.action(Which::Request) else { return Ok(Flow::Continue).into() };
        let message = match message(&request.headers, &request.body) {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(Flow::Continue).into(),
            Err(fault) => return Err(fault).into(),
        };
        let mut settle = move |done: Result<Message, Problem>| {
            let message = done.map_err(|problem| problem.into_fault(Which::Request))?;
            request.headers = message.headers;
            request.body = held(message.body);
            Ok(Flow::Continue)
        };
        let protection = self.protection.clone();
        let heavy = self.is_heavy(action, &message.body);
        let work = move || run(&*protection, action, Which::Request, message);
        if heavy {
            return Step::later(async move { settle(self.offload.run(work).await?) });
        }
        settle(work()).into()
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        let (Some(action), Some(answer)) = (self.action(Which::Answer), exchange.answer.as_mut())
        else {
            return Ok(Turn::Pass).into();
        };
        if self.is_exempt(action, answer) {
            return Ok(Turn::Pass).into();
        }
        let message = match message(&answer.headers, &answer.body) {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(Turn::Pass).into(),
            Err(fault) => return Err(fault).into(),
        };
        let protection = self.protection.clone();
        let heavy = self.is_heavy(action, &message.body);
        let work = move || run(&*protection, action, Which::Answer, message);
        if heavy {
            return Step::later(async move {
                let done = self.offload.run(work).await?;
                self.settle(action, answer, done)
            });
        }
        self.settle(action, answer, work()).into()
    }
}

fn run(
    protection: &impl Protection,
    action: Action,
    which: Which,
    message: Message,
) -> Result<Message, Problem> {
    match action {
        Action::Protect => protection.protect(which, message),
        Action::Reveal => protection.reveal(which, message),
    }
}

/// The message, unless there is no body: then there is nothing to protect and nothing to reveal.
fn message(headers: &HeaderMap, body: &Body) -> Result<Option<Message>, Fault> {
    let body = body.whole().ok_or_else(|| {
        Fault::new(&codes::INTERNAL).caused_by("a body was streamed past a plugin that reads it")
    })?;
    Ok((!body.is_empty()).then(|| Message { headers: headers.clone(), body }))
}

fn held(body: Bytes) -> Body {
    if body.is_empty() { Body::Empty } else { Body::Held(body) }
}

/// Bodies up to this many bytes are worked on where they arrive, so that small messages pay for no
/// change of threads; larger ones would keep everybody else on the thread waiting.
const INLINE: usize = 64 * 1024;
