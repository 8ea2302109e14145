//! The protected header of an encrypted token.

use serde_json::{Map, Value};

use super::JweError;
use crate::{
    encoding::base64url_decode,
    jws::{kid, member, protected},
};

/// What the header says. None of it is verified until the content is.
pub(super) struct Header {
    pub alg: String,
    pub enc: String,
    pub kid: Option<String>,
    pub typ: Option<String>,
    pub cty: Option<String>,
    members: Map<String, Value>,
}

impl Header {
    pub fn read(segment: &str) -> Result<Self, JweError> {
        let members = protected(segment).map_err(JweError::Malformed)?;
        if members.contains_key("zip") {
            return Err(JweError::Malformed("`zip` is not supported"));
        }
        let text = |name, error| member(&members, name).map_err(|()| JweError::Malformed(error));
        Ok(Self {
            alg: text("alg", "`alg` is not text")?
                .ok_or(JweError::Malformed("`alg` is missing"))?,
            enc: text("enc", "`enc` is not text")?
                .ok_or(JweError::Malformed("`enc` is missing"))?,
            kid: kid(&members).map_err(JweError::Malformed)?,
            typ: text("typ", "`typ` is not text")?,
            cty: text("cty", "`cty` is not text")?,
            members,
        })
    }

    /// The ephemeral public key of ECDH-ES.
    pub fn epk(&self) -> Result<&Map<String, Value>, JweError> {
        self.members
            .get("epk")
            .and_then(Value::as_object)
            .ok_or(JweError::Malformed("`epk` is missing"))
    }

    /// A member that is base64url and may be absent, such as `apu`.
    pub fn optional_bytes(&self, name: &str) -> Result<Vec<u8>, JweError> {
        let malformed = JweError::Malformed("a header member is not base64url");
        match member(&self.members, name).map_err(|()| malformed)? {
            None => Ok(Vec::new()),
            Some(text) => base64url_decode(&text).map_err(|_| malformed),
        }
    }

    /// A member that is base64url of exactly `N` bytes.
    pub fn exact_bytes<const N: usize>(&self, name: &str) -> Result<[u8; N], JweError> {
        self.optional_bytes(name)?
            .try_into()
            .map_err(|_| JweError::Malformed("a header member has the wrong length"))
    }
}
