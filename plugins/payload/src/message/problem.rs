//! Why a message could not be transformed, and the fault that follows from its direction.

use std::error::Error;

use tollgate_api::{Code, Fault, Which, codes};

/// What went wrong, before it is known who is to blame.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The media type is not the expected one.
    MediaType,
    /// The body is not the JSON we accept.
    Json,
    /// A field or header is missing, of the wrong type, or there are too many.
    Field,
    /// The key must not be used any more.
    Exhausted,
    /// Encryption failed; the cause is for the log.
    Encryption(Box<dyn Error + Send + Sync>),
    /// Decryption failed; the cause is for the log alone, nobody outside learns it.
    Decryption(Box<dyn Error + Send + Sync>),
}

impl Problem {
    /// A decryption failure with its cause, which must hold no byte of the message.
    pub fn decryption(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Decryption(cause.into())
    }

    /// An encryption failure with its cause, which must hold no byte of the message.
    pub fn encryption(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Encryption(cause.into())
    }

    /// Whether the message was not in the protected form at all, as opposed to protected and bad.
    pub fn is_about_form(&self) -> bool {
        matches!(self, Self::MediaType | Self::Json | Self::Field)
    }

    /// The fault: what a caller's request lacks is the caller's, what an answer lacks is the
    /// provider's, and what we cannot encrypt is ours.
    pub fn into_fault(self, which: Which) -> Fault {
        let code: &'static Code = match (&self, which) {
            (Self::MediaType, Which::Request) => &codes::UNSUPPORTED_MEDIA_TYPE,
            (Self::Json, Which::Request) => &codes::INVALID_JSON,
            (Self::Field, Which::Request) => &codes::FIELD_INVALID,
            (Self::MediaType | Self::Json | Self::Field, Which::Answer) => {
                &codes::UPSTREAM_INVALID_ANSWER
            }
            (Self::Exhausted, _) => &codes::KEY_EXHAUSTED,
            (Self::Encryption(_), _) => &codes::ENCRYPTION_FAILED,
            (Self::Decryption(_), Which::Request) => &codes::DECRYPTION_FAILED,
            (Self::Decryption(_), Which::Answer) => &codes::UPSTREAM_DECRYPTION_FAILED,
        };
        match self {
            Self::Encryption(cause) | Self::Decryption(cause) => Fault::new(code).caused_by(cause),
            _ => Fault::new(code),
        }
    }
}
