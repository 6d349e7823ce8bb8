//! The interface as the glue sees it: inputs in, actions and frames out.

use kinora_captions::{Cue, Line, Position, Run, Style};
use kinora_display_list::{Node, decode};
use kinora_time::{Anchor, LiveEdge, Span};
use kinora_ui::{
    Action, BuildLabel, ErrorCard, Frame, Input, Key, Phase, Pointer, Surface, TrackLabel, Ui, UiConfig, View,
};
use proptest::prelude::*;

const HD: Surface = Surface { width_px: 1920, height_px: 1080, scale_permille: 1000 };
const SECOND: u64 = 1_000_000;

/// Hit id of the mark of live streams.
const LIVE_MARK: u64 = 16;
const END: u32 = 0x4D;
const ENTER: u32 = 0x28;
const ESCAPE: u32 = 0x29;
const SPACE: u32 = 0x2C;
const RIGHT: u32 = 0x4F;
const LEFT: u32 = 0x50;
const DOWN: u32 = 0x51;
const UP: u32 = 0x52;

fn ui(tv: bool) -> Ui {
    Ui::new(UiConfig { pointer: !tv, tv, reduced_motion: false, locale: "en".into() })
}

fn tracks(count: u64) -> Vec<TrackLabel> {
    (1..=count)
        .map(|id| TrackLabel { id, label: format!("Track {id}"), language: "en".into(), selected: id == 1 })
        .collect()
}

fn playing<'a>(tracks: &'a [TrackLabel], buffered: &'a [Span]) -> View<'a> {
    View {
        phase: Phase::Playing,
        timeline: 7,
        clock: Anchor { media_us: 0, host_us: 0, rate_permille: 1000 },
        duration_us: Some(600_000_000),
        seekable: true,
        buffered,
        can_fullscreen: true,
        can_open: true,
        title: "A film",
        queue_len: 3,
        audio_tracks: tracks,
        caption_tracks: tracks,
        has_video: true,
        video_aspect: (16, 9),
        ..View::idle()
    }
}

fn press(ui: &mut Ui, now: u64, code: u32, view: &View<'_>) -> Vec<Action> {
    ui.input(now, Input::Key(Key { code, meaning: 0, phase: 1, modifiers: 0, text: "" }), view)
}

/// Every hit id in the whole picture.
fn hits(nodes: &[Node], out: &mut Vec<u64>) {
    for node in nodes {
        if let Node::Group(group) = node {
            out.extend(group.hit.iter().map(|hit| hit.0));
            hits(&group.children, out);
        }
    }
}

fn all_hits(frame: &Frame) -> Vec<u64> {
    let mut out = Vec::new();
    for layer in &frame.layers {
        hits(&layer.nodes, &mut out);
    }
    out.sort_unstable();
    out
}

#[test]
fn playing_without_input_hides_controls_and_cursor_then_stays_silent() {
    let (mut ui, tracks) = (ui(false), tracks(0));
    let view = playing(&tracks, &[]);
    let first = ui.frame(0, HD, &view);
    assert!(first.replaces_all && first.cursor_visible && !all_hits(&first).is_empty());
    assert_eq!(first.wake_us, Some(2_500_000));
    let fading = ui.frame(2_500_000, HD, &view);
    assert!(!fading.cursor_visible && !fading.layers.is_empty());
    assert_eq!(fading.wake_us, Some(2_700_000));
    let gone = ui.frame(2_700_000, HD, &view);
    assert!(gone.layers.iter().all(|layer| layer.nodes.is_empty()));
    assert_eq!(gone.wake_us, None);
    let rest = ui.frame(60 * SECOND, HD, &view);
    assert_eq!((rest.patch(), rest.wake_us), (None, None));
    assert!(rest.images.is_empty() && rest.updates.is_empty());
}

#[test]
fn paused_at_rest_sends_nothing() {
    let (mut ui, tracks) = (ui(true), tracks(2));
    let held = Anchor { media_us: 5_000_000, host_us: 0, rate_permille: 0 };
    let view = View { phase: Phase::Paused, clock: held, caption_tracks: &[], ..playing(&tracks, &[]) };
    let mut now = 0;
    while let Some(wake) = ui.frame(now, HD, &view).wake_us {
        assert!(wake > now && wake <= 5 * SECOND, "{now} {wake}");
        now = wake;
    }
    assert_eq!(ui.frame(now + SECOND, HD, &view).patch(), None);
}

