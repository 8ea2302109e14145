//! What is done to a message: sealed pieces in the place of a body, inside an envelope, or of fields.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tollgate_api::{
    Entropy, Measure, Measures, Which,
    json::{Document, Fragment, Limits},
};
use tollgate_crypto::{AesGcmKey, SealError, UseBudget, aead::TAG_LEN};

use super::{
    AssociatedData, Encoding, KeyIdPlace, NoncePlace, TagPlace,
    associated::single,
    layout::{Apart, Parts},
};
use crate::{
    FieldValues,
    message::{
        CompiledScope, MediaType, Message, Problem, Protection, check_json, envelope, forget_stale,
        is_json, media_type, replace_each, set_content_type,
    },
};

pub(super) struct AesGcmProtection {
    pub encrypt: Option<EncryptionKey>,
    pub decrypt: Vec<DecryptionKey>,
    pub requests: CompiledScope,
    /// `None`: as requests.
    pub answers: Option<CompiledScope>,
    pub values: FieldValues,
    pub encoding: Encoding,
    pub nonce: NoncePlace,
    pub tag: TagPlace,
    pub key_id: Option<KeyIdPlace>,
    pub associated: Option<AssociatedData>,
    /// Of an encrypted body.
    pub media_type: MediaType,
    /// Of a plain body.
    pub content_type: MediaType,
    pub entropy: Arc<dyn Entropy>,
    pub measures: Arc<dyn Measures>,
    pub name: String,
}

pub(super) struct EncryptionKey {
    pub key: AesGcmKey,
    pub budget: Arc<UseBudget>,
    pub id: Option<String>,
}

pub(super) struct DecryptionKey {
    pub key: AesGcmKey,
    pub id: Option<String>,
}

impl Protection for AesGcmProtection {
    fn protects(&self) -> bool {
        self.encrypt.is_some()
    }

    fn reveals(&self) -> bool {
        !self.decrypt.is_empty()
    }

    fn is_expensive(&self) -> bool {
        false
    }

    fn protect(&self, which: Which, message: Message) -> Result<Message, Problem> {
        let Message { mut headers, body } = message;
        let body = match self.scope(which) {
            CompiledScope::Body => {
                if !media_type(&headers).is_some_and(|found| found.same(&self.content_type)) {
                    return Err(Problem::MediaType);
                }
                let parts = self.seal(&self.data(&headers, None).ok_or(Problem::Field)?, &body)?;
                self.put_headers(&mut headers, Some(&parts))?;
                set_content_type(&mut headers, self.media_type.value());
                let piece = parts.join(&self.nonce, &self.tag);
                match self.encoding {
                    Encoding::Raw => Bytes::from(piece),
                    encoding => Bytes::from(encoding.encode(&piece)),
                }
            }
            CompiledScope::Envelope(name) => {
                check_json(&headers, &body)?;
                let parts = self.seal(&self.data(&headers, None).ok_or(Problem::Field)?, &body)?;
                self.put_headers(&mut headers, Some(&parts))?;
                self.envelope(name, &parts)
            }
            CompiledScope::Fields(fields) => {
                if !is_json(&headers) {
                    return Err(Problem::MediaType);
                }
                let body = replace_each(&body, fields, |document, value| {
                    let data = self.data(&headers, Some(document)).ok_or(Problem::Field)?;
                    let parts = self.seal(&data, self.values.plaintext(value)?.as_bytes())?;
                    let piece = parts.join(&self.nonce, &self.tag);
                    Ok(Fragment::string(&self.encoding.encode(&piece)))
                })?;
                self.put_headers(&mut headers, None)?;
                body
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
                let piece = match self.encoding {
                    Encoding::Raw => Cow::Borrowed(&*body),
                    encoding => std::str::from_utf8(&body)
                        .ok()
                        .and_then(|text| encoding.decode(text))
                        .map(Cow::Owned)
                        .ok_or_else(malformed)?,
                };
                let data = self.data(&headers, None).ok_or_else(no_data)?;
                let plain = self.open(&piece, &data, &headers, None)?;
                set_content_type(&mut headers, self.content_type.value());
                Bytes::from(plain)
            }
            CompiledScope::Envelope(name) => {
                if !is_json(&headers) {
                    return Err(Problem::MediaType);
                }
                let document = envelope::parse(&body, &self.member_names(name))?;
                let text = envelope::text(&document, name)?;
                let piece = self.encoding.decode(&text).ok_or_else(malformed)?;
                let data = self.data(&headers, None).ok_or_else(no_data)?;
                let plain = Bytes::from(self.open(&piece, &data, &headers, Some(&document))?);
                Document::parse(&plain, Limits::default()).map_err(Problem::decryption)?;
                plain
            }
            CompiledScope::Fields(fields) => {
                if !is_json(&headers) {
                    return Err(Problem::MediaType);
                }
                replace_each(&body, fields, |document, value| {
                    let text = value.as_str().ok_or(Problem::Field)?;
                    let piece = self.encoding.decode(&text).ok_or_else(malformed)?;
                    let data = self.data(&headers, Some(document)).ok_or_else(no_data)?;
                    self.values.restore(self.open(&piece, &data, &headers, None)?)
                })?
            }
        };
        self.remove_headers(&mut headers);
        forget_stale(&mut headers);
        Ok(Message { headers, body })
    }
}

