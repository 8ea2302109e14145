//! One API over several providers: the request becomes another one, and the answer comes back in
//! one shape, by expressions in the configuration.
//!
//! What comes in is never edited: a request is built anew from what the expressions say, so that
//! nothing reaches the other party that the configuration does not name. A request that lacks
//! what an expression needs is refused before anything is sent; an answer that lacks it is never
//! passed on in part.

mod answer;
mod blame;
mod build;
mod config;
mod operation;
mod outgoing;
mod parsed;
mod template;
mod tree;

use tollgate_api::{
    BodyNeed, Exchange, Fault, Flow, Hooks, Needs, Plugin, Request, Step, Turn, codes,
    expression::ExchangeVariables,
};

use self::{
    answer::AnswerRule,
    operation::{Kind, Operation},
    parsed::Parsed,
};

pub use config::{
    AnswerBodySettings, AnswerExpression, AnswerSettings, BodySettings, Map, MethodSetting,
    OperationSettings, Otherwise, RequestSettings,
};
pub use tree::Tree;

/// The plugin, ready to run.
struct Mapper {
    operations: Vec<Operation>,
    /// Rules for the answers of every operation, after its own.
    answers: Vec<AnswerRule>,
    otherwise: Otherwise,
    keep_headers: Vec<http::HeaderName>,
    max_body: usize,
    reads_body: bool,
    reads_answer: bool,
}

/// What came in, kept until the answer is there.
struct Mapped {
    operation: usize,
    request: Request,
    body: Parsed,
}

impl Mapper {
    fn request(&self, exchange: &mut Exchange) -> Result<(), Fault> {
        let body =
            if self.reads_body { Parsed::request(&exchange.request)? } else { Parsed::Absent };
        let variables = body.supply(ExchangeVariables::new(exchange, None));
        let Some((at, operation)) = self.choose(&variables)? else {
            return match self.otherwise {
                Otherwise::Pass => Ok(()),
                Otherwise::Refuse => Err(Fault::new(&codes::OPERATION_UNSUPPORTED)),
            };
        };
        operation.check(&variables)?;
        let outgoing = match &operation.kind {
            Kind::Unsupported(why) => {
                let fault = Fault::new(&codes::OPERATION_UNSUPPORTED);
                return Err(fault.with_detail(why.clone()));
            }
            Kind::Request(outgoing) => outgoing,
        };
        let mut request =
            outgoing.build(&exchange.request, &self.keep_headers, &variables, self.max_body)?;
        let maps_answer = self.maps_answers_of(operation);
        if maps_answer {
            outgoing::expect_json(&mut request);
        }
        let incoming = std::mem::replace(&mut exchange.request, request);
        if maps_answer {
            exchange.store(Mapped { operation: at, request: incoming, body });
        }
        Ok(())
    }

    /// The first operation that takes the request.
    fn choose(
        &self,
        variables: &ExchangeVariables<'_>,
    ) -> Result<Option<(usize, &Operation)>, Fault> {
        for (at, operation) in self.operations.iter().enumerate() {
            if blame::applies(operation.when.as_ref(), variables).map_err(blame::request)? {
                return Ok(Some((at, operation)));
            }
        }
        Ok(None)
    }

    fn maps_answers_of(&self, operation: &Operation) -> bool {
        !operation.answers.is_empty() || !self.answers.is_empty()
    }

    fn answer(&self, exchange: &mut Exchange) -> Result<(), Fault> {
        if exchange.answer.as_ref().is_none_or(|answer| !answer.origin.is_provider()) {
            return Ok(());
        }
        let Some(mapped) = exchange.take::<Mapped>() else { return Ok(()) };
        let Some(operation) = self.operations.get(mapped.operation) else { return Ok(()) };
        let shaped = {
            let Some(answer) = exchange.answer.as_ref() else { return Ok(()) };
            let body = if self.reads_answer { Parsed::answer(answer)? } else { Parsed::Absent };
            let variables = ExchangeVariables::new(exchange, None).with_request(&mapped.request);
            let variables = mapped.body.supply(variables).with_answer(answer, body.document());
            let rules = operation.answers.iter().chain(&self.answers);
            answer::shape(rules, answer, &variables, self.max_body)?
        };
        exchange.answer = Some(shaped);
        Ok(())
    }
}

impl Plugin for Mapper {
    fn needs(&self) -> Needs {
        let maps_answers = self.operations.iter().any(|operation| self.maps_answers_of(operation));
        let answer = if maps_answers { BodyNeed::Whole } else { BodyNeed::Nothing };
        // The body is replaced, so none of it may have been sent.
        Needs { request: BodyNeed::Whole, answer }
    }

    fn hooks(&self) -> Hooks {
        Hooks { response: self.needs().answer == BodyNeed::Whole, ..Hooks::REQUEST }
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        Step::Now(self.request(exchange).map(|()| Flow::Continue))
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        Step::Now(self.answer(exchange).map(|()| Turn::Pass))
    }
}
