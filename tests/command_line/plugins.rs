//! Every error that a plugin finds in its own settings, as an operator reads it.

use super::{folder::*, *};

#[test]
fn errors_of_jwt() {
    plugins(
        "jwt",
        &[
            "jwt: { issuer: '', audience: '', jwks: https://a.example }",
            "jwt: { issuer: a, jwks: https://a.example }",
            "jwt: { issuer: a, audience: a, audiences: [b], jwks: https://a.example }",
            "jwt: { issuer: a, audience: b }",
            "jwt: { issuer: a, audience: b, jwks: https://a.example, jwks_file: keys/jwks.json }",
            "jwt: { issuer: a, audience: b, jwks: http://a.example }",
            "jwt: { issuer: a, audience: b, jwks: https://a.example, trust: text }",
            "jwt: { issuer: a, audience: b, jwks_file: absent.json }",
            "jwt: { issuer: a, audience: b, jwks_file: text }",
            "jwt: { issuer: a, audience: b, jwks_file: keys/jwks.json, trust: tls/ca.pem }",
            "jwt: { issuer: a, audience: b, keys: [{ file: keys/rsa.pem, algorithm: ES256 }] }",
            "jwt: { issuer: a, audience: b, keys: [{ file: keys/rsa.key, algorithm: RS256 }] }",
            "jwt: { issuer: a, audience: b, keys: [{ file: text, algorithm: RS256 }] }",
            "jwt: { issuer: a, audience: b, keys: [{ file: keys/rsa.pem, algorithm: HS256 }] }",
            "jwt: { issuer: a, audience: b, jwks: https://a.example, clock_skew: 10m, cooldown: 1ms, refresh: 1ms, keep_stale: 1ms, cache: 99999999 }",
            "jwt: { issuer: a, audience: b, jwks: https://a.example, realm: 'a\"b', scopes: ['a b'] }",
            "jwt: { issuer: a, audience: b, jwks: https://a.example, claims: { tier: { gold: yes } } }",
            "jwt: { issuer: a, audience: b, jwks: https://a.example, claims_to_headers: { 'X Y': { claim: a }, Host: { claim: b }, Authorization: { claim: c }, X-A: { claim: '' }, Tollgate-A: { claim: d } } }",
            "jwt: { issuer: a, audience: b, jwks: https://a.example, claims_to_headers: { sub: X-User } }",
            "jwt: { issuer: a, audience: b, jwks: https://a.example, algorithms: [none] }",
        ],
    );
}

#[test]
fn errors_of_checks() {
    plugins(
        "checks",
        &[
            "ip_filter: {}",
            "ip_filter: { allow: [10.0.0.1/8, localhost] }",
            "rate_limit: {}",
            "rate_limit: { limit: 1/s, limits: [{ limit: 1/m }] }",
            "rate_limit: { limits: [{ limit: 1/m }], burst: 2 }",
            "rate_limit: { limit: 1/s, cost: 2 }",
            "rate_limit: { limit: 5/s, burst: 1, cost: 2 }",
            "rate_limit: { limit: 0/s }",
            "rate_limit: { limit: 1/fortnight }",
            "rate_limit: { per: { expression: 'identity.' }, limit: 1/s }",
            "rate_limit: { per: { header: 'x y' }, limit: 1/s }",
            "rate_limit: { per: clients, limit: 1/s }",
        ],
    );
}

#[test]
fn errors_of_stripe() {
    plugins(
        "stripe",
        &[
            "stripe: {}",
            "stripe: { secret_key: { file: text }, version: 2025-09-30.clover }",
            "stripe: { webhook_secrets: [{ file: text }], livemode: true }",
            "stripe: { webhook_secrets: [whsec_in_the_open] }",
            "stripe: { webhook_secrets: [{ file: absent }] }",
            "stripe: { webhook_secrets: [{ file: text }], tolerance: 2h, future_tolerance: 10m }",
            "stripe: { webhook_secrets: [{ file: text }], account: acct_1, accounts: [me] }",
        ],
    );
}

