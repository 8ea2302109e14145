//! Where everything is, and what to try by hand.

use super::{
    page::Page,
    stage::{SHOP, Stage},
};

/// Where everything is.
pub(super) fn introduce(stage: &Stage, page: &mut Page) {
    let configuration = stage.configuration().display().to_string();
    let cast = &stage.cast;
    for (what, place, about) in [
        ("gateway", &stage.gateway, "what callers see"),
        ("payments API", &stage.payments, "what applications see: docs/payments.md"),
        ("notifications", &stage.notifications, "where providers notify"),
        ("operators", &stage.admin, "/metrics, /readyz, /config"),
        ("token issuer", &stage.issuer, "/token, /jwks.json"),
        ("provider A", &stage.acquirer.url, "card-acquirer, speaks JWE; /_book, /_wire"),
        ("provider B", &stage.wallet.url, "wallet, speaks AES-GCM; /_book, /_wire"),
        ("WeChat Pay", &cast.wechat_pay.url, "its twin; /_book, /_wire, /_pay, /_faults"),
        ("Alipay", &cast.alipay.url, "its twin, alike"),
        ("Stripe", &cast.stripe.url, "its twin, alike"),
        ("institution", &cast.institution_url, "takes the events; /_events"),
        ("configuration", &configuration, "with payments.yaml beside it"),
    ] {
        page.line(format!("   {what:<14} {place:<26} {about}").trim_end());
    }
    for port in &stage.taken {
        page.line(&format!("   Port {port} cannot be had, so a free one was taken in its place."));
    }
}

/// What to try by hand.
pub(super) fn invite(stage: &Stage, page: &mut Page) {
    page.heading("Everything stays up. Try it yourself, in another terminal:");
    let text = TRIES
        .replace("{folder}", &stage.folder.display().to_string())
        .replace("{configuration}", &stage.configuration().display().to_string())
        .replace("{gateway}", &stage.gateway)
        .replace("{admin}", &stage.admin)
        .replace("{issuer}", &stage.issuer)
        .replace("{acquirer}", &stage.acquirer.url)
        .replace("{payments}", &stage.payments)
        .replace("{institution}", &stage.cast.institution_url)
        .replace("{wechat_pay}", &stage.cast.wechat_pay.url)
        .replace("{stripe}", &stage.cast.stripe.url)
        .replace("{client}", SHOP)
        .replace("{secret}", &stage.secret);
    for line in text.lines() {
        if line.starts_with('#') {
            page.comment(line);
        } else {
            page.line(format!("   {line}").trim_end());
        }
    }
    page.heading("Ctrl-C ends it.");
}

const TRIES: &str = r#"# A token, good for an hour.
export REQUESTS_CA_BUNDLE={folder}/ca.pem
export TOKEN=$(curl -s --cacert $REQUESTS_CA_BUNDLE -u {client}:{secret} \
  -d grant_type=client_credentials {issuer}/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

# Payments: to provider A; to provider B; one whose answer is tampered with (or slow-1, reset-1).
pay() { curl -i --cacert $REQUESTS_CA_BUNDLE -H "Authorization: Bearer $TOKEN" \
  -H 'Content-Type: application/json' -d "$1" {gateway}/v1/payments; echo; }
pay '{"order_id": "7001", "amount": "100.00", "currency": "USD"}'
pay '{"order_id": "7002", "amount": "5.00", "currency": "USD", "channel": "wallet"}'
pay '{"order_id": "tamper-1", "amount": "9.00", "currency": "USD"}'

# What provider A charged, and what crossed the network to it last.
curl -s --cacert $REQUESTS_CA_BUNDLE {acquirer}/_book
curl -s --cacert $REQUESTS_CA_BUNDLE {acquirer}/_wire

# One API, three providers: order, pay, ask, and see what the institution was told.
look() { curl -s --cacert $REQUESTS_CA_BUNDLE "$@"; echo; }
api() { look -i -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "$@"; }
api {payments}/v1/payments -d '{"channel": "wechat_pay", "order_id": "mobile_7001",
  "amount": "100.00", "currency": "CNY", "description": "Tea"}'
look {wechat_pay}/_pay -d '{"order": "mobile_7001"}'
api '{payments}/v1/payments/mobile_7001?channel=wechat_pay'
look {institution}/_events

# Stripe charges a stored card and its answer is lost. Send it again: one charge.
look {stripe}/_faults -d '{"name": "lost_answer", "times": 1}'
for turn in 1 2; do api {payments}/v1/payments -d '{"channel": "stripe", "order_id": "card_7001",
  "amount": "100.00", "currency": "USD", "description": "Tea", "payment_method": "pm_card_visa"}'; done
look {stripe}/_book

# From Python.
python3 - <<'END'
import json, os, requests
url, token = "{gateway}/v1/payments", os.environ["TOKEN"]
response = requests.post(
    url,
    headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    data=json.dumps({"order_id": "123456", "amount": "100.00", "currency": "USD"}),
)
print(response.status_code, response.text)
END

# The issuer signs with a new key from now on. Ask for a token again: the gateway finds the key
# (it looks for unknown keys at most twice a minute).
curl -s --cacert $REQUESTS_CA_BUNDLE -X POST {issuer}/rotate

# What operators see. Edit the configuration, rightly or wrongly, and look again.
curl -s {admin}/metrics | grep ^tollgate_
curl -s {admin}/readyz
$EDITOR {configuration}"#;
