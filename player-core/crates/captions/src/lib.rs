//! Captions: from bytes in any common encoding and format to [`Cue`]s of styled text.
//!
//! Files are read whole by [`parse_file`], cues of a container's text track one by one by [`parse_payload`]; both are
//! tolerant in the way players and browsers are, and say what was wrong instead of failing. A [`CueList`] holds what came
//! and answers what shows when.

pub mod ass;
mod color;
mod cue;
mod encoding;
mod list;
mod number;
mod payload;
mod position;
pub mod srt;
mod text;
mod tx3g;
pub mod webvtt;

pub use cue::{Align, Anchor, Cue, Line, Position, Run, Style};
pub use encoding::decode_text;
pub use list::CueList;
pub use payload::{PayloadFormat, parse_payload};
pub use webvtt::TimestampMap;

/// What a caption file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// In the file's order.
    pub cues: Vec<Cue>,
    /// What was wrong but could be lived with, for the log.
    pub issues: Vec<String>,
    /// Of a WebVTT segment in HLS: how its times relate to the stream's.
    pub timestamp_map: Option<TimestampMap>,
}

/// Reads a caption file of any supported format, told by its content; `name` (a file name or URL path) only settles that a
/// `.vtt` file without its signature is damaged WebVTT and not SubRip.
pub fn parse_file(name: &str, bytes: &[u8]) -> Parsed {
    let text = decode_text(bytes);
    let head = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace());
    let starts = |marker: &str| head.get(..marker.len()).is_some_and(|h| h.eq_ignore_ascii_case(marker));
    let extension = name.rsplit('.').next().unwrap_or("");
    if webvtt::has_signature(&text) || extension.eq_ignore_ascii_case("vtt") {
        webvtt::parse(&text)
    } else if starts("[Script Info]")
        || starts("[V4")
        || starts("[Events]")
        || starts(";")
        || starts("Dialogue:")
    {
        ass::parse(&text)
    } else {
        srt::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_file_content_decides_the_format() {
        let srt = parse_file("a.txt", b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHi\r\n");
        let vtt = parse_file("a.srt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n");
        let ass = parse_file(
            "a.srt",
            b"\n[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,,Hi\n",
        );
        for parsed in [srt, vtt, ass] {
            let [cue] = &parsed.cues[..] else { panic!("{parsed:?}") };
            assert_eq!(
                (cue.start_us, cue.end_us, text::plain(&cue.lines).as_str()),
                (1_000_000, 2_000_000, "Hi")
            );
        }
    }

    #[test]
    fn parse_file_vtt_without_signature_has_no_cues_and_says_why() {
        let parsed = parse_file("a.vtt", b"00:01.000 --> 00:02.000\nHi\n");
        assert!(parsed.cues.is_empty());
        assert_eq!(parsed.issues.len(), 1);
    }
}
