//! Notifications of v2 and v3: a form, signed over its sorted parameters.
//!
//! There are two families: of one the signature covers `sign_type`, of the other it does not; and
//! Alipay's own SDKs differ in whether empty values are signed. So each reading is tried, all with the
//! configured keys and the one algorithm, and what is handed on is what the signature that fits
//! covers: nothing else of the form reaches the institution. What a form must look like so that one
//! signed text cannot be passed off as another form is written in [`borders`](super::borders).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, header};
use tollgate_api::{
    Exchange, Fault, Flow, Hooks, Identity, Needs, Outcome, Plugin, Request, Side, Step, Turn,
    codes, json::encode_string,
};
use tollgate_crypto::base64_decode;

use super::{
    acknowledge::Inbox,
    borders::unambiguous,
    content::ContentKey,
    form::{FormError, Parameters},
    keys::AlipayKeys,
    message::{held, media_type, whole},
    time,
    v2::is_utf8,
};
use crate::verification::{Presented, Refusal, Verified, Verifier};

/// The plugin on a route that takes notifications of v2 and v3.
pub(super) struct Notifications {
    pub app_id: String,
    pub seller_id: Option<String>,
    pub keys: AlipayKeys,
    /// Without a replay set: Alipay repeats notifications for a day, and the inbox knows what was
    /// delivered. Its window is shorter than the inbox's memory.
    pub verifier: Verifier,
    pub content: Option<ContentKey>,
    pub inbox: Inbox,
}

impl Plugin for Notifications {
    fn needs(&self) -> Needs {
        Needs::WHOLE
    }

    fn hooks(&self) -> Hooks {
        Hooks::ALL
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        Step::later(async move {
            let (proof, mut event) = self.verify(&exchange.request).await?;
            self.belongs(&event)?;
            self.decrypt(&proof, &mut event)?;
            let id = event.filled("notify_id").map(|id| id.as_bytes().to_vec());
            let id = id.ok_or_else(|| {
                Fault::new(&codes::FIELD_INVALID).caused_by("the notification has no `notify_id`")
            })?;
            let request = &mut exchange.request;
            request.body = held(object(&event));
            let json = HeaderValue::from_static("application/json");
            request.headers.insert(header::CONTENT_TYPE, json);
            exchange.identity = Some(identity(&self.app_id));
            self.inbox.begin(exchange, id).await
        })
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        Step::later(async move { Ok(self.inbox.finish(exchange).await) })
    }

    fn on_end(&self, exchange: &mut Exchange, _: &Outcome) {
        self.inbox.abandon(exchange);
    }
}

