//! Words for lists of names, and a guess at the name that was meant.

/// The known name that is close enough to be what the writer meant.
pub(super) fn similar<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = fold(name);
    if let Some(same) = known.iter().find(|candidate| fold(candidate) == folded) {
        return Some(same);
    }
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), *candidate))
        .filter(|(distance, candidate)| {
            *distance <= 1.max(candidate.chars().count().min(name.chars().count()) / 3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
        .or_else(|| extended(&folded, known))
}

/// "`a`, `b` or `c`"; long lists are cut.
pub(super) fn one_of(names: &[&str]) -> String {
    let shown: Vec<String> =
        names.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    match shown.as_slice() {
        [] => "nothing".into(),
        [one] => one.clone(),
        _ if names.len() > MOST_NAMES => {
            format!("{} or one of {} others", shown.join(", "), names.len() - MOST_NAMES)
        }
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A value as a message may quote it: one line, not too long.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(MOST_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > MOST_CHARACTERS {
        shown.push('…');
    }
    shown
}

/// A known name that only adds to what was written, or takes from it: `timeout` for
/// `timeouts`, `max_body` for `body`.
fn extended<'a>(folded: &str, known: &[&'a str]) -> Option<&'a str> {
    if folded.chars().count() < 4 {
        return None;
    }
    let mut close = known.iter().filter(|candidate| {
        let candidate = fold(candidate);
        candidate.chars().count() >= 4
            && (candidate.contains(folded) || folded.contains(&candidate))
    });
    match (close.next(), close.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Case and the choice of separator are never what somebody meant by a difference.
fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

const MOST_NAMES: usize = 12;
const MOST_CHARACTERS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likely_intention_is_found_and_wild_guesses_are_not_made() {
        let known = ["rate_limit", "jwt", "jwe", "headers", "idempotency", "request_body"];
        let cases = [
            ("rate-limit", Some("rate_limit")),
            ("RateLimit", Some("rate_limit")),
            ("ratelimt", Some("rate_limit")),
            ("header", Some("headers")),
            ("idempotence", Some("idempotency")),
            ("body", Some("request_body")),
            ("jwtt", Some("jwt")),
            ("oauth", None),
            ("x", None),
            ("", None),
        ];
        for (written, meant) in cases {
            assert_eq!(similar(written, &known), meant, "for `{written}`");
        }
    }

    #[test]
    fn quoted_values_are_one_short_line() {
        assert_eq!(shown("a\nb\u{1b}[0m"), "a b [0m", "control characters are gone");
        assert_eq!(shown(&"x".repeat(99)).chars().count(), MOST_CHARACTERS + 1, "and it is cut");
    }
}
