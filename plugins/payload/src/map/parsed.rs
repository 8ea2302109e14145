//! Bodies as expressions see them.

use tollgate_api::{
    Answer, Body, Fault, Request, codes,
    expression::ExchangeVariables,
    form::Form,
    json::{Document, Limits},
};

use crate::message::{is_form, is_json};

/// A body that was read.
pub(super) enum Parsed {
    /// There is none, or nobody asks for it.
    Absent,
    Json(Document),
    Form(Form),
}

impl Parsed {
    /// The body of a request: JSON or a form, and nothing else.
    pub fn request(request: &Request) -> Result<Self, Fault> {
        let body = whole(&request.body)?;
        if body.is_empty() {
            return Ok(Self::Absent);
        }
        if is_json(&request.headers) {
            return Document::parse(&body, Limits::default())
                .map(Self::Json)
                .map_err(|error| Fault::new(&codes::INVALID_JSON).caused_by(error));
        }
        if is_form(&request.headers) {
            return Form::parse(&body)
                .map(Self::Form)
                .map_err(|error| Fault::new(&codes::INVALID_FORM).caused_by(error));
        }
        Err(Fault::new(&codes::UNSUPPORTED_MEDIA_TYPE))
    }

    /// The body of an answer. One that says it is JSON and is not, is refused; one of another type,
    /// an error page of a load balancer for instance, has no fields.
    pub fn answer(answer: &Answer) -> Result<Self, Fault> {
        let body = whole(&answer.body)?;
        if body.is_empty() || !is_json(&answer.headers) {
            return Ok(Self::Absent);
        }
        Document::parse(&body, Limits::default())
            .map(Self::Json)
            .map_err(|error| Fault::new(&codes::UPSTREAM_INVALID_ANSWER).caused_by(error))
    }

    /// The JSON document, if it is one.
    pub fn document(&self) -> Option<&Document> {
        match self {
            Self::Json(document) => Some(document),
            Self::Absent | Self::Form(_) => None,
        }
    }

    /// The variables with this as `body`.
    pub fn supply<'e>(&'e self, variables: ExchangeVariables<'e>) -> ExchangeVariables<'e> {
        match self {
            Self::Absent => variables,
            Self::Json(document) => variables.with_json(document),
            Self::Form(form) => variables.with_form(form),
        }
    }
}

fn whole(body: &Body) -> Result<bytes::Bytes, Fault> {
    body.whole().ok_or_else(|| {
        Fault::new(&codes::INTERNAL).caused_by("a body was streamed past a plugin that reads it")
    })
}
