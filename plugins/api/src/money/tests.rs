//! Amounts there and back, for every currency.

use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    Currency::of(code).unwrap()
}

#[test]
fn the_table_is_sorted_complete_and_without_doubles() {
    for (_, codes) in iso4217::EXPONENTS {
        assert!(codes.is_sorted_by(|left, right| left < right), "sorted, each once: {codes:?}");
    }
    let mut all: Vec<&str> = Currency::all().map(Currency::code).collect();
    assert_eq!(all.len(), 165, "as many as list one has with a minor unit");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 165, "no code stands under two exponents");
    for code in all {
        assert_eq!(currency(code).code(), code, "`{code}` is found");
    }
}

#[test]
fn codes_are_taken_as_iso_4217_writes_them_and_no_others() {
    for (code, exponent) in [("USD", 2), ("CNY", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)] {
        assert_eq!(currency(code).exponent(), exponent, "digits of {code}");
    }
    for code in ["usd", "Usd", "US", "USDX", "", "XAU", "XXX", "XTS", "DEM", "HRK", "BGN", "ЅEK"] {
        assert_eq!(Currency::of(code), None, "`{code}` is no active currency");
    }
}

#[test]
fn amounts_become_minor_units_exactly_or_not_at_all() {
    for (code, text, minor) in [
        ("USD", "10.50", 1050),
        ("USD", "10.5", 1050),
        ("USD", "10", 1000),
        ("USD", "0", 0),
        ("USD", "0.30", 30),
        ("USD", "0.07", 7),
        ("USD", "1.15", 115),
        ("USD", "4.35", 435),
        ("USD", "90071992547409.93", 9_007_199_254_740_993),
        ("USD", "92233720368547758.07", i64::MAX),
        ("JPY", "9223372036854775807", i64::MAX),
        ("JPY", "1000", 1000),
        ("KWD", "1.000", 1000),
        ("KWD", "0.001", 1),
        ("CLF", "1.0001", 10_001),
    ] {
        assert_eq!(currency(code).minor_units(text), Ok(minor), "{code} {text}");
    }
    for (code, text) in [
        ("USD", "10.500"),
        ("USD", "0.001"),
        ("USD", "1.000"),
        ("JPY", "10.0"),
        ("JPY", "10."),
        ("USD", "10."),
        ("USD", ".50"),
        ("USD", "010"),
        ("USD", "00"),
        ("USD", "-1"),
        ("USD", "+1"),
        ("USD", "1e2"),
        ("USD", "1,00"),
        ("USD", "1.0.0"),
        ("USD", " 1"),
        ("USD", "1 "),
        ("USD", ""),
        ("USD", "١"),
        ("USD", "NaN"),
        ("USD", "92233720368547758.08"),
        ("JPY", "9223372036854775808"),
        ("USD", "99999999999999999999999999999999999999999"),
    ] {
        assert_eq!(currency(code).minor_units(text), Err(AmountError), "{code} {text:?}");
    }
}

#[test]
fn numbers_have_one_meaning_however_they_are_written() {
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    for (code, text, minor) in [
        ("USD", "10.500", Ok(1050)),
        ("USD", "1e1", Ok(1000)),
        ("USD", "1.005e1", Ok(1005)),
        ("USD", "1.0005e1", Err(AmountError)),
        ("USD", "-0.01", Err(AmountError)),
        ("USD", "92233720368547758.07", Ok(i64::MAX)),
        ("USD", "92233720368547758.08", Err(AmountError)),
        ("JPY", "0.5", Err(AmountError)),
        ("JPY", "9999999999999999999999999999", Err(AmountError)),
        ("KWD", "0.1", Ok(100)),
    ] {
        assert_eq!(currency(code).minor_units_of(number(text)), minor, "{code} {text}");
    }
}

#[test]
fn minor_units_become_texts_with_exactly_the_currencys_digits() {
    for (code, minor, text) in [
        ("USD", 1000, "10.00"),
        ("USD", 7, "0.07"),
        ("USD", 0, "0.00"),
        ("JPY", 1000, "1000"),
        ("KWD", 1000, "1.000"),
        ("CLF", 10_001, "1.0001"),
        ("USD", i64::MAX, "92233720368547758.07"),
    ] {
        assert_eq!(currency(code).major_units(minor).as_deref(), Ok(text), "{code} {minor}");
    }
    assert_eq!(currency("USD").major_units(-1), Err(AmountError), "no amount is negative");
}

proptest! {
    #[test]
    fn an_amount_survives_both_ways_in_every_currency(minor in 0..=i64::MAX) {
        for currency in Currency::all() {
            let text = currency.major_units(minor).unwrap();
            prop_assert_eq!(currency.minor_units(&text), Ok(minor));
            prop_assert_eq!(currency.minor_units_of(text.parse().unwrap()), Ok(minor));
        }
    }

    #[test]
    fn what_is_accepted_says_the_same_as_a_decimal(text in "-?[0-9]{0,20}(\\.[0-9]{0,5})?(e[0-9])?") {
        for currency in Currency::all() {
            if let Ok(minor) = currency.minor_units(&text) {
                let number: Decimal = text.parse().unwrap();
                prop_assert_eq!(currency.minor_units_of(number), Ok(minor));
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        for currency in Currency::all() {
            let _ = currency.minor_units(&text);
        }
    }
}
