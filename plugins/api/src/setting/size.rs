//! Numbers of bytes: `512B`, `64KiB`, `1MiB`, `1GiB`, and the decimal `kB`, `MB`, `GB`.

use std::{fmt, str::FromStr};

use super::text::{TextError, number_and_unit, text_setting};

/// A number of bytes, with its unit. Zero is allowed: it means that nothing is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ByteSize(u64);

impl ByteSize {
    /// For defaults in code.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// For defaults in code: `kib(64)` is 65,536 bytes.
    pub const fn kib(number: u64) -> Self {
        Self(number * 1_024)
    }

    /// For defaults in code.
    pub const fn mib(number: u64) -> Self {
        Self(number * 1_024 * 1_024)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; what does not fit is the greatest length.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let expected = "expected a size such as `512B`, `64KiB`, `1MiB` or `1GiB`";
        let Some((number, unit)) = number_and_unit(text) else {
            return Err(TextError::new(expected));
        };
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let error = TextError::new(expected);
            let unit = unit.trim().to_ascii_lowercase();
            return Err(match unit.as_str() {
                "" => error.hint(format!("a number needs a unit: `{number}B`?")),
                "k" | "ki" | "kb" | "kib" => error.hint(format!("`{number}KiB`?")),
                "m" | "mi" | "mb" | "mib" => error.hint(format!("`{number}MiB`?")),
                "g" | "gi" | "gb" | "gib" => error.hint(format!("`{number}GiB`?")),
                _ => error,
            });
        };
        number
            .checked_mul(*factor)
            .filter(|bytes| *bytes <= GREATEST)
            .map(Self)
            .ok_or_else(|| TextError::new("expected a size of at most `1048576GiB`"))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor));
        match unit {
            Some((name, factor)) => write!(out, "{}{name}", self.0 / factor),
            None => write!(out, "{}B", self.0),
        }
    }
}

text_setting!(ByteSize, "byte-size", "a size such as `512B`, `64KiB`, `1MiB` or `1GiB`");

/// Greatest first: the order in which a size is shown.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];
const GREATEST: u64 = 1 << 50;
