//! How nonce, ciphertext and tag make one piece, and how that is written.

use tollgate_crypto::{
    aead::{NONCE_LEN, TAG_LEN},
    base64_decode, base64_encode, base64url_decode, base64url_encode, from_hex, to_hex,
};

use super::{Encoding, NoncePlace, TagPlace};

/// The parts of a sealed message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Parts {
    pub nonce: [u8; NONCE_LEN],
    pub ciphertext: Vec<u8>,
    pub tag: [u8; TAG_LEN],
}

impl Parts {
    /// What travels in one piece: nonce, tag and ciphertext as far as they are not elsewhere.
    pub fn join(&self, nonce: &NoncePlace, tag: &TagPlace) -> Vec<u8> {
        let mut piece = Vec::with_capacity(NONCE_LEN + self.ciphertext.len() + TAG_LEN);
        if *nonce == NoncePlace::Prefix {
            piece.extend_from_slice(&self.nonce);
        }
        if *tag == TagPlace::Prefix {
            piece.extend_from_slice(&self.tag);
        }
        piece.extend_from_slice(&self.ciphertext);
        if *tag == TagPlace::Suffix {
            piece.extend_from_slice(&self.tag);
        }
        piece
    }

    /// The reverse. `apart` has what stood elsewhere; `None` if anything is missing.
    pub fn split(piece: &[u8], nonce: &NoncePlace, tag: &TagPlace, apart: Apart) -> Option<Self> {
        let (nonce, rest) = match nonce {
            NoncePlace::Prefix => piece.split_first_chunk().map(|(nonce, rest)| (*nonce, rest))?,
            _ => (apart.nonce?, piece),
        };
        let (tag, ciphertext) = match tag {
            TagPlace::Prefix => rest.split_first_chunk().map(|(tag, rest)| (*tag, rest))?,
            TagPlace::Suffix => rest.split_last_chunk().map(|(rest, tag)| (*tag, rest))?,
            _ => (apart.tag?, rest),
        };
        Some(Self { nonce, ciphertext: ciphertext.to_vec(), tag })
    }
}

/// What does not travel in the one piece.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Apart {
    pub nonce: Option<[u8; NONCE_LEN]>,
    pub tag: Option<[u8; TAG_LEN]>,
}

impl Encoding {
    /// Bytes as text; what is sent raw elsewhere is base64 where text is needed.
    pub(super) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 | Self::Raw => base64_encode(bytes),
            Self::Base64url => base64url_encode(bytes),
            Self::Hex => to_hex(bytes),
        }
    }

    /// The reverse, strict.
    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Base64 | Self::Raw => base64_decode(text),
            Self::Base64url => base64url_decode(text),
            Self::Hex => from_hex(text),
        }
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nonce_places() -> impl Strategy<Value = NoncePlace> {
        prop_oneof![Just(NoncePlace::Prefix), Just(NoncePlace::Member("n".into()))]
    }

    fn tag_places() -> impl Strategy<Value = TagPlace> {
        prop_oneof![
            Just(TagPlace::Prefix),
            Just(TagPlace::Suffix),
            Just(TagPlace::Member("t".into()))
        ]
    }

    fn encodings() -> impl Strategy<Value = Encoding> {
        prop_oneof![Just(Encoding::Base64), Just(Encoding::Base64url), Just(Encoding::Hex)]
    }

    proptest! {
        #[test]
        fn whatever_is_joined_and_written_is_read_and_split_again(
            nonce: [u8; NONCE_LEN],
            tag: [u8; TAG_LEN],
            ciphertext in prop::collection::vec(any::<u8>(), 0..100),
            nonce_place in nonce_places(),
            tag_place in tag_places(),
            encoding in encodings(),
        ) {
            let parts = Parts { nonce, ciphertext, tag };
            let written = encoding.encode(&parts.join(&nonce_place, &tag_place));
            let piece = encoding.decode(&written).unwrap();
            let apart = Apart { nonce: Some(nonce), tag: Some(tag) };
            let found = Parts::split(&piece, &nonce_place, &tag_place, apart);
            prop_assert_eq!(found, Some(parts), "the same parts");
        }

        #[test]
        fn no_bytes_panic_and_too_few_are_refused(
            piece in prop::collection::vec(any::<u8>(), 0..40),
            nonce_place in nonce_places(),
            tag_place in tag_places(),
            text in ".{0,40}",
            encoding in encodings(),
        ) {
            let inline = (nonce_place == NoncePlace::Prefix, !matches!(tag_place, TagPlace::Member(_)));
            let least = usize::from(inline.0) * NONCE_LEN + usize::from(inline.1) * TAG_LEN;
            let apart = Apart { nonce: Some([0; NONCE_LEN]), tag: Some([0; TAG_LEN]) };
            let split = Parts::split(&piece, &nonce_place, &tag_place, apart);
            prop_assert_eq!(split.is_some(), piece.len() >= least, "as long as its parts");
            let _ = encoding.decode(&text);
        }
    }

    #[test]
    fn each_layout_puts_the_parts_where_it_says() {
        let parts = Parts { nonce: [1; NONCE_LEN], ciphertext: vec![2, 2], tag: [3; TAG_LEN] };
        let detached = NoncePlace::Member("n".into());
        for (nonce, tag, expected) in [
            (&NoncePlace::Prefix, TagPlace::Suffix, [&[1; 12][..], &[2, 2], &[3; 16]].concat()),
            (&NoncePlace::Prefix, TagPlace::Prefix, [&[1; 12][..], &[3; 16], &[2, 2]].concat()),
            (&detached, TagPlace::Suffix, [&[2, 2][..], &[3; 16]].concat()),
            (&detached, TagPlace::Prefix, [&[3; 16][..], &[2, 2]].concat()),
            (&detached, TagPlace::Member("t".into()), vec![2, 2]),
        ] {
            assert_eq!(parts.join(nonce, &tag), expected, "{nonce:?} and {tag:?}");
        }
    }

    #[test]
    fn what_stands_apart_must_be_there() {
        let nonce = NoncePlace::Member("n".into());
        let found = Parts::split(&[0; 20], &nonce, &TagPlace::Suffix, Apart::default());
        assert_eq!(found, None, "no nonce");
    }

    #[test]
    fn only_one_spelling_is_read() {
        for (encoding, wrong) in [
            (Encoding::Base64, "AAA"),
            (Encoding::Base64, "AA==\n"),
            (Encoding::Base64, "AB=="),
            (Encoding::Base64, "_w=="),
            (Encoding::Base64url, "AA=="),
            (Encoding::Base64url, "/w"),
            (Encoding::Hex, "0"),
            (Encoding::Hex, "0x"),
        ] {
            assert_eq!(encoding.decode(wrong), None, "`{wrong}` is not {encoding:?}");
        }
    }
}
