//! 3GPP timed text samples, 3GPP TS 26.245 section 5.17.

use kinora_bytes::Cursor;

use crate::cue::{Cue, Position, Style};
use crate::decode_text;
use crate::position::numpad;
use crate::text::TextBuilder;

/// A `styl` record: characters `from..to` look so.
struct Record {
    from: usize,
    to: usize,
    style: Style,
}

/// The cue of a sample; `None` for an empty one, which only ends the one before. `header` is the sample description after
/// its reserved bytes (what FFmpeg calls the extradata), or empty.
pub(crate) fn cue(header: &[u8], start_us: i64, end_us: i64, sample: &[u8]) -> Option<Cue> {
    let mut cursor = Cursor::new(sample);
    let length = usize::from(cursor.u16_be()?).min(cursor.remaining());
    let bytes = cursor.take(length)?;
    // UTF-8, or UTF-16 with its byte order mark; never guessed.
    let text = match bytes {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => decode_text(bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    let (base, position) = description(header).unwrap_or_default();
    let records = styles(cursor);
    let mut out = TextBuilder::new();
    let mut pending = String::new();
    let mut style = base;
    // Records are in order and do not overlap, so one walk over them suffices.
    let mut next = records.iter().peekable();
    for (n, c) in text.chars().enumerate() {
        while next.next_if(|record| record.to <= n).is_some() {}
        let here = next.peek().filter(|record| record.from <= n).map_or(base, |record| record.style);
        if here != style {
            out.push(&std::mem::take(&mut pending), style);
            style = here;
        }
        pending.push(if c == '\r' { '\n' } else { c });
    }
    out.push(&pending, style);
    let lines = out.finish();
    (!lines.is_empty()).then_some(Cue { start_us, end_us, lines, position })
}

/// Display flags, justification, background, default box and default style.
fn description(header: &[u8]) -> Option<(Style, Position)> {
    let mut cursor = Cursor::new(header);
    cursor.skip(4)?;
    let (horizontal, vertical) = (cursor.u8()?, cursor.u8()?);
    cursor.skip(4 + 8)?;
    let style = record(&mut cursor)?.style;
    // 0 left or top, 1 centre, -1 right or bottom. Most writers say "left" without meaning it, so only the top counts.
    let position = match (horizontal, vertical) {
        (_, 0) if horizontal != 0 => numpad(8).unwrap_or_default(),
        _ => Position::default(),
    };
    Some((style, position))
}

fn styles(mut cursor: Cursor<'_>) -> Vec<Record> {
    while let (Some(size), Some(kind)) = (cursor.u32_be(), cursor.array::<4>()) {
        let Some(body) = (size as usize).checked_sub(8).and_then(|size| cursor.take(size)) else { break };
        if &kind == b"styl" {
            let mut body = Cursor::new(body);
            let count = body.u16_be().unwrap_or(0);
            return (0..count).map_while(|_| record(&mut body)).collect();
        }
    }
    Vec::new()
}

fn record(cursor: &mut Cursor<'_>) -> Option<Record> {
    let (from, to) = (usize::from(cursor.u16_be()?), usize::from(cursor.u16_be()?));
    cursor.skip(2)?;
    let flags = cursor.u8()?;
    cursor.skip(1)?;
    // White is every writer's default and no choice.
    let color = Some(cursor.u32_be()?).filter(|color| *color != 0xffff_ffff);
    let style = Style {
        bold: flags & 1 != 0,
        italic: flags & 2 != 0,
        underline: flags & 4 != 0,
        color,
        background: None,
    };
    Some(Record { from, to, style })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;
    use proptest::prelude::*;

    fn sample(text: &[u8], boxes: &[u8]) -> Vec<u8> {
        [&(text.len() as u16).to_be_bytes()[..], text, boxes].concat()
    }

    #[test]
    fn cue_styled_characters_count_by_code_point() {
        let mut styl = b"\0\0\0\x16styl\0\x01".to_vec();
        styl.extend([0, 2, 0, 4, 0, 1, 0b110, 12, 0xff, 0xff, 0, 0xff]);
        let cue = cue(&[], 1, 2, &sample("é bc\nd".as_bytes(), &styl)).expect("text");
        assert_eq!(plain(&cue.lines), "é bc\nd");
        let run = &cue.lines[0].runs[1];
        assert_eq!(run.text, "bc");
        assert_eq!(
            run.style,
            Style { italic: true, underline: true, color: Some(0xffff_00ff), ..Style::default() }
        );
    }

    #[test]
    fn cue_utf16_and_empty_samples_are_understood() {
        assert_eq!(plain(&cue(&[], 0, 1, &sample(b"\xfe\xff\0H\0i", b"")).expect("text").lines), "Hi");
        assert_eq!(cue(&[], 0, 1, &sample(b"", b"")), None);
        assert_eq!(cue(&[], 0, 1, b"\0"), None);
        assert_eq!(plain(&cue(&[], 0, 1, b"\0\x09cut").expect("text").lines), "cut");
    }

    proptest! {
        #[test]
        fn cue_any_bytes_never_panic(
            header in proptest::collection::vec(any::<u8>(), 0..60), bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let lines = cue(&header, 0, 1, &bytes).map_or(0, |cue| plain(&cue.lines).len());
            prop_assert!(lines <= 3 * bytes.len());
        }
    }
}
