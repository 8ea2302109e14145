//! What the parser accepts, what paths find, and that splicing changes nothing else.

use bytes::Bytes;

use super::*;

fn document(text: &str) -> Document {
    Document::parse(&Bytes::copy_from_slice(text.as_bytes()), Limits::default()).unwrap()
}

fn refusal(text: &[u8]) -> JsonError {
    Document::parse(&Bytes::copy_from_slice(text), Limits::default()).unwrap_err()
}

fn path(text: &str) -> FieldPath {
    text.parse().unwrap()
}

#[test]
fn what_is_not_strict_json_is_refused_where_it_breaks() {
    let cases: &[(&[u8], usize, JsonFault)] = &[
        (b"", 0, JsonFault::UnexpectedEnd),
        (b"  ", 2, JsonFault::UnexpectedEnd),
        (b"{", 1, JsonFault::UnexpectedEnd),
        (b"{\"a\"", 4, JsonFault::UnexpectedEnd),
        (b"{\"a\":1,}", 7, JsonFault::UnexpectedCharacter),
        (b"[1,]", 3, JsonFault::UnexpectedCharacter),
        (b"[1 2]", 3, JsonFault::UnexpectedCharacter),
        (b"[1}", 2, JsonFault::UnexpectedCharacter),
        (b"{'a':1}", 1, JsonFault::UnexpectedCharacter),
        (b"{a:1}", 1, JsonFault::UnexpectedCharacter),
        (b"tru", 0, JsonFault::UnexpectedCharacter),
        (b"NaN", 0, JsonFault::UnexpectedCharacter),
        (b"/**/1", 0, JsonFault::UnexpectedCharacter),
        (b"1 1", 2, JsonFault::TrailingData),
        (b"{}x", 2, JsonFault::TrailingData),
        (b"\"\xff\"", 1, JsonFault::NotUtf8),
        (b"\"\xed\xa0\x80\"", 1, JsonFault::NotUtf8),
        (b"\xef\xbb\xbf{}", 0, JsonFault::ByteOrderMark),
        (b"\"a\nb\"", 2, JsonFault::ControlCharacter),
        (b"\"a\0b\"", 2, JsonFault::ControlCharacter),
        (b"\"\\x41\"", 1, JsonFault::InvalidEscape),
        (b"\"\\u00g0\"", 1, JsonFault::InvalidEscape),
        (b"\"\\u+123\"", 1, JsonFault::InvalidEscape),
        (b"\"\\u00\"", 1, JsonFault::InvalidEscape),
        (b"\"\\ud800\"", 1, JsonFault::LoneSurrogate),
        (b"\"\\udc00\"", 1, JsonFault::LoneSurrogate),
        (b"\"\\ud800\\u0041\"", 1, JsonFault::LoneSurrogate),
        (b"\"abc", 4, JsonFault::UnexpectedEnd),
        (b"01", 0, JsonFault::InvalidNumber),
        (b"-", 0, JsonFault::InvalidNumber),
        (b"1.", 0, JsonFault::InvalidNumber),
        (b"1e", 0, JsonFault::InvalidNumber),
        (b"1e+", 0, JsonFault::InvalidNumber),
        (b"+1", 0, JsonFault::UnexpectedCharacter),
        (b".5", 0, JsonFault::UnexpectedCharacter),
        (b"{\"a\":1,\"a\":2}", 7, JsonFault::DuplicateMember),
        (b"{\"a\":1,\"\\u0061\":2}", 7, JsonFault::DuplicateMember),
        (b"[{\"x\":{\"a\":[],\"a\":2}}]", 14, JsonFault::DuplicateMember),
    ];
    for (text, offset, reason) in cases {
        let error = refusal(text);
        let shown = String::from_utf8_lossy(text);
        assert_eq!((error.offset, error.fault), (*offset, *reason), "for {shown}");
    }
}

#[test]
fn depth_members_values_and_number_length_are_bounded() {
    let limits = Limits { depth: 2, members: 3, values: 6 };
    let parse = |text: &str| {
        Document::parse(&Bytes::copy_from_slice(text.as_bytes()), limits).map_err(|e| e.fault)
    };
    assert!(parse("[[1]]").is_ok(), "the depth itself is allowed");
    assert_eq!(parse("[[[1]]]").unwrap_err(), JsonFault::TooDeep, "one deeper is not");
    assert!(parse("[1,2,3]").is_ok(), "as many members as allowed");
    assert_eq!(parse("[1,2,3,4]").unwrap_err(), JsonFault::TooManyMembers, "one more");
    assert_eq!(parse("[[],[],[],[]]").unwrap_err(), JsonFault::TooManyMembers, "containers count");
    assert_eq!(parse("[[1,2],[3,4]]").unwrap_err(), JsonFault::TooManyValues, "seven values");
    assert_eq!(refusal("1".repeat(257).as_bytes()).fault, JsonFault::NumberTooLong, "long number");
    let deep = "[".repeat(1_000_000);
    assert_eq!(refusal(deep.as_bytes()).fault, JsonFault::TooDeep, "no recursion to exhaust");
}

