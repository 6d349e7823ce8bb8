//! The lines, attribute lists and numbers of RFC 8216 section 4, read with tolerance.

use std::borrow::Cow;

use kinora_time::{MediaUs, SECOND_US};

use crate::ManifestError;
use crate::model::{ByteRange, Issue, Resolution, Variables};
use crate::uri;

/// A ten-hour playlist of two-second segments with signed addresses takes about 10 MiB.
const MAX_INPUT: usize = 16 * 1024 * 1024;
/// Addresses become longer when resolved and variables when expanded; a hostile text could turn 16 MiB into gigabytes.
const MAX_OUTPUT: usize = 48 * 1024 * 1024;
/// A longer line is not expanded.
const MAX_EXPANDED_LINE: usize = 64 * 1024;
const MAX_ISSUES: usize = 64;

/// UTF-8 with or without a byte order mark (section 4.1); lists from before that are Latin-1.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ManifestError> {
    if bytes.len() > MAX_INPUT {
        return Err(ManifestError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    })
}

/// A line that says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// `#EXT...`: the name without `#`, and what follows the colon.
    Tag(&'a str, &'a str),
    /// Anything that is not a comment.
    Uri(&'a str),
}

/// Numbered lines; comments and empty lines are left out.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && (!line.starts_with('#') || line.starts_with("#EXT")))
}

/// Reads one of [`lines`].
pub(crate) fn classify(line: &str) -> Line<'_> {
    match line.strip_prefix('#') {
        Some(tag) => {
            let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
            Line::Tag(name.trim_end(), value.trim())
        }
        None => Line::Uri(line),
    }
}

/// An attribute list, section 4.2, borrowed from its line. Spaces around names and values, values without their quotes and a
/// quote that never closes are read as they were meant.
pub(crate) struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    pub(crate) fn parse(mut text: &'a str) -> Self {
        let mut list = Vec::new();
        while let Some((name, rest)) = text.split_once('=') {
            let rest = rest.trim_start();
            let (value, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
            };
            list.push((name.trim_matches([',', ' ', '\t']), value.trim()));
            text = after.split_once(',').map_or("", |(_, next)| next);
        }
        Self(list)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value).filter(|value| !value.is_empty())
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    pub(crate) fn is_yes(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("YES"))
    }

    /// The items of a list inside one value.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let items = self.get(name).unwrap_or_default().split(',').map(str::trim);
        items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

/// A decimal number times `scale`, rounded towards minus infinity; saturates. Trailing words are ignored, as `strtod` would.
pub(crate) fn decimal(text: &str, scale: i64) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let whole_end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (whole, rest) = digits.split_at(whole_end);
    let fraction = rest.strip_prefix('.').unwrap_or_default();
    let fraction = &fraction[..fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len())];
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let scale = i128::from(scale);
    let whole =
        whole.bytes().fold(0_i128, |sum, b| (sum * 10 + i128::from(b - b'0')).min(i128::from(i64::MAX)));
    // Digits beyond the unit asked for decide only the rounding of negative numbers; twelve cover every unit in use.
    let (part, unit) = fraction
        .bytes()
        .take(12)
        .fold((0_i128, 1_i128), |(sum, unit), b| (sum * 10 + i128::from(b - b'0'), unit * 10));
    let magnitude = whole * scale * unit + part * scale;
    let value = if negative { -magnitude } else { magnitude }.div_euclid(unit);
    Some(value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

/// No piece of media is longer. The durations of a whole playlist can then be added up without overflow.
const TEN_DAYS_US: MediaUs = 10 * 86_400 * SECOND_US;

/// Seconds, to microseconds.
pub(crate) fn seconds(text: &str) -> Option<MediaUs> {
    decimal(text, SECOND_US).map(|us| us.clamp(-TEN_DAYS_US, TEN_DAYS_US))
}

/// `WIDTHxHEIGHT`.
pub(crate) fn resolution(text: &str) -> Option<Resolution> {
    let (width, height) = text.split_once(['x', 'X'])?;
    Some(Resolution { width: width.trim().parse().ok()?, height: height.trim().parse().ok()? })
}

/// `LENGTH[@OFFSET]`, which without an offset goes on at `next`.
pub(crate) fn byte_range(text: &str, next: u64) -> Option<ByteRange> {
    let (length, offset) = match text.split_once('@') {
        Some((length, offset)) => (length, offset.trim().parse().ok()?),
        None => (text, next),
    };
    let length = length.trim().parse::<u64>().ok()?;
    offset.checked_add(length)?;
    Some(ByteRange { offset, length })
}

/// `0x` and up to 32 hexadecimal digits, leading zeros left out or not.
pub(crate) fn initialisation_vector(text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes)
}

/// What reading a whole text carries along: its address, variables, issues, and how much it may still produce.
pub(crate) struct Context<'a> {
    pub(crate) base: &'a str,
    pub(crate) variables: Variables,
    pub(crate) issues: Vec<Issue>,
    inherited: &'a Variables,
    line: usize,
    room: usize,
}

