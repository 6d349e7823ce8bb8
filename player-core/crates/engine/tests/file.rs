//! Progressive files, on the fake shim.

use expect_test::expect;
use kinora_engine::{Phase, Repeat, SeekMode};
use kinora_testkit::toy::Toy;
use kinora_testkit::{FakeShim, Fault, Player, Resource};

const SECOND: u64 = 1_000_000;

fn player(files: &[(&str, Resource)]) -> Player {
    let mut shim = FakeShim::new();
    for (url, resource) in files {
        shim.serve(url, resource.clone());
    }
    Player::new(shim)
}

fn toy(seconds: i64) -> Resource {
    Resource::new(Toy { duration_us: seconds * 1_000_000, ..Toy::default() }.bytes())
}

fn check(player: &Player) {
    assert!(player.shim.violations().is_empty(), "{:?}\n{}", player.shim.violations(), player.shim.dump());
}

#[test]
fn file_opened_plays_to_its_end() {
    let mut p = player(&[("file:///a.toy", toy(10))]);
    p.open(&["file:///a.toy"]);
    p.run_for(SECOND);
    assert_eq!(p.status().clock.phase, Phase::Playing, "{}", p.shim.dump());
    assert_eq!(p.status().clock.duration_us, Some(10_000_000));
    assert!(p.status().video.is_some());
    p.run_for(11 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended, "{}", p.shim.dump());
    assert_eq!(p.position(), 10_000_000);
    check(&p);
}

#[test]
fn file_not_starting_at_zero_begins_at_its_start() {
    let bytes = Toy { start_us: 90_000_000, ..Toy::default() }.bytes();
    let mut p = player(&[("file:///a.toy", Resource::new(bytes))]);
    p.open(&["file:///a.toy"]);
    p.run_for(2 * SECOND);
    assert_eq!(p.status().clock.start_us, 90_000_000);
    assert!((91_000_000..92_000_001).contains(&p.position()), "{}", p.position());
    check(&p);
}

#[test]
fn pause_holds_and_needs_no_call_once_the_buffer_is_full() {
    let mut p = player(&[("file:///a.toy", toy(600))]);
    p.open(&["file:///a.toy"]);
    p.run_for(3 * SECOND);
    p.command(|e, now, s| e.pause(now, s));
    p.run_for(5 * SECOND);
    let (position, calls) = (p.position(), p.shim.dump());
    assert_eq!(p.status().clock.phase, Phase::Paused);
    p.run_for(60 * SECOND);
    assert_eq!(p.position(), position);
    assert_eq!(p.shim.dump(), calls);
    assert_eq!(p.engine.wake_us(p.now()), None);
    check(&p);
}

#[test]
fn ahead_of_a_local_file_never_exceeds_its_target_by_more_than_an_append() {
    let mut p = player(&[("file:///a.toy", toy(600))]);
    p.open(&["file:///a.toy"]);
    p.run_for(20 * SECOND);
    let span = p.status().buffered[0];
    let ahead = span.to_us - p.position();
    assert!((25_000_000..42_000_000).contains(&ahead), "{ahead}");
    check(&p);
}

#[test]
fn seek_outside_the_buffer_reads_from_the_key_frame() {
    let mut p = player(&[("file:///a.toy", toy(600))]);
    p.open(&["file:///a.toy"]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.seek_to(400_500_000, SeekMode::Exact, now, s));
    assert_eq!(p.status().clock.seeking_to_us, Some(400_500_000));
    p.run_for(2 * SECOND);
    assert_eq!(p.status().clock.seeking_to_us, None);
    let timeline = p.status().clock.timeline.expect("live");
    assert_eq!(p.shim.samples(timeline, 0)[0].pts_us, 400_000_000);
    assert!((401_500_000..402_600_000).contains(&p.position()), "{}", p.position());
    check(&p);
}

#[test]
fn seek_inside_the_buffer_fetches_nothing() {
    let mut p = player(&[("file:///a.toy", toy(600))]);
    p.open(&["file:///a.toy"]);
    p.run_for(5 * SECOND);
    let fetches = p.shim.count("fetch");
    p.command(|e, now, s| e.seek_by(10_000_000, SeekMode::Exact, now, s));
    p.run_for(SECOND);
    assert_eq!(p.shim.count("fetch"), fetches);
    assert!(p.position() > 15_000_000);
    check(&p);
}

