//! WebVTT, by the W3C Candidate Recommendation of 4 April 2019, "WebVTT: The Web Video Text Tracks Format", section 6.

pub(crate) mod boxes;
mod markup;
mod settings;
mod style;

use crate::Parsed;
use crate::cue::Cue;
use crate::number::{clock_us, leading};
use crate::text::{Issues, lines};
use settings::Region;
use style::Sheet;

/// `X-TIMESTAMP-MAP` of a WebVTT segment (RFC 8216 section 3.5): `local_us` of its cues is `mpegts` of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampMap {
    /// MPEG-2 timestamp, 90 kHz, 33 bits.
    pub mpegts: u64,
    /// Cue time, microseconds.
    pub local_us: i64,
}

/// Whether `text` begins as every WebVTT file must (section 6.1 steps 3 to 6).
pub(crate) fn has_signature(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// Reads a whole file or HLS segment. Without the signature it is not WebVTT and gives no cue.
///
/// One departure from section 6.1: the header ends at its first blank line, as in vtt.js and FFmpeg, so that a timing line
/// right below the signature is header text and no cue.
pub fn parse(text: &str) -> Parsed {
    let mut issues = Issues::default();
    if !has_signature(text) {
        issues.add(|| "no WEBVTT signature".into());
        return Parsed { issues: issues.into_vec(), ..Parsed::default() };
    }
    let all: Vec<&str> = lines(text).collect();
    let mut at = 1;
    let mut timestamp_map = None;
    while let Some(line) = all.get(at).filter(|line| !line.is_empty()) {
        timestamp_map = timestamp_map.or_else(|| map_line(line));
        at += 1;
    }
    let mut file = File::default();
    while at < all.len() {
        if all[at].is_empty() {
            at += 1;
            continue;
        }
        at = file.block(&all, at, &mut issues);
    }
    Parsed { cues: file.cues, issues: issues.into_vec(), timestamp_map }
}

/// `X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000`, the two in either order.
fn map_line(line: &str) -> Option<TimestampMap> {
    let (mut mpegts, mut local_us) = (None, None);
    for part in line.trim().strip_prefix("X-TIMESTAMP-MAP=")?.split(',') {
        match part.trim().split_once(':')? {
            ("MPEGTS", value) => mpegts = value.trim().parse().ok(),
            ("LOCAL", value) => local_us = clock(value.trim()).map(|(us, _)| us),
            _ => {}
        }
    }
    Some(TimestampMap { mpegts: mpegts?, local_us: local_us? })
}

/// What the blocks read so far have set.
#[derive(Debug, Default)]
struct File {
    cues: Vec<Cue>,
    regions: Vec<Region>,
    sheet: Sheet,
}

impl File {
    /// Reads one block (section 6.1 "collect a WebVTT block") and gives the line it ends before.
    fn block(&mut self, all: &[&str], first: usize, issues: &mut Issues) -> usize {
        // A timing line is the block's first line, or its second after an identifier.
        let timing = (first..all.len().min(first + 2)).find(|n| all[*n].contains("-->"));
        let body = timing.map_or(first, |n| n + 1);
        let end =
            (body..all.len()).find(|n| all[*n].is_empty() || all[*n].contains("-->")).unwrap_or(all.len());
        match timing {
            Some(n) => match timing_line(all[n]) {
                Some((start_us, end_us, rest)) => {
                    let position = settings::position(rest, &self.regions);
                    let lines = markup::lines(&all[body..end].join("\n"), &self.sheet);
                    self.cues.push(Cue { start_us, end_us, lines, position });
                }
                None => issues.add(|| format!("line {}: not a cue timing", n + 1)),
            },
            None => self.definition(&all[first..end]),
        }
        end
    }

    /// A `STYLE` or `REGION` block; notes and anything else mean nothing.
    fn definition(&mut self, block: &[&str]) {
        // Both are for what comes before the first cue only (section 4.1).
        if !self.cues.is_empty() {
            return;
        }
        /// As many as a file may sensibly have; each cue looks through them.
        const MOST_REGIONS: usize = 64;
        let Some((head, rest)) = block.split_first() else { return };
        match head.trim_end() {
            "STYLE" => self.sheet.add(&rest.join("\n")),
            "REGION" if self.regions.len() < MOST_REGIONS => {
                self.regions.extend(settings::region(&rest.join(" ")));
            }
            _ => {}
        }
    }
}

/// Section 6.3 "collect WebVTT cue timings and settings": start, end and the settings' text.
fn timing_line(line: &str) -> Option<(i64, i64, &str)> {
    let (start_us, rest) = clock(line.trim_start())?;
    let rest = rest.trim_start().strip_prefix("-->")?;
    let (end_us, rest) = clock(rest.trim_start())?;
    Some((start_us, end_us, rest))
}

/// Section 6.3 "collect a WebVTT timestamp": `[h+:]mm:ss.ttt`, and what follows.
fn clock(text: &str) -> Option<(i64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (first, after) = leading(text)?;
    let (second, mut rest) = two(after.strip_prefix(':')?)?;
    let (h, m, s) = if digits(text) != 2 || first > 59 || rest.starts_with(':') {
        let (s, after) = two(rest.strip_prefix(':')?)?;
        rest = after;
        (first, second, s)
    } else {
        (0, first, second)
    };
    let rest = rest.strip_prefix('.')?;
    if digits(rest) != 3 || m > 59 || s > 59 {
        return None;
    }
    let (ms, rest) = leading(rest)?;
    Some((clock_us(h, m, s, ms), rest))
}

fn two(text: &str) -> Option<(i64, &str)> {
    let (value, rest) = leading(text)?;
    (text.len() - rest.len() == 2).then_some((value, rest))
}

/// The payload of one cue as a Matroska `S_TEXT/WEBVTT` block or a `payl` box holds it, with its settings line.
pub(crate) fn payload(start_us: i64, end_us: i64, settings: &str, text: &str) -> Option<Cue> {
    let lines = markup::lines(text, &Sheet::default());
    let position = settings::position(settings, &[]);
    (!lines.is_empty()).then_some(Cue { start_us, end_us, lines, position })
}

#[cfg(test)]
mod tests;
