//! What is decided by lot: identifiers and faults, the same for the same seed.
//!
//! A draw depends on the seed, on what it is for, on whom it concerns (an order, say) and on how many
//! draws there were for both, and on nothing else. So the third request about an order meets the same
//! fate in every run with the same seed, in whatever order the requests of other orders arrive.
//! Nothing that must be unpredictable is drawn from here: nonces and keys come from the system.

use aws_lc_rs::digest::{SHA256, digest};

/// A seed.
#[derive(Debug, Clone, Copy)]
pub struct Seed(pub u64);

impl Seed {
    /// The draw number `turn` for this purpose and subject: 32 bytes.
    pub fn bytes(self, purpose: &str, subject: &str, turn: u64) -> [u8; 32] {
        let mut text = self.0.to_be_bytes().to_vec();
        for part in [purpose, subject] {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        text.extend_from_slice(&turn.to_be_bytes());
        let mut drawn = [0; 32];
        for (to, from) in drawn.iter_mut().zip(digest(&SHA256, &text).as_ref()) {
            *to = *from;
        }
        drawn
    }

    /// A number below a million.
    pub fn millionth(self, purpose: &str, subject: &str, turn: u64) -> u32 {
        let drawn = self.bytes(purpose, subject, turn);
        let number = drawn.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        u32::try_from(number % 1_000_000).unwrap_or_default()
    }

    /// `count` decimal digits, 32 at most.
    pub fn digits(self, purpose: &str, subject: &str, count: usize) -> String {
        self.letters(purpose, subject, count, b"0123456789")
    }

    /// `count` letters of this alphabet, 32 at most.
    pub fn letters(self, purpose: &str, subject: &str, count: usize, alphabet: &[u8]) -> String {
        let drawn = self.bytes(purpose, subject, 0);
        drawn
            .iter()
            .take(count)
            .filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len().max(1)))
            .map(|letter| char::from(*letter))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_purpose_subject_and_turn_and_on_nothing_else() {
        let draw = |seed, purpose, subject, turn| Seed(seed).bytes(purpose, subject, turn);
        let first = draw(7, "id", "order-1", 0);
        assert_eq!(first, draw(7, "id", "order-1", 0), "the same again");
        for (other, what) in [
            (draw(8, "id", "order-1", 0), "another seed"),
            (draw(7, "slow", "order-1", 0), "another purpose"),
            (draw(7, "id", "order-2", 0), "another subject"),
            (draw(7, "id", "order-1", 1), "another turn"),
            (draw(7, "ido", "rder-1", 0), "the parts do not run together"),
        ] {
            assert_ne!(first, other, "{what}");
        }
        let digits = Seed(7).digits("id", "order-1", 28);
        assert!(digits.len() == 28 && digits.bytes().all(|b| b.is_ascii_digit()), "{digits}");
    }
}
