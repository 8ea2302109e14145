//! What must hold for any text in place of a signature or a key.

use proptest::prelude::*;

use crate::{
    stripe::{
        idempotency::presented,
        signature::{Parts, parts},
    },
    verification::seconds,
};

/// Text of the letters that a header is made of, so that its rules are reached.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("t=".to_owned()),
        Just("v1=".to_owned()),
        Just("v0=".to_owned()),
        Just(",".to_owned()),
        Just("=".to_owned()),
        "[0-9]{1,12}",
        "[0-9a-f]{64}",
        "[0-9a-fA-F]{62,66}",
        "[ -~]{0,3}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_is_read_of_a_header_stood_there(header in nearly()) {
        let Ok(Parts { time, codes }) = parts(&header) else { return Ok(()) };
        prop_assert!(seconds(time).is_ok(), "the time is one: {time}");
        let items: Vec<&str> = header.split(',').collect();
        let times = items.iter().filter(|item| item.starts_with("t=")).count();
        prop_assert_eq!(times, 1, "and the only one");
        let signatures = items.iter().filter(|item| item.starts_with("v1=")).count();
        prop_assert_eq!(codes.len(), signatures, "no signature is lost or invented");
        for code in codes {
            let text = format!("v1={}", tollgate_crypto::to_hex(&code));
            prop_assert!(items.contains(&text.as_str()), "{} stood there", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(header in "\\PC*") {
        let _ = parts(&header);
    }

    #[test]
    fn a_header_as_stripe_writes_it_is_read(
        time in 0_u64..1_000_000_000_000,
        codes in proptest::collection::vec("[0-9a-f]{64}", 1..5),
        other in "[a-z0-9]{1,8}=[0-9a-f]{0,64}",
    ) {
        prop_assume!(!other.starts_with("t=") && !other.starts_with("v1="));
        let header = format!("t={time},v1={},{other}", codes.join(",v1="));
        let read = parts(&header).map(|parts| parts.codes.len());
        prop_assert_eq!(read, Ok(codes.len()), "{}", header);
    }

    #[test]
    fn a_quoted_key_is_read_as_it_was_written(key in "[ -~]{1,300}") {
        let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
        let read = presented(quoted.as_bytes());
        prop_assert_eq!(read.as_deref(), Some(key.as_bytes()), "{}", quoted);
    }

    #[test]
    fn any_field_is_a_key_or_none(field in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(key) = presented(&field) {
            prop_assert!(!key.is_empty(), "a key is not empty");
            prop_assert!(key.len() <= field.len(), "and nothing is added to it");
        }
    }
}
