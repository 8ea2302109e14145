//! The answer that comes back in place of the provider's.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use tollgate_api::{
    Answer, Body, Fault, codes,
    expression::{Expression, Variables},
};

use super::{
    blame::{self, Failure},
    outgoing::{self, JSON},
    tree::Node,
};

/// A rule whose settings were checked.
pub(super) struct AnswerRule {
    pub when: Option<Expression>,
    pub status: Option<StatusCode>,
    pub headers: Vec<(HeaderName, Expression)>,
    pub body: Option<Node>,
}

/// Shapes an answer by the first rule that takes it.
pub(super) fn shape<'r>(
    rules: impl IntoIterator<Item = &'r AnswerRule>,
    answer: &Answer,
    variables: &dyn Variables,
    most: usize,
) -> Result<Answer, Fault> {
    for rule in rules {
        if blame::applies(rule.when.as_ref(), variables).map_err(blame::answer)? {
            return rule.shape(answer, variables, most).map_err(blame::answer);
        }
    }
    Err(Fault::new(&codes::UPSTREAM_INVALID_ANSWER).caused_by("none of `answers` takes the answer"))
}

impl AnswerRule {
    fn shape(
        &self,
        answer: &Answer,
        variables: &dyn Variables,
        most: usize,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        let mut body = Body::Empty;
        if let Some(node) = &self.body {
            let mut text = String::new();
            if node.write(&mut text, variables, most)? {
                headers.insert(http::header::CONTENT_TYPE, JSON);
                body = Body::Held(Bytes::from(text));
            }
        }
        outgoing::set_headers(&mut headers, &self.headers, variables)?;
        let status = match self.status {
            Some(status) => status,
            None if body != Body::Empty && is_bodiless(answer.status) => StatusCode::OK,
            None => answer.status,
        };
        Ok(Answer { status, headers, body, origin: answer.origin })
    }

    /// Every expression of the rule.
    pub fn expressions(&self) -> Vec<&Expression> {
        let body = self.body.iter().flat_map(Node::expressions);
        let headers = self.headers.iter().map(|(_, value)| value);
        self.when.iter().chain(headers).chain(body).collect()
    }
}

/// Whether an answer of this status has no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
pub(super) fn is_bodiless(status: StatusCode) -> bool {
    matches!(status.as_u16(), 204 | 205 | 304)
}
