use proptest::prelude::*;

use super::*;
use crate::cue::{Align, Anchor};
use crate::text::plain;

fn one(body: &str) -> Cue {
    payload(0, 1, body).expect("visible text")
}

#[test]
fn parse_ordinary_file_gives_every_cue() {
    let parsed = parse(
        "1\r\n00:00:01,000 --> 00:00:02,500\r\nOne\r\nTwo\r\n\r\n2\r\n01:00:00,000 --> 01:00:01,000\r\nThree",
    );
    let got: Vec<_> = parsed.cues.iter().map(|c| (c.start_us, c.end_us, plain(&c.lines))).collect();
    assert_eq!(
        got,
        [(1_000_000, 2_500_000, "One\nTwo".into()), (3_600_000_000, 3_601_000_000, "Three".into())]
    );
    assert!(parsed.issues.is_empty());
}

#[test]
fn parse_missing_numbers_dots_and_short_times_are_accepted() {
    let parsed = parse(
        "0:00:01.000 --> 0:00:02.000\na\n00:03,000-->00:04,000 X1:1 Y1:2\nb\n\n00:00:05 --> 00:00:06\nc",
    );
    let got: Vec<_> = parsed.cues.iter().map(|c| (c.start_us / 1000, plain(&c.lines))).collect();
    assert_eq!(got, [(1000, "a".into()), (3000, "b".into()), (5000, "c".into())]);
}

#[test]
fn parse_blank_lines_and_numbers_inside_a_cue_are_text() {
    let parsed = parse(
        "1\n00:00:01,000 --> 00:00:02,000\nThe year\n\n1984\nwas\n\n2\n00:00:03,000 --> 00:00:04,000\n42\n",
    );
    let got: Vec<_> = parsed.cues.iter().map(|c| plain(&c.lines)).collect();
    assert_eq!(got, ["The year\n\n1984\nwas", "42"]);
}

#[test]
fn parse_cue_that_ends_before_it_starts_is_left_out_and_reported() {
    let parsed = parse("1\n00:00:05,000 --> 00:00:02,000\nx\n\n2\n00:00:06,000 --> 00:00:07,000\ny\n");
    assert_eq!(parsed.cues.len(), 1);
    assert_eq!(parsed.issues, ["cue at 5000000 us ends before it starts"]);
}

#[test]
fn payload_tags_style_their_text() {
    let cue =
        one("<b>bold <i>both</b> italic</i> <font color=\"#ff0000\">red</font> <FONT COLOR=lime>l</FONT>");
    let runs: Vec<_> = cue.lines[0]
        .runs
        .iter()
        .map(|r| (r.text.as_str(), r.style.bold, r.style.italic, r.style.color))
        .collect();
    assert_eq!(
        runs,
        [
            ("bold ", true, false, None),
            ("both", true, true, None),
            (" italic", false, true, None),
            (" ", false, false, None),
            ("red", false, false, Some(0xff00_00ff)),
            (" ", false, false, None),
            ("l", false, false, Some(0x00ff_00ff)),
        ]
    );
}

#[test]
fn payload_unknown_markup_is_text() {
    assert_eq!(plain(&one("I <3 you, 1 < 2 > 0 { \\an2} <x>").lines), "I <3 you, 1 < 2 > 0 { \\an2} <x>");
}

#[test]
fn payload_alignment_tag_places_the_cue() {
    let cue = one("{\\an8}Up {\\xyz}here");
    assert_eq!(plain(&cue.lines), "Up here");
    assert_eq!(cue.position.anchor, Anchor { x: Align::Middle, y: Align::Start });
}

#[test]
fn payload_of_tags_only_is_none() {
    assert_eq!(payload(0, 1, "<i> </i>\n"), None);
}

proptest! {
    #[test]
    fn parse_any_text_never_panics_and_is_bounded(
        text in "([0-9:,.\\-> \n]|<[biu/]>|\\{\\\\an8\\}|<font color=|00:00:01,000 --> 00:00:02,000\n|.){0,120}"
    ) {
        let parsed = parse(&text);
        prop_assert!(parsed.cues.iter().map(|c| plain(&c.lines).len()).sum::<usize>() <= text.len());
        prop_assert!(parsed.issues.len() <= 50);
    }
}