/// A stream whose window is a minute long; what plays is `behind_us` behind live.
fn live<'a>(behind_us: i64, rate_permille: i32) -> View<'a> {
    let clock = Anchor { media_us: 100_000_000 - behind_us, host_us: 0, rate_permille };
    let edge = Anchor { media_us: 100_000_000, host_us: 0, rate_permille: 1000 };
    View {
        clock,
        start_us: 40_000_000,
        duration_us: Some(60_000_000),
        live: Some(LiveEdge { anchor: edge, slack_us: 8_000_000 }),
        ..playing(&[], &[])
    }
}

#[test]
fn live_stream_has_a_mark_that_leads_to_what_is_live() {
    let mut ui = ui(true);
    let view = live(30_000_000, 1000);
    let frame = ui.frame(0, HD, &view);
    assert!(all_hits(&frame).contains(&LIVE_MARK));
    press(&mut ui, 0, DOWN, &view);
    press(&mut ui, 0, RIGHT, &view);
    assert_eq!(press(&mut ui, 0, END, &view), [Action::GoLive]);
    let at = |phase| Pointer { phase, node: LIVE_MARK, buttons: 1, ..Pointer::default() };
    ui.input(0, Input::Pointer(at(1)), &view);
    assert_eq!(ui.input(0, Input::Pointer(Pointer { buttons: 0, ..at(3) }), &view), [Action::GoLive]);
    let film = playing(&[], &[]);
    assert!(!all_hits(&ui.frame(0, HD, &film)).contains(&LIVE_MARK));
}

#[test]
fn distance_to_live_is_shown_anew_each_second_while_it_grows() {
    let mut ui = ui(true);
    ui.frame(0, HD, &live(0, 1000));
    let view = View { phase: Phase::Paused, ..live(7_500_000, 0) };
    ui.frame(0, HD, &view);
    let later = |ui: &mut Ui, now| ui.frame(now, HD, &view).patch().is_some();
    assert!(later(&mut ui, SECOND), "no longer live");
    assert!(later(&mut ui, 2 * SECOND), "a second further behind");
    assert!(ui.frame(2 * SECOND, HD, &view).wake_us.is_some_and(|wake| wake <= 3 * SECOND));
    let mut ui = self::ui(true);
    ui.frame(0, HD, &live(30_000_000, 1000));
    ui.frame(SECOND, HD, &live(30_000_000, 1000));
    assert_eq!(ui.frame(2 * SECOND, HD, &live(30_000_000, 1000)).patch(), None, "as far behind as before");
}

#[test]
fn buffering_with_controls_hidden_sends_nothing() {
    let (mut ui, tracks) = (ui(false), tracks(0));
    let mut spans = [Span { from_us: 0, to_us: 1_000_000 }];
    for now in [0, 3 * SECOND, 4 * SECOND] {
        ui.frame(now, HD, &playing(&tracks, &spans));
    }
    spans[0].to_us = 90_000_000;
    assert_eq!(ui.frame(5 * SECOND, HD, &playing(&tracks, &spans)).patch(), None);
}

#[test]
fn running_time_goes_on_without_calls() {
    let (mut ui, tracks) = (ui(false), tracks(0));
    let view = playing(&tracks, &[]);
    ui.frame(0, HD, &view);
    assert_eq!(ui.frame(SECOND, HD, &view).patch(), None);
}

#[test]
fn patch_of_every_screen_decodes() {
    let tracks = tracks(3);
    let error = ErrorCard { title: "A", reason: "B", hint: "C", can_retry: true, can_skip: true };
    let failed = View { phase: Phase::Failed, error: Some(error), ..playing(&tracks, &[]) };
    for view in [View::idle(), playing(&tracks, &[]), failed] {
        let patch = ui(false).frame(0, HD, &view).patch().expect("something to draw");
        assert!(decode(&patch).is_ok_and(|layers| !layers.is_empty()));
    }
}

