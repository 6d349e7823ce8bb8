//! The captions that were read ahead, so that the next instance shows them without reading the media again.
//!
//! Layout, little-endian, of each cue: its track u32; start and end i64; flags u8 (1: `top` follows); top i32; left i32; width i32; anchor x and y and
//! alignment, a u8 each; count of lines u16; for each the count of runs u16; for each length u32, text, flags u8 (1 bold, 2 italic, 4 underlined,
//! 8 colour follows, 16 background follows), colours u32.

use kinora_bytes::Cursor;
use kinora_captions::{Align, Anchor, Cue, Line, Position, Run, Style};

/// Most bytes of the section; captions of some minutes are a few thousand.
pub(super) const MAX_BYTES: usize = 32 << 10;

/// Cues with their tracks, as many as fit.
pub(super) fn encode(cues: &[(u32, &Cue)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (track, cue) in cues {
        let before = out.len();
        out.extend_from_slice(&track.to_le_bytes());
        encode_cue(cue, &mut out);
        if out.len() > MAX_BYTES {
            out.truncate(before);
            break;
        }
    }
    out
}

/// Those of damaged bytes that can be read.
pub(super) fn decode(bytes: &[u8]) -> Vec<(u32, Cue)> {
    let mut cursor = Cursor::new(&bytes[..bytes.len().min(MAX_BYTES)]);
    std::iter::from_fn(|| Some((cursor.u32_le()?, decode_cue(&mut cursor)?))).collect()
}

fn encode_cue(cue: &Cue, out: &mut Vec<u8>) {
    out.extend_from_slice(&cue.start_us.to_le_bytes());
    out.extend_from_slice(&cue.end_us.to_le_bytes());
    let position = &cue.position;
    out.push(u8::from(position.top_permille.is_some()));
    if let Some(top) = position.top_permille {
        out.extend_from_slice(&top.to_le_bytes());
    }
    out.extend_from_slice(&position.left_permille.to_le_bytes());
    out.extend_from_slice(&position.width_permille.to_le_bytes());
    out.extend([position.anchor.x, position.anchor.y, position.align].map(|align| align as u8));
    out.extend_from_slice(&(cue.lines.len() as u16).to_le_bytes());
    for line in cue.lines.iter().take(usize::from(u16::MAX)) {
        out.extend_from_slice(&(line.runs.len() as u16).to_le_bytes());
        for run in line.runs.iter().take(usize::from(u16::MAX)) {
            super::encode_text(&run.text, out);
            encode_style(run.style, out);
        }
    }
}

fn encode_style(style: Style, out: &mut Vec<u8>) {
    let flags =
        [style.bold, style.italic, style.underline, style.color.is_some(), style.background.is_some()];
    out.push(flags.iter().rev().fold(0, |bits, set| bits << 1 | u8::from(*set)));
    for color in [style.color, style.background].into_iter().flatten() {
        out.extend_from_slice(&color.to_le_bytes());
    }
}

fn decode_cue(cursor: &mut Cursor<'_>) -> Option<Cue> {
    let (start_us, end_us) = (cursor.i64_le()?, cursor.i64_le()?);
    let top_permille = if cursor.u8()? & 1 != 0 { Some(cursor.i32_le()?) } else { None };
    let (left_permille, width_permille) = (cursor.i32_le()?, cursor.i32_le()?);
    let anchor = Anchor { x: align(cursor.u8()?), y: align(cursor.u8()?) };
    let position =
        Position { top_permille, left_permille, width_permille, anchor, align: align(cursor.u8()?) };
    let mut lines = Vec::new();
    // Every line and run takes bytes, so that damaged counts end with them.
    for _ in 0..cursor.u16_le()? {
        let mut line = Line::default();
        for _ in 0..cursor.u16_le()? {
            line.runs.push(Run { text: super::decode_text(cursor)?, style: decode_style(cursor)? });
        }
        lines.push(line);
    }
    Some(Cue { start_us, end_us, lines, position })
}

fn decode_style(cursor: &mut Cursor<'_>) -> Option<Style> {
    let flags = cursor.u8()?;
    let mut color = |flag| if flags & flag != 0 { cursor.u32_le().map(Some) } else { Some(None) };
    let (color, background) = (color(8)?, color(16)?);
    let (bold, italic, underline) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
    Some(Style { bold, italic, underline, color, background })
}

fn align(value: u8) -> Align {
    match value {
        0 => Align::Start,
        1 => Align::Middle,
        _ => Align::End,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cues(count: usize) -> Vec<(u32, Cue)> {
        let style = Style { italic: true, color: Some(0xff00_00ff), background: Some(7), ..Style::default() };
        let run = |text: &str, style| Run { text: text.to_owned(), style };
        let cue = |n: usize| Cue {
            start_us: n as i64 * 1000,
            end_us: n as i64 * 1000 + 900,
            lines: vec![
                Line { runs: vec![run("Grüß", Style::default()), run(" Gott", style)] },
                Line { runs: vec![run(&"x".repeat(100), Style { bold: true, ..style })] },
            ],
            position: Position { top_permille: n.is_multiple_of(2).then_some(-5), ..Position::default() },
        };
        (0..count).map(|n| (n as u32 % 3, cue(n))).collect()
    }

    fn encoded(cues: &[(u32, Cue)]) -> Vec<u8> {
        encode(&cues.iter().map(|(track, cue)| (*track, cue)).collect::<Vec<_>>())
    }

    #[test]
    fn cues_encoded_and_decoded_are_the_same() {
        assert_eq!(decode(&encoded(&cues(5))), cues(5));
    }

    #[test]
    fn cues_that_do_not_fit_are_left_out_from_the_end() {
        let bytes = encoded(&cues(1000));
        let kept = decode(&bytes);
        assert!(bytes.len() <= MAX_BYTES && kept.len() > 50);
        assert_eq!(kept, cues(kept.len()));
    }

    proptest! {
        #[test]
        fn cues_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            decode(&bytes);
        }
    }
}
