//! WebVTT in ISO media files, ISO/IEC 14496-30 section 7: a sample is a row of boxes, one `vttc` for each cue showing.

use kinora_bytes::Cursor;

use crate::cue::Cue;

/// The cues of a sample; none for `vtte`, the empty one.
pub(crate) fn cues(start_us: i64, end_us: i64, sample: &[u8]) -> Vec<Cue> {
    boxes(sample)
        .filter(|(kind, _)| kind == b"vttc")
        .filter_map(|(_, body)| cue(start_us, end_us, body))
        .collect()
}

fn cue(start_us: i64, end_us: i64, body: &[u8]) -> Option<Cue> {
    let text = |wanted: &[u8; 4]| {
        let found = boxes(body).find(|(kind, _)| kind == wanted);
        found.map(|(_, bytes)| String::from_utf8_lossy(bytes)).unwrap_or_default()
    };
    super::payload(start_us, end_us, &text(b"sttg"), &text(b"payl"))
}

fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut cursor = Cursor::new(bytes);
    std::iter::from_fn(move || {
        let size = cursor.u32_be()?;
        let kind = cursor.array()?;
        let body = match size {
            0 => cursor.remaining(),
            _ => usize::try_from(size).ok()?.checked_sub(8)?,
        };
        Some((kind, cursor.take(body)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    }

    #[test]
    fn cues_of_a_sample_are_all_given_with_their_settings() {
        let first =
            [boxed(b"iden", b"1"), boxed(b"sttg", b"line:10%"), boxed(b"payl", b"<i>One</i>")].concat();
        let sample =
            [boxed(b"vttc", &first), boxed(b"vtta", b"note"), boxed(b"vttc", &boxed(b"payl", b"Two"))]
                .concat();
        let got = cues(5, 9, &sample);
        assert_eq!(got.iter().map(|c| plain(&c.lines)).collect::<Vec<_>>(), ["One", "Two"]);
        assert_eq!(got[0].position.top_permille, Some(100));
        assert!(got[0].lines[0].runs[0].style.italic);
        assert!(cues(0, 1, &boxed(b"vtte", b"")).is_empty());
        assert!(cues(0, 1, &sample[..sample.len() - 1]).len() == 1);
    }
}
