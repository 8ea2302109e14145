//! Nested parameters: `metadata[order_id]=1`, `expand[]=latest_charge`, `types[0]=card`.

use serde_json::{Map, Value};

use super::refused::Refused;
use crate::sandbox::http::form_decoded;

/// The parameters of a form or a query as a tree of texts, lists and objects.
pub(super) fn tree(text: &str) -> Result<Map<String, Value>, Refused> {
    let mut root = Value::Object(Map::new());
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (form_decoded(name), form_decoded(value)) else {
            return Err(Refused::invalid("A parameter is not percent-encoded UTF-8."));
        };
        let wrong =
            || Refused::parameter(&name, "parameter_unknown", format!("Invalid param: {name}"));
        let path = path(&name).ok_or_else(wrong)?;
        insert(&mut root, &path, value).ok_or_else(wrong)?;
    }
    match root {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// `a[b][]` as `a`, `b` and nothing.
fn path(name: &str) -> Option<Vec<&str>> {
    let (first, rest) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    let mut path = vec![first];
    let mut rest = rest;
    while !rest.is_empty() {
        let (part, others) = rest.strip_prefix('[')?.split_once(']')?;
        path.push(part);
        rest = others;
    }
    (!first.is_empty() && path.len() <= DEEPEST).then_some(path)
}

/// `None` if something stands there already, or something of another kind.
fn insert(at: &mut Value, path: &[&str], value: String) -> Option<()> {
    let Some((part, rest)) = path.split_first() else {
        let free = at.is_null();
        *at = Value::String(value);
        return free.then_some(());
    };
    if part.is_empty() || part.bytes().all(|byte| byte.is_ascii_digit()) && !at.is_object() {
        if at.is_null() {
            *at = Value::Array(Vec::new());
        }
        let list = at.as_array_mut()?;
        if !rest.is_empty() || list.len() >= MOST {
            return None;
        }
        list.push(Value::String(value));
        return Some(());
    }
    if at.is_null() {
        *at = Value::Object(Map::new());
    }
    let members = at.as_object_mut()?;
    if members.len() >= MOST {
        return None;
    }
    insert(members.entry((*part).to_owned()).or_insert(Value::Null), rest, value)
}

const DEEPEST: usize = 6;
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_with_brackets_make_a_tree() {
        let text =
            "amount=500&metadata%5Border_id%5D=a+b&metadata[x]=%26&expand[]=a&expand[]=b&t[0]=c";
        let expected = json!({
            "amount": "500", "metadata": { "order_id": "a b", "x": "&" },
            "expand": ["a", "b"], "t": ["c"],
        });
        assert_eq!(Value::Object(tree(text).unwrap()), expected, "as it is meant");
        for (text, what) in [
            ("a=1&a=2", "twice"),
            ("a[b]=1&a[b]=2", "twice inside"),
            ("a=1&a[b]=2", "two kinds"),
            ("a[]=1&a[b]=2", "a list and an object"),
            ("a[b=1", "an open bracket"),
            ("[a]=1", "no name"),
            ("a[b][c][d][e][f][g]=1", "too deep"),
            ("a=%ff", "no UTF-8"),
        ] {
            assert!(tree(text).is_err(), "{what}");
        }
    }
}
