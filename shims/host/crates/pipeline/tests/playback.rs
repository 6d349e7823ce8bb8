//! Playing, seeking, stalling and ending on virtual time.

mod rig;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kinora_pipeline::{Change, Kind, Pacing, State};
use kinora_port::{AudioSink, AudioSource, Next, NullSink, SinkError, SinkFormat, code};
use rig::*;

#[test]
fn clip_played_to_the_end_shows_every_picture_once_and_in_order() {
    let mut rig = Rig::clip(100);
    rig.play();
    assert!(rig.run(10_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(0..100));
    assert_eq!(rig.states(), [State::Prerolling, State::Presenting, State::Ended]);
    assert_eq!(rig.position(), 4_000_000);
    let sound = rig.stats(Kind::Audio);
    assert_eq!((sound.samples, sound.underruns), (192_000, 0));
}

#[test]
fn clip_played_takes_exactly_its_length() {
    let mut rig = Rig::clip(50);
    rig.play();
    let started = rig.now();
    assert!(rig.run(10_000_000, Rig::ended));
    let took = rig.now() - started;
    assert!((2_000_000..2_030_000).contains(&took), "{took}");
}

#[test]
fn playing_twice_gives_the_same_events() {
    let run = || {
        let mut rig = Rig::clip(60);
        rig.most_per_answer = 7;
        rig.play();
        rig.run(10_000_000, Rig::ended);
        (rig.events.clone(), rig.take_shown(), rig.sound.lock().unwrap().clone(), rig.now())
    };
    assert_eq!(run(), run());
}

#[test]
fn timeline_not_playing_shows_the_first_picture_and_stands_still() {
    let mut rig = Rig::clip(100);
    rig.run_for(3_000_000);
    assert_eq!(rig.take_shown(), [0]);
    assert_eq!((rig.state(), rig.position()), (State::Presenting, 0));
}

#[test]
fn paused_timeline_holds_position_and_picture() {
    let mut rig = Rig::clip(100);
    rig.play();
    rig.run_for(1_000_000);
    rig.command(|tx, timeline| tx.pause(timeline)).unwrap();
    let (position, shown) = (rig.position(), rig.take_shown());
    rig.run_for(20_000_000);
    assert_eq!(rig.position(), position);
    assert!(rig.take_shown().is_empty());
    rig.play();
    assert!(rig.run(10_000_000, Rig::ended));
    assert_eq!([shown, rig.take_shown()].concat(), frames(0..100));
}

#[test]
fn video_only_and_audio_only_timelines_end() {
    let mut rig = Rig::new();
    rig.add_video(pictures(30, 10));
    rig.play();
    assert!(rig.run(5_000_000, Rig::ended));
    assert_eq!((rig.take_shown(), rig.position()), (frames(0..30), 1_200_000));
    let mut rig = Rig::new();
    rig.add_audio(sounds(60, 1));
    rig.play();
    assert!(rig.run(5_000_000, Rig::ended));
    assert_eq!(rig.position(), 1_200_000);
}

#[test]
fn without_a_device_the_timeline_plays_on_the_monotonic_clock() {
    let mut rig = Rig::with_sink(32 << 20, Pacing::EveryFrame, Box::new(NullSink));
    rig.add_video(pictures(50, 25));
    rig.add_audio(sounds(100, 1));
    rig.play();
    assert!(rig.run(5_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(0..50));
    assert_eq!(rig.pipeline.take_reports().len(), 1);
}

/// A device that opens and then never asks for sound, or stops being there at a time.
struct BadSink {
    gone: Arc<AtomicBool>,
}

impl AudioSink for BadSink {
    fn open(&mut self, wanted: SinkFormat, _: Box<dyn AudioSource>) -> Result<SinkFormat, SinkError> {
        match self.gone.load(Ordering::SeqCst) {
            true => Err(SinkError::NoDevice("unplugged".into())),
            false => Ok(wanted),
        }
    }
    fn close(&mut self) {}
    fn healthy(&mut self) -> bool {
        !self.gone.load(Ordering::SeqCst)
    }
    fn name(&self) -> String {
        "bad".into()
    }
}

#[test]
fn device_that_does_not_keep_time_is_reported_and_replaced_by_the_monotonic_clock() {
    let sink = BadSink { gone: Arc::default() };
    let mut rig = Rig::with_sink(32 << 20, Pacing::EveryFrame, Box::new(sink));
    rig.add_video(pictures(200, 25));
    rig.add_audio(sounds(400, 1));
    rig.play();
    assert!(rig.run(20_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(0..200));
    let reports = rig.pipeline.take_reports();
    assert!(reports.len() == 1 && reports[0].contains("took 0 frames"), "{reports:?}");
    assert!(!rig.states().contains(&State::Stalled));
}

#[test]
fn unplugged_device_is_noticed_within_a_second_and_the_picture_goes_on() {
    let gone = Arc::new(AtomicBool::new(false));
    let mut rig = Rig::with_sink(32 << 20, Pacing::EveryFrame, Box::new(BadSink { gone: gone.clone() }));
    rig.add_video(pictures(200, 25));
    rig.add_audio(sounds(400, 1));
    rig.play();
    rig.run_for(3_000_000);
    gone.store(true, Ordering::SeqCst);
    rig.run_for(1_000_000);
    assert_eq!(rig.pipeline.output_name(), "none (monotonic clock)");
    assert!(rig.run(20_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(0..200));
}

#[test]
fn exact_seek_shows_the_picture_holding_the_target_and_no_replay() {
    for (to, first) in [(2_010_000, 50), (2_039_999, 50), (2_040_000, 51), (0, 0)] {
        let mut rig = Rig::clip(100);
        rig.available = 30;
        rig.run_for(100_000);
        rig.take_shown();
        rig.available = usize::MAX;
        let ticket = rig.seek(to, true);
        rig.run_for(100_000);
        assert_eq!(rig.take_shown(), [first * FRAME_US], "seek to {to}");
        assert_eq!(rig.seeked(ticket), [to]);
        rig.play();
        assert!(rig.run(10_000_000, Rig::ended));
        assert_eq!(rig.take_shown(), frames(first + 1..100));
    }
}

#[test]
fn key_seek_shows_the_key_frame_and_moves_there() {
    let mut rig = Rig::clip(100);
    rig.available = 10;
    rig.run_for(100_000);
    rig.take_shown();
    rig.available = usize::MAX;
    let ticket = rig.seek(2_500_000, false);
    rig.run_for(100_000);
    assert_eq!((rig.take_shown(), rig.seeked(ticket)), (vec![2_000_000], vec![2_000_000]));
    assert_eq!(rig.position(), 2_000_000);
    let sound = rig.wants.iter().rfind(|want| want.restart && want.from_us == 2_000_000);
    assert!(sound.is_some(), "sound is wanted from where the picture is");
}

#[test]
fn seek_past_the_end_shows_the_last_picture() {
    let mut rig = Rig::clip(60);
    rig.run_for(100_000);
    rig.take_shown();
    let ticket = rig.seek(99_000_000, true);
    rig.run_for(100_000);
    assert_eq!(rig.take_shown(), [59 * FRAME_US]);
    assert_eq!(rig.seeked(ticket), [59 * FRAME_US]);
}

#[test]
fn seek_inside_the_buffer_wants_no_restart() {
    let mut rig = Rig::clip(100);
    rig.play();
    rig.run_for(1_500_000);
    rig.take_shown();
    rig.wants.clear();
    let ticket = rig.seek(500_000, true);
    rig.run_for(1);
    assert_eq!((rig.take_shown(), rig.seeked(ticket)), (vec![480_000], vec![500_000]));
    assert!(rig.wants.iter().all(|want| !want.restart));
    assert!(rig.run(10_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(13..100));
}

#[test]
fn newer_seek_replaces_an_unfinished_one() {
    let mut rig = Rig::clip(100);
    rig.run_for(100_000);
    rig.take_shown();
    let (first, second) = (rig.seek(1_000_000, true), rig.seek(3_000_000, true));
    rig.run_for(100_000);
    assert_eq!((rig.seeked(first), rig.seeked(second)), (vec![], vec![3_000_000]));
    assert_eq!(rig.take_shown(), [3_000_000]);
}

#[test]
fn step_shows_the_next_picture_and_no_other() {
    let mut rig = Rig::clip(100);
    rig.run_for(100_000);
    rig.take_shown();
    for n in 1..6 {
        let ticket = rig.command(|tx, timeline| tx.step(timeline, 1)).unwrap();
        rig.run_for(10_000);
        assert_eq!((rig.take_shown(), rig.seeked(ticket)), (frames(n..n + 1), frames(n..n + 1)));
    }
    let ticket = rig.command(|tx, timeline| tx.step(timeline, 20)).unwrap();
    rig.run_for(10_000);
    assert_eq!((rig.take_shown(), rig.seeked(ticket)), (frames(25..26), frames(25..26)));
}

#[test]
fn step_back_shows_the_picture_before_without_replay() {
    let mut rig = Rig::clip(100);
    rig.play();
    rig.run_for(1_500_000);
    rig.command(|tx, timeline| tx.pause(timeline)).unwrap();
    let mut at = rig.take_shown().last().unwrap() / FRAME_US;
    for back in [1, 1, 10, 1] {
        at -= back;
        let ticket = rig.command(|tx, timeline| tx.step(timeline, -back as i32)).unwrap();
        rig.run_for(10_000);
        assert_eq!((rig.take_shown(), rig.seeked(ticket)), (frames(at..at + 1), frames(at..at + 1)));
    }
    rig.play();
    assert!(rig.run(10_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(at + 1..100));
}

#[test]
fn buffer_that_runs_dry_stalls_and_resumes_without_loss() {
    let mut rig = Rig::clip(200);
    rig.available = 60;
    rig.play();
    assert!(rig.run(10_000_000, |rig| rig.state() == State::Stalled));
    let position = rig.position();
    assert!((1_100_000..=1_200_000).contains(&position), "sound ends at 1.2 s: {position}");
    rig.run_for(3_000_000);
    assert_eq!(rig.position(), position);
    rig.arrive(100);
    rig.run_for(1_000_000);
    assert_eq!(rig.state(), State::Stalled, "0.8 s are not enough to resume");
    rig.arrive(usize::MAX);
    assert!(rig.run(20_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(0..200));
}

#[test]
fn clock_does_not_start_before_enough_is_buffered() {
    let mut rig = Rig::clip(200);
    rig.available = 24;
    rig.play();
    rig.run_for(3_000_000);
    assert_eq!((rig.state(), rig.position()), (State::Prerolling, 0));
    rig.arrive(60);
    rig.run_for(100_000);
    assert_eq!(rig.state(), State::Presenting);
}

#[test]
fn rate_of_two_takes_half_as_long() {
    let mut rig = Rig::clip(100);
    rig.command(|tx, timeline| tx.set_rate(timeline, 2000)).unwrap();
    rig.play();
    let started = rig.now();
    assert!(rig.run(10_000_000, Rig::ended));
    let took = rig.now() - started;
    assert!((1_950_000..2_080_000).contains(&took), "{took}");
    assert_eq!(rig.take_shown(), frames(0..100));
}

#[test]
fn rate_changed_while_playing_changes_the_slope_of_the_clock() {
    let mut rig = Rig::clip(200);
    rig.play();
    rig.run_for(1_000_000);
    rig.command(|tx, timeline| tx.set_rate(timeline, 500)).unwrap();
    rig.run_for(1_000_000);
    let before = rig.position();
    rig.run_for(1_000_000);
    let moved = rig.position() - before;
    assert!((490_000..510_000).contains(&moved), "{moved}");
    assert!(rig.run(30_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(0..200));
}

#[test]
fn gain_of_a_half_halves_the_amplitude() {
    let mut rig = Rig::clip(50);
    rig.play();
    rig.run_for(500_000);
    let level = |rig: &Rig| *rig.heard.lock().unwrap().last().unwrap();
    let full = level(&rig);
    rig.command(|tx, timeline| tx.set_gain(timeline, 500)).unwrap();
    rig.run_for(500_000);
    assert!((level(&rig) * 2.0 - full).abs() < 1e-6 && full > 0.05);
}

#[test]
fn sound_heard_is_what_was_decoded_without_a_gap() {
    let mut rig = Rig::clip(50);
    rig.play();
    assert!(rig.run(5_000_000, Rig::ended));
    let heard = rig.heard.lock().unwrap();
    let first = heard.iter().position(|&x| x != 0.0).unwrap();
    let last = heard.iter().rposition(|&x| x != 0.0).unwrap();
    assert_eq!(last + 1 - first, 96_000 * 2, "two seconds of stereo");
    let level = 10.0 * 256.0 / 32_768.0;
    assert!(heard[first + 2_000..=last].iter().all(|&x| x == level));
}

#[test]
fn other_audio_stream_enabled_takes_over_without_touching_the_picture() {
    let mut rig = Rig::clip(200);
    let second = rig.add_audio(sounds(400, 20));
    rig.command(|tx, _| tx.enable(second, false)).unwrap();
    rig.play();
    rig.run_for(1_000_000);
    let first = rig.status().streams[1].id;
    rig.command(|tx, _| {
        tx.enable(second, true).unwrap();
        tx.enable(first, false).unwrap();
    });
    assert!(rig.run(20_000_000, Rig::ended));
    assert_eq!(rig.take_shown(), frames(0..200));
    assert!(!rig.states().contains(&State::Stalled));
    assert!(rig.sound.lock().unwrap().iter().any(|&(stream, _)| stream == second));
}

#[test]
fn damaged_samples_are_skipped_and_counted() {
    let mut rig = Rig::new();
    let mut samples = pictures(60, 10);
    samples[33].body = std::sync::Arc::from(vec![DAMAGED; 100]);
    let missing = samples[33].pts_us;
    rig.add_video(samples);
    rig.play();
    assert!(rig.run(10_000_000, Rig::ended));
    let expected: Vec<i64> = frames(0..60).into_iter().filter(|&pts| pts != missing).collect();
    assert_eq!((rig.take_shown(), rig.stats(Kind::Video).damaged), (expected, 1));
}

#[test]
fn lost_decoder_is_rebuilt_without_losing_a_picture() {
    let mut rig = Rig::new();
    let mut samples = pictures(60, 10);
    samples[37].body = std::sync::Arc::from(vec![LOST; 100]);
    rig.add_video(samples);
    rig.play();
    assert!(rig.run(10_000_000, Rig::ended));
    assert_eq!((rig.take_shown(), rig.stats(Kind::Video).rebuilt), (frames(0..60), 1));
}

#[test]
fn stream_that_never_decodes_fails_with_a_message() {
    let mut rig = Rig::new();
    let mut samples = pictures(300, 10);
    samples.iter_mut().for_each(|sample| sample.body = std::sync::Arc::from(vec![DAMAGED; 100]));
    rig.add_video(samples);
    rig.play();
    assert!(rig.run(20_000_000, |rig| rig.state() == State::Failed));
    let failures = rig.events.iter().filter_map(|event| match &event.change {
        Change::Failed(failure) => Some((failure.next, failure.code)),
        _ => None,
    });
    assert_eq!(failures.collect::<Vec<_>>(), [(Next::Rebuild, code::DECODER)]);
}

#[test]
fn small_buffer_keeps_within_its_budget_and_plays_everything() {
    let mut rig = Rig::with(12_000, Pacing::EveryFrame);
    rig.add_video(pictures(400, 10));
    rig.add_audio(sounds(800, 1));
    rig.play();
    let mut most = 0;
    while !rig.run(200_000, Rig::ended) {
        let held: i64 =
            rig.status().streams.iter().flat_map(|s| &s.buffered).map(|s| s.to_us - s.from_us).sum();
        most = most.max(held);
        assert!(rig.now() < 60_000_000, "{:?}", rig.status());
    }
    assert_eq!(rig.take_shown(), frames(0..400));
    assert!(most < 8_000_000, "{most}");
}

#[test]
fn vsync_pacing_presents_each_picture_of_a_matching_rate() {
    let mut rig = Rig::with(32 << 20, Pacing::Vsync);
    rig.add_video(pictures(50, 25));
    rig.add_audio(sounds(100, 1));
    rig.play();
    assert!(rig.run(5_000_000, Rig::ended));
    let video = rig.stats(Kind::Video);
    assert_eq!((rig.take_shown(), video.dropped), (frames(0..50), 0));
}
