//! What outlives an item, a session and an instance.

use kinora_engine::{Config, Event, Lifecycle, Open, Phase, SeekMode, SourceSpec};
use kinora_testkit::toy::{self, Toy};
use kinora_testkit::{FakeShim, Player, Resource};

const SECOND: u64 = 1_000_000;
const LONG: &str = "file:///long.toy";

fn long() -> Resource {
    Resource::new(Toy { duration_us: 600_000_000, start_us: 10_000_000, audio: 2, ..Toy::default() }.bytes())
}

fn shim() -> FakeShim {
    let mut shim = FakeShim::new();
    shim.serve(LONG, long());
    shim
}

fn remembering(shim: FakeShim) -> Player {
    Player::with_config(shim, Config { open_container: toy::open, ..Config::new(true) })
}

#[test]
fn item_left_in_the_middle_resumes_there() {
    let mut p = remembering(shim());
    p.open(&[LONG]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.seek_to(210_000_000, SeekMode::Exact, now, s));
    p.run_for(3 * SECOND);
    p.command(|e, now, s| e.stop(now, s));
    assert_eq!(p.status().clock.phase, Phase::Idle);
    p.open(&[LONG]);
    p.run_for(SECOND);
    assert!((212_000_000..215_000_000).contains(&p.position()), "{}", p.position());
    assert!(p.shim.violations().is_empty());
}

#[test]
fn item_played_to_its_end_starts_anew() {
    let mut p = remembering(shim());
    p.open(&[LONG]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.seek_to(400_000_000, SeekMode::Exact, now, s));
    p.run_for(15 * SECOND);
    assert_eq!(p.shim.storage().len(), 1);
    p.command(|e, now, s| e.seek_to(605_000_000, SeekMode::Exact, now, s));
    p.run_for(10 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended);
    assert!(p.shim.storage().is_empty());
}

#[test]
fn hidden_window_remembers_at_once() {
    let mut p = remembering(shim());
    p.open(&[LONG]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.seek_to(100_000_000, SeekMode::Exact, now, s));
    p.run_for(SECOND);
    p.send(Event::Lifecycle(Lifecycle::Concealed));
    assert_eq!(p.shim.storage().len(), 1);
}

#[test]
fn volume_outlives_the_session() {
    let mut p = remembering(shim());
    p.command(|e, now, s| e.set_volume(300, now, s));
    let p = remembering(p.shim);
    assert_eq!(p.status().sound.volume_permille, 300);
}

#[test]
fn restart_while_playing_goes_on_at_the_append_cursor() {
    let mut p = Player::new(shim());
    p.open(&[LONG]);
    p.run_for(4 * SECOND);
    let second = p.status().tracks.audio[1].id;
    p.command(|e, now, s| e.select_audio(second, now, s));
    let snapshot = p.engine.snapshot(p.now());
    p.run_for(3 * SECOND);
    let (seeks, position) = (p.shim.count("seek"), p.position());
    p.restart(Some(&snapshot));
    p.run_for(100_000);
    assert_eq!(p.status().clock.phase, Phase::Playing, "{}", p.shim.dump());
    assert!(p.status().tracks.audio[1].selected);
    p.run_for(60 * SECOND);
    assert_eq!(p.shim.count("seek"), seeks, "{}", p.shim.dump());
    assert_eq!(p.position(), position + 60_100_000, "no stall");
    let timeline = p.status().clock.timeline.expect("live");
    let times: Vec<i64> = p.shim.samples(timeline, 0).iter().map(|s| s.dts_us).collect();
    assert!(times.windows(2).all(|w| w[1] - w[0] == 40_000), "every frame once");
    assert!(p.shim.violations().is_empty(), "{:?}", p.shim.violations());
}

#[test]
fn restart_keeps_volume_pause_and_end() {
    let mut p = Player::new(shim());
    p.open(&[LONG]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.set_volume(400, now, s));
    let snapshot = p.engine.snapshot(p.now());
    p.command(|e, now, s| e.pause(now, s));
    p.restart(Some(&snapshot));
    p.run_for(SECOND);
    assert_eq!((p.status().clock.phase, p.status().sound.volume_permille), (Phase::Paused, 400));
    p.command(|e, now, s| e.seek_to(609_000_000, SeekMode::Exact, now, s));
    p.command(|e, now, s| e.play(now, s));
    p.run_for(3 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended);
    p.restart(Some(&p.engine.snapshot(p.now())));
    p.run_for(SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended);
}

#[test]
fn restart_without_timelines_opens_the_item_where_it_was() {
    let mut p = Player::new(shim());
    p.open(&[LONG]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.seek_to(300_000_000, SeekMode::Exact, now, s));
    p.run_for(SECOND);
    p.command(|e, now, s| e.pause(now, s));
    let snapshot = p.engine.snapshot(p.now());
    let position = p.position();
    let mut fresh = FakeShim::new();
    fresh.serve(LONG, long());
    p.shim = fresh;
    p.restart(Some(&snapshot));
    p.run_for(SECOND);
    assert_eq!((p.status().clock.phase, p.position()), (Phase::Paused, position));
}

