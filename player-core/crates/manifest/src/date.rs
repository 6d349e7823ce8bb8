//! Dates of `EXT-X-PROGRAM-DATE-TIME`: ISO 8601 as far as RFC 8216 section 4.3.2.6 uses it.

use crate::text::decimal;

const MINUTE_US: i64 = 60_000_000;

/// `YYYY-MM-DDThh:mm:ss[.fraction][Z|+hh:mm|+hhmm|+hh]` as microseconds since 1970 in UTC. Without a zone it is UTC.
pub(crate) fn epoch_us(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let mut fields = date.splitn(3, '-').map(|field| number(field, 4));
    let (year, month, day) = (fields.next()??, fields.next()??, fields.next()??);

    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let mut fields = clock.splitn(3, ':');
    let (hour, minute) = (number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    // 60: a leap second, which counts into the next minute.
    let second_us =
        decimal(fields.next().unwrap_or("0"), 1_000_000).filter(|us| (0..=60_999_999).contains(us))?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 24 || minute > 59 {
        return None;
    }
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - zone_minutes(zone)?;
    Some(minutes * MINUTE_US + second_us)
}

fn number(text: &str, most_digits: usize) -> Option<i64> {
    let digits = text.len() <= most_digits && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn zone_minutes(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.bytes().next() {
        None | Some(b'Z' | b'z') => return Some(0),
        Some(b'-') => (-1, &zone[1..]),
        _ => (1, &zone[1..]),
    };
    let digits: String = digits.chars().filter(|&c| c != ':').collect();
    let (hours, minutes) =
        if digits.len() > 2 { digits.split_at_checked(2)? } else { (digits.as_str(), "0") };
    Some(sign * (number(hours, 2)? * 60 + number(minutes, 2)?))
}

/// Proleptic Gregorian days; years count from March so that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn epoch_us_zones_and_fractions_are_applied() {
        assert_eq!(epoch_us("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(epoch_us("2019-02-14T02:13:36.106Z"), Some(1_550_110_416_106_000));
        for zone in ["-04:00", "-0400", "-04"] {
            assert_eq!(
                epoch_us(&format!("2016-06-22T09:20:16.166{zone}")),
                Some(1_466_601_616_166_000),
                "{zone}"
            );
        }
        assert_eq!(epoch_us("2000-02-29T12:00:00.000001"), Some(951_825_600_000_001));
    }

    #[test]
    fn epoch_us_nonsense_is_none() {
        for text in
            ["", "today", "2016-13-01T00:00:00Z", "2016-06-22", "2016-06-22T09:20:61Z", "+-1T", "é-é-éT1:1:1"]
        {
            assert_eq!(epoch_us(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn epoch_us_any_text_never_panics(text in "[0-9TZ:+.é-]{0,40}") {
            let _ = epoch_us(&text);
        }
    }
}