#[test]
fn desktop_keys_do_what_mpv_does() {
    let (mut ui, tracks) = (ui(false), tracks(2));
    let view = playing(&tracks, &[]);
    ui.frame(0, HD, &view);
    assert_eq!(press(&mut ui, 1, SPACE, &view), [Action::TogglePlay]);
    assert_eq!(press(&mut ui, 2, RIGHT, &view), [Action::SeekBy { us: 5_000_000, exact: true }]);
    assert_eq!(press(&mut ui, 3, DOWN, &view), [Action::SetVolume(950)]);
    assert_eq!(press(&mut ui, 4, 0x09, &view), [Action::SetFullscreen(true)]);
    let full = View { fullscreen: true, ..view };
    assert_eq!(press(&mut ui, 5, ESCAPE, &full), [Action::SetFullscreen(false)]);
}

#[test]
fn remote_with_controls_hidden_seeks_and_toggles() {
    let (mut ui, tracks) = (ui(true), tracks(2));
    let view = playing(&tracks, &[]);
    for now in [0, 5 * SECOND, 6 * SECOND] {
        ui.frame(now, HD, &view);
    }
    assert_eq!(press(&mut ui, 7 * SECOND, LEFT, &view), [Action::SeekBy { us: -10_000_000, exact: true }]);
    for now in [8 * SECOND, 12 * SECOND, 13 * SECOND] {
        ui.frame(now, HD, &view);
    }
    assert_eq!(press(&mut ui, 14 * SECOND, ENTER, &view), [Action::TogglePlay]);
    assert!(ui.frame(14 * SECOND, HD, &view).cursor_visible);
}

#[test]
fn remote_back_closes_menu_then_controls_then_quits() {
    let (mut ui, tracks) = (ui(true), tracks(2));
    let view = playing(&tracks, &[]);
    let back = |ui: &mut Ui, now| {
        let key = Key { code: 0, meaning: 6, phase: 1, modifiers: 0, text: "" };
        let actions = ui.input(now, Input::Key(key), &view);
        ui.frame(now, HD, &view);
        actions
    };
    ui.frame(0, HD, &view);
    while !all_hits(&refreshed(&mut ui, 1, &view)).contains(&99) {
        press(&mut ui, 1, RIGHT, &view);
        ui.frame(1, HD, &view);
        let hit = refreshed(&mut ui, 1, &view);
        // Opens the first menu on the way to the right.
        if all_hits(&hit).contains(&9) && press(&mut ui, 1, ENTER, &view).is_empty() {
            ui.frame(1, HD, &view);
        }
    }
    assert_eq!(back(&mut ui, 2), []);
    assert!(!all_hits(&refreshed(&mut ui, 3, &view)).contains(&99));
    assert_eq!(back(&mut ui, 4), []);
    assert_eq!(all_hits(&refreshed(&mut ui, 5, &view)), [] as [u64; 0]);
    assert_eq!(back(&mut ui, 6), [Action::Quit]);
}

/// The whole picture, whatever was sent before.
fn refreshed(ui: &mut Ui, now: u64, view: &View<'_>) -> Frame {
    ui.forget_sent();
    ui.frame(now, HD, view)
}

#[test]
fn every_menu_choice_is_reached_with_a_dpad() {
    let tracks = tracks(3);
    let view = playing(&tracks, &[]);
    let mut seen = Vec::new();
    // Right from play to each menu's button, down to each row, then OK.
    for steps in 0..8 {
        for row in 0..8 {
            let mut ui = ui(true);
            ui.frame(0, HD, &view);
            for _ in 0..steps {
                press(&mut ui, 1, RIGHT, &view);
                ui.frame(1, HD, &view);
            }
            seen.extend(press(&mut ui, 2, ENTER, &view));
            ui.frame(2, HD, &view);
            for _ in 0..8 {
                press(&mut ui, 3, UP, &view);
            }
            for _ in 0..row {
                press(&mut ui, 3, DOWN, &view);
            }
            seen.extend(press(&mut ui, 4, ENTER, &view));
        }
    }
    for wanted in [
        Action::TogglePlay,
        Action::Next,
        Action::SeekBy { us: 10_000_000, exact: true },
        Action::SelectCaptions(None),
        Action::SelectCaptions(Some(3)),
        Action::SelectAudio(2),
        Action::SetRate(500),
        Action::SetRate(2000),
        Action::SetFullscreen(true),
    ] {
        assert!(seen.contains(&wanted), "{wanted:?}");
    }
}

