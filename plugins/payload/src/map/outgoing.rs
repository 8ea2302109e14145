//! The request that is sent in place of the one that came in.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tollgate_api::{
    Body, Fault, Request,
    expression::{Expression, Variables},
    form,
};

use super::{
    blame::{self, Failure},
    template::Template,
    tree::Node,
};

/// A request whose settings were checked.
pub(super) struct Outgoing {
    pub method: Method,
    pub path: Template,
    pub query: Vec<(String, Expression)>,
    pub headers: Vec<(HeaderName, Expression)>,
    pub body: Option<Content>,
}

/// A body to be written.
pub(super) enum Content {
    Json(Node),
    Form(Vec<(String, Node)>),
}

impl Outgoing {
    /// Builds the request. Host and port stay those that were asked for: they are what is forwarded
    /// about the caller, not where the request goes.
    pub fn build(
        &self,
        incoming: &Request,
        keep: &[HeaderName],
        variables: &dyn Variables,
        most: usize,
    ) -> Result<Request, Fault> {
        self.assemble(incoming, keep, variables, most).map_err(blame::request)
    }

    fn assemble(
        &self,
        incoming: &Request,
        keep: &[HeaderName],
        variables: &dyn Variables,
        most: usize,
    ) -> Result<Request, Failure> {
        let mut headers = HeaderMap::new();
        for name in ALWAYS_KEPT.iter().chain(keep) {
            if !headers.contains_key(name) {
                for value in incoming.headers.get_all(name) {
                    headers.append(name.clone(), value.clone());
                }
            }
        }
        let mut body = Body::Empty;
        if let Some(content) = &self.body
            && let Some(text) = content.write(variables, most)?
        {
            headers.insert(header::CONTENT_TYPE, content.media_type());
            body = Body::Held(Bytes::from(text));
        }
        set_headers(&mut headers, &self.headers, variables)?;
        let path = self.path.expand(variables)?;
        let query = self.query(variables)?;
        if path.len() + query.as_ref().map_or(0, String::len) > LONGEST_TARGET {
            return Err(Failure::TooLarge);
        }
        Ok(Request {
            method: self.method.clone(),
            host: incoming.host.clone(),
            port: incoming.port,
            path,
            query,
            headers,
            body,
        })
    }

    fn query(&self, variables: &dyn Variables) -> Result<Option<String>, Failure> {
        let mut fields = Vec::new();
        for (name, value) in &self.query {
            if let Some(value) = value.evaluate_text(variables)? {
                fields.push((name.as_str(), value));
            }
        }
        let query = form::encode(fields.iter().map(|(name, value)| (*name, value.as_str())));
        Ok(Some(query).filter(|query| !query.is_empty()))
    }

    /// Every expression of the request.
    pub fn expressions(&self) -> Vec<&Expression> {
        let query = self.query.iter().map(|(_, value)| value);
        let headers = self.headers.iter().map(|(_, value)| value);
        let body = match &self.body {
            None => Vec::new(),
            Some(Content::Json(node)) => node.expressions(),
            Some(Content::Form(fields)) => {
                fields.iter().flat_map(|(_, node)| node.expressions()).collect()
            }
        };
        self.path.expressions().chain(query).chain(headers).chain(body).collect()
    }
}

impl Content {
    /// The body; `None` if its expressions give nothing at all.
    fn write(&self, variables: &dyn Variables, most: usize) -> Result<Option<String>, Failure> {
        match self {
            Self::Json(node) => {
                let mut text = String::new();
                Ok(node.write(&mut text, variables, most)?.then_some(text))
            }
            Self::Form(settings) => {
                let mut fields = Vec::new();
                for (name, node) in settings {
                    if let Some(value) = node.text(variables, most)? {
                        fields.push((name.as_str(), value));
                    }
                }
                let text = form::encode(fields.iter().map(|(name, value)| (*name, value.as_str())));
                if text.len() > most {
                    return Err(Failure::TooLarge);
                }
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
        }
    }

    const fn media_type(&self) -> HeaderValue {
        match self {
            Self::Json(_) => JSON,
            Self::Form(_) => FORM,
        }
    }
}

/// Says that JSON is wanted, unless the configuration says something else.
pub(super) fn expect_json(request: &mut Request) {
    request.headers.entry(header::ACCEPT).or_insert(JSON);
}

/// Sets header fields. One whose expression gives nothing is left out; an empty one, or one that is
/// not visible ASCII, is refused, because servers read it in different ways.
pub(super) fn set_headers(
    headers: &mut HeaderMap,
    fields: &[(HeaderName, Expression)],
    variables: &dyn Variables,
) -> Result<(), Failure> {
    for (name, expression) in fields {
        let Some(text) = expression.evaluate_text(variables)? else { continue };
        let plain = text.is_ascii() && !text.is_empty() && text.trim() == text;
        let value = HeaderValue::from_str(&text).ok().filter(|_| plain);
        headers.insert(name.clone(), value.ok_or_else(|| Failure::unfit(expression))?);
    }
    Ok(())
}

/// What says which request this is, to whoever looks for it later.
const ALWAYS_KEPT: [HeaderName; 3] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-request-id"),
];

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// Bytes of path and query together; more is refused by servers.
const LONGEST_TARGET: usize = 8_192;
