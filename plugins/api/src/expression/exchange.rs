//! An exchange as the variables of an expression.

use std::borrow::Cow;

use super::{
    data::Data,
    variable::{Variable, Variables},
};
use crate::{Exchange, json::Document};

/// Supplies the variables from an exchange, and `body` from its parsed request body.
pub struct ExchangeVariables<'e> {
    exchange: &'e Exchange,
    body: Option<&'e Document>,
}

impl<'e> ExchangeVariables<'e> {
    /// `body` is the parsed request body, if it is held and JSON; an expression that names
    /// [`Root::Body`](super::Root::Body) wants it.
    pub fn new(exchange: &'e Exchange, body: Option<&'e Document>) -> Self {
        Self { exchange, body }
    }
}

impl Variables for ExchangeVariables<'_> {
    fn resolve(&self, variable: Variable) -> Option<Data<'_>> {
        let (exchange, request) = (self.exchange, &self.exchange.request);
        let identity = exchange.identity.as_ref();
        Some(match variable {
            Variable::Method => Data::text(request.method.as_str()),
            Variable::Scheme => Data::text(exchange.connection.scheme()),
            Variable::Host => Data::text(&request.host),
            Variable::Path => Data::text(&request.path),
            Variable::Query => Data::query(request.query.as_deref().unwrap_or_default()),
            Variable::Headers => Data::Headers(&request.headers),
            Variable::Params => Data::Map(
                exchange
                    .params
                    .iter()
                    .map(|(name, value)| (Cow::Borrowed(name.as_ref()), Data::text(value)))
                    .collect(),
            ),
            Variable::Body => Data::Json(self.body?.root()),
            Variable::Subject => Data::text(identity?.subject.as_deref()?),
            Variable::ClientId => Data::text(identity?.client_id.as_deref()?),
            Variable::Scopes => {
                Data::List(identity?.scopes.iter().map(|scope| Data::text(scope)).collect())
            }
            Variable::Claims => Data::Claims(&identity?.claims),
            Variable::Address => Data::Text(Cow::Owned(exchange.client.to_string())),
            Variable::Listener => Data::text(&exchange.connection.listener),
            Variable::Route => Data::text(&exchange.route),
        })
    }
}
