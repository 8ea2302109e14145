//! The configuration in effect, as operators may see it.

use serde_json::Value;

use crate::config::schema::Config;

/// Defaults filled in, secrets as the references they are. A literal under a name that usually
/// holds a credential is hidden as well.
pub(super) fn effective(config: &Config) -> Value {
    let mut value = serde_json::to_value(config).unwrap_or(Value::Null);
    hide(&mut value);
    value
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if member.is_string() && is_credential(name) {
                    *member = Value::String("(redacted)".to_owned());
                } else {
                    hide(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "password", "secret", "api-key", "api_key", "apikey", "token"]
        .iter()
        .any(|word| {
            name == *word
                || name.ends_with(&format!("-{word}"))
                || name.ends_with(&format!("_{word}"))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_that_look_like_credentials_are_hidden_and_references_are_not() {
        let mut value = json!({"set": {"Authorization": "Bearer x", "X-Api-Key": "k", "X-Other": "v"}, "token": {"env": "TOKEN"}});
        hide(&mut value);
        assert_eq!(
            value,
            json!({"set": {"Authorization": "(redacted)", "X-Api-Key": "(redacted)", "X-Other": "v"}, "token": {"env": "TOKEN"}}),
        );
    }
}
