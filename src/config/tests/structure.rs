//! Documents that do not fit the schema.

use super::*;

#[test]
fn a_good_document_is_taken_and_all_it_names_is_read() {
    let loaded = load_files(
        "tollgate.yaml",
        &[("tollgate.yaml", GOOD), ("jwks.json", "{}"), ("secrets/key", "k")],
    );
    let loaded = loaded.unwrap_or_else(|report| panic!("{report}"));
    assert!(loaded.report.findings.is_empty(), "nothing to say: {}", loaded.report);
    let settings: Settings = decode(&loaded.document, "").unwrap();
    assert_eq!(settings.routes["pay"].listeners, ["partners"], "and it decodes");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it shows everything at once")]
fn all_errors_of_a_file_are_reported_at_once() {
    let text = "\
admin: { address: localhost, tokn: { env: TOKEN } }
routes:
  pay:
    listeners: []
    methods: [POST, get, PUT]
    plugin:
      - jwt: {}
    plugins:
      - jwt: { issuer: a, leeway: 30 }
      - rate-limit: { per: client }
      - rate_limit: { per: clent, burst: 5000 }
      - oauth: {}
    send_to:
      - upstream: acquirer
        weight: 300
    unauthenticated: yes
upstreams:
  acquirer:
    endpoints: https://api.acquirer.example
    connect: soon
    merchant: 1900000001
    api_key:
";
    insta::assert_snapshot!(complaints(text), @r#"
    error: `address` must be an address and port such as `127.0.0.1:8443`
     --> tollgate.yaml:1:19
      |
    1 | admin: { address: localhost, tokn: { env: TOKEN } }
      |                   ^^^^^^^^^ has no port

    error: unknown key `tokn` in `admin`
     --> tollgate.yaml:1:30
      |
    1 | admin: { address: localhost, tokn: { env: TOKEN } }
      |                              ^^^^ no such key
      |
      = hint: did you mean `token`?

    error: `listeners` is empty
     --> tollgate.yaml:4:5
      |
    4 |     listeners: []
      |     ^^^^^^^^^ needs at least one

    error: item 2 of `methods` must be `GET` or `POST`
     --> tollgate.yaml:5:21
      |
    5 |     methods: [POST, get, PUT]
      |                     ^^^ found the text `get`
      |
      = hint: did you mean `GET`?

    error: item 3 of `methods` must be `GET` or `POST`
     --> tollgate.yaml:5:26
      |
    5 |     methods: [POST, get, PUT]
      |                          ^^^ found the text `PUT`

    error: unknown key `plugin` in `pay`
     --> tollgate.yaml:6:5
      |
    6 |     plugin:
      |     ^^^^^^ no such key
      |
      = hint: did you mean `plugins`?

    error: `audience` is missing in `jwt`
     --> tollgate.yaml:9:9
      |
    9 |       - jwt: { issuer: a, leeway: 30 }
      |         ^^^ needs `audience`
      |
      = hint: `audience` is text

    error: `leeway` must be a duration such as `10s`
     --> tollgate.yaml:9:35
      |
    9 |       - jwt: { issuer: a, leeway: 30 }
      |                                   ^^ found the number `30`
      |
      = hint: add a unit: `30s`

    error: unknown plugin `rate-limit`
      --> tollgate.yaml:10:9
       |
    10 |       - rate-limit: { per: client }
       |         ^^^^^^^^^^ no such plugin
       |
       = hint: did you mean `rate_limit`?

    error: `per` must be `client`, `address` or `header`
      --> tollgate.yaml:11:28
       |
    11 |       - rate_limit: { per: clent, burst: 5000 }
       |                            ^^^^^ found the text `clent`
       |
       = hint: did you mean `client`?

    error: `burst` must be an integer from 1 to 1000
      --> tollgate.yaml:11:42
       |
    11 |       - rate_limit: { per: clent, burst: 5000 }
       |                                          ^^^^ `5000` is more than 1000

    error: unknown plugin `oauth`
      --> tollgate.yaml:12:9
       |
    12 |       - oauth: {}
       |         ^^^^^ no such plugin
       |
       = hint: expected `jwt`, `rate_limit` or `trace`

    error: `weight` must be an integer from 0 to 255
      --> tollgate.yaml:15:17
       |
    15 |         weight: 300
       |                 ^^^ `300` is more than 255

    error: `unauthenticated` must be `true` or `false`
      --> tollgate.yaml:16:22
       |
    16 |     unauthenticated: yes
       |                      ^^^ found the text `yes`
       |
       = hint: write `true`

    error: `endpoints` must be a list
      --> tollgate.yaml:19:16
       |
    19 |     endpoints: https://api.acquirer.example
       |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ found the text `https://api.acquirer.example`
       |
       = hint: write a list, also of one: `[…]`

    error: `connect` must be a duration such as `10s`
      --> tollgate.yaml:20:14
       |
    20 |     connect: soon
       |              ^^^^ found the text `soon`

    error: `merchant` must be text
      --> tollgate.yaml:21:15
       |
    21 |     merchant: 1900000001
       |               ^^^^^^^^^^ found the number `1900000001`
       |
       = hint: put quotes around it: `"1900000001"`

    error: `api_key` has no value
      --> tollgate.yaml:22:5
       |
    22 |     api_key:
       |     ^^^^^^^ expected a reference to a secret, `{ file: … }` or `{ env: … }`
       |
       = hint: give it a value or remove the key
    "#);
}

#[test]
fn missing_keys_are_named_together_where_they_are_missing() {
    insta::assert_snapshot!(complaints("routes:\n  pay:\n    plugins:\n      - jwt: {}\n      - rate_limit: {}\n"), @"
    error: `listeners` and `send_to` are missing in `pay`
     --> tollgate.yaml:2:3
      |
    2 |   pay:
      |   ^^^ needs these keys

    error: `issuer` and `audience` are missing in `jwt`
     --> tollgate.yaml:4:9
      |
    4 |       - jwt: {}
      |         ^^^ needs these keys

    error: `per` is missing in `rate_limit`
     --> tollgate.yaml:5:9
      |
    5 |       - rate_limit: {}
      |         ^^^^^^^^^^ needs `per`
      |
      = hint: `per` is `client`, `address` or `header`
    ");
}

#[test]
fn a_misspelt_key_is_not_also_reported_as_missing() {
    insta::assert_snapshot!(complaints("routes:\n  pay: { listener: [a], send_to: [] }\n"), @"
    error: unknown key `listener` in `pay`
     --> tollgate.yaml:2:10
      |
    2 |   pay: { listener: [a], send_to: [] }
      |          ^^^^^^^^ no such key
      |
      = hint: did you mean `listeners`?
    ");
}

#[test]
fn a_variant_is_chosen_by_its_key_and_only_by_one() {
    insta::assert_snapshot!(complaints(
        "routes:\n  pay:\n    listeners: [a]\n    send_to: []\n    plugins:\n      - { jwt: { issuer: a, audience: b }, rate_limit: { per: client } }\n      - jwt\n      - trce\n      - {}\n      - 7\n      - trace: {}\n"
    ), @"
    error: item 1 of `plugins` holds more than one of `jwt` or `rate_limit`
     --> tollgate.yaml:6:11
      |
    6 |       - { jwt: { issuer: a, audience: b }, rate_limit: { per: client } }
      |           ^^^ only one may stand here      ---------- and this

    error: plugin `jwt` needs settings
     --> tollgate.yaml:7:9
      |
    7 |       - jwt
      |         ^^^ has none
      |
      = hint: write `jwt: …`

    error: unknown plugin `trce`
     --> tollgate.yaml:8:9
      |
    8 |       - trce
      |         ^^^^ expected `trace`, `jwt` or `rate_limit`
      |
      = hint: did you mean `trace`?

    error: item 4 of `plugins` does not say which plugin it is
     --> tollgate.yaml:9:9
      |
    9 |       - {}
      |         ^^ expected `jwt`, `rate_limit` or `trace`

    error: item 5 of `plugins` must be `trace`, `jwt` or `rate_limit`
      --> tollgate.yaml:10:9
       |
    10 |       - 7
       |         ^ found the number `7`

    error: `trace` takes no settings
      --> tollgate.yaml:11:9
       |
    11 |       - trace: {}
       |         ^^^^^ stands alone
       |
       = hint: write `trace` without a colon
    ");
}

#[test]
fn a_section_of_the_wrong_kind_says_what_to_write() {
    insta::assert_snapshot!(complaints(
        "admin: [a]\nroutes:\n  - pay\nupstreams:\n  a:\n    endpoints:\n      b: c\n    merchant: [x]\n    connect: 10\n"
    ), @"
    error: `admin` must be a mapping
     --> tollgate.yaml:1:1
      |
    1 | admin: [a]
      | ^^^^^ found a list
      |
      = hint: a mapping is written `key: value`

    error: `routes` must be a mapping
     --> tollgate.yaml:2:1
      |
    2 | routes:
      | ^^^^^^ found a list
      |
      = hint: a mapping is written `key: value`

    error: `endpoints` must be a list
     --> tollgate.yaml:6:5
      |
    6 |     endpoints:
      |     ^^^^^^^^^ found a mapping
      |
      = hint: each item of a list starts with `- `

    error: `merchant` must be text
     --> tollgate.yaml:8:5
      |
    8 |     merchant: [x]
      |     ^^^^^^^^ found a list

    error: `connect` must be a duration such as `10s`
     --> tollgate.yaml:9:14
      |
    9 |     connect: 10
      |              ^^ found the number `10`
      |
      = hint: add a unit: `10s`
    ");
}

#[test]
fn an_unknown_section_is_found_at_the_top() {
    insta::assert_snapshot!(complaints("upstream:\n  a: {}\nmetrics: {}\n"), @"
    error: unknown key `upstream`
     --> tollgate.yaml:1:1
      |
    1 | upstream:
      | ^^^^^^^^ no such key
      |
      = hint: did you mean `upstreams`?

    error: unknown key `metrics`
     --> tollgate.yaml:3:1
      |
    3 | metrics: {}
      | ^^^^^^^ no such key
      |
      = hint: expected `admin`, `routes` or `upstreams`
    ");
}

#[test]
fn numbers_that_do_not_fit_are_refused_without_losing_digits() {
    let weight = |weight: &str| {
        complaints(&format!(
            "routes:\n  pay: {{ listeners: [a], send_to: [{{ upstream: a, weight: {weight} }}] }}\n"
        ))
    };
    assert_eq!(weight("255"), "", "the largest");
    for bad in
        ["256", "-1", "1.5", "1e2", "007", "0x10", "1_0", "99999999999999999999999999", "'7'", "+7"]
    {
        let complaint = weight(bad);
        assert!(
            complaint.contains("`weight` must be an integer from 0 to 255"),
            "for {bad}: {complaint}"
        );
    }
}

#[test]
fn what_looks_like_a_number_is_no_text_until_it_is_quoted() {
    let merchant = |value: &str| {
        complaints(&format!("upstreams:\n  a: {{ endpoints: [], merchant: {value} }}\n"))
    };
    for good in ["\"1900000001\"", "'7132E72'", "007", "1.2.3", "0x1F", "no", "2024-01-01"] {
        assert_eq!(merchant(good), "", "{good} is text");
    }
    for bad in ["1900000001", "7132E72", "1.0", "true", "~", "null", "[]", "{}"] {
        assert!(merchant(bad).contains("`merchant`"), "{bad} is not text: {}", merchant(bad));
    }
    assert!(
        merchant("7132E72").contains("hint: put quotes around it: `\"7132E72\"`"),
        "the digits stay"
    );
}

#[test]
fn an_error_in_an_expression_is_shown_at_its_character() {
    insta::assert_snapshot!(complaints(
        "routes:\n  pay:\n    listeners: [a]\n    send_to:\n      - when: 'request.metod == \"POST\"'\n        upstream: a\n      - { when: body.amount <, upstream: b }\n      - when: \"a\\x3d=\"\n        upstream: b\n"
    ), @r#"
    error: `when` must be an expression such as `body.amount < 1000`
     --> tollgate.yaml:5:24
      |
    5 |       - when: 'request.metod == "POST"'
      |                        ^ `request` has no field `metod`
      |
      = hint: did you mean `method`?

    error: `when` must be an expression such as `body.amount < 1000`
     --> tollgate.yaml:7:29
      |
    7 |       - { when: body.amount <, upstream: b }
      |                             ^ syntax error: mismatched input end of text

    error: `when` must be an expression such as `body.amount < 1000`
     --> tollgate.yaml:8:15
      |
    8 |       - when: "a\x3d="
      |               ^^^^^^^^ syntax error: mismatched input end of text
    "#);
}
