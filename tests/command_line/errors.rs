//! Every error of a configuration, many at once, as an operator reads them.

use super::{folder::*, *};

#[test]
fn errors_of_the_text_itself() {
    check("text_syntax", "listeners: { a: { address: 127.0.0.1:1 }\nroutes: [\n");
    check("text_duplicate", &format!("{GOOD}upstreams: {{}}\n"));
    check("text_tab", "listeners:\n\ta: {}\n");
    check("text_unknown_sections", &format!("{GOOD}route: {{}}\nupstream: {{}}\nxyzzy: 1\n"));
    check("text_empty", "");
}

#[test]
fn errors_of_structure_come_all_at_once() {
    check(
        "structure",
        "\
admin: { address: nowhere, tokens: [{ name: a, token: hunter2hunter2hunter2, role: reed }] }
drain: { delay: 5, grace: 10 s }
limits: { held_memory: 256MB }
listeners:
  callers: { adress: 127.0.0.1:1, limits: { connections: -1 } }
  others: { address: 127.0.0.1, trusted_proxies: [10.0.0.1/8] }
routes:
  pay:
    match: { methods: POST }
    plugins:
      - { rate_limt: { limit: 1/s } }
      - { rate_limit: { limit: 1 per second }, mode: shado }
      - { rate_limit: { limit: 1/h }, ip_filter: { deny: [10.0.0.0/8] } }
      - { name: nothing }
      - jwt
upstreams:
  provider: { endpoints: [{ url: https://a.example, weigth: 2 }], timeouts: { totl: 1s } }
",
    );
}

#[test]
fn one_kind_of_error_does_not_hide_another() {
    check(
        "every_kind",
        "\
admin: { address: 0.0.0.0:9180, tokens: [{ name: a, token: { file: absent.token }, role: read }] }
listeners:
  good: { address: 127.0.0.1:1 }
  misspelt: { adress: 127.0.0.1:2 }
  mismatched: { address: 127.0.0.1:3, tls: { certificates: [{ chain: tls/one.pem, key: { file: tls/two.key } }], ocsp: true } }
routes:
  one:
    listeners: [misspelt, absent]
    send_to: [{ when: 'body.amount < 1.5', upstream: broken }, { upstream: providr, wieght: 2 }]
    plugins:
      - rate_limit: { limit: 1/s, bursts: 2 }
      - jwt: { issuer: '', audience: b, jwks: https://a.example }
  two: { send_to: [{ upstream: provider }, { upstream: provider }], unauthenticated: true }
upstreams:
  broken: { endpoints: 7 }
  provider: { endpoints: [http://api.example], plugins: [{ ip_filter: { allow: [nowhere] } }, { jwe: { algorithm: dir, encryption: A256GCM } }] }
",
    );
}

#[test]
fn errors_in_references() {
    check(
        "references",
        "\
admin: { tokens: [{ name: a, token: { env: UNSET }, role: read }, { name: b, token: { env: EMPTY }, role: read }] }
listeners:
  callers:
    address: 127.0.0.1:1
    tls: { certificates: [{ chain: tls/absent.pem, key: { file: tls } }] }
routes: { pay: { unauthenticated: true, send_to: [{ upstream: provider }] } }
upstreams:
  provider: { endpoints: [https://a.example], tls: { trust: empty } }
",
    );
}

#[test]
fn errors_of_operators_settings() {
    check(
        "admin_open",
        &format!(
            "admin: {{ address: 0.0.0.0:9180, client_certificate_role: read }}\n\
             log: {{ filter: 'tollgate=verbose' }}\n{GOOD}"
        ),
    );
    check(
        "admin_token",
        &format!(
            "admin: {{ tokens: [{{ name: a, token: {{ file: keys/short.key }}, role: read }}] }}\n{GOOD}"
        ),
    );
    check("names", &GOOD.replace("pay:", "Pay Me:").replace("provider", "the/provider"));
}

#[test]
fn errors_of_listeners() {
    check(
        "listeners",
        "\
listeners:
  one: { address: 127.0.0.1:8443, tls: { certificates: [] } }
  two: { address: 127.0.0.1:8444 }
  three: { address: 127.0.0.1:8444 }
  mixed: { address: 127.0.0.1:1, tls: { certificates: [{ chain: tls/one.pem, key: { file: tls/two.key } }] } }
  text: { address: 127.0.0.1:2, tls: { certificates: [{ chain: text, key: { file: tls/one.key } }] } }
  swapped: { address: 127.0.0.1:3, tls: { certificates: [{ chain: tls/one.key, key: { file: tls/one.pem } }] } }
  trust:
    address: 127.0.0.1:4
    tls: { certificates: [{ chain: tls/one.pem, key: { file: tls/one.key } }], client_certificates: { trust: text } }
routes: { pay: { unauthenticated: true, send_to: [{ upstream: provider }] } }
upstreams: { provider: { endpoints: [http://127.0.0.1:1] } }
",
    );
    check("no_listener", &GOOD.replace("{ callers: { address: 127.0.0.1:8080 } }", "{}"));
}

#[test]
fn errors_of_routes() {
    check("no_route", "listeners: { a: { address: 127.0.0.1:1 } }\nroutes: {}\n");
    check(
        "routes_match",
        "\
listeners: { partners: { address: 127.0.0.1:1 } }
routes:
  a: { unauthenticated: true, match: { path: /a, path_prefix: /b }, send_to: [{ upstream: provider }] }
  b: { unauthenticated: true, match: { host: a.example, hosts: [b.example] }, send_to: [{ upstream: provider }] }
  c: { unauthenticated: true, match: { host: 'a..example', path: 'relative' }, send_to: [{ upstream: provider }] }
  d: { unauthenticated: true, match: { path: '/a/../b', methods: [get, CONNECT] }, send_to: [{ upstream: provider }] }
  e: { unauthenticated: true, match: { path: '/{id}/{id}' }, send_to: [{ upstream: provider }] }
  f:
    unauthenticated: true
    match: { headers: { 'x y': { equals: a }, x-a: { equals: \"a\\nb\" }, x-b: { present: false } }, query: { q: { present: false } } }
    send_to: [{ upstream: provider }]
  g: { unauthenticated: true, listeners: [partner], send_to: [{ upstream: provider }] }
  h: { unauthenticated: true, listeners: [], send_to: [{ upstream: provider }] }
upstreams: { provider: { endpoints: [http://127.0.0.1:1] } }
",
    );
    check(
        "routes_conflict",
        "\
listeners: { a: { address: 127.0.0.1:1 } }
routes:
  one: { unauthenticated: true, match: { path: '/v1/{id}', methods: [POST] }, send_to: [{ upstream: provider }] }
  two: { unauthenticated: true, match: { path: '/v1/{name}', methods: [POST] }, send_to: [{ upstream: provider }] }
upstreams: { provider: { endpoints: [http://127.0.0.1:1] } }
",
    );
    check(
        "routes_send_to",
        "\
listeners: { a: { address: 127.0.0.1:1 } }
routes:
  a: { unauthenticated: true, send_to: [] }
  b: { unauthenticated: true, send_to: [{}] }
  c: { unauthenticated: true, send_to: [{ upstream: provider, split: { provider: 1 } }] }
  d: { unauthenticated: true, send_to: [{ split: { provider: 0 } }] }
  e: { unauthenticated: true, send_to: [{ upstream: provder }] }
  f: { unauthenticated: true, send_to: [{ split: { provider: 1, elsewhere: 1 } }] }
  g: { unauthenticated: true, send_to: [{ upstream: provider }, { upstream: provider }] }
upstreams: { provider: { endpoints: [http://127.0.0.1:1] } }
",
    );
    check(
        "routes_expressions",
        "\
listeners: { a: { address: 127.0.0.1:1 } }
routes:
  pay:
    unauthenticated: true
    send_to:
      - { when: 'body.amount >', upstream: provider }
      - { when: 'bdy.amount == 1', upstream: provider }
      - { when: 'body.amount < 10.5', upstream: provider }
      - { when: 'request.methd == \"POST\"', upstream: provider }
      - { when: 'startWith(request.path, \"/v1\")', upstream: provider }
      - { when: 'request.path', upstream: provider }
      - { when: '', upstream: provider }
upstreams: { provider: { endpoints: [http://127.0.0.1:1] } }
",
    );
}

#[test]
fn errors_of_authentication_and_shadow() {
    let jwt = "jwt: { issuer: a, audience: b, jwks: https://a.example/jwks.json }";
    check(
        "shadow",
        &format!(
            "\
listeners: {{ a: {{ address: 127.0.0.1:1 }} }}
routes:
  only-in-shadow: {{ match: {{ path: /a }}, plugins: [{{ {jwt}, mode: shadow }}], send_to: [{{ upstream: provider }}] }}
  transform:
    match: {{ path: /b }}
    plugins:
      - {jwt}
      - {{ headers: {{ request: {{ remove: [X-A] }} }}, mode: shadow }}
    send_to: [{{ upstream: provider }}]
upstreams:
  provider:
    endpoints: [http://127.0.0.1:1]
    plugins: [{{ headers: {{ request: {{ remove: [X-A] }} }}, mode: shadow }}]
"
        ),
    );
    check(
        "plugins_placement",
        &format!(
            "\
listeners: {{ a: {{ address: 127.0.0.1:1 }} }}
routes:
  pay:
    plugins:
      - {jwt}
      - rate_limit: {{ limit: 1/s }}
      - rate_limit: {{ limit: 1/m }}
    send_to: [{{ upstream: provider }}]
upstreams:
  provider:
    endpoints: [http://127.0.0.1:1]
    plugins: [{jwt}]
"
        ),
    );
}

#[test]
fn errors_of_upstreams() {
    check(
        "upstreams",
        "\
listeners: { a: { address: 127.0.0.1:1 } }
routes: { pay: { unauthenticated: true, send_to: [{ upstream: none }] } }
upstreams:
  none: { endpoints: [] }
  plaintext: { endpoints: [http://api.example] }
  urls: { endpoints: ['https://a.example/v1', 'https://u:p@a.example', 'ftp://a.example', a.example, 'https://a.example:0', 'https://'] }
  trust: { endpoints: [https://a.example], tls: { trust: text } }
  identity: { endpoints: [https://a.example], tls: { certificate: { chain: tls/one.pem, key: { file: tls/two.key } } } }
  server-name: { endpoints: [https://a.example], tls: { server_name: 'a b' } }
  health: { endpoints: [https://a.example], health: { http: { path: health } } }
  host: { endpoints: [https://a.example], host_header: { name: 'a b' } }
  mixed: { endpoints: [https://a.example, http://127.0.0.1:1] }
  twice: { endpoints: [https://a.example, https://a.example] }
",
    );
}

/// Checks a configuration that is bad and compares all that is said about it.
fn check(name: &str, yaml: &str) {
    let folder = folder();
    folder.write("tollgate.yaml", yaml);
    let output = run(&folder, &["check", "tollgate.yaml"], &[("EMPTY", "")]);
    assert!(output.starts_with("exit code: 78\n"), "`{name}` is refused:\n{output}");
    assert!(!output.contains("hunter2"), "`{name}` shows a secret:\n{output}");
    insta::assert_snapshot!(format!("error_{name}"), output);
}