#[test]
fn dragging_the_seek_bar_seeks_to_key_frames_then_exactly() {
    let (mut ui, tracks) = (ui(false), tracks(0));
    let view = playing(&tracks, &[]);
    ui.frame(0, HD, &view);
    let mut at = |now, phase, x: i32, buttons| {
        let p = Pointer { phase, node: 1, x_milli_px: x * 1000, buttons, clicks: 1, ..Pointer::default() };
        ui.input(now, Input::Pointer(p), &view)
    };
    let exactness = |actions: &[Action]| match actions {
        [Action::SeekTo { exact, .. }] => Some(*exact),
        _ => None,
    };
    assert_eq!(exactness(&at(1, 1, 960, 1)), Some(false));
    assert_eq!(at(2, 2, 970, 1), [], "too soon after the last one");
    assert_eq!(exactness(&at(200_000, 2, 980, 1)), Some(false));
    let [Action::SeekTo { us, exact: true }] = at(300_000, 3, 960, 0)[..] else { panic!("no exact seek") };
    assert!((290_000_000..310_000_000).contains(&us), "{us}");
}

#[test]
fn missing_script_is_asked_for_once() {
    let mut ui = ui(false);
    let title = View { title: "東京物語", ..playing(&[], &[]) };
    ui.frame(0, HD, &title);
    assert_eq!(ui.missing_scripts(), [*b"Hans"]);
    assert_eq!(ui.add_font(Vec::new(), &[(*b"Hans", 0)]), [*b"Hans"]);
    ui.frame(1, HD, &title);
    assert_eq!(ui.missing_scripts(), [] as [[u8; 4]; 0]);
}

