//! Files, folders, and what they refer to.

use proptest::prelude::*;

use super::*;

const ROUTE: &str = "routes:\n  pay: { listeners: [a], send_to: [] }\n";

#[test]
fn the_files_of_a_folder_are_put_together() {
    let upstreams = "upstreams:\n  a: { endpoints: [] }\n";
    let other = "routes:\n  refund: { listeners: [a], send_to: [] }\n";
    let files = [
        ("conf/b.yaml", ROUTE),
        ("conf/a.yml", upstreams),
        ("conf/c.yaml", other),
        ("conf/d.txt", "?"),
    ];
    let loaded = load_files("conf", &files).unwrap_or_else(|report| panic!("{report}"));
    let json = loaded.document.to_json();
    let names: Vec<_> = json["routes"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["pay", "refund"], "of both files");
    assert!(json["upstreams"]["a"].is_object(), "and the other section");
}

#[test]
fn a_name_in_two_files_is_an_error_that_shows_both() {
    let files = [
        ("conf/a.yaml", ROUTE),
        (
            "conf/b.yaml",
            "admin: { address: 127.0.0.1:1 }\nroutes:\n  pay: { listeners: [b], send_to: [] }\n",
        ),
        ("conf/c.yaml", "admin: off\nroutes: [\n"),
    ];
    let report = load_files("conf", &files).unwrap_err();
    insta::assert_snapshot!(report.render(Style::Plain), @"
    error: `pay` is defined twice in `routes`
     --> conf/b.yaml:3:3
      |
    3 |   pay: { listeners: [b], send_to: [] }
      |   ^^^ defined again here
      |
     ::: conf/a.yaml:2:3
      |
    2 |   pay: { listeners: [a], send_to: [] }
      |   --- first defined here

    error: a `[` is not closed
     --> conf/c.yaml:2:9
      |
    2 | routes: [
      |         ^ opened here
    ");
    let report = load_files("conf", &files[..2]).unwrap_err();
    insta::assert_snapshot!(report.render(Style::Plain), @"
    error: `pay` is defined twice in `routes`
     --> conf/b.yaml:3:3
      |
    3 |   pay: { listeners: [b], send_to: [] }
      |   ^^^ defined again here
      |
     ::: conf/a.yaml:2:3
      |
    2 |   pay: { listeners: [a], send_to: [] }
      |   --- first defined here
    ");
    let report = load_files("conf", &[files[1], ("conf/d.yaml", "admin: off\n")]).unwrap_err();
    insta::assert_snapshot!(report.render(Style::Plain), @"
    error: `admin` is defined twice
     --> conf/d.yaml:1:1
      |
    1 | admin: off
      | ^^^^^ defined again here
      |
     ::: conf/b.yaml:1:1
      |
    1 | admin: { address: 127.0.0.1:1 }
      | ----- first defined here
    ");
}

#[test]
fn all_that_is_missing_is_reported_where_it_is_named() {
    let text = "\
admin: { address: 127.0.0.1:1, token: { env: ADMIN_TOKEN } }
routes:
  pay:
    listeners: [a]
    send_to: []
    plugins:
      - jwt: { issuer: a, audience: b, keys: { file: { file: jwks.json } } }
      - jwt: { issuer: a, audience: b, keys: { secret: { file: empty } } }
upstreams:
  a: { endpoints: [], api_key: { file: /run/secrets/key } }
";
    let files = [("tollgate.yaml", text), ("empty", "")];
    let report = load_files("tollgate.yaml", &files).unwrap_err();
    insta::assert_snapshot!(report.render(Style::Plain), @"
    error: the environment variable `ADMIN_TOKEN` is not set
     --> tollgate.yaml:1:46
      |
    1 | admin: { address: 127.0.0.1:1, token: { env: ADMIN_TOKEN } }
      |                                              ^^^^^^^^^^^ named here

    error: `jwks.json` does not exist
     --> tollgate.yaml:7:62
      |
    7 |       - jwt: { issuer: a, audience: b, keys: { file: { file: jwks.json } } }
      |                                                              ^^^^^^^^^ named here
      |
      = hint: a relative path starts from the folder of the file that names it

    error: `empty` is empty
     --> tollgate.yaml:8:64
      |
    8 |       - jwt: { issuer: a, audience: b, keys: { secret: { file: empty } } }
      |                                                                ^^^^^ an empty file

    error: `/run/secrets/key` does not exist
      --> tollgate.yaml:10:40
       |
    10 |   a: { endpoints: [], api_key: { file: /run/secrets/key } }
       |                                        ^^^^^^^^^^^^^^^^ named here
    ");
}

#[test]
fn what_cannot_be_read_at_all_says_so() {
    let report = load_files("absent.yaml", &[]).unwrap_err();
    assert_eq!(report.render(Style::Plain), "error: `absent.yaml` does not exist\n", "no file");
    let report = load_files("conf", &[("conf/notes.txt", "")]).unwrap_err();
    assert_eq!(
        report.render(Style::Plain),
        "error: `conf` holds no `*.yaml` file\n",
        "an empty folder"
    );
    let report = load_files("a.yaml", &[("a.yaml", &"#".repeat(5 << 20))]).unwrap_err();
    assert_eq!(report.render(Style::Plain), "error: `a.yaml` is larger than 4 MiB\n", "too large");
}

#[test]
fn an_empty_file_is_an_empty_configuration() {
    let loaded = load_files("a.yaml", &[("a.yaml", "# nothing yet\n")]).unwrap();
    assert_eq!(loaded.document.to_json(), serde_json::json!({}), "no sections");
}

#[test]
fn findings_for_a_machine_have_places_but_quote_no_line() {
    let files = [("conf/a.yaml", ROUTE), ("conf/b.yaml", ROUTE)];
    let report = load_files("conf", &files).unwrap_err();
    insta::assert_snapshot!(serde_json::to_string_pretty(&report.to_json()).unwrap(), @r#"
    [
      {
        "column": 3,
        "file": "conf/b.yaml",
        "label": "defined again here",
        "line": 2,
        "message": "`pay` is defined twice in `routes`",
        "related": [
          {
            "column": 3,
            "file": "conf/a.yaml",
            "label": "first defined here",
            "line": 2
          }
        ],
        "severity": "error"
      }
    ]
    "#);
}

#[test]
fn colours_are_added_only_where_they_are_asked_for() {
    let report = load_files("a.yaml", &[("a.yaml", "metrics: {}")]).unwrap_err();
    assert!(report.render(Style::Coloured).contains("\u{1b}["), "coloured");
    assert!(!report.render(Style::Plain).contains('\u{1b}'), "plain");
    let report = load_files("a.yaml", &[("a.yaml", "\"\\e[31mred\": {}")]).unwrap_err();
    assert!(!report.render(Style::Plain).contains('\u{1b}'), "a key cannot colour the terminal");
}

#[test]
fn a_very_long_list_of_errors_is_cut_and_counted() {
    let lines: Vec<String> = (0..1_000).map(|number| format!("key{number}: 1")).collect();
    let report = load_files("a.yaml", &[("a.yaml", &lines.join("\n"))]).unwrap_err();
    assert_eq!(report.findings.errors(), 1_000, "all are known");
    let drawn = report.render(Style::Plain);
    assert!(drawn.ends_with("error: and 800 more like these\n"), "the rest is counted");
}

proptest! {
    #[test]
    fn no_text_makes_loading_panic_or_lose_its_place(text in "[a-c:\\- \n\t\"'{}\\[\\],&*!|>#%?~0-9é]{0,60}") {
        let known = "admin: { address: 127.0.0.1:1 }\nroutes:\n  ";
        for text in [text.clone(), format!("{known}{text}")] {
            if let Err(report) = load_files("a.yaml", &[("a.yaml", &text)]) {
                prop_assert!(report.findings.has_errors(), "a refusal says why: {text:?}");
                for style in [Style::Plain, Style::Coloured] {
                    prop_assert!(!report.render(style).is_empty(), "and shows it");
                }
                let lines = text.lines().count() as u64 + 1;
                for finding in report.to_json().as_array().unwrap() {
                    let line = finding["line"].as_u64().unwrap();
                    prop_assert!((1..=lines).contains(&line), "in a line that exists: {finding}");
                }
            }
        }
    }
}

#[test]
fn a_file_is_read_also_where_a_list_of_files_may_stand_in_its_place() {
    let file = serde_json::json!({ "type": "string", "format": "file" });
    let files = serde_json::json!({ "type": "array", "items": file });
    let keys = serde_json::json!({ "anyOf": [file, files] });
    let schema = serde_json::json!({ "type": "object", "properties": { "keys": keys } });
    for (text, missing) in [
        ("keys: a.pem\n", None),
        ("keys: b.pem\n", Some("`b.pem` does not exist")),
        ("keys: [a.pem]\n", None),
        ("keys: [a.pem, b.pem]\n", Some("`b.pem` does not exist")),
    ] {
        let sources = Sources::fake([("tollgate.yaml", text), ("a.pem", "k")], []);
        let loaded = load(Path::new("tollgate.yaml"), &sources, &schema, &formats());
        let report = match loaded {
            Ok(loaded) => loaded.report,
            Err(report) => report,
        };
        let said = report.render(Style::Plain);
        assert_eq!(said.is_empty(), missing.is_none(), "{text}: {said}");
        assert!(said.contains(missing.unwrap_or_default()), "{text}: {said}");
    }
}
