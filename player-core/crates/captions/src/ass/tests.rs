use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::cue::{Align, Anchor, Position, Style};
use crate::text::plain;

const HEAD: &str = "[Script Info]\nPlayResX: 640\nPlayResY: 480\n\n[V4+ Styles]\n\
    Format: Name, Fontname, PrimaryColour, Bold, Italic, Underline, Alignment, MarginL, MarginR, MarginV\n\
    Style: Default,Arial,&H00FFFFFF,0,0,0,2,20,20,20\n\
    Style: Sign,Arial,&H0000FFFF,-1,0,0,7,64,0,48\n\n[Events]\n\
    Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n";

fn one(style: &str, text: &str) -> Cue {
    let parsed = parse(&format!("{HEAD}Dialogue: 0,0:00:01.00,0:00:02.50,{style},,0,0,0,,{text}\n"));
    parsed.cues.into_iter().next().expect("a cue")
}

#[test]
fn parse_dialogue_times_and_commas_are_kept() {
    let cue = one("Default", "Yes, indeed");
    assert_eq!((cue.start_us, cue.end_us, plain(&cue.lines).as_str()), (1_000_000, 2_500_000, "Yes, indeed"));
}

#[test]
fn parse_breaks_and_spaces_follow_the_wrap_style() {
    assert_eq!(plain(&one("", "a\\Nb\\nc\\hd").lines), "a\nb c\u{a0}d");
    assert_eq!(plain(&one("", "{\\q2}a\\nb").lines), "a\nb");
}

#[test]
fn parse_override_tags_style_and_reset() {
    let cue = one(
        "Default",
        "a{\\b1\\i1\\c&H0000FF&}b{\\b0\\u1}c{\\r}d{\\rSign}e{comment}{\\fs20\\bord2\\blur1\\be1}f",
    );
    let got: Vec<_> = cue.lines[0].runs.iter().map(|r| (r.text.as_str(), r.style)).collect();
    let red = Style { italic: true, color: Some(0xff00_00ff), ..Style::default() };
    assert_eq!(
        got,
        [
            ("a", Style::default()),
            ("b", Style { bold: true, ..red }),
            ("c", Style { underline: true, ..red }),
            ("d", Style::default()),
            ("ef", Style { bold: true, color: Some(0xffff_00ff), ..Style::default() }),
        ]
    );
}

#[test]
fn parse_transparency_becomes_alpha() {
    let cue = one("", "{\\alpha&H80&}a{\\1c&H00FF00&}b");
    let got: Vec<_> = cue.lines[0].runs.iter().map(|r| r.style.color).collect();
    assert_eq!(got, [Some(0xffff_ff7f), Some(0x00ff_007f)]);
}

#[test]
fn parse_drawings_and_animation_are_left_out() {
    assert_eq!(plain(&one("", "{\\p1}m 0 0 l 9 9{\\p0}text{\\t(0,500,\\b1\\fs30)}!").lines), "text!");
    assert!(
        parse(&format!("{HEAD}Dialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,,{{\\p1}}m 0 0")).cues.is_empty()
    );
}

#[test]
fn parse_ordinary_margins_mean_the_bottom() {
    let position = one("Default", "x").position;
    assert_eq!(Position { width_permille: 1000, ..position }, Position::default());
}

#[test]
fn parse_placement_by_style_tag_and_coordinates() {
    let sign = one("Sign", "x").position;
    assert_eq!((sign.top_permille, sign.left_permille, sign.width_permille), (Some(100), 100, 900));
    assert_eq!(sign.anchor, Anchor { x: Align::Start, y: Align::Start });
    let top = one("", "{\\an8}{\\an2}x").position;
    assert_eq!((top.anchor.y, top.align), (Align::Start, Align::Middle));
    let placed = one("", "{\\an5\\pos(320.5,120)}x").position;
    assert_eq!((placed.left_permille, placed.top_permille), (500, Some(250)));
    assert_eq!(one("", "{\\a6}x").position.anchor.y, Align::Start);
}

#[test]
fn parse_legacy_styles_use_their_own_alignments() {
    let text = "[V4 Styles]\nFormat: Name, Alignment\nStyle: Default,6\n[Events]\n\
        Dialogue: Marked=0,0:00:01.00,0:00:02.00,Default,,0,0,0,,x\n";
    assert_eq!(parse(text).cues[0].position.anchor, Anchor { x: Align::Middle, y: Align::Start });
}

#[test]
fn parse_event_without_times_is_reported() {
    let parsed = parse(&format!("{HEAD}Dialogue: nonsense\n"));
    assert_eq!((parsed.cues.len(), parsed.issues.len()), (0, 1));
}

#[test]
fn fixture_script_gives_its_three_cues() {
    let fixtures = std::env::var_os("KINORA_FIXTURES").expect("KINORA_FIXTURES, or `--skip fixture_`");
    let bytes = std::fs::read(Path::new(&fixtures).join("androidx/captions/ssa/typical")).expect("readable");
    let parsed = crate::parse_file("typical", &bytes);
    let got: Vec<_> =
        parsed.cues.iter().map(|c| (c.start_us / 1000, c.end_us / 1000, plain(&c.lines))).collect();
    assert_eq!(
        got,
        [
            (0, 1230, "This is the first subtitle.".into()),
            (2340, 3450, "This is the second subtitle  with a newline \nand another.".replace(" \n", "\n")),
            (4560, 8900, "This is the third subtitle, with a comma.".into()),
        ]
    );
}

proptest! {
    #[test]
    fn parse_any_text_never_panics(
        text in "(\\[V4\\+ Styles\\]\n|Style: |Dialogue: |Format: Name, Text\n|0:00:01.00,0:00:02.00,|\\{\\\\[a-z0-9()&]*\\}?|[,\n\\\\]|.){0,80}"
    ) {
        parse(&text);
    }
}
