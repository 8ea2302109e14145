//! An exchange as the variables of an expression.

use std::borrow::Cow;

use super::{
    data::Data,
    variable::{Variable, Variables},
};
use crate::{Answer, Exchange, Request, form::Form, json::Document};

/// Supplies the variables from an exchange, and `body` from its parsed request body.
pub struct ExchangeVariables<'e> {
    exchange: &'e Exchange,
    request: &'e Request,
    body: Option<&'e Document>,
    form: Option<&'e Form>,
    answer: Option<&'e Answer>,
    answer_body: Option<&'e Document>,
}

impl<'e> ExchangeVariables<'e> {
    /// `body` is the parsed request body, if it is held and JSON; an expression that names
    /// [`Root::Body`](super::Root::Body) wants it.
    pub fn new(exchange: &'e Exchange, body: Option<&'e Document>) -> Self {
        Self {
            exchange,
            request: &exchange.request,
            body,
            form: None,
            answer: None,
            answer_body: None,
        }
    }

    /// Another request in place of the exchange's own: the one that came in, once what goes out is
    /// another.
    #[must_use]
    pub fn with_request(mut self, request: &'e Request) -> Self {
        self.request = request;
        self
    }

    /// A body that is JSON.
    #[must_use]
    pub fn with_json(mut self, body: &'e Document) -> Self {
        self.body = Some(body);
        self
    }

    /// A body that is a form: its fields are texts.
    #[must_use]
    pub fn with_form(mut self, form: &'e Form) -> Self {
        self.form = Some(form);
        self
    }

    /// An answer, and its parsed body if it is JSON: for a [`Scope`](super::Scope) that has one.
    #[must_use]
    pub fn with_answer(mut self, answer: &'e Answer, body: Option<&'e Document>) -> Self {
        self.answer = Some(answer);
        self.answer_body = body;
        self
    }

    fn request_body(&self) -> Option<Data<'e>> {
        if let Some(form) = self.form {
            let fields = form.fields();
            let fields = fields.map(|(name, value)| (Cow::Borrowed(name), Data::text(value)));
            return Some(Data::Map(fields.collect()));
        }
        Some(Data::Json(self.body?.root()))
    }
}

impl Variables for ExchangeVariables<'_> {
    fn resolve(&self, variable: Variable) -> Option<Data<'_>> {
        let (exchange, request) = (self.exchange, self.request);
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
            Variable::Body => self.request_body()?,
            Variable::Subject => Data::text(identity?.subject.as_deref()?),
            Variable::ClientId => Data::text(identity?.client_id.as_deref()?),
            Variable::Scopes => {
                Data::List(identity?.scopes.iter().map(|scope| Data::text(scope)).collect())
            }
            Variable::Claims => Data::Claims(&identity?.claims),
            Variable::Address => Data::Text(Cow::Owned(exchange.client.to_string())),
            Variable::Listener => Data::text(&exchange.connection.listener),
            Variable::Route => Data::text(&exchange.route),
            Variable::AnswerStatus => Data::Int(self.answer?.status.as_u16().into()),
            Variable::AnswerHeaders => Data::Headers(&self.answer?.headers),
            Variable::AnswerBody => Data::Json(self.answer_body?.root()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};
    use serde_json::json;

    use super::*;
    use crate::{
        Body, Connection, Identity, Request, Tick,
        expression::{EvalErrorKind, Expression},
        json::Limits,
    };

    fn exchange(identity: Option<Identity>) -> Exchange {
        let mut headers = HeaderMap::new();
        for cookie in ["a=1", "b=2"] {
            headers.append("cookie", HeaderValue::from_static(cookie));
        }
        headers.append("x-odd", HeaderValue::from_bytes(b"\xff").unwrap());
        let connection = Connection {
            listener: "partners".into(),
            peer: "127.0.0.1:1".parse().unwrap(),
            local: "127.0.0.1:2".parse().unwrap(),
            tls: None,
        };
        let request = Request {
            method: Method::POST,
            host: "pay.example".to_owned(),
            port: None,
            path: "/v1/payments/42".to_owned(),
            query: Some("dry=1".to_owned()),
            headers,
            body: Body::Empty,
        };
        let client = "2001:db8::7".parse().unwrap();
        let (connection, route) = (Arc::new(connection), "create-payment".into());
        let mut exchange =
            Exchange::new(connection, client, "id".into(), route, Tick::default(), request);
        exchange.params.push(("id".into(), "42".to_owned()));
        exchange.identity = identity;
        exchange
    }

    #[test]
    fn every_variable_comes_from_the_exchange() {
        let claims = json!({"sub": "alice", "tier": 2, "nested": {"a": [true, null, 1.5]}});
        let exchange = exchange(Some(Identity {
            subject: Some("alice".to_owned()),
            client_id: None,
            scopes: vec!["payments:write".to_owned()],
            claims: Arc::new(claims.as_object().unwrap().clone()),
            proven_by: "jwt",
        }));
        let body = Bytes::from_static(b"{\"amount\":\"10.00\"}");
        let body = Document::parse(&body, Limits::default()).unwrap();
        let variables = ExchangeVariables::new(&exchange, Some(&body));
        for text in [
            r#"request.method == "POST" && request.scheme == "http" && request.host == "pay.example""#,
            r#"request.path == "/v1/payments/42" && request.query.dry == "1""#,
            r#"request.params.id == "42" && request.headers.cookie == "a=1; b=2""#,
            r#"request.headers["x-odd"] == "\ufffd" && size(request.headers) == 2"#,
            r#"identity.subject == "alice" && !has(identity.client_id)"#,
            r#""payments:write" in identity.scopes && identity.claims.tier == 2"#,
            r#"decimal(identity.claims.nested.a[2]) == "1.5""#,
            r#"ip_in(client.address, "2001:db8::/32") && client.address == "2001:db8::7""#,
            r#"listener == "partners" && route == "create-payment""#,
            "decimal(body.amount) == 10",
        ] {
            let rule = Expression::compile(text).unwrap();
            assert_eq!(rule.evaluate_bool(&variables), Ok(true), "`{text}` holds");
        }
    }

    #[test]
    fn a_caller_without_identity_has_no_fields_of_one() {
        let exchange = exchange(None);
        let variables = ExchangeVariables::new(&exchange, None);
        let run = |text: &str| Expression::compile(text).unwrap().evaluate_bool(&variables);
        assert_eq!(run("has(identity.subject) || has(identity.scopes)"), Ok(false), "nothing");
        for text in ["\"a\" in identity.scopes", "identity.claims.a == 1", "body.a == 1"] {
            let kind = run(text).unwrap_err().kind;
            assert_eq!(kind, EvalErrorKind::MissingField, "`{text}` reads what is not there");
        }
    }
}
