//! Exact decimal numbers, for amounts.

use std::{cmp::Ordering, fmt, str::FromStr};

use thiserror::Error;

/// A decimal number: a whole number divided by a power of ten. Up to 38 digits, 38 of them after
/// the point; what does not fit is refused, never rounded. Equal numbers are equal values:
/// `1.0` is `1`.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Decimal {
    digits: i128,
    /// Digits after the point; the last is not zero.
    scale: u32,
}

/// The text is not a number, or has more digits than are kept exactly.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("not a decimal number of at most 38 digits")]
pub struct DecimalError;

impl Decimal {
    /// The number, if it has no fraction and fits.
    pub fn as_i64(self) -> Option<i64> {
        if self.scale == 0 { i64::try_from(self.digits).ok() } else { None }
    }

    /// The number times ten to the power of `places`, if that is whole and fits.
    pub(crate) fn in_units(self, places: u32) -> Option<i64> {
        let power = 10_i128.checked_pow(places.checked_sub(self.scale)?)?;
        i64::try_from(self.digits.checked_mul(power)?).ok()
    }

    /// The whole part, and the fraction as a count of 10⁻³⁸.
    fn parts(self) -> (i128, i128) {
        let unit = 10_i128.pow(self.scale);
        (self.digits / unit, self.digits % unit * 10_i128.pow(MOST_DIGITS - self.scale))
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self { digits: i128::from(number), scale: 0 }
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self { digits: i128::from(number), scale: 0 }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads what JSON calls a number (RFC 8259, section 6).
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        if text.len() > 256 {
            return Err(DecimalError);
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
                all_digits(exponent.strip_prefix('-').unwrap_or(exponent))?;
                (mantissa, exponent.parse::<i32>().map_err(|_| DecimalError)?)
            }
            None => (text, 0),
        };
        let (negative, unsigned) = match mantissa.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, mantissa),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) => (whole, all_digits(fraction)?.trim_end_matches('0')),
            None => (unsigned, ""),
        };
        if all_digits(whole)?.len() > 1 && whole.starts_with('0') {
            return Err(DecimalError);
        }
        let mut digits = 0_i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            digits = digits
                .checked_mul(10)
                .and_then(|digits| digits.checked_add(i128::from(digit - b'0')))
                .ok_or(DecimalError)?;
        }
        if digits == 0 {
            return Ok(Self { digits: 0, scale: 0 });
        }
        let scale = i64::try_from(fraction.len()).map_err(|_| DecimalError)? - i64::from(exponent);
        let mut decimal = Self { digits, scale: 0 };
        if scale <= 0 {
            let power = u32::try_from(-scale).ok().filter(|power| *power <= MOST_DIGITS);
            decimal.digits = power
                .and_then(|power| digits.checked_mul(10_i128.pow(power)))
                .ok_or(DecimalError)?;
        } else {
            let mut scale = scale;
            while scale > 0 && decimal.digits % 10 == 0 {
                decimal.digits /= 10;
                scale -= 1;
            }
            decimal.scale =
                u32::try_from(scale).ok().filter(|s| *s <= MOST_DIGITS).ok_or(DecimalError)?;
        }
        if decimal.digits > GREATEST {
            return Err(DecimalError);
        }
        if negative {
            decimal.digits = -decimal.digits;
        }
        Ok(decimal)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(out, "{}", self.digits);
        }
        let unit = 10_u128.pow(self.scale);
        let digits = self.digits.unsigned_abs();
        let sign = if self.digits < 0 { "-" } else { "" };
        let width = usize::try_from(self.scale).unwrap_or(0);
        write!(out, "{sign}{}.{:0width$}", digits / unit, digits % unit)
    }
}

/// Without the number: an amount is data.
impl fmt::Debug for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Decimal(..)")
    }
}

/// At least one digit, and nothing else.
fn all_digits(text: &str) -> Result<&str, DecimalError> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text)
    } else {
        Err(DecimalError)
    }
}

const MOST_DIGITS: u32 = 38;
/// 38 nines.
const GREATEST: i128 = 10_i128.pow(MOST_DIGITS) - 1;
