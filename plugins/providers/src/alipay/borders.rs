//! Where a value ends in the text that Alipay signs: `name=value` of each parameter, sorted by name,
//! joined with `&`, nothing escaped.
//!
//! Nothing in such a text says which `&` joins and which belongs to a value. A *border* is an `&`, a
//! name and a `=`. Wherever two parameters stand, or a value holds a border, the same bytes under the
//! same signature are the text of several forms: cut at every border, or at some only; cut where a
//! name itself holds a `=`, at still more places. Most receivers take all of them for genuine.
//!
//! Here a form is [`unambiguous`], or it is refused: its names are names, and no value holds a border.
//! Of those, every text has one at most, because cutting it at every border gives the form back:
//!
//! - every `&` that joins is followed by a name and a `=`, so it is a border and is cut;
//! - an `&` within a value is no border, wherever its bytes lie. Within the value alone it is
//!   forbidden; and it cannot reach over the value's end, since what stands there is an `&` or the end
//!   of the text, and neither belongs to a name;
//! - the first `=` after a cut ends the name, since no name holds one.
//!
//! Which empty values and whether `sign_type` is signed, is one reading or another of a form; in each,
//! what is handed on is what that cutting gives, without `sign_type`. So it depends on the signed
//! bytes and on nothing else. Names are looked for in values in a wider alphabet than they are accepted
//! in, so that a parameter whose name is refused cannot hide in the value before it.
//!
//! One thing this cannot mend. A free text that itself holds a border is signed as it is, and cutting
//! its text gives another form than the one that was meant, if the names happen to ascend. The form
//! that was meant is refused. The other one still has every parameter that Alipay sent, with its value,
//! except that the free text is cut short: a border of the text must be of a name that sorts after the
//! free text's own and before the next one that Alipay sent, and so can only add what Alipay did not
//! send. The numbers of order and trade, `total_amount` and `trade_status` it always sends, and before
//! `gmt_refund` stand other times and no free text. Who lets strangers choose a subject, a body or
//! `passback_params` must not let them write a border into it.
//!
//! In calls of v2 the same text is signed, but Alipay takes the parameters from the query and form,
//! where they are escaped. There it matters for the one who gets the signature into his hands: an order
//! that a payer's app carries ([`says_only_itself`]).
//!
//! The other signed texts have one reading each. v3: lines, none but the last of which can hold a
//! line's end. v2's answers: one JSON value, found by the parser. Antom: the first line cannot hold a
//! line's end; the client is ours, compared byte for byte; and of the moments that stand between two
//! points none is the beginning of another that a point follows, nor does one go on into a body.

use super::form::Parameters;

/// Whether these parameters are the only ones that their signed text can be read as.
pub(super) fn unambiguous(parameters: &Parameters) -> bool {
    parameters.iter().all(|(name, value)| is_name(name) && borders(value).next().is_none())
}

/// Whether a call that is about to be signed says nothing else to one who moves the borders of its
/// text.
///
/// Contents and addresses may hold borders, as long as none brings in a parameter of the protocol
/// (`method`, `timestamp`, …). Only one that sorts after the value's own name could. `sign` cannot: it
/// is not part of the text.
pub(super) fn says_only_itself(parameters: &Parameters, is_public: impl Fn(&str) -> bool) -> bool {
    parameters.iter().all(|(name, value)| {
        let mut borders = borders(value);
        let harmless = match name {
            "biz_content" | "notify_url" | "return_url" => {
                borders.all(|other| other <= name || other == "sign" || !is_public(other))
            }
            _ => borders.next().is_none(),
        };
        is_name(name) && harmless
    })
}

/// Whether a parameter's name looks as Alipay's do.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(plain)
}

