//! Entries of `plugins`: one plugin and its settings beside `mode` and `name`, as the registry
//! writes their schema.

use serde_json::json;

use super::*;

fn entries(text: &str) -> String {
    let schema = json!({
        "type": "object",
        "properties": { "plugins": { "type": "array", "items": { "$ref": "#/$defs/Plugin" } } },
        "additionalProperties": false,
        "$defs": {
            "Plugin": {
                "type": "object",
                "x-noun": "plugin",
                "properties": {
                    "jwt": { "$ref": "#/$defs/Jwt" },
                    "ip_filter": { "type": "object", "properties": {}, "additionalProperties": false },
                    "mode": { "type": "string", "enum": ["enforced", "shadow"] },
                    "name": { "type": "string", "pattern": "^[a-z]+$" }
                },
                "oneOf": [{ "required": ["jwt"] }, { "required": ["ip_filter"] }],
                "additionalProperties": false
            },
            "Jwt": {
                "type": "object",
                "properties": { "issuer": { "type": "string" } },
                "required": ["issuer"],
                "additionalProperties": false
            }
        }
    });
    let sources = Sources::fake([("a.yaml", text)], []);
    match load(Path::new("a.yaml"), &sources, &schema, &formats()) {
        Ok(loaded) => loaded.report.render(Style::Plain),
        Err(report) => report.render(Style::Plain),
    }
}

#[test]
fn an_entry_is_one_plugin_with_how_it_runs() {
    let good =
        "plugins:\n  - jwt: { issuer: a }\n    mode: shadow\n    name: first\n  - ip_filter: {}\n";
    assert_eq!(entries(good), "", "nothing to say");
}

#[test]
fn what_is_wrong_with_an_entry_is_said_in_its_terms() {
    insta::assert_snapshot!(entries(
        "plugins:\n  - jwtt: { issuer: a }\n    mode: shadow\n  - jwt: { isuer: a }\n    mode: off\n    nam: x\n  - mode: shadow\n  - { jwt: { issuer: a }, ip_filter: {} }\n  - ip_filter:\n"
    ), @"
    error: unknown plugin `jwtt`
     --> a.yaml:2:5
      |
    2 |   - jwtt: { issuer: a }
      |     ^^^^ no such plugin
      |
      = hint: did you mean `jwt`?

    error: unknown key `isuer` in `jwt`
     --> a.yaml:4:12
      |
    4 |   - jwt: { isuer: a }
      |            ^^^^^ no such key
      |
      = hint: did you mean `issuer`?

    error: `mode` must be `enforced` or `shadow`
     --> a.yaml:5:11
      |
    5 |     mode: off
      |           ^^^ found the text `off`

    error: unknown key `nam`
     --> a.yaml:6:5
      |
    6 |     nam: x
      |     ^^^ no such key
      |
      = hint: did you mean `name`?

    error: item 3 of `plugins` does not say which plugin it is
     --> a.yaml:7:5
      |
    7 |   - mode: shadow
      |     ^^^^ expected `jwt` or `ip_filter`

    error: item 4 of `plugins` holds more than one of `jwt` or `ip_filter`
     --> a.yaml:8:7
      |
    8 |   - { jwt: { issuer: a }, ip_filter: {} }
      |       ^^^                 --------- and this
      |       |
      |       only one may stand here

    error: `ip_filter` has no value
     --> a.yaml:9:5
      |
    9 |   - ip_filter:
      |     ^^^^^^^^^ expected a mapping
      |
      = hint: write `{}`, or remove the key
    ");
}