impl AesGcmProtection {
    fn scope(&self, which: Which) -> &CompiledScope {
        match (which, &self.answers) {
            (Which::Answer, Some(answers)) => answers,
            _ => &self.requests,
        }
    }

    fn data(&self, headers: &HeaderMap, document: Option<&Document>) -> Option<Vec<u8>> {
        match &self.associated {
            None => Some(Vec::new()),
            Some(associated) => associated.bytes(headers, document),
        }
    }

    fn seal(&self, data: &[u8], plaintext: &[u8]) -> Result<Parts, Problem> {
        let own =
            self.encrypt.as_ref().ok_or_else(|| Problem::encryption("no key to encrypt with"))?;
        let fill = |buffer: &mut [u8]| self.entropy.fill(buffer);
        let sealed =
            own.key.seal_random(&own.budget, &fill, data, plaintext).map_err(
                |error| match error {
                    SealError::Budget(_) => Problem::Exhausted,
                    other => Problem::encryption(other),
                },
            )?;
        self.measures.add(&self.name, Measure::KeyUses, 1);
        let mut ciphertext = sealed.ciphertext;
        let tag = ciphertext
            .last_chunk::<TAG_LEN>()
            .copied()
            .ok_or_else(|| Problem::encryption("no tag was made"))?;
        ciphertext.truncate(ciphertext.len().saturating_sub(TAG_LEN));
        Ok(Parts { nonce: sealed.nonce, ciphertext, tag })
    }

    /// Opens a piece with the key the message names, or with the first that fits.
    fn open(
        &self,
        piece: &[u8],
        data: &[u8],
        headers: &HeaderMap,
        envelope: Option<&Document>,
    ) -> Result<Vec<u8>, Problem> {
        let found = |header: Option<&http::HeaderName>, member: Option<&str>| {
            self.apart(headers, envelope, header, member)
        };
        let apart = Apart {
            nonce: match &self.nonce {
                NoncePlace::Prefix => None,
                NoncePlace::Header(name) => fixed(found(Some(name.name()), None)?),
                NoncePlace::Member(name) => fixed(found(None, Some(name))?),
            },
            tag: match &self.tag {
                TagPlace::Prefix | TagPlace::Suffix => None,
                TagPlace::Header(name) => fixed(found(Some(name.name()), None)?),
                TagPlace::Member(name) => fixed(found(None, Some(name))?),
            },
        };
        let parts = Parts::split(piece, &self.nonce, &self.tag, apart).ok_or_else(malformed)?;
        let id = self.key_id(headers, envelope)?;
        let keys =
            self.decrypt.iter().filter(|key| id.is_none() || key.id.as_deref() == id.as_deref());
        for own in keys {
            let mut buffer = parts.ciphertext.clone();
            if own.key.open_in_place(&parts.nonce, data, &mut buffer, &parts.tag).is_ok() {
                return Ok(buffer);
            }
        }
        Err(Problem::decryption("no key opens the message"))
    }

