//! The texts that are signed: every part on a line of its own, the last line ended too.

use http::Method;
use tollgate_api::Entropy;

/// The text of a request: method, path with query exactly as sent, time, nonce, body.
pub(super) fn request(
    method: &Method,
    target: &str,
    timestamp: &str,
    nonce: &str,
    body: &[u8],
) -> Vec<u8> {
    lines(&[
        method.as_str().as_bytes(),
        target.as_bytes(),
        timestamp.as_bytes(),
        nonce.as_bytes(),
        body,
    ])
}

/// The text of an answer or notification: time, nonce, body. Without a body its line is empty.
pub(super) fn answer(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    lines(&[timestamp.as_bytes(), nonce.as_bytes(), body])
}

/// 32 characters of `[0-9A-Za-z]`, each as likely as every other.
pub(super) fn nonce(entropy: &dyn Entropy) -> String {
    let mut nonce = String::with_capacity(NONCE_LENGTH);
    while nonce.len() < NONCE_LENGTH {
        let mut bytes = [0; 48];
        entropy.fill(&mut bytes);
        let missing = NONCE_LENGTH - nonce.len();
        // The greatest multiple of 62 in a byte is 248: bytes from there on would favour some.
        let characters = bytes.iter().filter(|byte| **byte < 248).filter_map(|byte| {
            ALPHABET.get(usize::from(*byte) % ALPHABET.len()).copied().map(char::from)
        });
        nonce.extend(characters.take(missing));
    }
    nonce
}

fn lines(parts: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        text.extend_from_slice(part);
        text.push(b'\n');
    }
    text
}

const NONCE_LENGTH: usize = 32;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tollgate_api::SeededEntropy;

    use super::*;

    #[test]
    fn every_line_ends_also_an_empty_last_one() {
        let text = request(&Method::GET, "/v3/a?b=%20c", "1", "n", b"");
        assert_eq!(text, b"GET\n/v3/a?b=%20c\n1\nn\n\n", "a request without a body");
        assert_eq!(answer("1", "n", b""), b"1\nn\n\n", "an answer without one");
        assert_eq!(answer("1", "n", b"\xff"), b"1\nn\n\xff\n", "bytes are kept");
    }

    #[test]
    fn a_nonce_uses_every_character_about_as_often() {
        let entropy = SeededEntropy::new(3);
        let mut seen: HashMap<char, usize> = HashMap::new();
        for _ in 0..2_000 {
            let nonce = nonce(&entropy);
            assert_eq!(nonce.len(), 32, "length");
            nonce.chars().for_each(|character| *seen.entry(character).or_default() += 1);
        }
        assert_eq!(seen.len(), 62, "every character is used");
        let (least, most) = (seen.values().min().unwrap(), seen.values().max().unwrap());
        assert!(*least > 900 && *most < 1_170, "of 1032 expected: {least} to {most}");
    }
}
