//! Rates: `200/s`, `1000/m`, `5/h`, `2/d`.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use super::text::{TextError, text_setting};

/// So many in one second, minute, hour or day.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Rate {
    count: NonZeroU32,
    unit: char,
}

impl Rate {
    /// How many.
    pub fn count(self) -> NonZeroU32 {
        self.count
    }

    /// In how long.
    pub fn period(self) -> Duration {
        Duration::from_secs(match self.unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            _ => 86_400,
        })
    }
}

impl FromStr for Rate {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let error = || TextError::new("expected a rate such as `200/s`, `1000/m`, `5/h` or `2/d`");
        let Some((count, unit)) = text.split_once('/') else {
            return Err(if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
                error().hint(format!("a rate needs a period: `{text}/s`?"))
            } else {
                error()
            });
        };
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        let unit = match unit {
            "s" => 's',
            "m" => 'm',
            "h" => 'h',
            "d" => 'd',
            other => {
                return Err(match other.trim().to_ascii_lowercase().as_str() {
                    "sec" | "second" => error().hint(format!("`{count}/s`?")),
                    "min" | "minute" => error().hint(format!("`{count}/m`?")),
                    "hour" => error().hint(format!("`{count}/h`?")),
                    "day" => error().hint(format!("`{count}/d`?")),
                    _ => error().hint("the period is one of `s`, `m`, `h`, `d`"),
                });
            }
        };
        let Ok(count) = count.parse::<u32>() else {
            return Err(TextError::new("expected a rate of at most 4294967295"));
        };
        match NonZeroU32::new(count) {
            Some(count) => Ok(Self { count, unit }),
            None => Err(TextError::new("expected a rate greater than zero")),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.count, self.unit)
    }
}

text_setting!(Rate, "rate", "a rate such as `200/s`, `1000/m`, `5/h` or `2/d`");
