//! What WeChat Pay and its merchant have in files.

use std::{collections::VecDeque, sync::atomic::AtomicU64, time::Duration};

use parking_lot::Mutex;
use tollgate_api::Entropy;

use super::{
    super::{File, Kept, OpenError, Place, hex},
    WechatPay,
    certificate::Certificate,
    check::{Merchant, MerchantCertificate},
    keys::PlatformKey,
    platform::{self, Platform},
};
use crate::sandbox::{MakeError, RsaPair};

impl WechatPay {
    /// From the files of a folder, as far as they are there; what is missing is made. Who brings an
    /// `apiclient_cert.pem` of its own needs not bring the key. `now` is the time since the Unix epoch.
    pub fn open(kept: &Kept, now: Duration, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        let (merchant_key, certificate) = merchant(kept, now)?;
        let id = match kept.read(MERCHANT_ID)? {
            Some(id) => id.trim().to_owned(),
            None => MERCHANT.to_owned(),
        };
        let api_v3_key = match kept.read(API_V3_KEY)? {
            Some(key) => key.trim().to_owned(),
            None => random_key(entropy),
        };
        if api_v3_key.len() != 32 {
            return Err(kept.invalid(API_V3_KEY, "a key of 32 characters"));
        }
        let platform = Platform::new(platform_certificate(kept, now)?, public_key(kept, now)?);
        Ok(Self {
            merchant: Merchant::new(id, of_merchant(&certificate)),
            platform,
            merchant_texts: Mutex::new(MerchantTexts {
                key: merchant_key,
                certificate: certificate.text,
            }),
            api_v3_key,
            url: Mutex::default(),
            bills: Mutex::new(VecDeque::new()),
            requests: AtomicU64::new(0),
        })
    }
}

/// What the merchant has of its newest certificate, in PEM.
#[derive(Clone)]
pub(super) struct MerchantTexts {
    /// The private key, if it was made here or lies in the folder.
    key: Option<String>,
    certificate: String,
}

/// Another key and certificate for the merchant.
pub(super) fn renew(twin: &WechatPay, now: Duration) -> Result<(), MakeError> {
    let key = RsaPair::generate()?.private;
    let certificate = Certificate::issue(&format!("{MERCHANT} (sandbox)"), &key, now)?;
    twin.merchant.renew(of_merchant(&certificate));
    *twin.merchant_texts.lock() = MerchantTexts { key: Some(key), certificate: certificate.text };
    Ok(())
}

fn of_merchant(certificate: &Certificate) -> MerchantCertificate {
    MerchantCertificate { serial: certificate.serial.clone(), key: certificate.key.clone() }
}

fn merchant(kept: &Kept, now: Duration) -> Result<(Option<String>, Certificate), OpenError> {
    let key = kept.read(MERCHANT_KEY)?;
    let certificate = kept.read(MERCHANT_CERTIFICATE)?;
    if let Some(text) = certificate {
        let read = Certificate::read(&text);
        let read = read.ok_or_else(|| kept.invalid(MERCHANT_CERTIFICATE, "a certificate"))?;
        return Ok((key, read));
    }
    let key = match key {
        Some(key) => key,
        None => RsaPair::generate()?.private,
    };
    let name = format!("{MERCHANT} (sandbox)");
    let issued = Certificate::issue(&name, &key, now);
    let issued = issued.map_err(|_| kept.invalid(MERCHANT_KEY, RSA_KEY))?;
    Ok((Some(key), issued))
}

fn platform_certificate(
    kept: &Kept,
    now: Duration,
) -> Result<(Certificate, PlatformKey), OpenError> {
    let (Some(key), Some(text)) = (kept.read(CERTIFIED_KEY)?, kept.read(CERTIFICATE)?) else {
        return Ok(platform::new_certificate(now)?);
    };
    let key = PlatformKey::read(&key).ok_or_else(|| kept.invalid(CERTIFIED_KEY, RSA_KEY))?;
    let certificate = Certificate::read(&text);
    Ok((certificate.ok_or_else(|| kept.invalid(CERTIFICATE, "a certificate"))?, key))
}

