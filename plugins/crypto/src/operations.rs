//! Key operations behind traits, so that a key in a KMS or an HSM is one more implementation.
//!
//! The futures are for keys that are elsewhere. A local key answers at once, on the calling thread;
//! where [`Signer::is_expensive`] or [`TokenDecrypter::is_expensive`] says so, a server should run it
//! on a thread of its own.

use std::{
    future::{self, Future},
    pin::Pin,
};

use crate::{
    jwe::{Decrypted, Decrypter, JweError},
    jws::{Algorithm, SignError, SigningKey},
};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that can sign.
pub trait Signer: Send + Sync {
    /// The algorithm signatures are made with.
    fn algorithm(&self) -> Algorithm;

    /// The identifier the key is published under.
    fn kid(&self) -> Option<&str>;

    /// Whether one signature takes around a millisecond of this machine's CPU.
    fn is_expensive(&self) -> bool;

    /// Signs raw bytes.
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SignError>>;
}

/// Something that can decrypt compact tokens.
pub trait TokenDecrypter: Send + Sync {
    /// Whether one decryption may take around a millisecond of this machine's CPU.
    fn is_expensive(&self) -> bool;

    /// Decrypts one token.
    fn decrypt<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Decrypted, JweError>>;
}

impl Signer for SigningKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm()
    }

    fn kid(&self) -> Option<&str> {
        self.kid()
    }

    fn is_expensive(&self) -> bool {
        self.private_key().is_expensive()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, SignError>> {
        Box::pin(future::ready(SigningKey::sign(self, message)))
    }
}

impl TokenDecrypter for Decrypter {
    fn is_expensive(&self) -> bool {
        self.is_expensive()
    }

    fn decrypt<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Decrypted, JweError>> {
        Box::pin(future::ready(Decrypter::decrypt(self, token)))
    }
}
