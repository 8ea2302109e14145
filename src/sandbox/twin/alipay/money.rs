//! Amounts as Alipay writes them: yuan, with fen behind a point.

/// `1.23` of 123 fen.
pub(super) fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Fen, of a text with at most two digits behind the point. `None` if it is something else, nothing,
/// or more than a hundred million yuan.
pub(super) fn fen(yuan: &str) -> Option<u64> {
    let (whole, part) = yuan.split_once('.').unwrap_or((yuan, "0"));
    let digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 9) || !digits(part, 2) {
        return None;
    }
    let tens = if part.len() == 1 { 10 } else { 1 };
    let fen = whole.parse::<u64>().ok()? * 100 + part.parse::<u64>().ok()? * tens;
    (1..=MOST).contains(&fen).then_some(fen)
}

const MOST: u64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        for (text, expected) in [
            ("0.01", Some(1)),
            ("9", Some(900)),
            ("9.5", Some(950)),
            ("88.88", Some(8_888)),
            ("100000000.00", Some(MOST)),
            ("100000000.01", None),
            ("0.00", None),
            ("1.234", None),
            ("1.", None),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("", None),
        ] {
            assert_eq!(fen(text), expected, "`{text}`");
        }
        assert_eq!((yuan(1), yuan(8_888)), ("0.01".to_owned(), "88.88".to_owned()), "written");
    }
}
