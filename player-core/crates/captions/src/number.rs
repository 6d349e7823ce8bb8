//! Numbers in caption files: decimal, unsigned or signed, without floats.

/// A decimal number in thousandths (`12.5` is 12 500), further digits cut off; `None` for anything else.
pub(crate) fn permille(text: &str) -> Option<i32> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty())
        || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i32>().ok()? };
    let thousandths = fraction.bytes().chain(*b"000").take(3).fold(0, |n, b| n * 10 + i32::from(b - b'0'));
    let value = whole.checked_mul(1000)?.checked_add(thousandths)?;
    Some(if negative { -value } else { value })
}

/// `N%` of a picture, in permille of it, within 0 and 1000.
pub(crate) fn percent(text: &str) -> Option<i32> {
    let value = permille(text.strip_suffix('%')?)?;
    (0..=100_000).contains(&value).then_some(value / 100)
}

/// Digits at the front of `text` and what follows them; `None` without a digit. Saturates.
pub(crate) fn leading(text: &str) -> Option<(i64, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let value = digits.bytes().fold(0i64, |n, b| n.saturating_mul(10).saturating_add(i64::from(b - b'0')));
    Some((value, rest))
}

/// `h`, `m`, `s` and `ms` as microseconds, saturating.
pub(crate) fn clock_us(h: i64, m: i64, s: i64, ms: i64) -> i64 {
    let seconds = h.saturating_mul(3600).saturating_add(m.saturating_mul(60)).saturating_add(s);
    seconds.saturating_mul(1_000_000).saturating_add(ms.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permille_only_plain_decimals_parse() {
        assert_eq!(permille("12.5"), Some(12_500));
        assert_eq!(permille("-.25"), Some(-250));
        assert_eq!(permille("1.23456"), Some(1_234));
        assert_eq!(permille("1e3"), None);
        assert_eq!(permille("."), None);
        assert_eq!(permille("99999999999"), None);
    }

    #[test]
    fn percent_outside_the_picture_is_none() {
        assert_eq!(percent("40%"), Some(400));
        assert_eq!(percent("101%"), None);
        assert_eq!(percent("40"), None);
    }
}