fn any_input() -> impl Strategy<Value = (u8, u32, u32, u32, u64, i32, i32)> {
    (
        0..2u8,
        prop_oneof![0x04..0x60u32, 0x10000..0x10010u32],
        0..24u32,
        0..8u32,
        0..110u64,
        -9..4000i32,
        -9..2200i32,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_inputs_on_any_surface_never_panic(
        inputs in proptest::collection::vec(any_input(), 1..40),
        (w, h) in (0..4000u32, 0..2200u32),
        scale in prop_oneof![Just(1000u32), Just(1500), Just(2000), any::<u32>()],
        tv in any::<bool>(),
        phase in 0..7usize,
        count in 0..30u64,
        duration in proptest::option::of(any::<i64>()),
        start_us in any::<i64>(),
        media_us in any::<i64>(),
    ) {
        let phases = [Phase::Idle, Phase::Opening, Phase::Playing, Phase::Paused, Phase::Stalled, Phase::Ended, Phase::Failed];
        let tracks = tracks(count);
        let clock = Anchor { media_us, host_us: 0, rate_permille: 1000 };
        let spans = [Span { from_us: start_us, to_us: media_us }];
        let view = View { phase: phases[phase], duration_us: duration, start_us, clock, ..playing(&tracks, &spans) };
        let surface = Surface { width_px: w, height_px: h, scale_permille: scale };
        let mut ui = ui(tv);
        let mut now = 1000;
        for (kind, code, meaning, phase, node, x, y) in inputs {
            now += 150_000;
            let input = if kind == 0 {
                Input::Key(Key { code, meaning, phase: phase % 4, modifiers: phase, text: "" })
            } else {
                Input::Pointer(Pointer { phase, node, x_milli_px: x * 1000, y_milli_px: y * 1000, delta_y: x * 999, buttons: code % 2, clicks: phase, delta_x: 0 })
            };
            ui.input(now, input, &view);
            let frame = ui.frame(now, surface, &view);
            if let Some(patch) = frame.patch() {
                prop_assert!(decode(&patch).is_ok());
            }
            prop_assert!(frame.wake_us.is_none_or(|wake| wake > now));
        }
    }
}

fn cue(start_us: i64, end_us: i64, text: &str) -> Cue {
    let run = Run { text: text.into(), style: Style::default() };
    Cue { start_us, end_us, lines: vec![Line { runs: vec![run] }], position: Position::default() }
}

/// The intervals of media time in a layer.
fn intervals(nodes: &[Node], out: &mut Vec<(i64, i64)>) {
    for node in nodes {
        if let Node::Group(group) = node {
            out.extend(group.visible.iter().map(|visible| (visible.1, visible.2)));
            intervals(&group.children, out);
        }
    }
}

const CAPTIONS_LAYER: u32 = 10;

#[test]
fn captions_are_committed_ahead_with_their_times() {
    let (mut ui, tracks) = (ui(false), tracks(2));
    let cues = [cue(1_000_000, 2_000_000, "One"), cue(2_000_000, 4_000_000, "Two")];
    let view = View { cues: &cues, ..playing(&tracks, &[]) };
    let frame = ui.frame(0, HD, &view);
    let layer = frame.layers.iter().find(|layer| layer.id == CAPTIONS_LAYER).expect("captions");
    let mut shown = Vec::new();
    intervals(&layer.nodes, &mut shown);
    assert_eq!(shown, [(1_000_000, 2_000_000), (2_000_000, 4_000_000)]);
    for now in [3 * SECOND, 4 * SECOND] {
        ui.frame(now, HD, &view);
    }
    let rest = ui.frame(5 * SECOND, HD, &view);
    assert_eq!((rest.patch(), rest.wake_us), (None, Some(7 * SECOND)));
}

#[test]
fn captions_stand_above_the_controls_while_these_show() {
    let (mut ui, tracks) = (ui(true), tracks(2));
    let cues = [cue(0, 600_000_000, "One\u{2028}two")];
    let view = View { cues: &cues, ..playing(&tracks, &[]) };
    let mut raised = |now| {
        let frame = refreshed(&mut ui, now, &view);
        let layer = frame.layers.iter().find(|layer| layer.id == CAPTIONS_LAYER).expect("captions").clone();
        let [Node::Group(group)] = &layer.nodes[..] else { panic!("one group of low captions") };
        -group.translate.1
    };
    assert!(raised(0) > 100_000);
    raised(5 * SECOND);
    assert_eq!(raised(6 * SECOND), 0);
}

#[test]
fn full_atlas_starts_anew_and_drops_what_it_had() {
    let mut ui = ui(false);
    let mut dropped = false;
    for size in 0..60 {
        // A window that is dragged larger needs every glyph at every size.
        let surface =
            Surface { width_px: 1280 + size * 40, height_px: 720 + size * 24, scale_permille: 1000 };
        let text = "The quick brown fox jumps over the lazy dog 0123456789 ÄÖÜ ŠČŘŽ ΩΨΦ ЖЩЮЯ";
        let cues = [cue(0, SECOND as i64, text)];
        let tracks = tracks(3);
        let frame = ui.frame(0, surface, &View { cues: &cues, title: text, ..playing(&tracks, &[]) });
        assert!(frame.images.len() <= 8);
        dropped |= !frame.drops.is_empty();
    }
    assert!(dropped);
}

#[test]
fn menu_key_lists_builds_and_ok_chooses_one() {
    let builds = [("The one that came with the player", true), ("kinora 0.2.0", false)];
    let builds = builds.map(|(title, chosen)| BuildLabel { title: title.into(), chosen });
    let menu = Input::Key(Key { code: 0, meaning: 8, phase: 1, modifiers: 0, text: "" });
    for screen in [playing(&[], &[]), View::idle()] {
        let view = View { builds: &builds, ..screen.clone() };
        let mut ui = ui(false);
        let _ = ui.frame(0, HD, &view);
        assert_eq!(ui.input(1, menu, &screen), [], "without builds there is nothing to choose");
        assert_eq!(ui.input(2, menu, &view), [Action::AskBuilds]);
        let _ = ui.frame(3, HD, &view);
        assert_eq!(press(&mut ui, 4, DOWN, &view), []);
        assert_eq!(press(&mut ui, 5, ENTER, &view), [Action::ChooseBuild(1)]);
    }
}
