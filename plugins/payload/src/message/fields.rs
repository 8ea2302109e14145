//! Named fields of a JSON body, replaced by splicing.

use std::borrow::Cow;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::{
    SettingError,
    json::{Document, Edits, FieldPath, Fragment, Kind, Limits, Segment, ValueRef},
};

use super::{FieldList, Problem};

/// What is encrypted of a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldValues {
    /// The value as it is written in the document, of any type: a string with its quotes.
    #[default]
    Json,
    /// The text of a string, without quotes. Fields must be strings.
    Text,
}

impl FieldValues {
    /// What is encrypted of this value.
    pub(crate) fn plaintext(self, value: ValueRef<'_>) -> Result<Cow<'_, str>, Problem> {
        match self {
            Self::Json => Ok(Cow::Borrowed(value.raw())),
            Self::Text => value.as_str().ok_or(Problem::Field),
        }
    }

    /// What stands in the document again. Only valid JSON does.
    pub(crate) fn restore(self, plaintext: Vec<u8>) -> Result<Fragment, Problem> {
        match self {
            Self::Json => Fragment::parse(&Bytes::from(plaintext), Limits::default())
                .map_err(Problem::decryption),
            Self::Text => std::str::from_utf8(&plaintext)
                .map(Fragment::string)
                .map_err(|_| Problem::decryption("the plaintext is not text")),
        }
    }
}

/// A list of paths that do not overlap.
#[derive(Debug)]
pub(crate) struct CompiledFields {
    list: FieldList,
    most: usize,
}

impl CompiledFields {
    pub fn new(
        list: FieldList,
        pointer: &str,
        most: usize,
        errors: &mut Vec<SettingError>,
    ) -> Self {
        let paths: Vec<&FieldPath> = list.paths().collect();
        if paths.is_empty() {
            errors.push(SettingError::new(pointer, "expected at least one field"));
        }
        for (index, path) in paths.iter().enumerate() {
            if path.segments().is_empty() {
                errors.push(
                    SettingError::new(pointer, "expected a field, found the whole document")
                        .with_hint("write `scope: body` or `scope: { envelope: … }`"),
                );
            }
            let earlier = paths.get(..index).unwrap_or_default();
            if earlier.iter().any(|other| path.is_within(other) || other.is_within(path)) {
                errors.push(SettingError::new(
                    pointer,
                    format!("`{path}` overlaps with another field"),
                ));
            }
        }
        Self { list, most }
    }

    /// Whether a path leads into one of these fields, or around one.
    pub fn touches(&self, path: &FieldPath) -> bool {
        self.list.paths().any(|own| own.is_within(path) || path.is_within(own))
    }

    /// The values that are named. A required one must be there in every branch of a `[*]`.
    fn find<'a>(&self, document: &'a Document) -> Result<Vec<ValueRef<'a>>, Problem> {
        let mut found = Vec::new();
        for (paths, required) in [(&self.list.required, true), (&self.list.optional, false)] {
            for path in paths {
                walk(document.root(), path.segments(), required, self.most, &mut found)?;
            }
        }
        Ok(found)
    }
}

impl FieldList {
    fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        self.required.iter().chain(&self.optional)
    }
}

/// Puts another value in the place of each named field; every other byte stays.
pub(crate) fn replace_each(
    body: &Bytes,
    fields: &CompiledFields,
    mut replace: impl FnMut(&Document, ValueRef<'_>) -> Result<Fragment, Problem>,
) -> Result<Bytes, Problem> {
    let document = Document::parse(body, Limits::default()).map_err(|_| Problem::Json)?;
    let mut edits = Edits::new(&document);
    for value in fields.find(&document)? {
        let new = replace(&document, value)?;
        edits.replace(value, new).map_err(|_| Problem::Field)?;
    }
    edits.finish().map_err(|_| Problem::Field)
}

/// Recursion is bounded by the length of a path.
fn walk<'a>(
    value: ValueRef<'a>,
    segments: &[Segment],
    required: bool,
    most: usize,
    found: &mut Vec<ValueRef<'a>>,
) -> Result<(), Problem> {
    let missing = if required { Err(Problem::Field) } else { Ok(()) };
    let Some((segment, rest)) = segments.split_first() else {
        if found.len() == most {
            return Err(Problem::Field);
        }
        found.push(value);
        return Ok(());
    };
    let next = match segment {
        Segment::Name(name) => value.get(name),
        Segment::Index(index) => value.at(*index),
        Segment::Every if value.kind() == Kind::Array => {
            return value
                .elements()
                .try_for_each(|element| walk(element, rest, required, most, found));
        }
        Segment::Every => None,
    };
    next.map_or(missing, |next| walk(next, rest, required, most, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(required: &[&str], optional: &[&str]) -> (CompiledFields, Vec<SettingError>) {
        let parse = |paths: &[&str]| paths.iter().map(|path| path.parse().unwrap()).collect();
        let list = FieldList { required: parse(required), optional: parse(optional) };
        let mut errors = Vec::new();
        (CompiledFields::new(list, "/scope/fields", 3, &mut errors), errors)
    }

    fn starred(body: &'static str, required: &[&str], optional: &[&str]) -> Option<String> {
        let (fields, errors) = compiled(required, optional);
        assert_eq!(errors, [], "the paths are accepted");
        replace_each(&Bytes::from_static(body.as_bytes()), &fields, |_, _| {
            Ok(Fragment::string("*"))
        })
        .ok()
        .map(|body| String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn every_named_value_is_replaced_and_every_other_byte_stays() {
        let changed = starred(
            "{ \"a\" : 1.50,\n\"l\":[ {\"n\":{}} , {\"n\":2,\"m\":1e2} ], \"b\":\"\\u0041\" }",
            &["a", "l[*].n"],
            &["none"],
        );
        assert_eq!(
            changed.as_deref(),
            Some(
                "{ \"a\" : \"*\",\n\"l\":[ {\"n\":\"*\"} , {\"n\":\"*\",\"m\":1e2} ], \"b\":\"\\u0041\" }"
            ),
            "spliced"
        );
    }

    #[test]
    fn a_required_field_must_be_there_in_every_branch_and_an_optional_one_need_not() {
        for body in ["{}", "[]", "{\"l\":{}}", "{\"l\":[{\"n\":1},{}]}", "{\"l\":[1]}"] {
            assert_eq!(starred(body, &["l[*].n"], &[]), None, "`{body}` lacks it somewhere");
            assert!(starred(body, &[], &["l[*].n"]).is_some(), "`{body}` need not have it");
        }
        assert_eq!(starred("{\"l\":[]}", &["l[*].n"], &[]).as_deref(), Some("{\"l\":[]}"), "none");
    }

    #[test]
    fn more_values_than_allowed_and_ambiguous_json_are_refused() {
        assert!(starred("[1,1,1]", &["[*]"], &[]).is_some(), "as many as allowed");
        assert_eq!(starred("[1,1,1,1]", &["[*]"], &[]), None, "one more");
        assert_eq!(starred("{\"a\":1,\"a\":2}", &["a"], &[]), None, "two members of one name");
    }

    #[test]
    fn overlapping_paths_no_paths_and_the_whole_document_are_setting_errors() {
        for (required, optional) in [
            (&["a", "a"][..], &[][..]),
            (&["a"], &["a.b"]),
            (&["a[*].b"], &["a[0].b"]),
            (&["$"], &[]),
            (&[], &[]),
        ] {
            let (_, errors) = compiled(required, optional);
            assert!(!errors.is_empty(), "{required:?} and {optional:?} are refused");
        }
    }
}