#[test]
fn seeks_while_one_is_under_way_become_one() {
    let mut p = player(&[("file:///a.toy", toy(600))]);
    p.open(&["file:///a.toy"]);
    p.run_for(SECOND);
    let before = p.shim.count("seek");
    p.command(|e, now, s| {
        for n in 0..20 {
            e.seek_to(100_000_000 + n * 10_000_000, SeekMode::Key, now, s);
        }
    });
    p.run_for(3 * SECOND);
    assert_eq!(p.shim.count("seek"), before + 2, "{}", p.shim.dump());
    assert!(p.position() >= 290_000_000);
    check(&p);
}

#[test]
fn seek_beyond_the_end_is_clamped_and_ends() {
    let mut p = player(&[("file:///a.toy", toy(10))]);
    p.open(&["file:///a.toy"]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.seek_to(99_000_000, SeekMode::Exact, now, s));
    p.run_for(SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended, "{}", p.shim.dump());
    p.command(|e, now, s| e.seek_to(2_000_000, SeekMode::Exact, now, s));
    p.run_for(SECOND);
    assert_eq!(p.status().clock.phase, Phase::Playing, "{}", p.shim.dump());
    check(&p);
}

#[test]
fn server_without_ranges_plays_but_cannot_seek() {
    let mut p = player(&[("http://x/a.toy", toy(10).without_ranges())]);
    p.open(&["http://x/a.toy"]);
    p.run_for(SECOND);
    assert!(!p.status().clock.seekable);
    p.command(|e, now, s| e.seek_to(5_000_000, SeekMode::Exact, now, s));
    p.run_for(12 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended);
    check(&p);
}

#[test]
fn connection_cut_twice_goes_on_where_it_was() {
    let faults = [Some(Fault::Cut(100_000)), Some(Fault::Cut(50_000))];
    let mut p = player(&[("http://x/a.toy", toy(60).with_faults(faults))]);
    p.open(&["http://x/a.toy"]);
    p.run_for(70 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Ended, "{}", p.shim.dump());
    assert!(p.shim.dump().contains("bytes=100000-"), "{}", p.shim.dump());
    assert!(p.shim.dump().contains("bytes=150000-"));
    check(&p);
}

#[test]
fn server_error_is_tried_four_times_and_then_shown() {
    let mut p = player(&[("http://x/a.toy", toy(5).with_faults(vec![Some(Fault::Status(503)); 4]))]);
    p.open(&["http://x/a.toy"]);
    p.run_for(6 * SECOND);
    assert_eq!(p.status().clock.phase, Phase::Opening);
    p.run_for(2 * SECOND);
    assert_eq!(p.shim.count("fetch"), 4);
    let card = p.status().error.as_ref().expect("a card").clone();
    assert_eq!(card.reason, "The server has a problem (HTTP 503).");
    assert!(card.can_retry && !card.can_skip);
    p.command(|e, now, s| e.retry(now, s));
    p.run_for(SECOND);
    assert_eq!(p.status().clock.phase, Phase::Playing);
    check(&p);
}

#[test]
fn missing_item_in_a_queue_is_skipped_after_five_seconds() {
    let mut p = player(&[("http://x/b.toy", toy(5))]);
    p.open(&["http://x/a.toy", "http://x/b.toy"]);
    p.run_for(SECOND);
    let card = p.status().error.as_ref().expect("a card").clone();
    assert!(card.can_skip && card.skips_at_us.is_some());
    p.run_for(6 * SECOND);
    assert_eq!(p.status().queue.index, 1);
    assert_eq!(p.status().clock.phase, Phase::Playing);
    check(&p);
}

#[test]
fn queue_plays_on_and_repeats_from_the_first() {
    let mut p = player(&[("file:///a.toy", toy(3)), ("file:///b.toy", toy(3))]);
    p.open(&["file:///a.toy", "file:///b.toy"]);
    p.command(|e, now, s| e.set_repeat(Repeat::All, now, s));
    p.run_for(4 * SECOND);
    assert_eq!(p.status().queue.index, 1);
    p.run_for(3 * SECOND);
    assert_eq!(p.status().queue.index, 0);
    check(&p);
}

#[test]
fn rubbish_is_an_error_that_says_so() {
    let mut p = player(&[("file:///a.bin", Resource::new(vec![7; 5000]))]);
    p.open(&["file:///a.bin"]);
    p.run_for(SECOND);
    let card = p.status().error.as_ref().expect("a card").clone();
    assert!(!card.can_retry, "{card:?}");
}

#[test]
fn picture_of_an_unknown_codec_leaves_the_sound_and_a_notice() {
    let bytes = Toy { odd_video: true, ..Toy::default() }.bytes();
    let mut p = player(&[("file:///a.toy", Resource::new(bytes))]);
    p.open(&["file:///a.toy"]);
    p.run_for(SECOND);
    assert_eq!(p.status().clock.phase, Phase::Playing);
    assert_eq!(p.status().notice.as_deref(), Some("A picture cannot be played here (odd1)."));
}