    /// Bytes from a header or a member of the envelope.
    fn apart(
        &self,
        headers: &HeaderMap,
        envelope: Option<&Document>,
        header: Option<&http::HeaderName>,
        member: Option<&str>,
    ) -> Result<Vec<u8>, Problem> {
        let text = text(headers, envelope, header, member)?;
        self.encoding.decode(&text).ok_or_else(malformed)
    }

    /// The name of the key, if messages carry one.
    fn key_id(
        &self,
        headers: &HeaderMap,
        envelope: Option<&Document>,
    ) -> Result<Option<String>, Problem> {
        let text = match &self.key_id {
            None => return Ok(None),
            Some(KeyIdPlace::Header(name)) => text(headers, envelope, Some(name.name()), None)?,
            Some(KeyIdPlace::Member(name)) => text(headers, envelope, None, Some(name))?,
        };
        Ok(Some(text.into_owned()))
    }

    /// Puts into headers what belongs there; the nonce and the tag only if there is one of each.
    fn put_headers(&self, headers: &mut HeaderMap, parts: Option<&Parts>) -> Result<(), Problem> {
        let mut put = |name: &http::HeaderName, text: &str| {
            let value = HeaderValue::from_str(text).map_err(Problem::encryption)?;
            headers.insert(name, value);
            Ok::<(), Problem>(())
        };
        if let Some(parts) = parts {
            if let NoncePlace::Header(name) = &self.nonce {
                put(name.name(), &self.encoding.encode(&parts.nonce))?;
            }
            if let TagPlace::Header(name) = &self.tag {
                put(name.name(), &self.encoding.encode(&parts.tag))?;
            }
        }
        if let Some(KeyIdPlace::Header(name)) = &self.key_id {
            put(name.name(), self.own_id())?;
        }
        Ok(())
    }

    /// What was for the layout alone is not passed on.
    fn remove_headers(&self, headers: &mut HeaderMap) {
        if let NoncePlace::Header(name) = &self.nonce {
            headers.remove(name.name());
        }
        if let TagPlace::Header(name) = &self.tag {
            headers.remove(name.name());
        }
        if let Some(KeyIdPlace::Header(name)) = &self.key_id {
            headers.remove(name.name());
        }
    }

    fn envelope(&self, name: &str, parts: &Parts) -> Bytes {
        let piece = parts.join(&self.nonce, &self.tag);
        let mut members = vec![(name, self.encoding.encode(&piece))];
        if let NoncePlace::Member(name) = &self.nonce {
            members.push((name, self.encoding.encode(&parts.nonce)));
        }
        if let TagPlace::Member(name) = &self.tag {
            members.push((name, self.encoding.encode(&parts.tag)));
        }
        if let Some(KeyIdPlace::Member(name)) = &self.key_id {
            members.push((name, self.own_id().to_owned()));
        }
        let members = members.iter().map(|(name, text)| (*name, Fragment::string(text)));
        Fragment::object(members).into_bytes()
    }

    fn member_names<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let mut names = vec![name];
        if let NoncePlace::Member(name) = &self.nonce {
            names.push(name);
        }
        if let TagPlace::Member(name) = &self.tag {
            names.push(name);
        }
        if let Some(KeyIdPlace::Member(name)) = &self.key_id {
            names.push(name);
        }
        names
    }

    fn own_id(&self) -> &str {
        self.encrypt.as_ref().and_then(|own| own.id.as_deref()).unwrap_or_default()
    }
}

fn text<'a>(
    headers: &'a HeaderMap,
    envelope: Option<&'a Document>,
    header: Option<&http::HeaderName>,
    member: Option<&str>,
) -> Result<Cow<'a, str>, Problem> {
    if let Some(name) = header {
        let value = single(headers, name).and_then(|value| std::str::from_utf8(value).ok());
        return value.map(Cow::Borrowed).ok_or(Problem::Field);
    }
    let (Some(document), Some(name)) = (envelope, member) else { return Err(Problem::Field) };
    envelope::text(document, name)
}

fn fixed<const N: usize>(bytes: Vec<u8>) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn malformed() -> Problem {
    Problem::decryption("the message does not have the agreed layout")
}

fn no_data() -> Problem {
    Problem::decryption("the associated data is incomplete or ambiguous")
}
