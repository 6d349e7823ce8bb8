//! Caption files, read whole and over the network, and the cues of text tracks.

use kinora_captions::{Cue, Parsed, PayloadFormat, decode_text, parse_file, parse_payload};

use crate::network;

/// Markup may repeat a character in a cue for each of several regions or layers, never more.
const MOST_GROWTH: usize = 8;

pub(crate) fn webvtt(data: &[u8]) {
    // The signature is the first thing a mutation breaks, and then nothing else would be read.
    if data.len().is_multiple_of(8) {
        return file("a.vtt", data);
    }
    file("a.vtt", &[b"WEBVTT\n\n", data].concat());
}

pub(crate) fn srt(data: &[u8]) {
    file("a.srt", data);
}

pub(crate) fn ass(data: &[u8]) {
    if data.len().is_multiple_of(8) {
        return file("a.ass", data);
    }
    file("a.ass", &[b"[Script Info]\n", data].concat());
}

fn file(name: &str, data: &[u8]) {
    let parsed = parse_file(name, data);
    check(&parsed, data.len());
    // Line ends are the system's, not the author's.
    let text = decode_text(data);
    if !text.contains('\r') {
        let dos = parse_file(name, text.replace('\n', "\r\n").as_bytes());
        let unix = parse_file(name, text.as_bytes());
        assert!(dos.cues == unix.cues, "line ends make a difference: {:?}, or {:?}", unix.cues, dos.cues);
    }
    if network::chosen(data) {
        network::captions(name, data, &parsed.cues);
    }
}

pub(crate) fn payload(data: &[u8]) {
    let [format, split, data @ ..] = data else { return };
    let formats = [
        PayloadFormat::Tx3g,
        PayloadFormat::Subrip,
        PayloadFormat::WebVtt,
        PayloadFormat::WebVttBoxes,
        PayloadFormat::Ass,
    ];
    let (header, data) = data.split_at(usize::from(*split).min(data.len()));
    let format = formats[usize::from(*format) % formats.len()];
    for (start_us, end_us) in [(0, 1_000_000), (i64::MIN, i64::MAX), (i64::MAX - 5, i64::MAX)] {
        let cues = parse_payload(format, header, start_us, end_us, data);
        check(&Parsed { cues, ..Parsed::default() }, data.len());
    }
}

fn check(parsed: &Parsed, len: usize) {
    let mut bytes = 0;
    for cue in &parsed.cues {
        check_cue(cue);
        bytes += cue.lines.iter().flat_map(|line| &line.runs).map(|run| run.text.len()).sum::<usize>();
    }
    // A byte of a legacy encoding becomes at most three of UTF-8.
    assert!(bytes <= MOST_GROWTH * 3 * len + 64, "{bytes} bytes of text from {len}");
    assert!(parsed.cues.len() <= len, "{} cues from {len} bytes", parsed.cues.len());
    assert!(parsed.issues.len() <= len.min(64) + 1, "{} issues", parsed.issues.len());
}

fn check_cue(cue: &Cue) {
    for run in cue.lines.iter().flat_map(|line| &line.runs) {
        assert!(!run.text.contains(['\n', '\r']), "a line in a line: {:?}", run.text);
    }
    let at = &cue.position;
    assert!((0..=1000).contains(&at.width_permille), "{at:?}");
    assert!((0..=1000).contains(&at.left_permille), "{at:?}");
    assert!(at.top_permille.is_none_or(|top| (0..=1000).contains(&top)), "{at:?}");
}
