use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::text::plain;

fn texts(parsed: &Parsed) -> Vec<(i64, i64, String)> {
    parsed.cues.iter().map(|c| (c.start_us / 1000, c.end_us / 1000, plain(&c.lines))).collect()
}

#[test]
fn parse_notes_styles_identifiers_and_cues_are_told_apart() {
    let parsed = parse(
        "WEBVTT - title\nKind: captions\n\nNOTE\nnot shown\n\nSTYLE\n::cue(.k) { color: lime }\n\nREGION\nid:r width:50%\n\n\
         one\n00:01.000 --> 00:02.000 region:r\n<c.k>First</c>\nline\n\n01:00:00.000 --> 100:00:00.000\nSecond\n",
    );
    assert_eq!(
        texts(&parsed),
        [(1000, 2000, "First\nline".into()), (3_600_000, 360_000_000, "Second".into())]
    );
    assert_eq!(parsed.cues[0].lines[0].runs[0].style.color, Some(0x00ff_00ff));
    assert_eq!(parsed.cues[0].position.width_permille, 500);
    assert!(parsed.issues.is_empty());
}

#[test]
fn parse_bad_timings_lose_only_their_cue() {
    let parsed = parse(
        "WEBVTT\n\n00:01.00 --> 00:02.000\nshort fraction\n\n00:61.000 --> 01:02.000\nseconds\n\n\
         00:03.000 -> 00:04.000\nno arrow\n\n00:05.000 --> 00:06.000\nGood",
    );
    assert_eq!(texts(&parsed), [(5000, 6000, "Good".into())]);
    assert_eq!(parsed.issues.len(), 2);
}

#[test]
fn parse_timestamp_map_is_exposed_in_either_order() {
    let map = Some(TimestampMap { mpegts: 900_000, local_us: 1_000_000 });
    let head = |line: &str| parse(&format!("WEBVTT\n{line}\n\n00:01.000 --> 00:02.000\nx\n")).timestamp_map;
    assert_eq!(head("X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:01.000"), map);
    assert_eq!(head("X-TIMESTAMP-MAP=LOCAL:00:01.000,MPEGTS:900000"), map);
    assert_eq!(head("X-TIMESTAMP-MAP=LOCAL:00:01.000"), None);
}

/// The file layouts of vtt.js: times, text and count of every cue as it expects them.
#[test]
fn fixture_file_layouts_give_the_expected_cues() {
    let fixtures = std::env::var_os("KINORA_FIXTURES").expect("KINORA_FIXTURES, or `--skip fixture_`");
    let folder = Path::new(&fixtures).join("webvtt/file-layout");
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(folder.join(name)).expect("readable")).expect("JSON")
    };
    let pairs = json("pairs.json");
    for (file, expected) in pairs.as_object().expect("an object") {
        let bytes = std::fs::read(folder.join(file)).expect("readable");
        let got: Vec<_> = texts(&crate::parse_file(file, &bytes));
        let expected = json(expected.as_str().expect("a name"));
        let expected: Vec<_> = expected["cues"].as_array().into_iter().flatten().map(cue_of).collect();
        assert_eq!(got, expected, "{file}");
    }
}

fn cue_of(cue: &serde_json::Value) -> (i64, i64, String) {
    let ms = |name: &str| (cue[name].as_f64().expect("a time") * 1000.0).round() as i64;
    (ms("startTime"), ms("endTime"), cue["text"].as_str().expect("text").into())
}

proptest! {
    #[test]
    fn parse_any_text_never_panics_and_is_bounded(
        text in "WEBVTT\n\n([0-9:.\\-> \n]|<[/biuc]?>|&|NOTE|STYLE|REGION|::cue\\(.a\\)\\{|line:-?[0-9]*%?|00:01.000 --> 00:02.000\n|.){0,120}"
    ) {
        let parsed = parse(&text);
        prop_assert!(parsed.cues.iter().map(|c| plain(&c.lines).len()).sum::<usize>() <= 2 * text.len());
    }
}