#[test]
fn restart_that_leaves_the_item_out_plays_what_is_buffered_and_says_why() {
    let config = Config { open_container: toy::open, leave_out: true, ..Config::new(false) };
    let mut p = Player::with_config(shim(), config);
    p.open(&[LONG]);
    p.run_for(4 * SECOND);
    let (snapshot, fetches) = (p.engine.snapshot(p.now()), p.shim.count("fetch"));
    p.restart(Some(&snapshot));
    p.run_for(SECOND);
    assert_eq!(p.status().clock.phase, Phase::Playing, "{}", p.shim.dump());
    p.run_for(100 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Failed);
    assert!(p.status().error.as_ref().is_some_and(|card| card.reason.contains("failed twice")));
    assert_eq!(p.shim.count("fetch"), fetches, "the item is not read again");
}

#[test]
fn restart_with_damaged_snapshot_is_idle_and_closes_what_it_finds() {
    let mut p = Player::new(shim());
    p.open(&[LONG]);
    p.run_for(SECOND);
    p.restart(Some(&[1, 2, 3]));
    assert_eq!(p.status().clock.phase, Phase::Idle);
    assert!(p.shim.timelines().is_empty());
}

fn with_captions(shim: FakeShim) -> Player {
    let mut p = Player::new(shim);
    let related = vec!["file:///long.en.srt".to_owned(), "file:///long.de.srt".to_owned()];
    let source = SourceSpec { url: LONG.to_owned(), title: "Long".to_owned(), related };
    p.send(Event::Open(Open { sources: vec![source], append: false }));
    p.run_for(SECOND);
    p
}

fn srt(text: &str) -> Resource {
    Resource::new(format!("1\n00:00:02,000 --> 00:00:04,000\n{text}\n").into_bytes())
}

fn shown(p: &Player, from_us: i64, to_us: i64) -> Vec<String> {
    p.engine.cues(from_us, to_us).map(|cue| cue.lines[0].runs[0].text.clone()).collect()
}

#[test]
fn caption_file_is_fetched_when_chosen_and_counts_from_the_start() {
    let mut s = shim();
    s.serve("file:///long.en.srt", srt("Hello"));
    let mut p = with_captions(s);
    assert_eq!(p.shim.count("fetch file:///long.en"), 0);
    let id = p.status().tracks.captions[0].id;
    assert_eq!(p.status().tracks.captions[0].label, "English");
    p.command(|e, now, s| e.select_captions(Some(id), now, s));
    p.run_for(SECOND);
    assert_eq!(shown(&p, 12_000_000, 12_000_001), ["Hello"]);
    assert!(shown(&p, 14_000_000, 20_000_000).is_empty());
    p.command(|e, now, s| e.select_captions(None, now, s));
    assert!(shown(&p, 0, i64::MAX).is_empty());
}

#[test]
fn caption_file_that_is_missing_is_a_notice_and_playback_goes_on() {
    let mut p = with_captions(shim());
    let id = p.status().tracks.captions[1].id;
    p.command(|e, now, s| e.select_captions(Some(id), now, s));
    p.run_for(SECOND);
    let notice = p.status().notice.as_ref().expect("a notice");
    assert!(notice.starts_with("The captions cannot be shown."), "{notice}");
    assert!(!p.status().tracks.captions[1].selected);
    assert_eq!(p.status().clock.phase, Phase::Playing);
}

#[test]
fn captions_chosen_by_the_device_show_from_the_start() {
    let mut s = shim();
    s.serve("file:///long.de.srt", srt("Hallo"));
    s.set_fact("captions", "on");
    s.set_fact("captions-language", "de");
    let p = with_captions(s);
    assert_eq!(shown(&p, 12_000_000, 13_000_000), ["Hallo"]);
}

#[test]
fn embedded_captions_are_there_as_soon_as_they_are_chosen() {
    let mut s = FakeShim::new();
    s.serve("file:///t.toy", Resource::new(Toy { text: true, ..Toy::default() }.bytes()));
    let mut p = Player::new(s);
    p.open(&["file:///t.toy"]);
    p.run_for(SECOND);
    let id = p.status().tracks.captions[0].id;
    let revision = p.status().cues.revision();
    p.command(|e, now, s| e.select_captions(Some(id), now, s));
    assert!(p.status().cues.revision() > revision);
    assert_eq!(shown(&p, 3_000_000, 5_000_000).len(), 2);
}

#[test]
fn restart_before_the_item_is_read_again_keeps_picture_and_captions() {
    const SLOW: &str = "http://x/t.toy";
    let mut s = FakeShim::new();
    s.serve(SLOW, Resource::new(Toy { text: true, ..Toy::default() }.bytes()));
    s.set_network(200_000, 20_000, 64 << 10);
    let mut p = Player::new(s);
    p.open(&[SLOW]);
    p.run_for(3 * SECOND);
    let id = p.status().tracks.captions[0].id;
    p.command(|e, now, s| e.select_captions(Some(id), now, s));
    let at = p.position();
    let before = shown(&p, at, at + 5_000_000);
    assert!(before.len() >= 5, "{before:?}");
    // Twice: the second one comes before the first has read anything.
    for _ in 0..2 {
        let snapshot = p.engine.snapshot(p.now());
        p.restart(Some(&snapshot));
        assert!(p.engine.understood() && !p.engine.is_caught_up());
        assert!(p.status().video.is_some());
    }
    p.run_for(SECOND);
    assert!(p.engine.is_caught_up());
    assert_eq!(shown(&p, at, at + 5_000_000), before);
}