#[test]
fn errors_and_debug_never_quote_the_body() {
    let secret = "4111111111111111";
    let error = refusal(format!("{{\"{secret}\":{secret}x}}").as_bytes());
    assert!(!format!("{error} {error:?}").contains("4111"), "the error shows no data");
    let body = document(&format!("{{\"n\":\"{secret}\"}}"));
    let shown = format!("{body:?} {:?} {:?}", body.root(), Fragment::of(body.root()));
    assert!(!shown.contains("4111"), "Debug shows no data: {shown}");
}

#[test]
fn values_are_read_with_their_spans() {
    let text = r#" {"a" : "x\u00e9\n", "b":[1, -0.50e2, true,null] , "c":{}} "#;
    let body = document(text);
    let root = body.root();
    assert_eq!(root.kind(), Kind::Object, "the root");
    let a = root.get("a").unwrap();
    assert_eq!(a.as_str().unwrap(), "xé\n", "unescaped");
    assert_eq!(a.raw(), r#""x\u00e9\n""#, "as written");
    assert_eq!(&text[a.span()], a.raw(), "the span is the text");
    let b = root.get("b").unwrap();
    assert_eq!(b.at(0).unwrap().as_i64(), Some(1), "an integer");
    assert_eq!(b.at(1).unwrap().number_text(), Some("-0.50e2"), "a number keeps its text");
    assert_eq!(b.at(1).unwrap().as_i64(), None, "and is no integer");
    assert_eq!(b.at(2).unwrap().as_bool(), Some(true), "a boolean");
    assert!(b.at(3).unwrap().is_null(), "null");
    assert!(b.at(4).is_none(), "beyond the end");
    assert_eq!(root.get("c").unwrap().members().count(), 0, "an empty object");
    let names: Vec<String> = root.members().map(|member| member.name.into_owned()).collect();
    assert_eq!(names, ["a", "b", "c"], "members in their order");
    let member = root.members().next().unwrap();
    assert_eq!(&text[member.name_span], "\"a\"", "a name has a span too");
}

#[test]
fn only_integers_that_fit_are_integers() {
    for (text, expected) in [
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("1.0", None),
        ("1e2", None),
        ("-0", Some(0)),
        ("\"1\"", None),
    ] {
        assert_eq!(document(text).root().as_i64(), expected, "for {text}");
    }
}

#[test]
fn paths_find_what_they_name() {
    let body = document(r#"{"a":{"b.c":[{"d":1},{"d":2},{"e":3}]},"$":4}"#);
    let one = |text: &str| body.get(&path(text)).map(|value| value.raw().to_owned());
    assert_eq!(one("a[\"b.c\"][1].d").as_deref(), Some("2"), "name, odd name, index, name");
    assert_eq!(one("a.b"), None, "no such member");
    assert_eq!(one("a[0]"), None, "an object has no elements");
    assert_eq!(one("a[\"b.c\"][*].d"), None, "several values are not one");
    assert_eq!(one("[\"$\"]").as_deref(), Some("4"), "a member named like the root");
    assert_eq!(body.get(&path("$")).unwrap().kind(), Kind::Object, "the document itself");
    let all: Vec<_> =
        body.select(&path("a[\"b.c\"][*].d")).iter().filter_map(ValueRef::as_i64).collect();
    assert_eq!(all, [1, 2], "every element that has the member");
}

#[test]
fn paths_are_shown_as_they_are_written() {
    for text in [
        "a",
        "a.b.c",
        "items[0].sku",
        "items[*].x",
        "[\"odd.key\"].a",
        "$",
        "[0]",
        "[\"\"]",
        "$ref",
        "a[\"\\\"\\\\\"]",
        "名前.x",
        "[\"$\"]",
    ] {
        assert_eq!(path(text).to_string(), text, "shown as written");
    }
    assert_eq!(path("a[\"b\"]"), path("a.b"), "two spellings of one path");
    assert!(path("a.b[*]").is_within(&path("a.b")), "an element is inside its array");
    assert!(path("a[3]").is_within(&path("a[*]")), "an index is one of all");
    assert!(!path("a").is_within(&path("a.b")), "an object is not inside its member");
}

#[test]
fn what_is_no_path_is_refused_where_it_breaks() {
    for (text, offset) in [
        ("", 0),
        (".", 0),
        ("a.", 2),
        ("a..b", 2),
        (".a", 0),
        ("a[", 2),
        ("a[]", 2),
        ("a[x]", 2),
        ("a[01]", 2),
        ("a[-1]", 2),
        ("a[1", 3),
        ("a[99999999999]", 2),
        ("a[\"x]", 2),
        ("a[\"x\"", 5),
        ("a[\"\\q\"]", 2),
        ("a b", 1),
        ("a]", 1),
        ("a[0]b", 4),
        ("*", 0),
    ] {
        let error = text.parse::<FieldPath>().unwrap_err();
        assert_eq!(error.offset, offset, "for {text:?}: {error}");
    }
    assert!("a".repeat(1_025).parse::<FieldPath>().is_err(), "too long");
    assert!(format!("a{}", ".a".repeat(64)).parse::<FieldPath>().is_err(), "too many steps");
}

#[test]
fn edits_leave_every_other_byte_alone() {
    let text = "{ \"a\" : 1.00 ,\n \"b\": [ 1 , 2,3 ] , \"c\" : { \"d\": \"x\" } }\n";
    let body = document(text);
    let edit = |make: &dyn Fn(&mut Edits<'_>)| {
        let mut edits = Edits::new(&body);
        make(&mut edits);
        String::from_utf8(edits.finish().unwrap().to_vec()).unwrap()
    };
    let at = |text: &str| body.get(&path(text)).unwrap();
    assert_eq!(edit(&|_| ()), text, "no edit, no change");
    assert_eq!(
        edit(&|edits| edits.replace(at("c.d"), Fragment::string("\"")).unwrap()),
        text.replace("\"x\"", "\"\\\"\""),
        "a value replaced"
    );
    assert_eq!(
        edit(&|edits| edits.remove(at("a")).unwrap()),
        text.replace("\"a\" : 1.00 ,\n ", ""),
        "the first member removed with its comma"
    );
    assert_eq!(
        edit(&|edits| edits.remove(at("c")).unwrap()),
        text.replace(" , \"c\" : { \"d\": \"x\" }", ""),
        "the last member removed with the comma before it"
    );
    assert_eq!(
        edit(&|edits| edits.remove(at("b[1]")).unwrap()),
        text.replace(" , 2,3", ",3"),
        "a middle element removed"
    );
    assert_eq!(
        edit(&|edits| {
            for place in ["b[0]", "b[1]", "b[2]"] {
                edits.remove(at(place)).unwrap();
            }
            edits.append(at("b"), Fragment::integer(9)).unwrap();
        }),
        text.replace("[ 1 , 2,3 ]", "[9 ]"),
        "all elements removed and one added"
    );
    assert_eq!(
        edit(&|edits| edits.put(&path("c.e"), Fragment::bool(true)).unwrap()),
        text.replace("\"x\" }", "\"x\",\"e\":true }"),
        "a member added at the end"
    );
    assert_eq!(
        edit(&|edits| edits.replace(body.root(), Fragment::null()).unwrap()),
        "null\n",
        "the whole document replaced"
    );
}

#[test]
fn edits_that_make_no_sense_are_refused() {
    let body = document(r#"{"a":{"b":1},"c":[]}"#);
    let other = document("{}");
    let at = |text: &str| body.get(&path(text)).unwrap();
    let mut edits = Edits::new(&body);
    assert_eq!(edits.replace(other.root(), Fragment::null()), Err(EditError::Foreign), "foreign");
    assert_eq!(edits.remove(body.root()), Err(EditError::Root), "the root");
    assert_eq!(edits.insert(at("a"), "b", Fragment::null()), Err(EditError::Exists), "exists");
    assert_eq!(edits.insert(at("c"), "x", Fragment::null()), Err(EditError::NotContainer), "array");
    assert_eq!(edits.append(at("a"), Fragment::null()), Err(EditError::NotContainer), "object");
    assert_eq!(edits.put(&path("x.y"), Fragment::null()), Err(EditError::Missing), "no parent");
    assert!(edits.is_empty(), "a refused edit leaves nothing behind");
    edits.insert(at("a"), "n", Fragment::null()).unwrap();
    assert_eq!(edits.insert(at("a"), "n", Fragment::null()), Err(EditError::Exists), "added twice");
    edits.remove(at("a.b")).unwrap();
    edits.insert(at("a"), "b", Fragment::integer(2)).unwrap();
    assert_eq!(edits.remove(at("a.b")), Err(EditError::Overlap), "removed twice");
    assert_eq!(edits.finish().unwrap(), r#"{"a":{"n":null,"b":2},"c":[]}"#, "moved to the end");
    let mut edits = Edits::new(&body);
    edits.replace(at("a"), Fragment::null()).unwrap();
    edits.replace(at("a.b"), Fragment::null()).unwrap();
    assert_eq!(edits.finish(), Err(EditError::Overlap), "an edit inside a replaced value");
}

#[test]
fn fragments_are_always_valid_json() {
    let object = Fragment::object([
        ("a", Fragment::string("\u{1}\"\\\u{2028}é")),
        ("b", Fragment::array([Fragment::null(), Fragment::integer(-1)])),
        ("a", Fragment::bool(false)),
    ]);
    assert_eq!(object.as_str(), r#"{"a":false,"b":[null,-1]}"#, "the last of two counts");
    assert!(Fragment::parse(&Bytes::from_static(b"{"), Limits::default()).is_err(), "checked");
    let parsed = Fragment::parse(&Bytes::from_static(b" 1 "), Limits::default()).unwrap();
    assert_eq!(parsed.as_str(), "1", "without the space around it");
}
