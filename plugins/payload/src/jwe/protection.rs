//! What is done to a message: tokens in the place of a body, inside an envelope, or of fields.

use std::sync::Arc;

use bytes::Bytes;
use tollgate_api::{
    Entropy, Measure, Measures, Which,
    json::{Document, Fragment, Limits},
};
use tollgate_crypto::{Decrypted, Decrypter, Encrypter, JweError};

use crate::{
    FieldValues,
    message::{
        CompiledScope, MediaType, Message, Problem, Protection, check_json, envelope, forget_stale,
        is_json, media_type, replace_each, set_content_type,
    },
};

pub(super) struct JweProtection {
    pub encrypter: Option<Encrypter>,
    pub decrypter: Option<Decrypter>,
    pub requests: CompiledScope,
    /// `None`: as requests.
    pub answers: Option<CompiledScope>,
    /// What is encrypted of a field.
    pub values: FieldValues,
    /// Of an encrypted body.
    pub media_type: MediaType,
    /// Of a decrypted body that does not say.
    pub content_type: MediaType,
    /// The encryption key has a use limit.
    pub counted: bool,
    pub entropy: Arc<dyn Entropy>,
    pub measures: Arc<dyn Measures>,
    pub name: String,
}

impl Protection for JweProtection {
    fn protects(&self) -> bool {
        self.encrypter.is_some()
    }

    fn reveals(&self) -> bool {
        self.decrypter.is_some()
    }

    fn is_expensive(&self) -> bool {
        self.decrypter.as_ref().is_some_and(Decrypter::is_expensive)
    }

    fn protect(&self, which: Which, message: Message) -> Result<Message, Problem> {
        let Message { mut headers, body } = message;
        let body = match self.scope(which) {
            CompiledScope::Body => {
                let media = media_type(&headers);
                let cty = media.as_ref().and_then(MediaType::to_cty);
                let token = self.encrypt(cty, &body)?;
                set_content_type(&mut headers, self.media_type.value());
                Bytes::from(token)
            }
            CompiledScope::Envelope(name) => {
                check_json(&headers, &body)?;
                Fragment::object([(name.as_str(), Fragment::string(&self.encrypt(None, &body)?))])
                    .into_bytes()
            }
            CompiledScope::Fields(fields) => {
                if !is_json(&headers) {
                    return Err(Problem::MediaType);
                }
                replace_each(&body, fields, |_, value| {
                    let plaintext = self.values.plaintext(value)?;
                    Ok(Fragment::string(&self.encrypt(None, plaintext.as_bytes())?))
                })?
            }
        };
        forget_stale(&mut headers);
        Ok(Message { headers, body })
    }

    fn reveal(&self, which: Which, message: Message) -> Result<Message, Problem> {
        let Message { mut headers, body } = message;
        let body = match self.scope(which) {
            CompiledScope::Body => {
                if !media_type(&headers).is_some_and(|found| found.same(&self.media_type)) {
                    return Err(Problem::MediaType);
                }
                let token = std::str::from_utf8(&body).map_err(|_| not_text())?;
                let decrypted = self.decrypt(token)?;
                let content_type = match decrypted.cty() {
                    None => self.content_type.clone(),
                    Some(cty) => MediaType::from_cty(cty)
                        .ok_or_else(|| Problem::decryption("`cty` is not a media type"))?,
                };
                set_content_type(&mut headers, content_type.value());
                Bytes::from(decrypted.into_payload())
            }
            CompiledScope::Envelope(name) => {
                if !is_json(&headers) {
                    return Err(Problem::MediaType);
                }
                let document = envelope::parse(&body, &[name])?;
                let token = envelope::text(&document, name)?;
                let payload = Bytes::from(self.decrypt(&token)?.into_payload());
                Document::parse(&payload, Limits::default()).map_err(Problem::decryption)?;
                payload
            }
            CompiledScope::Fields(fields) => {
                if !is_json(&headers) {
                    return Err(Problem::MediaType);
                }
                replace_each(&body, fields, |_, value| {
                    let token = value.as_str().ok_or(Problem::Field)?;
                    self.values.restore(self.decrypt(&token)?.into_payload())
                })?
            }
        };
        forget_stale(&mut headers);
        Ok(Message { headers, body })
    }
}

impl JweProtection {
    fn scope(&self, which: Which) -> &CompiledScope {
        match (which, &self.answers) {
            (Which::Answer, Some(answers)) => answers,
            _ => &self.requests,
        }
    }

    fn encrypt(&self, cty: Option<&str>, plaintext: &[u8]) -> Result<String, Problem> {
        let encrypter =
            self.encrypter.as_ref().ok_or_else(|| Problem::encryption("no key to encrypt with"))?;
        let fill = |buffer: &mut [u8]| self.entropy.fill(buffer);
        let token = encrypter.encrypt_as(cty, plaintext, &fill).map_err(|error| match error {
            JweError::Budget(_) => Problem::Exhausted,
            other => Problem::encryption(other),
        })?;
        if self.counted {
            self.measures.add(&self.name, Measure::KeyUses, 1);
        }
        Ok(token)
    }

    fn decrypt(&self, token: &str) -> Result<Decrypted, Problem> {
        let decrypter =
            self.decrypter.as_ref().ok_or_else(|| Problem::decryption("no key to decrypt with"))?;
        decrypter.decrypt(token).map_err(Problem::decryption)
    }
}

fn not_text() -> Problem {
    Problem::decryption("the body is not text")
}
