//! Days and times of day as providers write them, in a fixed distance from UTC.

use std::time::Duration;

/// A moment on a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
    offset: i64,
}

impl Moment {
    /// The moment that is this long after the Unix epoch, on a calendar `offset` seconds ahead of UTC.
    pub fn of(unix: Duration, offset: i64) -> Self {
        let seconds = unix.as_secs().saturating_add_signed(offset);
        let (year, month, day) = civil(seconds / DAY);
        Self { year, month, day, second: seconds % DAY, offset }
    }

    /// `2026-11-24`.
    pub fn date(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `20261124`.
    pub fn compact_date(self) -> String {
        self.date().replace('-', "")
    }

    /// `2026-11-24 20:32:34`.
    pub fn plain(self) -> String {
        format!("{} {}", self.date(), self.time())
    }

    /// `2026-11-24T20:32:34+08:00` (RFC 3339).
    pub fn rfc3339(self) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs() / 60;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        format!("{}T{}{sign}{hours:02}:{minutes:02}", self.date(), self.time())
    }

    fn time(self) -> String {
        format!("{:02}:{:02}:{:02}", self.second / 3600, self.second / 60 % 60, self.second % 60)
    }
}

/// Year, month and day of a day that is this many days after 1 January 1970: the proleptic Gregorian
/// calendar, counted in eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

const DAY: u64 = 24 * 60 * 60;
/// China Standard Time, in seconds ahead of UTC.
pub const CHINA: i64 = 8 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_providers_write_them() {
        let moment = |unix, offset| Moment::of(Duration::from_secs(unix), offset);
        for (unix, offset, expected) in [
            (0, 0, "1970-01-01T00:00:00+00:00"),
            (951_782_400, 0, "2000-02-29T00:00:00+00:00"),
            (1_767_225_600, 0, "2026-01-01T00:00:00+00:00"),
            (1_767_225_600, CHINA, "2026-01-01T08:00:00+08:00"),
            (1_709_164_799, 0, "2024-02-28T23:59:59+00:00"),
            (1_709_164_800, 0, "2024-02-29T00:00:00+00:00"),
            (4_107_542_400, 0, "2100-03-01T00:00:00+00:00"),
            (1_767_225_600, -12_600, "2025-12-31T20:30:00-03:30"),
        ] {
            assert_eq!(moment(unix, offset).rfc3339(), expected, "{unix} at {offset}");
        }
        assert_eq!(moment(1_767_225_600, CHINA).plain(), "2026-01-01 08:00:00", "without a zone");
        assert_eq!(moment(1_767_225_600, CHINA).compact_date(), "20260101", "without dashes");
    }
}
