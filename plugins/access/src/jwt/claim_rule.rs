//! What a claim must be.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

/// The one value a claim must have, or a list of values of which it must have one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ClaimRule(Value);

/// Why a rule cannot be used.
pub(super) const EXPECTED: &str =
    "expected a text, an integer or a boolean, or a list of at least one of these";

impl ClaimRule {
    /// The values that are allowed; `None` when the rule holds something that is not compared
    /// exactly: a decimal number, an object, nothing at all.
    pub(super) fn allowed(self) -> Option<Vec<Value>> {
        let allowed = match self.0 {
            Value::Array(values) => values,
            value => vec![value],
        };
        (!allowed.is_empty() && allowed.iter().all(is_exact)).then_some(allowed)
    }
}

/// Whether a claim has an allowed value. A list has it when one of its elements does.
pub(super) fn satisfies(claim: &Value, allowed: &[Value]) -> bool {
    match claim {
        Value::Array(values) => values.iter().any(|value| allowed.contains(value)),
        value => allowed.contains(value),
    }
}

fn is_exact(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Bool(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

impl JsonSchema for ClaimRule {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ClaimRule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer", "boolean", "array"],
            "items": { "type": ["string", "integer", "boolean"] },
            "minItems": 1
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_values_that_compare_exactly_may_be_required() {
        for rule in [json!("a"), json!(7), json!(true), json!(["a", 7, false])] {
            assert!(ClaimRule(rule.clone()).allowed().is_some(), "{rule} is a rule");
        }
        for rule in [json!(1.5), json!(null), json!({}), json!([]), json!([["a"]]), json!([null])] {
            assert!(ClaimRule(rule.clone()).allowed().is_none(), "{rule} is no rule");
        }
    }

    #[test]
    fn a_claim_has_an_allowed_value_or_holds_one_and_types_never_mix() {
        let allowed = [json!("gold"), json!(7)];
        for claim in [json!("gold"), json!(7), json!(["silver", "gold"])] {
            assert!(satisfies(&claim, &allowed), "{claim} satisfies");
        }
        for claim in
            [json!("silver"), json!("7"), json!(7.0), json!(["silver"]), json!([]), json!(null)]
        {
            assert!(!satisfies(&claim, &allowed), "{claim} does not satisfy");
        }
        assert!(
            !satisfies(&json!(9_007_199_254_740_993_u64), &[json!(9_007_199_254_740_992_u64)]),
            "large integers are not rounded"
        );
    }
}
