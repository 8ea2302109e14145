//! Times as Alipay writes them.

use std::time::Duration;

/// `yyyy-MM-dd HH:mm:ss` in China's time, which is eight hours ahead of UTC all year: the
/// `timestamp` of v2.
pub(super) fn in_china(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs().saturating_add(8 * 3600);
    let (year, month, day) = date(seconds / DAY);
    let of_day = seconds % DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// The same read: a moment since the epoch.
pub(super) fn from_china(text: &str) -> Option<Duration> {
    let (date, clock) = text.split_once(' ')?;
    if clock.len() == 8 { iso(&format!("{date}T{clock}+08:00")) } else { None }
}

/// Milliseconds since the epoch: digits and nothing else.
pub(super) fn milliseconds(text: &str) -> Option<Duration> {
    let plain = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok().map(Duration::from_millis) } else { None }
}

/// A moment since the epoch: milliseconds, or ISO 8601 with seconds and an offset from UTC,
/// `2025-01-01T00:00:00-08:00` or `2025-01-01T08:00:00.250Z`.
pub(super) fn moment(text: &str) -> Option<Duration> {
    milliseconds(text).or_else(|| iso(text))
}

fn iso(text: &str) -> Option<Duration> {
    let (clock, zone) = text.split_at_checked(19)?;
    let mut shape = clock.bytes().zip(b"0000-00-00T00:00:00");
    if !shape.all(|(byte, like)| if *like == b'0' { byte.is_ascii_digit() } else { byte == *like })
    {
        return None;
    }
    let number = |from: usize, to: usize| clock.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days(year, month, day)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let local = days * DAY + hour * 3600 + minute * 60 + second;
    let zone = match zone.strip_prefix('.') {
        Some(rest) => {
            let after = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if after.len() == rest.len() || rest.len() - after.len() > 9 {
                return None;
            }
            after
        }
        None => zone,
    };
    let seconds = match zone.as_bytes() {
        b"Z" => Some(local),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let digits: Vec<u64> = match rest {
                [a, b, b':', c, d] | [a, b, c, d] => [a, b, c, d]
                    .into_iter()
                    .map(|digit| char::from(*digit).to_digit(10).map(u64::from))
                    .collect::<Option<_>>()?,
                _ => return None,
            };
            let [a, b, c, d] = *digits.as_slice() else { return None };
            let offset = (a * 10 + b) * 3600 + (c * 10 + d) * 60;
            if *sign == b'+' { local.checked_sub(offset) } else { local.checked_add(offset) }
        }
        _ => None,
    };
    seconds.map(Duration::from_secs)
}

/// Year, month and day of a day since the epoch, in the calendar of ISO 8601. Years are counted
/// from March, so that the leap day is the last.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH;
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (year + era * 400, month, of_month)
}

/// The day since the epoch of a date from 1970 on; `None` if there is no such date.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    let (shifted, month_of) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * month_of + 2) / 5 + day.checked_sub(1)?;
    let days = era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = days.checked_sub(EPOCH)?;
    (date(days) == (year, month, day)).then_some(days)
}

/// Seconds.
const DAY: u64 = 86_400;
/// Days of 400 years.
const ERA: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn china_is_eight_hours_ahead() {
        for (seconds, text) in [
            (0, "1970-01-01 08:00:00"),
            (951_753_600, "2000-02-29 00:00:00"),
            (1_767_225_600, "2026-01-01 08:00:00"),
            (1_767_283_199, "2026-01-01 23:59:59"),
            (1_767_283_200, "2026-01-02 00:00:00"),
            (4_102_444_799, "2100-01-01 07:59:59"),
        ] {
            assert_eq!(in_china(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }

    #[test]
    fn what_china_writes_is_read_and_nothing_like_it() {
        for seconds in [0, 951_753_600, 1_767_283_199, 4_102_444_799] {
            let time = Duration::from_secs(seconds);
            assert_eq!(from_china(&in_china(time)), Some(time), "{seconds}");
        }
        for text in [
            "2026-01-01T08:00:00",
            "2026-01-01  8:00:00",
            "2026-01-01 08:00:00 ",
            "2026-01-01 08:00:00.000",
            "2026-01-01 08:00:00+08:00",
            "2026-01-01 08:00:0Z",
            "2026-01-01 8:00:00",
            "2026-02-29 08:00:00",
            "2026-01-01 24:00:00",
            "1970-01-01 07:59:59",
            "1767225600000",
            "2026-01-01",
            "",
        ] {
            assert_eq!(from_china(text), None, "`{text}`");
        }
    }

    #[test]
    fn a_moment_is_read_in_both_forms_and_no_other() {
        for (text, seconds) in [
            ("1767225600000", Some(1_767_225_600)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600)),
            ("2026-01-01T08:00:00+08:00", Some(1_767_225_600)),
            ("2026-01-01T08:00:00.123+0800", Some(1_767_225_600)),
            ("2025-12-31T16:00:00-08:00", Some(1_767_225_600)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2026-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-00-01T00:00:00Z", None),
            ("2026-01-00T00:00:00Z", None),
            ("2026-01-01T24:00:00Z", None),
            ("2026-01-01T00:60:00Z", None),
            ("2026-01-01T00:00:00", None),
            ("2026-01-01T00:00:00.Z", None),
            ("2026-01-01T00:00:00+8", None),
            ("2026-01-01 00:00:00Z", None),
            ("0000-01-01T00:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("1970-01-01T00:00:00+08:00", None),
            ("1767225600000 ", None),
            ("+1767225600000", None),
            ("-1", None),
            ("", None),
            ("1234567890123456", None),
            ("２０２６-01-01T00:00:00Z", None),
        ] {
            assert_eq!(moment(text), seconds.map(Duration::from_secs), "`{text}`");
        }
        assert_eq!(moment("1767225600077"), Some(Duration::from_millis(1_767_225_600_077)), "ms");
    }
}
