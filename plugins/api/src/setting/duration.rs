//! Spans of time: `250ms`, `10s`, `5m`, `24h`, `7d`.

use std::{fmt, str::FromStr, time};

use super::text::{TextError, number_and_unit, text_setting};

/// A span of time that is not zero. One number and one unit: `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Duration(time::Duration);

/// A span of time that may be zero: `0s` or anything a [`Duration`] may be.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Delay(time::Duration);

impl Duration {
    /// For defaults in code.
    ///
    /// # Panics
    /// On zero; in a constant, that is an error of the compiler.
    pub const fn from_millis(millis: u64) -> Self {
        assert!(millis > 0, "a duration is not zero");
        Self(time::Duration::from_millis(millis))
    }

    /// For defaults in code.
    ///
    /// # Panics
    /// As [`from_millis`](Self::from_millis).
    pub const fn from_secs(secs: u64) -> Self {
        assert!(secs > 0, "a duration is not zero");
        Self(time::Duration::from_secs(secs))
    }

    /// The standard library's type.
    pub const fn as_std(self) -> time::Duration {
        self.0
    }
}

impl Delay {
    /// For defaults in code.
    pub const fn from_millis(millis: u64) -> Self {
        Self(time::Duration::from_millis(millis))
    }

    /// The standard library's type.
    pub const fn as_std(self) -> time::Duration {
        self.0
    }
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl From<Delay> for time::Duration {
    fn from(delay: Delay) -> Self {
        delay.0
    }
}

impl FromStr for Duration {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let duration = parse(text)?;
        if duration.is_zero() {
            return Err(TextError::new("expected a duration greater than zero"));
        }
        Ok(Self(duration))
    }
}

impl FromStr for Delay {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        parse(text).map(Self)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, out)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, out)
    }
}

text_setting!(Duration, "duration", "a duration such as `250ms`, `10s`, `5m`, `24h` or `7d`");
text_setting!(Delay, "delay", "a duration such as `0s`, `250ms`, `10s`, `5m`, `24h` or `7d`");

fn parse(text: &str) -> Result<time::Duration, TextError> {
    let expected = "expected a duration such as `250ms`, `10s`, `5m`, `24h` or `7d`";
    let Some((number, unit)) = number_and_unit(text) else {
        return Err(TextError::new(expected));
    };
    let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let error = TextError::new(expected);
        let lower = unit.trim().to_ascii_lowercase();
        return Err(match lower.as_str() {
            "" => error.hint(format!("a number needs a unit: `{number}s`?")),
            "sec" | "secs" | "second" | "seconds" => error.hint(format!("`{number}s`?")),
            "min" | "mins" | "minute" | "minutes" => error.hint(format!("`{number}m`?")),
            "msec" | "millis" | "milliseconds" => error.hint(format!("`{number}ms`?")),
            "hour" | "hours" => error.hint(format!("`{number}h`?")),
            "day" | "days" => error.hint(format!("`{number}d`?")),
            known if UNITS.iter().any(|(name, _)| *name == known) => {
                error.hint(format!("`{number}{known}`?"))
            }
            _ => error.hint("one number and one unit: `90s` for a minute and a half"),
        });
    };
    number
        .checked_mul(*millis)
        .filter(|total| *total <= LONGEST)
        .map(time::Duration::from_millis)
        .ok_or_else(|| TextError::new("expected a duration of at most `3650d`"))
}

fn show(duration: time::Duration, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let millis = duration.as_millis();
    let unit = UNITS.iter().rev().find(|(_, unit)| millis.is_multiple_of(u128::from(*unit)));
    match unit {
        Some((name, unit)) if millis > 0 => write!(out, "{}{name}", millis / u128::from(*unit)),
        _ => out.write_str("0s"),
    }
}

/// Names and milliseconds, smallest first.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
/// Ten years.
const LONGEST: u64 = 3_650 * 86_400_000;
