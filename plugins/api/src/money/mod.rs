//! Amounts of money, exactly: whole minor units on one side, decimal texts on the other.
//!
//! How many digits a currency has is ISO 4217's word, kept in one table. Nothing here rounds:
//! an amount that its currency cannot express is refused, and so is a negative one, because no
//! message of a payment has one.

mod iso4217;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::expression::Decimal;

/// A currency of ISO 4217 with a minor unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Currency {
    code: &'static str,
    exponent: u32,
}

/// The text or number is no amount of this currency: negative, too large, or with more digits
/// after the point than the currency has.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("not an amount of this currency")]
pub struct AmountError;

impl Currency {
    /// The currency with this code, in upper case as ISO 4217 writes it.
    pub fn of(code: &str) -> Option<Self> {
        iso4217::EXPONENTS.into_iter().find_map(|(exponent, codes)| {
            let at = codes.binary_search(&code).ok()?;
            Some(Self { code: codes.get(at)?, exponent })
        })
    }

    /// Every currency there is.
    pub fn all() -> impl Iterator<Item = Self> {
        iso4217::EXPONENTS
            .into_iter()
            .flat_map(|(exponent, codes)| codes.iter().map(move |code| Self { code, exponent }))
    }

    /// Its code, `USD`.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Digits after the point.
    pub const fn exponent(self) -> u32 {
        self.exponent
    }

    /// A text such as `10.50` in minor units, 1050. Digits and at most one point: no sign, no
    /// exponent, no leading zero, and no more digits after the point than the currency has, zeros
    /// included, because `1.000` means a thousand in half of the world.
    pub fn minor_units(self, amount: &str) -> Result<i64, AmountError> {
        let (whole, fraction) = match amount.split_once('.') {
            Some((_, "")) => return Err(AmountError),
            Some((whole, fraction)) => (whole, fraction),
            None => (amount, ""),
        };
        let missing = usize::try_from(self.exponent)
            .ok()
            .and_then(|exponent| exponent.checked_sub(fraction.len()))
            .ok_or(AmountError)?;
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(AmountError);
        }
        let digits = whole.bytes().chain(fraction.bytes());
        digits
            .chain(std::iter::repeat_n(b'0', missing))
            .try_fold(0_i64, |units, digit| {
                let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'));
                units.checked_mul(10)?.checked_add(digit?)
            })
            .ok_or(AmountError)
    }

    /// A number in minor units. Numbers have one meaning however they are written: `10.500` is
    /// 10.5.
    pub fn minor_units_of(self, amount: Decimal) -> Result<i64, AmountError> {
        amount.in_units(self.exponent).filter(|units| *units >= 0).ok_or(AmountError)
    }

    /// Minor units as the text of an amount, with exactly the currency's digits: 1050 is `10.50`
    /// of USD, `1050` of JPY and `1.050` of KWD.
    pub fn major_units(self, minor: i64) -> Result<String, AmountError> {
        let minor = u64::try_from(minor).map_err(|_| AmountError)?;
        if self.exponent == 0 {
            return Ok(minor.to_string());
        }
        let unit = 10_u64.pow(self.exponent);
        let width = usize::try_from(self.exponent).unwrap_or_default();
        Ok(format!("{}.{:0width$}", minor / unit, minor % unit))
    }
}
