//! What Stripe and its merchant have in files.

use std::time::Duration;

use tollgate_api::Entropy;

use super::{
    super::{Credentials, File, Kept, OpenError, Place, hex},
    Stripe, access,
    events::Events,
    idempotency::Keys,
    secrets::{self, Secrets},
};

impl Stripe {
    /// From the files of a folder, as far as they are there; what is missing is made.
    pub fn open(kept: &Kept, _: Duration, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        let word = |name, prefix: &str, expected| {
            let text = kept.read(name)?.map(|text| text.trim().to_owned());
            let text = text.unwrap_or_else(|| {
                let mut bytes = [0; 16];
                entropy.fill(&mut bytes);
                format!("{prefix}{}", hex(&bytes))
            });
            if text.starts_with(prefix) && text.len() >= prefix.len() + 16 {
                Ok(text)
            } else {
                Err(kept.invalid(name, expected))
            }
        };
        let secret = word(WEBHOOK_SECRET, "whsec_", "a signing secret, `whsec_…`")?;
        let key = word(SECRET_KEY, "sk_test_", "a secret key of test mode, `sk_test_…`")?;
        Ok(Self {
            secret_keys: Credentials::new(access::masked(&key), key),
            secrets: Secrets::new(secret),
            keys: Keys::default(),
            events: Events::default(),
        })
    }
}

/// Another secret key. Like the next signing secret it follows from the last one, which is enough for
/// a sandbox.
pub(super) fn renew(twin: &Stripe) {
    let last = twin.secret_keys.newest().unwrap_or_default();
    let next = format!("sk_test_{}", secrets::next(&last));
    twin.secret_keys.renew(access::masked(&next), next);
}

pub(super) fn files(twin: &Stripe) -> Vec<File> {
    let file = |name, text: &str, what| File { name, text: text.to_owned(), what };
    vec![
        file(
            SECRET_KEY,
            &twin.secret_keys.newest().unwrap_or_default(),
            "the secret key, for calls",
        ),
        file(WEBHOOK_SECRET, &twin.secrets.newest(), "the endpoint's signing secret, for webhooks"),
    ]
}

pub(super) fn facts() -> Vec<(&'static str, String)> {
    vec![
        ("API version (Stripe-Version)", access::VERSION.to_owned()),
        ("webhooks go to", "what `--notify` says".to_owned()),
    ]
}

pub(super) fn upstream(at: &Place<'_>) -> String {
    let trust = at.trust().map(|ca| format!("    tls: {{ trust: {ca} }}\n")).unwrap_or_default();
    format!(
        "upstreams:
  stripe:
    endpoints: [{url}]
{trust}    plugins:
      - stripe:
          secret_key: {{ file: {secret_key} }}
          version: {version}
# and on the route that takes its webhooks:
# plugins:
#   - stripe:
#       webhook_secrets: [{{ file: {webhook_secret} }}]
",
        url = at.url(),
        secret_key = at.file(SECRET_KEY),
        webhook_secret = at.file(WEBHOOK_SECRET),
        version = access::VERSION,
    )
}

const SECRET_KEY: &str = "secret_key";
const WEBHOOK_SECRET: &str = "webhook_secret";
