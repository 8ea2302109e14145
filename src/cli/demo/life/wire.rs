//! Reads and prints documents: answers, events, and what twins remember of the wire.

use serde_json::{Value, json};

use super::{
    super::page::{Page, shortened},
    channel::Channel,
};

/// What stands at this pointer (RFC 6901), null if nothing does.
pub(super) fn at<'a>(document: &'a Value, pointer: &str) -> &'a Value {
    document.pointer(pointer).unwrap_or(&Value::Null)
}

/// The text at this pointer, empty if there is none.
pub(super) fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    at(document, pointer).as_str().unwrap_or_default()
}

/// The list at this pointer, empty if there is none.
pub(super) fn list<'a>(document: &'a Value, pointer: &str) -> &'a [Value] {
    at(document, pointer).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether a document has these members.
pub(super) fn has(document: &Value, members: &[(&str, &str)]) -> bool {
    members.iter().all(|(name, value)| document.get(*name) == Some(&json!(value)))
}

/// The value of a header field of a message, empty if it is not there.
pub(super) fn field<'a>(message: &'a Value, name: &str) -> &'a str {
    let fields = list(message, "/headers").iter();
    let mut own = fields.filter(|field| text(field, "/0") == name);
    own.next().map_or("", |field| text(field, "/1"))
}

/// A field of a form, as it stands there; empty if it does not.
pub(super) fn form_field<'a>(form: &'a str, name: &str) -> &'a str {
    let mut fields = form.split('&').filter_map(|field| field.split_once('='));
    fields.find(|(other, _)| *other == name).map_or("", |(_, value)| value)
}

/// Prints a request as it reached a provider.
pub(super) fn show(page: &mut Page, channel: &Channel, request: &Value) {
    let line = format!("{} {}", text(request, "/method"), text(request, "/target"));
    page.note(&format!("{} got", channel.provider), &shortened(&line, WIDTH));
    let proof = shortened(field(request, "authorization"), channel.scheme.len() + PROOF);
    page.note("", &format!("authorization: {proof}"));
    page.note("", &shortened(text(request, "/body"), WIDTH));
}

/// Characters of a line of the wire.
const WIDTH: usize = 240;
/// Characters of a proof that are printed, after its scheme.
const PROOF: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_null_or_empty() {
        let message = json!({ "headers": [["a", "1"], ["b", "2"]], "n": { "t": "x" } });
        assert_eq!((field(&message, "b"), field(&message, "c")), ("2", ""), "by name");
        assert_eq!((text(&message, "/n/t"), text(&message, "/n/u/v")), ("x", ""), "by pointer");
        assert!(
            list(&message, "/n").is_empty() && at(&message, "/m").is_null(),
            "no list, nothing"
        );
        assert!(has(&message["n"], &[("t", "x")]) && !has(&message["n"], &[("t", "y")]), "members");
        assert_eq!(
            (form_field("a=1&b=%2B", "b"), form_field("a=1", "b")),
            ("%2B", ""),
            "of a form"
        );
    }
}
