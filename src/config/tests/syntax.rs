//! Texts that are not YAML, or more of it than is taken.

use super::complaints;

#[test]
fn a_tab_as_indentation_is_shown() {
    insta::assert_snapshot!(complaints("routes:\n  pay:\n\tlisteners: [a]\n"), @"
    error: a tab cannot be used as indentation
     --> tollgate.yaml:3:1
      |
    3 |     listeners: [a]
      | ^ a tab
      |
      = hint: indent with spaces
    ");
    insta::assert_snapshot!(complaints("routes:\n\tpay: 1\n"), @"
    error: a tab cannot be used as indentation
     --> tollgate.yaml:2:1
      |
    2 |     pay: 1
      | ^ a tab
      |
      = hint: indent with spaces
    ");
}

#[test]
fn an_unclosed_quotation_mark_is_shown_where_it_opens() {
    insta::assert_snapshot!(complaints("admin:\n  address: \"127.0.0.1:1\nroutes: {}\n"), @r#"
    error: a quotation mark is not closed
     --> tollgate.yaml:2:12
      |
    2 |   address: "127.0.0.1:1
      |            ^ opened here
      |
      = hint: close it, or write a quotation mark inside of text as `\"` or `''`
    "#);
}

#[test]
fn an_unclosed_bracket_is_shown_where_it_opens() {
    insta::assert_snapshot!(complaints("routes:\n  pay: { listeners: [a, b\nupstreams: {}\n"), @"
    error: a `:` where none can stand
     --> tollgate.yaml:3:10
      |
    3 | upstreams: {}
      |          ^ here
      |
      = hint: look at the lines above for a missing `: ` or an open bracket; put quotes around text that contains `: `
    ");
}

#[test]
fn a_missing_colon_or_space_is_explained() {
    insta::assert_snapshot!(complaints("routes:\n  pay\n    listeners: [a]\n"), @"
    error: a `:` where none can stand
     --> tollgate.yaml:3:14
      |
    3 |     listeners: [a]
      |              ^ here
      |
      = hint: look at the lines above for a missing `: ` or an open bracket; put quotes around text that contains `: `
    ");
    insta::assert_snapshot!(complaints("admin:\n  address:127.0.0.1\n  token: 1\n"), @"
    error: a `:` where none can stand
     --> tollgate.yaml:3:8
      |
    3 |   token: 1
      |        ^ here
      |
      = hint: look at the lines above for a missing `: ` or an open bracket; put quotes around text that contains `: `
    ");
}

#[test]
fn uneven_indentation_is_explained() {
    insta::assert_snapshot!(complaints("routes:\n    a: 1\n  b: 2\n"), @"
    error: this does not line up with anything above
     --> tollgate.yaml:3:3
      |
    3 |   b: 2
      |   ^ here
      |
      = hint: keys of one mapping, and items of one list, start in the same column
    ");
}

#[test]
fn a_colon_inside_of_plain_text_is_explained() {
    insta::assert_snapshot!(complaints("admin:\n  address: a: b\n"), @"
    error: a `:` where none can stand
     --> tollgate.yaml:2:13
      |
    2 |   address: a: b
      |             ^ here
      |
      = hint: look at the lines above for a missing `: ` or an open bracket; put quotes around text that contains `: `
    ");
}

#[test]
fn reserved_characters_and_unknown_aliases_are_explained() {
    insta::assert_snapshot!(complaints("admin:\n  address: @home\n"), @"
    error: a value cannot start with `@`
     --> tollgate.yaml:2:12
      |
    2 |   address: @home
      |            ^ here
      |
      = hint: put quotes around it
    ");
    insta::assert_snapshot!(complaints("admin:\n  address: *.example\n"), @"
    error: an alias without an anchor
     --> tollgate.yaml:2:12
      |
    2 |   address: *.example
      |            ^ nothing above has this name
      |
      = hint: put quotes around text that starts with `*`
    ");
}

#[test]
fn everything_that_surprises_is_refused_at_once() {
    insta::assert_snapshot!(complaints("routes:\n  404: {}\n  true: {}\n  a: !!str x\n  a: 2\n  <<: {}\n"), @r#"
    error: a key must be text, found the number `404`
     --> tollgate.yaml:2:3
      |
    2 |   404: {}
      |   ^^^ read as a number
      |
      = hint: put quotes around it: `"404"`

    error: a key must be text
     --> tollgate.yaml:3:3
      |
    3 |   true: {}
      |   ^^^^ not text
      |
      = hint: put quotes around it

    error: tags such as `!!str` are not supported
     --> tollgate.yaml:4:12
      |
    4 |   a: !!str x
      |            ^ this value has a tag
      |
      = hint: remove the tag; put quotes around what must be read as text

    error: `a` is defined twice
     --> tollgate.yaml:5:3
      |
    4 |   a: !!str x
      |   - first defined here
    5 |   a: 2
      |   ^ defined again here

    error: merge keys are not supported
     --> tollgate.yaml:6:3
      |
    6 |   <<: {}
      |   ^^ a YAML 1.1 merge key
      |
      = hint: repeat the settings, or the whole value with an alias
    "#);
    insta::assert_snapshot!(complaints("a: 1\n---\nb: 2\n"), @"
    error: a file holds one document
     --> tollgate.yaml:2:1
      |
    2 | ---
      | ^^^ a second one starts here
      |
      = hint: put it into a file of its own in a configuration folder
    ");
    insta::assert_snapshot!(complaints("%YAML 1.2\n---\na: 1\n"), @"
    error: directives are not supported
     --> tollgate.yaml:1:1
      |
    1 | %YAML 1.2
      | ^ here
      |
      = hint: remove the line that starts with `%`
    ");
    insta::assert_snapshot!(complaints("? [a, b]\n: 1\n"), @"
    error: a key must be text
     --> tollgate.yaml:1:3
      |
    1 | ? [a, b]
      |   ^ this is a collection
    ");
    insta::assert_snapshot!(complaints("- a\n- b\n"), @"
    error: a configuration is a mapping of settings
     --> tollgate.yaml:1:3
      |
    1 | - a
      |   ^ this is not a mapping
      |
      = hint: it starts with a line such as `listeners:`
    ");
}

#[test]
fn a_document_is_bounded_in_depth_and_in_what_aliases_make_of_it() {
    let deep = format!("a: {}{}", "[".repeat(70), "]".repeat(70));
    assert!(complaints(&deep).contains("too deep here"), "brackets: {}", complaints(&deep));
    let block: Vec<String> = (0..70).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let block = block.concat();
    assert!(complaints(&block).contains("too deep here"), "blocks: {}", complaints(&block));
    let mut laughs = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned()];
    for level in 1..9 {
        let repeated = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push(format!("a{level}: &a{level} [{repeated}]\n"));
    }
    let complaint = complaints(&laughs.concat());
    assert!(complaint.contains("more than 200000 values"), "a billion laughs: {complaint}");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1_000].join(", "));
    assert!(complaints(&long).contains("more than 200000 values"), "long texts count for more");
    let itself = complaints("a: &a [*a]\n");
    assert!(itself.contains("within its own anchor"), "no cycles: {itself}");
}
