//! What Alipay and its application have in files.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use tollgate_api::Entropy;

use super::{
    super::{Credentials, File, Kept, OpenError, Place, hex},
    Alipay,
    app::{App, AppKey},
    bill::Bills,
    certificate::{self, Certificate, Root},
    cipher::ContentKey,
    keys::{self, SigningKey},
    platform::{self, Platform},
};
use crate::sandbox::{MakeError, RsaPair};

/// What the application has, in the texts of its files.
#[derive(Clone)]
pub(super) struct Materials {
    /// Its private key, if it was made here or lies in the folder.
    private: Option<String>,
    public: String,
    certificate: Option<String>,
}

impl Alipay {
    /// From the files of a folder, as far as they are there; what is missing is made. Who brings a
    /// public key or a certificate of its own needs not bring the private key. `now` is the time
    /// since the Unix epoch.
    pub fn open(kept: &Kept, now: Duration, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        let word = |name, made: &str| -> Result<String, OpenError> {
            Ok(kept.read(name)?.map_or_else(|| made.to_owned(), |text| text.trim().to_owned()))
        };
        let (root, platform_key) = provider(kept, now)?;
        let (materials, key) = application(kept, &root, now)?;
        let root_number = certificate::root_number(&root.text)
            .ok_or_else(|| kept.invalid(ROOT, "a file with an RSA root certificate"))?;
        let content = kept.read(ENCRYPT_KEY)?.unwrap_or_else(|| {
            let mut bytes = [0; 16];
            entropy.fill(&mut bytes);
            STANDARD.encode(bytes)
        });
        let content = ContentKey::read(&content);
        Ok(Self {
            app: App {
                id: word(APP_ID, APP)?,
                seller: word(SELLER_ID, SELLER)?,
                keys: Credentials::new(name_of(&key), key),
                root: root_number,
                seen: Mutex::default(),
            },
            platform: Platform::new(root, platform_key),
            content: content.ok_or_else(|| kept.invalid(ENCRYPT_KEY, "an AES key in base64"))?,
            materials: Mutex::new(materials),
            url: Mutex::default(),
            bills: Bills::default(),
        })
    }
}

/// Another key for the application, with a certificate of the same root.
pub(super) fn renew(twin: &Alipay, now: Duration) -> Result<(), MakeError> {
    let private = RsaPair::generate()?.private;
    let key = SigningKey::read(&private).ok_or(rcgen::Error::KeyGenerationUnavailable)?;
    let issued = twin.platform.root.issue(APP, &private, now)?;
    let new = AppKey { public: issued.key.clone(), number: Some(issued.number.clone()) };
    twin.app.keys.renew(name_of(&new), new);
    *twin.materials.lock() = Materials {
        private: Some(key.private),
        public: armoured(&issued.key),
        certificate: Some(issued.text),
    };
    Ok(())
}

/// What a key is called: the number of its certificate, or a digest.
fn name_of(key: &AppKey) -> String {
    let digest = || hex(digest(&SHA256, &key.public).as_ref()).chars().take(16).collect();
    key.number.clone().unwrap_or_else(digest)
}

fn application(kept: &Kept, root: &Root, now: Duration) -> Result<(Materials, AppKey), OpenError> {
    let (private, public) = (kept.read(APP_PRIVATE)?, kept.read(APP_PUBLIC)?);
    let brought = kept.read(APP_CERTIFICATE)?;
    let private = match private {
        None if public.is_none() && brought.is_none() => Some(RsaPair::generate()?.private),
        private => private,
    };
    let key = match &private {
        Some(text) => {
            let key = SigningKey::read(text);
            Some(key.ok_or_else(|| kept.invalid(APP_PRIVATE, RSA_KEY))?)
        }
        None => None,
    };
    let issued = match (&brought, &key) {
        (Some(text), _) => {
            let read = Certificate::read(text);
            Some(read.ok_or_else(|| kept.invalid(APP_CERTIFICATE, "a certificate"))?)
        }
        (None, Some(key)) => Some(root.issue(APP, &key.private, now)?),
        (None, None) => None,
    };
    let public = match (public, &key, &issued) {
        (_, _, Some(issued)) => armoured(&issued.key),
        (Some(text), _, None) => text,
        (None, Some(key), None) => key.public.clone(),
        (None, None, None) => return Err(kept.invalid(APP_PUBLIC, RSA_KEY)),
    };
    let der = keys::der(&public).ok_or_else(|| kept.invalid(APP_PUBLIC, "a public key"))?;
    let number = issued.as_ref().map(|issued| issued.number.clone());
    let private = key.map(|key| key.private);
    let materials = Materials { private, public, certificate: issued.map(|issued| issued.text) };
    Ok((materials, AppKey { public: der, number }))
}