#[test]
fn errors_of_map() {
    plugins(
        "map",
        &[
            "map: {}",
            "map: { operations: [] }",
            "map: { operations: [{ when: 'route = 1', unsupported: no }] }",
            "map: { operations: [{ request: { method: HEAD, path: / } }] }",
            "map: { operations: [{ request: { method: GET, path: '/a/{bdy.id}' } }] }",
            "map: { operations: [{ request: { method: POST, path: /a/../b, headers: { Host: \"'a'\" } } }] }",
            "map: { operations: [{ request: { method: POST, path: /, body: { json: { amount: { total: 'minor_units(bdy.amount, body.currency)' } } } } }] }",
            "map: { operations: [{ request: { method: POST, path: /, body: { json: { list: [body.a, 1.5], fen: 'minor_units(body.amount, \"RMB\")' } } } }] }",
            "map: { operations: [{ request: { method: POST, path: /, body: { form: { amount: answer.status, list: [body.a] } } } }] }",
            "map: { operations: [{ request: { method: GET, path: / }, answers: [{ when: answer.code == 200, body: { json: { id: answer.bdy.id } } }] }] }",
            "map: { operations: [{ unsupported: no }, { when: 1 == 1, unsupported: no }], otherwise: forward }",
            "map: { operations: [{ request: { method: GET, path: / }, unsupported: no }] }",
            "map: { operations: [{ request: { method: POST, path: /, body: { json: { $if: body.a } } } }], keep_headers: [content-type] }",
        ],
    );
}

#[test]
fn errors_of_headers() {
    plugins(
        "headers",
        &[
            "headers: {}",
            "headers: { request: { set: { Host: a, Content-Length: b, Connection: c, Tollgate-Error: d, 'X Y': e } } }",
            "headers: { request: { set: { X-A: 7 } } }",
            "headers: { request: { set: { X-B: '', X-C: ' padded ', X-D: \"a\\nb\" } } }",
            "headers: { request: { set: { X-A: a, x-a: b }, remove: [X-A], add: { X-A: c } } }",
            "headers: { request: { set: { X-A: { secret: { file: lines } } } } }",
            "headers: { request: { set: { X-A: { expression: 'identity.subjct' } } } }",
            "headers: { request: { set: { X-A: { expresion: a } } } }",
        ],
    );
}

#[test]
fn errors_of_jwe() {
    plugins(
        "jwe",
        &[
            "jwe: { algorithm: RSA-OAEP-256, encryption: A256GCM }",
            "jwe: { algorithm: RSA-OAEP, encryption: A256GCM, encrypt_to: { file: keys/rsa.pem } }",
            "jwe: { algorithm: RSA-OAEP-256, encryption: A192GCM, encrypt_to: { file: keys/rsa.pem } }",
            "jwe: { algorithm: RSA-OAEP-256, encryption: A256GCM, encrypt_to: { file: keys/p256.pem } }",
            "jwe: { algorithm: RSA-OAEP-256, encryption: A256GCM, encrypt_to: { file: keys/rsa.key } }",
            "jwe: { algorithm: RSA-OAEP-256, encryption: A256GCM, encrypt_to: { file: text } }",
            "jwe: { algorithm: RSA-OAEP-256, encryption: A256GCM, encrypt_with: { file: keys/aes256.key } }",
            "jwe: { algorithm: dir, encryption: A256GCM, encrypt_to: { file: keys/rsa.pem } }",
            "jwe: { algorithm: dir, encryption: A256GCM, key_format: base64, encrypt_with: { file: keys/aes128.key } }",
            "jwe: { algorithm: dir, encryption: A256GCM, key_format: base64, encrypt_with: { file: text } }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: [{ file: keys/p256.key }, { file: keys/p384.key }] }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: [{ key: { file: keys/p256.key }, kid: a }, { key: { file: keys/p384.key }, kid: a }] }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: { file: keys/p256.pem } }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: { file: keys/p256.key }, scope: { envelope: '' } }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: { file: keys/p256.key }, scope: { fields: [] } }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: { file: keys/p256.key }, scope: { fields: [card, card.number] } }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: { file: keys/p256.key }, plain_statuses: [6xx, 99, 200-299] }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: { file: keys/p256.key }, media_type: json }",
            "jwe: { algorithm: ECDH-ES, encryption: A256GCM, decrypt_with: { file: keys/p256.key }, encrypt_kid: a, max_fields: 0 }",
        ],
    );
}

