//! Randomness, passed in.
//!
//! Everything here that chooses an initialisation vector or a content key takes a [`Fill`], so that the
//! gateway's one source of entropy serves and a test can be exact. What the underlying library draws
//! for itself (RSA padding, ephemeral EC keys, signature nonces) comes from [`SystemRandom`]'s source.

use aws_lc_rs::rand;
use thiserror::Error;

/// A source of random bytes. Any `Fn(&mut [u8])` that cannot fail is one.
pub trait Fill {
    /// Fills `bytes` with unpredictable values.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// Fills the buffer from the operating system's generator.
///
/// # Panics
/// If the operating system has no randomness to give: nothing safe can be done then.
pub fn fill(buffer: &mut [u8]) {
    #[expect(
        clippy::expect_used,
        reason = "without randomness every further step would be unsafe"
    )]
    rand::fill(buffer).expect("the system's random number generator works");
}

/// The operating system's generator, through the cryptographic library.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

/// The system gave no randomness; whatever needed it must fail.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the system's random generator is unavailable")]
pub struct RandomUnavailable;

impl Fill for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        rand::fill(bytes).map_err(|_| RandomUnavailable)
    }
}

impl<F: Fn(&mut [u8])> Fill for F {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        self(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_gives_different_bytes_each_time() {
        let (mut first, mut second) = ([0_u8; 32], [0_u8; 32]);
        SystemRandom.fill(&mut first).unwrap();
        SystemRandom.fill(&mut second).unwrap();
        assert_ne!(first, second, "two draws of 256 bits never agree");
    }

    #[test]
    fn a_closure_is_a_source() {
        let source: &dyn Fill = &|bytes: &mut [u8]| bytes.fill(7);
        let mut bytes = [0_u8; 4];
        source.fill(&mut bytes).unwrap();
        assert_eq!(bytes, [7; 4], "the closure filled the buffer");
    }
}