fn provider(kept: &Kept, now: Duration) -> Result<(Root, (Certificate, SigningKey)), OpenError> {
    let root = match (kept.read(ROOT_KEY)?, kept.read(ROOT)?) {
        (Some(key), Some(text)) => Root { text, key },
        _ => Root::of(RsaPair::generate()?.private, now)?,
    };
    let Some(key) = kept.read(ALIPAY_PRIVATE)? else {
        let key = platform::new_key(&root, now)?;
        return Ok((root, key));
    };
    let key = SigningKey::read(&key).ok_or_else(|| kept.invalid(ALIPAY_PRIVATE, RSA_KEY))?;
    let certificate = match kept.read(ALIPAY_CERTIFICATE)? {
        Some(text) => Certificate::read(&text)
            .ok_or_else(|| kept.invalid(ALIPAY_CERTIFICATE, "a certificate"))?,
        None => root.issue(platform::NAME, &key.private, now)?,
    };
    Ok((root, (certificate, key)))
}

pub(super) fn files(twin: &Alipay) -> Vec<File> {
    let [certificate, public, private] = twin.platform.texts();
    let Materials { private: app_private, public: app_public, certificate: app } =
        twin.materials.lock().clone();
    let root = &twin.platform.root;
    let file = |name, text: &str, what| File { name, text: text.to_owned(), what };
    let mut files = vec![
        file(APP_ID, &format!("{}\n", twin.app.id), "the application's identifier"),
        file(SELLER_ID, &format!("{}\n", twin.app.seller), "the seller"),
        file(APP_PUBLIC, &app_public, "the application's public key"),
        file(ENCRYPT_KEY, &twin.content.text(), "the key of encrypted contents"),
        file(ALIPAY_PUBLIC, &public, "Alipay's public key"),
        file(ALIPAY_CERTIFICATE, &certificate, "Alipay's certificate"),
        file(ROOT, &root.text, "Alipay's root certificate"),
        file(ALIPAY_PRIVATE, &private, "the twin's own: Alipay's private key"),
        file(ROOT_KEY, &root.key, "the twin's own: the root's private key"),
    ];
    files.extend(
        app_private.as_ref().map(|key| file(APP_PRIVATE, key, "the application's private key")),
    );
    files.extend(
        app.as_ref().map(|text| file(APP_CERTIFICATE, text, "the application's certificate")),
    );
    files
}

pub(super) fn facts(twin: &Alipay) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("application (app_id)", twin.app.id.clone()),
        ("seller (seller_id)", twin.app.seller.clone()),
        ("gateway of v2", "/gateway.do".to_owned()),
    ];
    if let Some(app) = twin.app.keys.newest().and_then(|newest| newest.number) {
        facts.push(("application certificate (app_cert_sn)", app));
        facts.push(("root certificate (alipay_root_cert_sn)", twin.app.root.clone()));
    }
    facts
}

pub(super) fn upstream(twin: &Alipay, at: &Place<'_>) -> String {
    let trust = at.trust().map(|ca| format!("    tls: {{ trust: {ca} }}\n")).unwrap_or_default();
    format!(
        "upstreams:
  alipay:
    endpoints: [{url}]
{trust}    plugins:
      - alipay:
          protocol: v3 # or v2, for calls to /gateway.do
          app_id: \"{app}\"
          private_key: {{ file: {app_private} }}
          alipay_public_key: {alipay_public}
          # or, in the place of `alipay_public_key`:
          # certificates: {{ app: {app_certificate}, alipay: {alipay_certificate}, root: {root} }}
          encryption_key: {{ file: {encrypt_key} }}
",
        url = at.url(),
        app = twin.app.id,
        app_private = at.file(APP_PRIVATE),
        alipay_public = at.file(ALIPAY_PUBLIC),
        app_certificate = at.file(APP_CERTIFICATE),
        alipay_certificate = at.file(ALIPAY_CERTIFICATE),
        root = at.file(ROOT),
        encrypt_key = at.file(ENCRYPT_KEY),
    )
}

/// A text in base64, as Alipay hands out its certificates.
pub(super) fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

fn armoured(key: &[u8]) -> String {
    keys::armoured("PUBLIC KEY", key)
}

const APP: &str = "2021001122334455";
const SELLER: &str = "2088102116773037";
const APP_ID: &str = "app_id";
const SELLER_ID: &str = "seller_id";
const APP_PRIVATE: &str = "app_private_key.pem";
const APP_PUBLIC: &str = "app_public_key.pem";
const APP_CERTIFICATE: &str = "appCertPublicKey.crt";
const ENCRYPT_KEY: &str = "encrypt_key";
const ALIPAY_PUBLIC: &str = "alipay_public_key.pem";
const ALIPAY_CERTIFICATE: &str = "alipayCertPublicKey_RSA2.crt";
const ROOT: &str = "alipayRootCert.crt";
const ALIPAY_PRIVATE: &str = "provider/alipay_private_key.pem";
const ROOT_KEY: &str = "provider/alipay_root_key.pem";
const RSA_KEY: &str = "an RSA key in PKCS#8";