fn public_key(kept: &Kept, now: Duration) -> Result<(String, PlatformKey), OpenError> {
    let (Some(key), Some(id)) = (kept.read(PUBLIC_KEY_PRIVATE)?, kept.read(PUBLIC_KEY_ID)?) else {
        return Ok(platform::new_public_key(now)?);
    };
    let key = PlatformKey::read(&key).ok_or_else(|| kept.invalid(PUBLIC_KEY_PRIVATE, RSA_KEY))?;
    Ok((id.trim().to_owned(), key))
}

fn random_key(entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes);
    hex(&bytes)
}

pub(super) fn files(twin: &WechatPay) -> Vec<File> {
    let [certificate, certified, id, public, private] = twin.platform.texts();
    let merchant = twin.merchant_texts.lock().clone();
    let file = |name, text: &str, what| File { name, text: text.to_owned(), what };
    let mut files = vec![
        file(MERCHANT_ID, &format!("{}\n", twin.merchant.id), "the merchant's number"),
        file(MERCHANT_CERTIFICATE, &merchant.certificate, "the merchant's certificate"),
        file(API_V3_KEY, &twin.api_v3_key, "the APIv3 key"),
        file(PUBLIC_KEY_ID, &format!("{id}\n"), "what WeChat Pay's public key is called"),
        file(PUBLIC_KEY, &public, "WeChat Pay's public key"),
        file(CERTIFICATE, &certificate, "WeChat Pay's certificate"),
        file(CERTIFIED_KEY, &certified, "the twin's own: the certificate's private key"),
        file(PUBLIC_KEY_PRIVATE, &private, "the twin's own: the public key's private half"),
    ];
    if let Some(key) = &merchant.key {
        files.push(file(MERCHANT_KEY, key, "the merchant's private key"));
    }
    files
}

pub(super) fn facts(twin: &WechatPay) -> Vec<(&'static str, String)> {
    let [_, _, id, _, _] = twin.platform.texts();
    vec![
        ("merchant number (mchid)", twin.merchant.id.clone()),
        ("merchant certificate serial (serial_no)", twin.merchant.serial()),
        ("public key id (Wechatpay-Serial)", id),
    ]
}

pub(super) fn upstream(twin: &WechatPay, at: &Place<'_>) -> String {
    let [_, _, id, _, _] = twin.platform.texts();
    let trust = at.trust().map(|ca| format!("    tls: {{ trust: {ca} }}\n")).unwrap_or_default();
    format!(
        "upstreams:
  wechat-pay:
    endpoints: [{url}]
{trust}    plugins:
      - wechat_pay:
          merchant_id: \"{merchant}\"
          certificate_serial: \"{serial}\"
          private_key: {{ file: {merchant_key} }}
          api_v3_key: {{ file: {api_v3_key} }}
          platform_keys:
            public_keys: [{{ id: {id}, key: {public_key} }}]
            certificates: [{certificate}]
            download: true
",
        url = at.url(),
        merchant_key = at.file(MERCHANT_KEY),
        api_v3_key = at.file(API_V3_KEY),
        public_key = at.file(PUBLIC_KEY),
        certificate = at.file(CERTIFICATE),
        merchant = twin.merchant.id,
        serial = twin.merchant.serial(),
    )
}

const MERCHANT: &str = "1900000109";
const MERCHANT_ID: &str = "merchant_id";
const MERCHANT_KEY: &str = "apiclient_key.pem";
const MERCHANT_CERTIFICATE: &str = "apiclient_cert.pem";
const API_V3_KEY: &str = "api_v3_key";
const PUBLIC_KEY: &str = "pub_key.pem";
const PUBLIC_KEY_ID: &str = "pub_key_id";
const CERTIFICATE: &str = "wechatpay_cert.pem";
const CERTIFIED_KEY: &str = "provider/wechatpay_cert_key.pem";
const PUBLIC_KEY_PRIVATE: &str = "provider/pub_key_private.pem";
const RSA_KEY: &str = "an RSA key in PKCS#8";
