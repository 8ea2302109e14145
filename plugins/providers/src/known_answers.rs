//! Known answers of the providers' schemes, for `tollgate selftest`: for each, the canonical bytes and
//! the signature of a published or independently made message, and what is refused when it is changed.
//! The algorithms beneath have their own ([`tollgate_crypto::known_answers`]).

use tollgate_crypto::known_answers::KnownAnswer;

use crate::stripe;

/// Every provider's, in the order of a report. A provider's plugin adds its own here.
pub fn all() -> Vec<KnownAnswer> {
    [stripe::KNOWN_ANSWERS].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_answer_is_given() {
        for KnownAnswer { algorithm, source, check } in all() {
            assert!(check(), "{algorithm}: {source}");
        }
    }
}
