//! Which upstream a request goes to.

use tollgate_api::{
    Body, Entropy, Exchange, Fault, codes,
    expression::{EvalErrorKind, ExchangeVariables, Root},
    json::{Document, Limits},
};

use crate::snapshot::{Route, Rule};

/// The index of the upstream that the first rule that applies names.
pub fn choose(route: &Route, exchange: &Exchange, entropy: &dyn Entropy) -> Result<usize, Fault> {
    let mut body = None;
    for rule in &route.rules {
        let applies = match &rule.when {
            None => true,
            Some(when) => {
                if when.names(Root::Body) && body.is_none() {
                    body = Some(parse(exchange)?);
                }
                let document = body.as_ref().and_then(Option::as_ref);
                match when.evaluate_bool(&ExchangeVariables::new(exchange, document)) {
                    Ok(applies) => applies,
                    // A field that is not there makes a rule about it untrue.
                    Err(error) if error.kind == EvalErrorKind::MissingField => false,
                    Err(error) => {
                        return Err(Fault::new(&codes::EXPRESSION_FAILED).caused_by(error));
                    }
                }
            }
        };
        if applies && let Some(chosen) = share(rule, entropy) {
            return Ok(chosen);
        }
    }
    Err(Fault::new(&codes::NO_UPSTREAM))
}

/// The request's body as JSON; none if there is no body.
fn parse(exchange: &Exchange) -> Result<Option<Document>, Fault> {
    match &exchange.request.body {
        Body::Held(body) => Document::parse(body, Limits::default())
            .map(Some)
            .map_err(|error| Fault::new(&codes::INVALID_JSON).caused_by(error)),
        _ => Ok(None),
    }
}

/// One of the rule's upstreams, each with the probability of its share.
fn share(rule: &Rule, entropy: &dyn Entropy) -> Option<usize> {
    if let [(only, _)] = rule.shares.as_slice() {
        return Some(*only);
    }
    let total: u64 = rule.shares.iter().map(|(_, share)| u64::from(*share)).sum();
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    let mut at = u64::from_le_bytes(bytes).checked_rem(total)?;
    for (upstream, share) in &rule.shares {
        let share = u64::from(*share);
        if at < share {
            return Some(*upstream);
        }
        at -= share;
    }
    None
}
