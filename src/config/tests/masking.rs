//! A secret that stands where a reference belongs is refused and shown to nobody.

use super::*;

#[test]
fn a_secret_written_out_is_refused_and_masked() {
    insta::assert_snapshot!(complaints(
        "admin: { address: nowhere, token: hunter2 }\nupstreams:\n  a:\n    api_key: { value: hunter2 }\n    endpoint: []\n"
    ), @"
    error: `address` must be an address and port such as `127.0.0.1:8443`
     --> tollgate.yaml:1:19
      |
    1 | admin: { address: nowhere, token: ******* }
      |                   ^^^^^^^ has no port

    error: `token` must be a reference to a secret, `{ file: … }` or `{ env: … }`
     --> tollgate.yaml:1:35
      |
    1 | admin: { address: nowhere, token: ******* }
      |                                   ^^^^^^^ found text
      |
      = hint: secrets are references: `{ file: path/to/it }` or `{ env: NAME }`

    error: unknown key `value` in `api_key`
     --> tollgate.yaml:4:16
      |
    4 |     api_key: { value: ******* }
      |                ^^^^^ no such key
      |
      = hint: expected `file` or `env`

    error: unknown key `endpoint` in `a`
     --> tollgate.yaml:5:5
      |
    5 |     endpoint: []
      |     ^^^^^^^^ no such key
      |
      = hint: did you mean `endpoints`?
    ");
}

#[test]
fn no_rendering_shows_a_secret_whatever_its_form() {
    let forms = [
        "hunter2",
        "\"hunter2\"",
        "{ env: TOKEN, value: hunter2 }",
        "{ file: { a: hunter2 } }",
        "{ inner: { env: hunter2 } }",
        "[hunter2]",
        "|\n    hunter2\n    hunter2\n",
        "{ hunter: { x: [1, hunter2] } }",
    ];
    for form in forms {
        let text = format!("admin:\n  address: nowhere\n  token: {form}\n");
        let report = load_files("a.yaml", &[("a.yaml", &text)]).unwrap_err();
        for shown in [
            report.render(Style::Plain),
            report.render(Style::Coloured),
            report.to_json().to_string(),
            format!("{report:?}"),
        ] {
            assert!(!shown.contains("hunter2"), "for {form}: {shown}");
        }
    }
}

#[test]
fn where_a_secret_is_may_be_shown() {
    let complaint =
        complaints("admin: { address: 127.0.0.1:1, token: { env: ABSENT, file: [x] } }\n");
    assert!(complaint.contains("env: ABSENT"), "the name of a variable is none: {complaint}");
}
