//! The dialect of provider A: the whole message as a compact JWE (RFC 7516) in one member of a JSON
//! object, `RSA-OAEP-256` and `A256GCM`, the key named by `kid`.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rsa::{
        OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        PrivateDecryptingKey, PublicEncryptingKey,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use serde_json::{Map, Value, json};
use tollgate_api::Entropy;

use super::{
    Dialect, Refusal,
    dialect::{SealError, flip},
};

/// Provider A's dialect.
pub struct JweDialect {
    member: &'static str,
    own: OaepPrivateDecryptingKey,
    own_kid: &'static str,
    peer: OaepPublicEncryptingKey,
    peer_kid: &'static str,
}

impl JweDialect {
    /// Decrypts with `own` (PKCS#8 PEM), which others name `own_kid`; encrypts to `peer`
    /// (`PUBLIC KEY` PEM). `None` if either is not an RSA key.
    pub fn new(
        member: &'static str,
        (own, own_kid): (&str, &'static str),
        (peer, peer_kid): (&str, &'static str),
    ) -> Option<Self> {
        let own = PrivatePkcs8KeyDer::from_pem_slice(own.as_bytes()).ok()?;
        let own = PrivateDecryptingKey::from_pkcs8(own.secret_pkcs8_der()).ok()?;
        let peer = SubjectPublicKeyInfoDer::from_pem_slice(peer.as_bytes()).ok()?;
        let peer = PublicEncryptingKey::from_der(peer.as_ref()).ok()?;
        Some(Self {
            member,
            own: OaepPrivateDecryptingKey::new(own).ok()?,
            own_kid,
            peer: OaepPublicEncryptingKey::new(peer).ok()?,
            peer_kid,
        })
    }

    fn decrypt(&self, token: &str) -> Option<Vec<u8>> {
        let mut segments = token.split('.');
        let mut segment = || segments.next();
        let (head, key, iv, text, tag) =
            (segment()?, segment()?, segment()?, segment()?, segment()?);
        if segment().is_some() {
            return None;
        }
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let header: Map<String, Value> = serde_json::from_slice(&decode(head)?).ok()?;
        let says =
            |name: &str, value: &str| header.get(name).and_then(Value::as_str) == Some(value);
        if !(says("alg", "RSA-OAEP-256") && says("enc", "A256GCM") && says("kid", self.own_kid)) {
            return None;
        }
        let key = decode(key)?;
        let mut content_key = vec![0; self.own.min_output_size()];
        let content_key =
            self.own.decrypt(&OAEP_SHA256_MGF1SHA256, &key, &mut content_key, None).ok()?;
        let content_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, content_key).ok()?);
        let nonce = Nonce::assume_unique_for_key(decode(iv)?.try_into().ok()?);
        let mut sealed = decode(text)?;
        let tag: [u8; 16] = decode(tag)?.try_into().ok()?;
        sealed.extend_from_slice(&tag);
        let clear =
            content_key.open_in_place(nonce, Aad::from(head.as_bytes()), &mut sealed).ok()?;
        Some(clear.to_vec())
    }

    fn encrypt(&self, message: &[u8], entropy: &dyn Entropy) -> Option<String> {
        let header = json!({
            "alg": "RSA-OAEP-256",
            "enc": "A256GCM",
            "kid": self.peer_kid,
        });
        let head = URL_SAFE_NO_PAD.encode(header.to_string());
        let (mut content_key, mut iv) = ([0_u8; 32], [0_u8; NONCE_LEN]);
        entropy.fill(&mut content_key);
        entropy.fill(&mut iv);
        let mut wrapped = vec![0; self.peer.ciphertext_size()];
        let wrapped =
            self.peer.encrypt(&OAEP_SHA256_MGF1SHA256, &content_key, &mut wrapped, None).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content_key).ok()?);
        let mut text = message.to_vec();
        let nonce = Nonce::assume_unique_for_key(iv);
        let tag =
            key.seal_in_place_separate_tag(nonce, Aad::from(head.as_bytes()), &mut text).ok()?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Some(format!(
            "{head}.{}.{}.{}.{}",
            encode(wrapped),
            encode(&iv),
            encode(&text),
            encode(tag.as_ref())
        ))
    }
}

impl Dialect for JweDialect {
    fn open(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let envelope: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| Refusal::bad_request("message_not_json"))?;
        // Nothing may travel in clear beside the ciphertext, or instead of it.
        let (1, Some(Value::String(token))) = (envelope.len(), envelope.get(self.member)) else {
            return Err(Refusal::bad_request("not_encrypted"));
        };
        self.decrypt(token).ok_or(Refusal::bad_request("decryption_failed"))
    }

    fn seal(&self, message: &Value, entropy: &dyn Entropy) -> Result<Vec<u8>, SealError> {
        let token = self.encrypt(message.to_string().as_bytes(), entropy).ok_or(SealError)?;
        Ok(json!({ self.member: token }).to_string().into_bytes())
    }

    fn tamper(&self, body: &mut Vec<u8>) {
        let Ok(mut envelope) = serde_json::from_slice::<Map<String, Value>>(body) else { return };
        if let Some(Value::String(token)) = envelope.get_mut(self.member) {
            // The ciphertext is the last segment but one.
            let end = token.rfind('.').unwrap_or(token.len());
            *token = flip(token, end.saturating_sub(TAMPERED_BEFORE_END));
        }
        *body = Value::Object(envelope).to_string().into_bytes();
    }
}

/// Far enough from the last character, of which not every bit counts.
const TAMPERED_BEFORE_END: usize = 9;