#[test]
fn errors_of_aes_gcm() {
    plugins(
        "aes_gcm",
        &[
            "aes_gcm: { key_format: base64 }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/short.key } }",
            "aes_gcm: { key_format: hex, encrypt_with: { file: keys/aes256.key } }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/aes256.key }, encoding: raw, scope: { envelope: a } }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/aes256.key }, nonce: { member: iv } }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/aes256.key }, scope: { envelope: data }, nonce: { member: data }, tag: { member: data } }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/aes256.key }, key_id_in: { header: x-key } }",
            "aes_gcm: { key_format: base64, decrypt_with: [{ key: { file: keys/aes256.key }, id: a }] }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/aes256.key }, associated_data: { parts: [] } }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/aes256.key }, associated_data: { parts: [{ field: a }] } }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/aes256.key }, scope: { fields: [card] }, associated_data: { parts: [{ field: card.id }] } }",
            "aes_gcm: { key_format: base64, encrypt_with: { file: keys/aes256.key }, nonce: { header: Content-Length } }",
        ],
    );
}

#[test]
fn errors_of_wechat_pay() {
    let key = "public_keys: [{ id: PUB_KEY_ID_1, key: keys/rsa.pem }]";
    let entries = [
        "wechat_pay: { merchant_id: '1' }".to_owned(),
        "wechat_pay: { merchant_id: '1 2', api_v3_key: { file: keys/short.key }, platform_keys: { } }".to_owned(),
        "wechat_pay: { merchant_id: '1', api_v3_key: { file: keys/api_v3.key }, platform_keys: { } }".to_owned(),
        format!("wechat_pay: {{ merchant_id: '1', api_v3_key: {{ file: keys/aes256.key }}, platform_keys: {{ {key} }} }}"),
        "wechat_pay: { merchant_id: '1', api_v3_key: { file: keys/api_v3.key }, platform_keys: { public_keys: [{ id: 'a b', key: keys/p256.pem }], certificates: [keys/rsa.pem, tls/one.pem] } }".to_owned(),
        "wechat_pay: { merchant_id: '1', api_v3_key: { file: keys/api_v3.key }, platform_keys: { download: true } }".to_owned(),
        "wechat_pay: { merchant_id: '1', api_v3_key: { file: keys/api_v3.key }, platform_keys: { download: { upstream: nobody, every: 1s } } }".to_owned(),
        "wechat_pay: { merchant_id: '1', api_v3_key: { file: keys/api_v3.key }, platform_keys: { download: { upstream: provider, evry: 1h } } }".to_owned(),
        "wechat_pay: { merchant_id: '1', api_v3_key: { file: keys/api_v3.key }, platform_keys: { download: often } }".to_owned(),
        format!("wechat_pay: {{ merchant_id: '1', certificate_serial: '1G', private_key: {{ file: text }}, api_v3_key: {{ file: keys/api_v3.key }}, platform_keys: {{ {key} }} }}"),
        format!("wechat_pay: {{ merchant_id: '1', api_v3_key: {{ file: keys/api_v3.key }}, platform_keys: {{ {key} }}, encrypt_fields: [a, a.b], unsigned_errors: status, unsigned_answers: [bills] }}"),
        format!("wechat_pay: {{ merchant_id: '1', api_v3_key: {{ file: keys/api_v3.key }}, platform_keys: {{ {key} }}, decrypt_fields: [a], unsigned_answers: [statements] }}"),
        format!("wechat_pay: {{ merchant_id: '1', api_v3_key: {{ file: keys/api_v3.key }}, platform_keys: {{ {key} }}, algorithm: sm2 }}"),
    ];
    plugins("wechat_pay", &entries.each_ref().map(String::as_str));
}

/// Checks each of these plugins on a route of its own, and compares all that is said.
fn plugins(name: &str, entries: &[&str]) {
    let folder = folder();
    let mut said = String::new();
    for entry in entries {
        let yaml = format!(
            "\
listeners: {{ a: {{ address: 127.0.0.1:1 }} }}
upstreams: {{ provider: {{ endpoints: [http://127.0.0.1:1] }} }}
routes:
  pay:
    unauthenticated: true
    send_to: [{{ upstream: provider }}]
    plugins:
      - {entry}
"
        );
        folder.write("tollgate.yaml", yaml);
        let output = run(&folder, &["check", "tollgate.yaml"], &[]);
        assert!(output.starts_with("exit code: 78\n"), "`{entry}` is refused:\n{output}");
        let (_, errors) = output.split_once("----- stderr -----\n").unwrap();
        let (errors, _) = errors.split_once("`tollgate.yaml` is not valid").unwrap();
        said.push_str(errors);
    }
    insta::assert_snapshot!(format!("error_{name}"), said);
}
