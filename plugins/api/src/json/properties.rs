//! What must hold for any JSON: the parser against `serde_json`, splicing against editing in memory.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn document(text: &str) -> Document {
    Document::parse(&Bytes::copy_from_slice(text.as_bytes()), Limits::default()).unwrap()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"\\\\\u{e9}]{0,3}", inner, 0..6)
                .prop_map(|members| Value::from(serde_json::Map::from_iter(members))),
        ]
    })
}

fn text_of(value: &Value, pretty: bool) -> String {
    if pretty { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() }
}

/// Every value of a document as `serde_json` reads it.
fn rebuilt(value: ValueRef<'_>) -> Value {
    match value.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => json!(value.as_bool().unwrap()),
        Kind::Number => serde_json::from_str(value.number_text().unwrap()).unwrap(),
        Kind::String => json!(value.as_str().unwrap()),
        Kind::Array => Value::from(value.elements().map(rebuilt).collect::<Vec<_>>()),
        Kind::Object => value
            .members()
            .map(|member| (member.name.into_owned(), rebuilt(member.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

/// Walks to the value that `choices` picks, in both trees at once.
fn pick<'a>(document: &'a Document, choices: &[prop::sample::Index]) -> (ValueRef<'a>, FieldPath) {
    let (mut value, mut at) = (document.root(), FieldPath::root());
    for choice in choices {
        let children: Vec<(Segment, ValueRef<'a>)> = match value.kind() {
            Kind::Array => {
                value.elements().enumerate().map(|(i, v)| (Segment::Index(i), v)).collect()
            }
            _ => value.members().map(|m| (Segment::Name(m.name.into_owned()), m.value)).collect(),
        };
        if children.is_empty() {
            break;
        }
        let (segment, child) = children[choice.index(children.len())].clone();
        at = at.join(segment);
        value = child;
    }
    (value, at)
}

fn locate<'v>(root: &'v mut Value, at: &FieldPath) -> &'v mut Value {
    at.segments().iter().fold(root, |value, segment| match segment {
        Segment::Name(name) => &mut value[name.as_str()],
        Segment::Index(index) => &mut value[*index],
        Segment::Every => unreachable!("paths here name one value"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn reads_what_serde_json_wrote(value in any_json(), pretty: bool) {
        let body = document(&text_of(&value, pretty));
        prop_assert_eq!(rebuilt(body.root()), value);
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_valid(
        value in any_json(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = value.to_string().into_bytes();
        for (place, byte) in damage {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        let theirs = serde_json::from_slice::<Value>(&bytes);
        match Document::parse(&Bytes::from(bytes), Limits::default()) {
            Ok(body) => match theirs {
                Ok(value) => prop_assert_eq!(rebuilt(body.root()), value),
                Err(error) => prop_assert!(error.to_string().contains("out of range"), "{}", error),
            },
            Err(error) => prop_assert!(
                theirs.is_err() || error.fault == JsonFault::DuplicateMember,
                "{}", error
            ),
        }
    }

    #[test]
    fn agrees_with_serde_json_on_arbitrary_bytes(
        bytes in prop::collection::vec(
            prop_oneof![prop::sample::select(b"{}[]\":,\\u0123dDe.-+ntrfalse \n".to_vec()), any::<u8>()],
            0..24,
        ),
    ) {
        let theirs = serde_json::from_slice::<Value>(&bytes);
        match Document::parse(&Bytes::from(bytes), Limits::default()) {
            Ok(_) => prop_assert!(theirs.map_or_else(|e| e.to_string().contains("out of range"), |_| true)),
            Err(error) => prop_assert!(theirs.is_err() || error.fault == JsonFault::DuplicateMember),
        }
    }

    #[test]
    fn a_spliced_edit_is_the_edit_made_in_memory(
        value in any_json(),
        new in any_json(),
        pretty: bool,
        kind in 0..3u8,
        choices in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let body = document(&text_of(&value, pretty));
        let (target, at) = pick(&body, &choices);
        let fragment = Fragment::parse(&Bytes::from(text_of(&new, pretty)), Limits::default()).unwrap();
        let mut expected = value.clone();
        let mut edits = Edits::new(&body);
        match (kind, at.split_last(), target.kind()) {
            (0, Some((last, parent)), _) => {
                edits.remove(target).unwrap();
                match (locate(&mut expected, &parent), last) {
                    (Value::Object(members), Segment::Name(name)) => { members.remove(&name); }
                    (Value::Array(elements), Segment::Index(index)) => { elements.remove(index); }
                    _ => unreachable!("a parent is a container"),
                }
            }
            (1, _, Kind::Object) => {
                edits.insert(target, "brand new", fragment).unwrap();
                locate(&mut expected, &at)["brand new"] = new;
            }
            (1, _, Kind::Array) => {
                edits.append(target, fragment).unwrap();
                locate(&mut expected, &at).as_array_mut().unwrap().push(new);
            }
            _ => {
                edits.replace(target, fragment).unwrap();
                *locate(&mut expected, &at) = new;
            }
        }
        let spliced = document(std::str::from_utf8(&edits.finish().unwrap()).unwrap());
        prop_assert_eq!(rebuilt(spliced.root()), expected);
    }

    #[test]
    fn any_name_survives_a_path_and_a_string_literal(name in any::<String>()) {
        let at = FieldPath::root().join(Segment::Name(name.clone()));
        prop_assume!(at.to_string().len() <= 1_024);
        prop_assert_eq!(&at.to_string().parse::<FieldPath>().unwrap(), &at);
        prop_assert_eq!(serde_json::from_str::<String>(&encode_string(&name)).unwrap(), name);
    }
}