/// The names that stand between an `&` and a `=` in a value.
fn borders(value: &str) -> impl Iterator<Item = &str> {
    let name_like = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    value.split('&').skip(1).filter_map(move |piece| {
        let (name, _) = piece.split_once('=')?;
        (!name.is_empty() && name.bytes().all(name_like)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Pairs = BTreeMap<String, String>;

    fn parameters(pairs: &Pairs) -> Parameters {
        let mut all = Parameters::default();
        for (name, value) in pairs {
            all.set(name, value.as_str());
        }
        all
    }

    /// Every form that a text is the signed text of: each `&` may join, each `=` may end a name.
    fn meanings(text: &str) -> Vec<Pairs> {
        let bounds: Vec<usize> = text.match_indices('&').map(|(at, _)| at).collect();
        let mut all = Vec::new();
        for chosen in 0..1_usize << bounds.len() {
            let mut pieces = vec![String::new()];
            for (nth, piece) in text.split('&').enumerate() {
                match nth.checked_sub(1) {
                    None => pieces[0].push_str(piece),
                    Some(bound) if chosen >> bound & 1 == 1 => pieces.push(piece.to_owned()),
                    Some(_) => {
                        let last = pieces.last_mut().unwrap();
                        last.push('&');
                        last.push_str(piece);
                    }
                }
            }
            let mut forms = vec![Pairs::new()];
            for piece in &pieces {
                let splits: Vec<_> = piece.match_indices('=').map(|(at, _)| at).collect();
                forms = forms
                    .iter()
                    .flat_map(|form| {
                        splits.iter().filter_map(|at| {
                            let (name, value) = (&piece[..*at], &piece[at + 1..]);
                            let ascends =
                                form.keys().next_back().is_none_or(|last| last.as_str() < name);
                            let mut more = form.clone();
                            more.insert(name.to_owned(), value.to_owned());
                            ascends.then_some(more)
                        })
                    })
                    .collect();
            }
            all.extend(forms);
        }
        all
    }

    proptest! {
        #[test]
        fn every_text_is_that_of_one_accepted_form_at_most(text in "[ab=&_.]{0,16}") {
            let accepted: Vec<_> =
                meanings(&text).into_iter().filter(|form| unambiguous(&parameters(form))).collect();
            prop_assert!(accepted.len() <= 1, "`{}`: {:?}", text, accepted);
        }

        #[test]
        fn an_accepted_form_is_what_cutting_its_text_at_every_border_gives(
            form in proptest::collection::btree_map("[a-cA-C_0]{1,3}", "[a=&_. \\PC]{0,8}", 1..6),
        ) {
            let form = parameters(&form);
            prop_assume!(unambiguous(&form));
            let text = form.text_to_sign();
            let mut cut: Vec<(&str, String)> = Vec::new();
            for piece in text.split('&') {
                let pair = piece.split_once('=').filter(|(name, _)| is_name(name));
                match (pair, cut.last_mut()) {
                    (Some((name, value)), _) => cut.push((name, value.to_owned())),
                    (None, Some((_, value))) => *value = format!("{value}&{piece}"),
                    (None, None) => prop_assert!(false, "`{}` begins with no name", text),
                }
            }
            let cut: Vec<_> = cut.iter().map(|(name, value)| (*name, value.as_str())).collect();
            prop_assert_eq!(cut, form.iter().collect::<Vec<_>>(), "`{}`", text);
        }

        #[test]
        fn whatever_alipay_signed_an_accepted_form_keeps_all_that_it_sent_but_free_text(
            genuine in proptest::collection::btree_map("[abc]{1,2}", "[abc=&]{0,6}", 1..4),
        ) {
            let text = parameters(&genuine).text_to_sign();
            prop_assume!(text.matches('&').count() < 12);
            for form in meanings(&text).iter().filter(|form| unambiguous(&parameters(form))) {
                for (name, value) in &genuine {
                    let kept = form.get(name);
                    let cut_short = borders(value).next().is_some();
                    prop_assert!(
                        kept == Some(value)
                            || cut_short && kept.is_some_and(|kept| value.starts_with(kept)),
                        "`{}` of `{}`: {:?}", name, text, form
                    );
                }
                for name in form.keys().filter(|name| !genuine.contains_key(*name)) {
                    let before = genuine.range(..name.clone()).next_back();
                    let free = before.is_some_and(|(_, text)| borders(text).any(|it| it == name));
                    prop_assert!(free, "`{}` was added to `{}` from nowhere", name, text);
                }
            }
        }
    }

    #[test]
    fn a_form_with_more_than_one_reading_is_refused() {
        for (name, value, sound) in [
            ("subject", "a=b&c %25 + d&", true),
            ("subject", "Tom & Jerry = friends", true),
            ("subject", "&=&中=", true),
            ("url", "https://a.example/?x=1&y", true),
            ("url", "https://a.example/?x=1&y=", false),
            ("gmt_payment", "2026-01-01 08:00:00&gmt_refund=2026-01-01 08:00:00", false),
            ("subject", "&Total_9=", false),
            ("subject", "&total-amount=", false),
            ("subject", "&total.amount=", false),
            ("subject", "&&a=", false),
            ("total_x=1&total_amount", "1", false),
            ("a=b", "1", false),
            ("a&b", "1", false),
            ("a.b", "1", false),
            ("a-b", "1", false),
            ("a b", "1", false),
            ("é", "1", false),
        ] {
            let form = parameters(&[(name.to_owned(), value.to_owned())].into());
            assert_eq!(unambiguous(&form), sound, "`{name}`: `{value}`");
        }
    }

    #[test]
    fn no_antom_moment_leaves_room_for_another_border() {
        use crate::alipay::time::moment;

        for (time, body) in [
            ("1735689600000", "{\"a\":1.5}"),
            ("2025-01-01T00:00:00-08:00", "{\"a\":1.5}"),
            ("2025-01-01T00:00:00.250-08:00", "{\"a.\":\"1.5\"}"),
            ("2025-01-01T08:00:00.250Z", ".{}"),
        ] {
            let text = format!("{time}.{body}");
            let points = text.match_indices('.').map(|(at, _)| at);
            let times: Vec<_> =
                points.map(|at| &text[..at]).filter(|text| moment(text).is_some()).collect();
            assert_eq!(times, [time], "`{text}`");
        }
    }
}
