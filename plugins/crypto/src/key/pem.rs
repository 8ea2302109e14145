//! PEM (RFC 7468): labelled sections of base64.
//!
//! Reads only what a key file needs, and says which kind of section it met when it is the wrong one.
//! Text outside sections is allowed, as tools write it there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::{Zeroize, Zeroizing};

use super::KeyError;

/// One section: its label and its decoded bytes, wiped on drop.
pub(crate) struct Section {
    pub label: Label,
    pub der: Zeroizing<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Label {
    Certificate,
    PublicKey,
    PrivateKey,
    RsaPrivateKey,
    EcPrivateKey,
    Sm2PrivateKey,
    EcParameters,
    EncryptedPrivateKey,
    Other,
}

impl Label {
    fn from_text(text: &str) -> Self {
        match text {
            "CERTIFICATE" => Self::Certificate,
            "PUBLIC KEY" => Self::PublicKey,
            "PRIVATE KEY" => Self::PrivateKey,
            "RSA PRIVATE KEY" => Self::RsaPrivateKey,
            "EC PRIVATE KEY" => Self::EcPrivateKey,
            // What OpenSSL calls an EC key on that curve.
            "SM2 PRIVATE KEY" => Self::Sm2PrivateKey,
            "EC PARAMETERS" => Self::EcParameters,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedPrivateKey,
            _ => Self::Other,
        }
    }

    /// How an error names the section; never the file's own text.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Certificate => "`CERTIFICATE`",
            Self::PublicKey => "`PUBLIC KEY`",
            Self::PrivateKey | Self::RsaPrivateKey | Self::EcPrivateKey => "a private key",
            Self::Sm2PrivateKey => "an SM2 private key",
            Self::EcParameters => "`EC PARAMETERS`",
            Self::EncryptedPrivateKey => "an encrypted private key",
            Self::Other => "another kind of section",
        }
    }
}

/// All sections of a file, in order. No section at all is an error.
pub(crate) fn sections(text: &str) -> Result<Vec<Section>, KeyError> {
    let mut lines = text.lines().map(str::trim_end);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(label) = marker(line, "-----BEGIN ") else { continue };
        let mut body = Zeroizing::new(String::new());
        loop {
            let line = lines.next().ok_or(KeyError::NotPem)?;
            if let Some(end) = marker(line, "-----END ") {
                if end != label {
                    return Err(KeyError::NotPem);
                }
                break;
            }
            if line.starts_with("-----") {
                return Err(KeyError::NotPem);
            }
            // The old OpenSSL form announces encryption in a header inside the section.
            if line.starts_with("Proc-Type:") && line.contains("ENCRYPTED") {
                return Err(KeyError::Encrypted);
            }
            body.push_str(line.trim_start());
        }
        let label = Label::from_text(label);
        // Nothing is decoded that nobody can use: an unknown section may hold anything.
        let der = match label {
            Label::Other | Label::EcParameters => Vec::new(),
            _ => STANDARD.decode(body.as_bytes()).map_err(|_| KeyError::NotPem)?,
        };
        body.zeroize();
        found.push(Section { label, der: Zeroizing::new(der) });
    }
    if found.is_empty() { Err(KeyError::NotPem) } else { Ok(found) }
}

fn marker<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}