#[test]
fn nothing_playable_names_the_codecs() {
    let mut p = player(&[("file:///a.toy", toy(5))]);
    p.shim.refuse_codec("avc1.64001f");
    p.shim.refuse_codec("mp4a.40.2");
    p.open(&["file:///a.toy"]);
    p.run_for(SECOND);
    let card = p.status().error.as_ref().expect("a card").clone();
    assert_eq!(card.reason, "This device cannot play its format (avc1.64001f, mp4a.40.2).");
}

#[test]
fn audio_track_switch_reads_that_track_alone_again() {
    let bytes = Toy { audio: 3, duration_us: 60_000_000, ..Toy::default() }.bytes();
    let mut p = player(&[("file:///a.toy", Resource::new(bytes))]);
    p.open(&["file:///a.toy"]);
    p.run_for(3 * SECOND);
    let seeks = p.shim.count("seek");
    let third = p.status().tracks.audio[2].id;
    let position = p.position();
    p.command(|e, now, s| e.select_audio(third, now, s));
    assert!(p.status().tracks.audio[2].selected && !p.status().tracks.audio[0].selected);
    p.run_for(SECOND);
    assert_eq!((p.shim.count("seek"), p.position()), (seeks, position + 1_000_000), "nothing waited");
    let timeline = p.status().clock.timeline.expect("live");
    let times: Vec<i64> = p.shim.samples(timeline, 0).iter().map(|s| s.dts_us).collect();
    assert!(times.windows(2).all(|w| w[1] - w[0] == 40_000), "every picture once");
    let first = p.shim.samples(timeline, 3)[0].pts_us;
    assert!((position - 1_000_000..=position).contains(&first), "{first}");
    // And back, to a track that holds the position but not what follows.
    let first = p.status().tracks.audio[0].id;
    p.command(|e, now, s| e.select_audio(first, now, s));
    p.run_for(40 * SECOND);
    let times: Vec<i64> = p.shim.samples(timeline, 1).iter().map(|s| s.dts_us).collect();
    assert!(times.windows(2).all(|w| w[1] - w[0] == 20_000), "every frame once");
    assert_eq!(p.position(), position + 41_000_000);
    check(&p);
}

#[test]
fn volume_half_way_is_an_eighth_of_the_amplitude() {
    let mut p = player(&[("file:///a.toy", toy(5))]);
    p.open(&["file:///a.toy"]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.set_volume(500, now, s));
    assert!(p.shim.dump().contains(" 125"), "{}", p.shim.dump());
    p.command(|e, now, s| e.set_muted(true, now, s));
    assert!(p.shim.dump().ends_with("gain t2 0"), "{}", p.shim.dump());
}

/// Every call from opening to the end, with a seek and a pause. A change here is a change of behaviour: read it before
/// accepting it with `UPDATE_EXPECT=1`.
#[test]
fn calls_of_a_short_playback_are_as_recorded() {
    let bytes = Toy { start_us: 1_000_000, duration_us: 6_000_000, ..Toy::default() }.bytes();
    let mut p = player(&[("file:///a.toy", Resource::new(bytes))]);
    p.open(&["file:///a.toy"]);
    p.run_for(SECOND);
    p.command(|e, now, s| e.pause(now, s));
    p.command(|e, now, s| e.seek_to(4_500_000, SeekMode::Exact, now, s));
    p.command(|e, now, s| e.set_rate(2000, now, s));
    p.command(|e, now, s| e.play(now, s));
    p.run_for(5 * SECOND);
    expect![[r#"
        0 fetch file:///a.toy bytes=0-
        10 create t2 tag 1
        10 open t2 avc1.64001f
        10 open t2 mp4a.40.2
        10 gain t2 1000
        10 play t2
        10 seek t2 1000ms exact -> 5
        10 append s3 26 samples 1000..2000ms
        10 append s4 51 samples 1000..2000ms
        10 append s3 25 samples 2040..3000ms
        10 append s4 51 samples 2020..3020ms
        16 append s3 26 samples 3040..4040ms
        16 append s4 51 samples 3040..4040ms
        16 append s4 51 samples 4060..5060ms
        23 append s3 51 samples 4080..6080ms
        23 append s4 51 samples 5080..6080ms
        23 append s3 22 samples 6120..6960ms
        23 append s4 45 samples 6100..6980ms
        23 end s3
        23 end s4
        1000 pause t2
        1000 seek t2 4500ms exact -> 6
        1000 rate t2 2000
        1000 play t2"#]]
    .assert_eq(&p.shim.dump());
}
