use crate::cue::Cue;
use crate::{ass, srt, tx3g, webvtt};

/// Form of the cues of a container's text track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadFormat {
    /// 3GPP timed text samples (`tx3g`); the header is the sample description's fields, or empty.
    Tx3g,
    /// Text with SubRip tags (Matroska `S_TEXT/UTF8`).
    Subrip,
    /// WebVTT cue text (Matroska `S_TEXT/WEBVTT`).
    WebVtt,
    /// WebVTT boxes (`wvtt`, ISO/IEC 14496-30).
    WebVttBoxes,
    /// ASS event fields without times (Matroska `S_TEXT/ASS`); the header is the script up to its events.
    Ass,
}

/// Reads one sample of a text track that shows from `start_us` until `end_us`. Only WebVTT boxes hold more than one cue; a
/// sample that shows nothing gives none.
pub fn parse_payload(
    format: PayloadFormat,
    header: &[u8],
    start_us: i64,
    end_us: i64,
    data: &[u8],
) -> Vec<Cue> {
    // Containers say UTF-8; a track that is not is damaged and no reason to guess.
    let text = || String::from_utf8_lossy(data);
    let one = match format {
        PayloadFormat::WebVttBoxes => return webvtt::boxes::cues(start_us, end_us, data),
        PayloadFormat::Tx3g => tx3g::cue(header, start_us, end_us, data),
        PayloadFormat::Subrip => srt::payload(start_us, end_us, &text()),
        PayloadFormat::WebVtt => webvtt::payload(start_us, end_us, "", &text()),
        PayloadFormat::Ass => ass::payload(&String::from_utf8_lossy(header), start_us, end_us, &text()),
    };
    one.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;
    use proptest::prelude::*;

    const FORMATS: [PayloadFormat; 5] = [
        PayloadFormat::Tx3g,
        PayloadFormat::Subrip,
        PayloadFormat::WebVtt,
        PayloadFormat::WebVttBoxes,
        PayloadFormat::Ass,
    ];

    #[test]
    fn parse_payload_ass_uses_the_header_s_styles() {
        let header = b"[V4+ Styles]\nFormat: Name, Italic, Alignment\nStyle: Sign,-1,8\n";
        let cues =
            parse_payload(PayloadFormat::Ass, header, 1, 2, b"7,0,Sign,,0,0,0,,One, {\\b1}two\\Nthree");
        let [cue] = &cues[..] else { panic!("{cues:?}") };
        assert_eq!((cue.start_us, cue.end_us, plain(&cue.lines).as_str()), (1, 2, "One, two\nthree"));
        assert!(cue.lines[0].runs[0].style.italic && cue.lines[0].runs[1].style.bold);
        assert!(cue.position.top_permille.is_some());
    }

    proptest! {
        #[test]
        fn parse_payload_any_bytes_never_panic(
            format in 0usize..5, header in "(.|\n|Style:|PlayResX:|[0-9,]){0,60}", text in "(.|\\{\\\\(b|c|an|pos\\(|t\\(|p|r|1a)[0-9&,\\-]*\\}?|<){0,60}",
        ) {
            parse_payload(FORMATS[format], header.as_bytes(), 0, 1, text.as_bytes());
        }
    }
}
