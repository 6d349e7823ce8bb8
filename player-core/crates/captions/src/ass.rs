//! Advanced SubStation Alpha and its older form SSA: text, simple styles and placement. Fonts, sizes, borders, animation,
//! karaoke and drawings are left out: sizes and fonts are the viewer's affair. Where scripts are ambiguous, libass decides.

mod script;
mod tags;

use crate::Parsed;
use crate::cue::Cue;
use crate::number::{clock_us, leading};
use crate::text::{Issues, lines};
use script::{EventFormat, Script};

/// Reads a whole file. Cues come in the file's order.
pub fn parse(text: &str) -> Parsed {
    let script = Script::read(text);
    let mut issues = Issues::default();
    let mut cues = Vec::new();
    let mut format = EventFormat::default();
    for line in lines(text) {
        let Some((kind, fields)) = line.split_once(':') else { continue };
        if kind.eq_ignore_ascii_case("Format") {
            // Styles have a format line, too; only that of events names a text.
            format = EventFormat::read(fields).unwrap_or(format);
        } else if kind.eq_ignore_ascii_case("Dialogue") {
            match event(&script, &format, fields) {
                Some(cue) => cues.extend(cue),
                None => issues.add(|| format!("event without times: {:.80}", fields.trim())),
            }
        }
    }
    Parsed { cues, issues: issues.into_vec(), timestamp_map: None }
}

/// The cue of a `Dialogue` line's fields, if it shows any text; `None` when damaged.
fn event(script: &Script, format: &EventFormat, fields: &str) -> Option<Option<Cue>> {
    let event = format.split(fields);
    let (start_us, end_us) = (clock(event.start)?, clock(event.end)?);
    Some((start_us < end_us).then(|| tags::cue(script, &event, start_us, end_us)).flatten())
}

/// A Matroska `S_TEXT/ASS` block: the fields of an event without its times, with a reading order in front; `header` is the
/// script up to its events.
pub(crate) fn payload(header: &str, start_us: i64, end_us: i64, fields: &str) -> Option<Cue> {
    tags::cue(&Script::read(header), &EventFormat::matroska().split(fields), start_us, end_us)
}

/// `h:mm:ss.cc`; some programs write another separator.
fn clock(text: &str) -> Option<i64> {
    let (h, rest) = leading(text.trim())?;
    let (m, rest) = leading(rest.strip_prefix(':')?)?;
    let (s, rest) = leading(rest.strip_prefix(':')?)?;
    let centiseconds = rest.get(1..).and_then(leading).map_or(0, |(value, _)| value);
    Some(clock_us(h, m, s, centiseconds.saturating_mul(10)))
}

#[cfg(test)]
mod tests;
