//! What must hold for any number and any text.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn decimals_are_read_exactly_or_not_at_all() {
    for (text, shown) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0e5", "0"),
        ("10.00", "10"),
        ("1e3", "1000"),
        ("1.5e1", "15"),
        ("15e-1", "1.5"),
        ("-0.05", "-0.05"),
        ("1E+2", "100"),
        ("100e-2", "1"),
        ("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"),
        ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
    ] {
        assert_eq!(number(text).to_string(), shown, "for {text}");
    }
    for text in [
        "",
        "-",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1e-+1",
        " 1",
        "1 ",
        "0x1",
        "1_000",
        "NaN",
        "Infinity",
        "1,5",
        "--1",
        "1.2.3",
        "1e1.5",
        "1e99",
        "1e-99",
        "1e99999999999",
        "999999999999999999999999999999999999999",
        "0.000000000000000000000000000000000000001",
        "١",
    ] {
        assert!(text.parse::<Decimal>().is_err(), "{text:?} is refused");
    }
    assert_eq!(format!("{:?}", number("4111111111111111")), "Decimal(..)", "Debug hides it");
}

/// A body that has what the words below may name.
struct Payment;

impl Variables for Payment {
    fn resolve(&self, variable: Variable) -> Option<Data<'_>> {
        let list = || Data::List(vec![Data::Int(1), Data::text("a"), Data::Bool(true)]);
        match variable {
            Variable::Body => {
                Some(Data::Map(vec![("x".into(), list()), ("a".into(), Data::Int(1))]))
            }
            Variable::Path => Some(Data::text("/a")),
            _ => None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn decimals_order_like_the_integers_they_are_made_of(
        left in -1_000_000_000_000_i64..1_000_000_000_000,
        right in -1_000_000_000_000_i64..1_000_000_000_000,
        shift in 0..12_i32,
    ) {
        let (a, b) = (number(&format!("{left}e-{shift}")), number(&format!("{right}e-{shift}")));
        prop_assert_eq!(a.cmp(&b), left.cmp(&right));
        prop_assert_eq!(a == b, left == right);
        prop_assert_eq!(number(&a.to_string()), a);
        prop_assert_eq!(Decimal::from(left).as_i64(), Some(left));
    }

    #[test]
    fn a_fraction_lies_between_its_neighbours(whole in any::<i64>(), fraction in 1..1_000_u32) {
        let (lower, upper) = (i128::from(whole.unsigned_abs()), i128::from(whole.unsigned_abs()) + 1);
        let between = number(&format!("{lower}.{fraction:03}"));
        prop_assert_eq!(between.cmp(&number(&lower.to_string())), Ordering::Greater);
        prop_assert_eq!(between.cmp(&number(&upper.to_string())), Ordering::Less);
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in any::<String>()) {
        let _ = Expression::compile(&text);
    }

    #[test]
    fn no_text_of_known_words_makes_it_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "body", "request", ".", "path", "(", ")", "[", "]", "==", "<", "&&", "||", "!", "-", "?",
            ":", ",", "1", "1.5", "\"a\"", "all", "has", "decimal", "matches", "x", "{", "}", "in",
            "optional", "of", "?.", "[?", "@", "null", "map",
        ]), 0..16),
    ) {
        for text in [words.join(" "), words.concat()] {
            if let Ok(expression) = Expression::compile(&text) {
                let _ = expression.evaluate_bool(&Payment);
            }
        }
    }
}