impl Notifications {
    /// The parameters that are signed, `sign_type` aside.
    async fn verify(&self, request: &Request) -> Result<(Verified, Parameters), Fault> {
        if media_type(&request.headers).as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(Fault::new(&codes::UNSUPPORTED_MEDIA_TYPE));
        }
        let mut form = Parameters::parse(&whole(&request.body)?).map_err(|error| match error {
            FormError::Malformed => Refusal::Malformed.fault(Side::Route),
            FormError::Duplicate => Fault::new(&codes::AMBIGUOUS_REQUEST).caused_by(error),
        })?;
        if form.filled("charset").is_some_and(|charset| !is_utf8(charset)) {
            return Err(Fault::new(&codes::UNSUPPORTED_MEDIA_TYPE)
                .caused_by("the notification's `charset` is not utf-8"));
        }
        let refuse = |refusal: Refusal| refusal.fault(Side::Route);
        let mut presented = self.presented(&mut form).map_err(refuse)?;
        let mut refusal = Refusal::Invalid;
        for (message, covered) in readings(form) {
            presented.message = message;
            match self.verifier.verify(&self.keys, &presented).await {
                Ok(proof) => return Ok((proof, covered)),
                Err(Refusal::Invalid) => {}
                Err(other) => refusal = other,
            }
        }
        Err(refuse(refusal))
    }

    /// Takes the signature out of the form.
    fn presented(&self, form: &mut Parameters) -> Result<Presented, Refusal> {
        let signature = form.remove("sign").filter(|sign| !sign.is_empty());
        let signature = signature.ok_or(Refusal::Missing)?;
        match form.filled("sign_type") {
            Some("RSA2") => {}
            Some(_) => return Err(Refusal::Algorithm),
            None => return Err(Refusal::Missing),
        }
        if !unambiguous(form) {
            return Err(Refusal::Malformed);
        }
        let named = match self.keys {
            AlipayKeys::Certified { .. } => form.filled("alipay_cert_sn").unwrap_or_default(),
            AlipayKeys::Bare(_) => "",
        };
        Ok(Presented {
            key_id: named.to_owned(),
            time: Some(sent(form)?),
            message: Vec::new(),
            signatures: vec![base64_decode(&signature).map_err(|_| Refusal::Malformed)?],
            nonce: None,
        })
    }

    /// Whether the event is this application's and seller's.
    fn belongs(&self, event: &Parameters) -> Result<(), Fault> {
        let ours = event.get("app_id") == Some(&self.app_id)
            && self
                .seller_id
                .as_deref()
                .is_none_or(|seller| event.get("seller_id") == Some(seller));
        if ours { Ok(()) } else { Err(Fault::new(&codes::NOTIFICATION_MISDIRECTED)) }
    }

    /// Some notifications carry an encrypted `biz_content`, and say so.
    fn decrypt(&self, proof: &Verified, event: &mut Parameters) -> Result<(), Fault> {
        let Some(kind) = event.remove("encrypt_type").filter(|kind| !kind.is_empty()) else {
            return Ok(());
        };
        let content = event.get("biz_content");
        let plain = self
            .content
            .as_ref()
            .filter(|_| kind == "AES")
            .zip(content)
            .and_then(|(key, content)| key.decrypt(proof, content))
            .and_then(|plain| String::from_utf8(plain).ok());
        let plain = plain.ok_or_else(|| Fault::new(&codes::DECRYPTION_FAILED))?;
        event.set("biz_content", plain);
        Ok(())
    }
}

/// When it was sent, each repetition anew. Notifications of trades say so in `notify_time`, in China's
/// time; messages of the newer family, which have a `msg_method`, in `utc_timestamp`, in milliseconds.
/// Neither is empty, so that every reading covers it.
fn sent(form: &Parameters) -> Result<Duration, Refusal> {
    let time = match (form.filled("notify_time"), form.filled("utc_timestamp")) {
        (Some(text), _) => time::from_china(text),
        (None, Some(text)) => time::milliseconds(text),
        (None, None) => return Err(Refusal::Missing),
    };
    time.ok_or(Refusal::Malformed)
}

/// What may be signed, and what of the form each reading covers.
pub(super) fn readings(form: Parameters) -> Vec<(Vec<u8>, Parameters)> {
    let mut filled = form.clone();
    filled.retain(|_, value| !value.is_empty());
    let differs = filled.iter().count() < form.iter().count();
    let forms = [Some(form), differs.then_some(filled)];
    let mut readings = Vec::new();
    for form in forms.into_iter().flatten() {
        let mut without = form.clone();
        without.remove("sign_type");
        readings.push((without.text_to_sign().into_bytes(), without.clone()));
        readings.push((form.text_to_sign().into_bytes(), without));
    }
    readings
}

/// Who sent it, for the plugins that follow.
pub(super) fn identity(account: &str) -> Identity {
    Identity {
        subject: Some("alipay".to_owned()),
        client_id: Some(account.to_owned()),
        scopes: Vec::new(),
        claims: Arc::default(),
        proven_by: "alipay",
    }
}

/// The event as the institution gets it: an object of texts.
fn object(event: &Parameters) -> Bytes {
    let members: Vec<String> = event
        .iter()
        .map(|(name, value)| format!("{}:{}", encode_string(name), encode_string(value)))
        .collect();
    Bytes::from(format!("{{{}}}", members.join(",")))
}
