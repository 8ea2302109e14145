//! Downloading platform certificates: `GET /v3/certificates`, signed by the merchant.
//!
//! The first answer is signed with a key that only the answer itself brings. It is believed because
//! each certificate is encrypted under the `APIv3` key, which WeChat Pay and the merchant alone have,
//! and because the answer's signature fits one of these certificates or a key that is known already.
//! If either fails, nothing of the answer is used.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use tollgate_api::{
    Call, Caller, Clock, Fault, FetchError, Fetched, Step,
    json::{Document, Limits, ValueRef},
};

use super::PlatformKey;
use crate::{
    verification::{KeyFor, Keys, Refusal, Verifier, VerifyingKey},
    wechat_pay::{
        calls::{USER_AGENT, WINDOW},
        merchant::Merchant,
        presented::presented,
        resource::ResourceKey,
        variant::Variant,
    },
};

/// The means to download certificates.
pub(in crate::wechat_pay) struct Source {
    pub caller: Arc<dyn Caller>,
    pub merchant: Arc<Merchant>,
    pub resource_key: ResourceKey,
    /// Keys of the configuration, which may have signed the answer as well.
    pub fixed: Vec<Arc<PlatformKey>>,
    pub clock: Arc<dyn Clock>,
}

/// What WeChat Pay answered.
pub(super) enum Downloaded {
    /// Every certificate that counts, at least one.
    Certificates(Vec<PlatformKey>),
    /// The merchant uses public keys and has no certificates.
    NoCertificates,
}

/// Why there are no new certificates.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("platform certificates could not be asked for: {0}")]
    Sign(Fault),
    #[error("platform certificates could not be downloaded: {0}")]
    Fetch(#[from] FetchError),
    #[error(
        "platform certificates could not be downloaded: WeChat Pay answered {0} instead of 200"
    )]
    Status(u16),
    #[error("the answer with platform certificates cannot be read: {0}")]
    Document(&'static str),
    #[error("a platform certificate does not decrypt with the APIv3 key")]
    Decryption,
    #[error("a platform certificate cannot be used: {0}")]
    Certificate(String),
    #[error("the answer with platform certificates is not believed: {0}")]
    Signature(Refusal),
}

impl Source {
    /// Downloads, decrypts and verifies. `known` are the certificates in force.
    pub(super) async fn download(&self, known: &[Arc<PlatformKey>]) -> Result<Downloaded, Failure> {
        let fetched = self.fetch().await?;
        if fetched.status != StatusCode::OK {
            return if has_none(&fetched) {
                Ok(Downloaded::NoCertificates)
            } else {
                Err(Failure::Status(fetched.status.as_u16()))
            };
        }
        let found = self.read(&fetched.body)?;
        let candidates = self.fixed.iter().chain(known).cloned();
        let candidates = candidates.chain(found.iter().cloned().map(Arc::new)).collect();
        self.verify(&fetched, Candidates { keys: candidates, now: self.clock.unix() }).await?;
        Ok(Downloaded::Certificates(found))
    }

    async fn fetch(&self) -> Result<Fetched, Failure> {
        let target = self.merchant.variant.certificates_target();
        let authorization = self.merchant.authorization(&Method::GET, target, b"").await;
        let mut call = Call::get(target);
        call.headers.insert(header::AUTHORIZATION, authorization.map_err(Failure::Sign)?);
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        call.headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        // The caller keeps to the deadline; the timeout keeps messages from depending on that.
        let fetched = self.caller.call(call, LARGEST, DEADLINE);
        tokio::time::timeout(DEADLINE + Duration::from_secs(1), fetched)
            .await
            .unwrap_or(Err(FetchError::Timeout))
            .map_err(Failure::from)
    }

    /// The certificates of an answer, decrypted. One that is wrong makes all of them useless: WeChat
    /// Pay does not send such.
    fn read(&self, body: &Bytes) -> Result<Vec<PlatformKey>, Failure> {
        let document = Document::parse(body, Limits::default())
            .map_err(|_| Failure::Document("it is not JSON"))?;
        let list = document.root().get("data");
        let now = self.clock.unix();
        let mut found = Vec::new();
        for entry in list.iter().flat_map(ValueRef::elements).take(MOST) {
            let certificate = self.certificate(entry)?;
            if certificate.is_in_force(now) {
                found.push(certificate);
            }
        }
        if found.is_empty() {
            return Err(Failure::Document("it has no certificate that is in force"));
        }
        Ok(found)
    }

    fn certificate(&self, entry: ValueRef<'_>) -> Result<PlatformKey, Failure> {
        let sealed = entry.get("encrypt_certificate");
        let sealed = sealed.ok_or(Failure::Document("a certificate is missing"))?;
        let pem = self.resource_key.open(sealed).ok_or(Failure::Decryption)?;
        let variant: Variant = self.merchant.variant;
        let certificate = PlatformKey::certificate(variant, &pem).map_err(Failure::Certificate)?;
        let announced = entry.get("serial_no").and_then(|serial| serial.as_str());
        if announced.as_deref() != Some(&*certificate.id) {
            return Err(Failure::Certificate("it has another serial number".to_owned()));
        }
        Ok(certificate)
    }

    async fn verify(&self, fetched: &Fetched, keys: Candidates) -> Result<(), Failure> {
        let presented = presented(self.merchant.variant, &fetched.headers, &fetched.body)
            .map_err(Failure::Signature)?;
        let verifier = Verifier { clock: self.clock.clone(), window: Some(WINDOW), replay: None };
        verifier.verify(&keys, &presented).await.map(drop).map_err(Failure::Signature)
    }
}

struct Candidates {
    keys: Vec<Arc<PlatformKey>>,
    now: Duration,
}

impl Keys for Candidates {
    fn find<'a>(&'a self, id: &'a str) -> KeyFor<'a> {
        let mut usable = self.keys.iter().filter(|key| key.is_in_force(self.now));
        let found = usable.find(|key| key.id == id).cloned();
        Step::Now(found.map(|key| key as Arc<dyn VerifyingKey>).ok_or(Refusal::KeyUnknown))
    }
}

/// A merchant that only ever had public keys is told that there are no certificates. Whoever could
/// forge this answer could suppress any other as well, and nothing is believed because of it.
fn has_none(fetched: &Fetched) -> bool {
    let code = || {
        let document = Document::parse(&fetched.body, Limits::default()).ok()?;
        let code = document.root().get("code")?.as_str()?.into_owned();
        Some(matches!(&*code, "NOT_FOUND" | "RESOURCE_NOT_EXISTS"))
    };
    fetched.status == StatusCode::NOT_FOUND && code().unwrap_or_default()
}

/// Bytes of the largest answer that is read.
const LARGEST: usize = 256 * 1024;
/// Certificates of one answer that are read; there are one or two.
const MOST: usize = 16;
/// How long one download may take, and therefore how long a message waits for its key.
const DEADLINE: Duration = Duration::from_secs(5);
