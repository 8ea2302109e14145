//! The settings of `map`. The comments on the fields are the user documentation.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use tollgate_api::{
    Build, Built, Role, Settings, Sides,
    expression::{Expression, Scope},
    setting::{ByteSize, HeaderName},
};

use super::Tree;

/// Makes another request of the one that came in, and another answer of the one that comes back,
/// by expressions.
///
/// On an upstream it turns the institution's one API into this provider's, and the provider's
/// answers back into one shape; it stands before the plugin that signs. On a route it turns what
/// the caller sends, a provider's notification for instance, into one event; it stands behind the
/// plugin that verifies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// What a request may ask for, tried in this order: the first whose `when` holds takes it.
    #[schemars(length(min = 1, max = 200))]
    pub operations: Vec<OperationSettings>,

    /// What answers become that none of the rules of their own operation takes: what a provider
    /// says when it refuses, for instance.
    #[serde(default)]
    pub answers: Vec<AnswerSettings>,

    /// What becomes of a request that no operation takes: `refuse` answers 422
    /// `operation_unsupported`, `pass` sends it on as it came.
    #[serde(default)]
    pub otherwise: Otherwise,

    /// Header fields of the request that go on with the new one. All others stay behind, but for
    /// `traceparent`, `tracestate` and `x-request-id`.
    #[serde(default)]
    pub keep_headers: Vec<HeaderName>,

    /// Size of a body that is written, at most.
    #[serde(default = "max_body")]
    pub max_body: ByteSize,
}

/// What becomes of a request that no operation takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MapOtherwise")]
pub enum Otherwise {
    /// It is refused.
    #[default]
    Refuse,
    /// It is sent on as it came.
    Pass,
}

/// One operation: which requests it takes, what they become, and what their answers become.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MapOperation")]
pub struct OperationSettings {
    /// Which requests: `route == "create-payment"`. Without it, every request. A field that is
    /// missing makes it untrue.
    pub when: Option<Expression>,

    /// What must hold of such a request. Where one does not, the request is refused with 422
    /// `field_invalid`, which names the fields that the expression reads.
    #[serde(default)]
    pub require: Vec<Expression>,

    /// The request that is sent instead.
    pub request: Option<RequestSettings>,

    /// In place of `request`: the provider cannot do this. The request is refused with 422
    /// `operation_unsupported`, and this sentence is the `detail` that the caller reads.
    #[schemars(length(min = 1, max = 500))]
    pub unsupported: Option<String>,

    /// What answers become, tried in this order, before the `answers` for all operations: the
    /// first whose `when` holds shapes the answer. An answer that none of them takes is refused with
    /// 502 `upstream_invalid_answer`. Without any, here and there, answers pass as they come.
    #[serde(default)]
    pub answers: Vec<AnswerSettings>,
}

/// A request to be sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MapRequest")]
pub struct RequestSettings {
    /// The method.
    pub method: MethodSetting,

    /// The path. An expression in braces is one path segment or a part of one, percent-encoded:
    /// `/v3/pay/transactions/out-trade-no/{body.order_id}`. One that is empty, `.` or `..` is
    /// refused.
    #[schemars(length(min = 1, max = 2_048))]
    pub path: String,

    /// Parameters of the query, encoded by the gateway.
    #[serde(default)]
    pub query: BTreeMap<String, Expression>,

    /// Header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, Expression>,

    /// The body. Without it there is none.
    pub body: Option<BodySettings>,
}

/// Methods of requests that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(rename = "MapMethod")]
pub enum MethodSetting {
    /// Reads.
    Get,
    /// Creates, or does.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

/// The body of a request that is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MapBody")]
pub enum BodySettings {
    /// JSON, `application/json`.
    Json(Tree<false>),
    /// A form, `application/x-www-form-urlencoded`: an expression for each field, or
    /// `{ $json: … }` for one whose text is JSON.
    Form(BTreeMap<String, Tree<false>>),
}

/// What an answer becomes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MapAnswer")]
pub struct AnswerSettings {
    /// Which answers: `answer.status == 200`. Without it, every answer. A field that is missing
    /// makes it untrue.
    pub when: Option<AnswerExpression>,

    /// The status. Default: the provider's, or 200 if that one cannot have a body.
    #[schemars(range(min = 200, max = 599))]
    pub status: Option<u16>,

    /// Header fields. None of the provider's own go on.
    #[serde(default)]
    pub headers: BTreeMap<String, AnswerExpression>,

    /// The body. Without it there is none.
    pub body: Option<AnswerBodySettings>,
}

/// The body of an answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MapAnswerBody")]
pub struct AnswerBodySettings {
    /// JSON, `application/json`.
    pub json: Tree<true>,
}

/// An expression that may name `answer`: its `status`, `headers` and `body`. `request` and `body`
/// are the request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerExpression(pub Expression);

impl<'de> Deserialize<'de> for AnswerExpression {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(source)?;
        Expression::compile_in(&text, Scope::Answer).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for AnswerExpression {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnswerExpression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "answer-expression" })
    }
}

impl Settings for Map {
    const KIND: &'static str = "map";
    const SIDES: Sides = Sides::Both;
    const ROLE: Role = Role::Transform;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(self, build: &mut Build<'_>) -> Built {
        super::build::plugin(self, build)
    }
}

fn max_body() -> ByteSize {
    ByteSize::from_bytes(1 << 20)
}
