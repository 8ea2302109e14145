//! Known answers: whether this very binary computes what the standards say, where it runs.
//!
//! Each check holds a published answer against what the crate computes, and holds that a changed input
//! is refused or gives another answer. Nothing is read and nobody is asked, so an operator can run them
//! on the machine that will serve (`tollgate selftest`). The keys are published test keys.

mod ciphers;
mod digests;
mod rfc7520;
mod signatures;

/// One algorithm's check.
#[derive(Clone, Copy, Debug)]
pub struct KnownAnswer {
    /// The algorithm, as its standard names it.
    pub algorithm: &'static str,
    /// Where the answer was published.
    pub source: &'static str,
    /// Whether the algorithm gives this answer, and another one when the input is changed.
    pub check: fn() -> bool,
}

/// Every check, in the order of a report.
pub fn all() -> Vec<KnownAnswer> {
    [digests::ALL, ciphers::ALL, signatures::ALL, rfc7520::ALL].concat()
}

/// Decodes a constant of this module.
fn hex(text: &str) -> Option<Vec<u8>> {
    crate::encoding::from_hex(text).ok()
}

/// The same bytes with the lowest bit of the last one changed.
fn changed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_known_answer_is_given() {
        let answers = all();
        for KnownAnswer { algorithm, source, check } in &answers {
            assert!(check(), "{algorithm}: {source}");
        }
        let names: BTreeSet<_> = answers.iter().map(|answer| answer.algorithm).collect();
        assert_eq!(names.len(), answers.len(), "each algorithm once");
    }

    #[test]
    fn a_changed_input_differs_in_one_bit() {
        assert_eq!(changed(&[1, 2]), [1, 3], "the last bit");
        assert_eq!(changed(&[]), [0; 0], "nothing to change");
    }
}