impl<'a> Context<'a> {
    pub(crate) fn new(base: &'a str, inherited: &'a Variables) -> Self {
        Self { base, variables: Variables::new(), issues: Vec::new(), inherited, line: 0, room: MAX_OUTPUT }
    }

    /// Goes on to line `number`: its text with variables put in. None ends the reading: the text produces too much.
    pub(crate) fn enter<'t>(&mut self, number: usize, line: &'t str) -> Option<Cow<'t, str>> {
        self.line = number;
        let line = self.expand(line);
        let room = self.room.checked_sub(line.len());
        if room.is_none() {
            self.issue("the playlist is too large; the rest is left out");
        }
        self.room = room?;
        Some(line)
    }

    pub(crate) fn issue(&mut self, what: &'static str) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue { line: self.line, what });
        }
    }

    /// An absolute address, or none with an issue.
    pub(crate) fn resolve(&mut self, reference: &str) -> Option<String> {
        let resolved = uri::resolve(self.base, reference);
        match resolved.as_ref().map(|uri| self.room.checked_sub(uri.len())) {
            Some(Some(room)) => self.room = room,
            Some(None) => {
                self.room = 0;
                return None;
            }
            None => self.issue("an address cannot be resolved"),
        }
        resolved
    }

    /// `EXT-X-DEFINE` (draft-pantos-hls-rfc8216bis section 4.4.2.3).
    pub(crate) fn define(&mut self, attributes: &Attributes<'_>) {
        let (name, value) = if let Some(name) = attributes.get("NAME") {
            (name, Some(attributes.get("VALUE").unwrap_or_default().to_owned()))
        } else if let Some(name) = attributes.get("IMPORT") {
            (name, self.inherited.get(name).cloned())
        } else if let Some(name) = attributes.get("QUERYPARAM") {
            (name, uri::query_parameter(self.base, name).map(str::to_owned))
        } else {
            ("", None)
        };
        match value {
            Some(value) => drop(self.variables.insert(name.to_owned(), value)),
            None => self.issue("a variable has no value"),
        }
    }

    /// Section 4.3 of the draft: `{$name}`. References to unknown variables stay as they are.
    fn expand<'t>(&mut self, line: &'t str) -> Cow<'t, str> {
        if !line.contains("{$") || line.starts_with("#EXTINF") {
            return Cow::Borrowed(line);
        }
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((before, reference)) = rest.split_once("{$") {
            out.push_str(before);
            let known =
                reference.split_once('}').and_then(|(name, after)| Some((self.variables.get(name)?, after)));
            if let Some((value, after)) = known {
                out.push_str(value);
                rest = after;
            } else {
                self.issue("a variable is not defined");
                out.push_str("{$");
                rest = reference;
            }
            if out.len() > MAX_EXPANDED_LINE {
                self.issue("a line is too long once its variables are put in");
                return Cow::Borrowed(line);
            }
        }
        out.push_str(rest);
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attributes_with_spaces_quotes_and_commas_are_read() {
        let list = Attributes::parse("A=1, B = \"x, y=z\" ,C=,D=\"open, E=2");
        assert_eq!(list.get("A"), Some("1"));
        assert_eq!(list.get("B"), Some("x, y=z"));
        assert_eq!(list.get("C"), None);
        assert_eq!(list.get("D"), Some("open, E=2"));
    }

    #[test]
    fn decimal_times_scale_is_exact_and_saturates() {
        assert_eq!(seconds("9.009"), Some(9_009_000));
        assert_eq!(seconds("-0.0000001"), Some(-1));
        assert_eq!(seconds("6.00600,\t"), Some(6_006_000));
        assert_eq!(seconds(".5"), Some(500_000));
        assert_eq!(decimal(&"9".repeat(60), 1), Some(i64::MAX));
        assert_eq!(seconds(&"9".repeat(60)), Some(TEN_DAYS_US));
        assert_eq!(seconds("abc"), None);
        assert_eq!(decimal("23.976", 1000), Some(23_976));
    }

    #[test]
    fn byte_range_beyond_the_last_offset_is_refused() {
        assert_eq!(byte_range("10@5", 0), Some(ByteRange { offset: 5, length: 10 }));
        assert_eq!(byte_range("10", 7), Some(ByteRange { offset: 7, length: 10 }));
        assert_eq!(byte_range("2@18446744073709551615", 0), None);
    }

    #[test]
    fn variables_that_multiply_a_line_leave_it_unexpanded() {
        let none = Variables::new();
        let mut context = Context::new("http://h/", &none);
        context.variables.insert("a".into(), "x".repeat(60_000));
        assert_eq!(context.enter(1, "{$a}{$a}").as_deref(), Some("{$a}{$a}"));
        assert_eq!(context.issues.len(), 1);
    }

    proptest! {
        #[test]
        fn attributes_any_text_never_panics(text in ".{0,200}") {
            let list = Attributes::parse(&text);
            prop_assert!(list.0.len() <= text.len());
        }

        #[test]
        fn decimal_any_text_never_panics(text in "[-+]?[0-9]{0,40}\\.?[0-9]{0,40}.?") {
            let _ = seconds(&text);
        }
    }
}
