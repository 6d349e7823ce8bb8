//! What the contract says of single calls.

mod rig;

use kinora_pipeline::{Change, State, Tuning};
use kinora_port::{Next, code};
use rig::*;

#[test]
fn transaction_dropped_has_no_effect() {
    let mut rig = Rig::clip(50);
    rig.run_for(100_000);
    let before = rig.status();
    let mut tx = rig.pipeline.begin();
    tx.seek(rig.timeline, 1_000_000, true).unwrap();
    tx.close(rig.timeline).unwrap();
    assert!(tx.live().is_empty());
    drop(tx);
    assert_eq!(rig.status(), before);
}

#[test]
fn create_beyond_the_limit_fails_and_ids_are_distinct() {
    let mut rig = Rig::new();
    let first = rig.timeline;
    rig.command(|tx, _| {
        let second = tx.create(1).unwrap();
        assert_ne!(first, second);
        let error = tx.create(2).unwrap_err();
        assert_eq!((error.next, error.code), (Next::Wait, code::TOO_MANY));
        assert_eq!(tx.live().len(), 2);
    });
    assert_eq!(rig.pipeline.status().len(), 2);
}

#[test]
fn closed_ids_are_gone() {
    let mut rig = Rig::clip(50);
    let stream = rig.status().streams[0].id;
    rig.command(|tx, timeline| {
        tx.close(timeline).unwrap();
        assert_eq!(tx.play(timeline).unwrap_err().next, Next::Gone);
        assert_eq!(tx.end(stream, 0).unwrap_err().next, Next::Gone);
    });
    assert!(rig.pipeline.status().is_empty());
    assert!(rig.pipeline.take_events().is_empty());
}

#[test]
fn codec_that_cannot_be_decoded_fails_at_open() {
    let mut rig = Rig::new();
    let mut config = video_config();
    config.codec = "nonsense".into();
    let error = rig.command(|tx, timeline| tx.open_video(timeline, config)).unwrap_err();
    assert_eq!((error.next, error.code), (Next::Unsupported, code::CODEC));
}

#[test]
fn append_takes_no_more_than_room_but_one_sample_always() {
    let mut rig = Rig::with(4_000, kinora_pipeline::Pacing::EveryFrame);
    let stream = rig.add_video(pictures(50, 25));
    let want = rig
        .pipeline
        .take_events()
        .into_iter()
        .find_map(|event| match event.change {
            Change::Want(want) => Some(want),
            _ => None,
        })
        .unwrap();
    assert!(want.restart && want.room_bytes == 3_000);
    let taken = rig.command(|tx, _| tx.append(stream, 0, 9, pictures(50, 25))).unwrap();
    assert_eq!(taken, 30);
    let error = rig.command(|tx, _| tx.append(stream, 0, 9, pictures(50, 25))).unwrap_err();
    assert_eq!(error.next, Next::Wait);
    let cursor = rig.status().streams[0].cursor;
    assert_eq!((cursor.tag, cursor.count), (9, 30));
}

#[test]
fn append_of_an_abandoned_seek_takes_nothing() {
    let mut rig = Rig::clip(50);
    rig.run_for(100_000);
    let stream = rig.status().streams[0].id;
    rig.seek(9_000_000, true);
    assert_eq!(rig.command(|tx, _| tx.append(stream, 0, 0, pictures(5, 5))), Ok(0));
}

#[test]
fn append_whose_sizes_disagree_is_refused() {
    let mut rig = Rig::new();
    let stream = rig.add_video(Vec::new());
    let mut samples = pictures(2, 2);
    samples[1].range = (50, 101);
    let error = rig.command(|tx, _| tx.append(stream, 0, 0, samples)).unwrap_err();
    assert_eq!((error.next, error.code), (Next::Skip, code::INVALID));
}

#[test]
fn removed_tail_is_never_presented_and_wanted_anew() {
    let mut rig = Rig::clip(100);
    rig.available = 80;
    rig.run_for(100_000);
    let stream = rig.status().streams[0].id;
    rig.command(|tx, _| tx.remove(stream, 1_000_000)).unwrap();
    let status = &rig.status().streams[0];
    assert!(status.buffered[0].to_us <= 1_120_000);
    assert!(status.cursor.tail_dts_us.unwrap() < 1_000_000);
    let want = rig.pipeline.take_events().into_iter().find_map(|event| match event.change {
        Change::Want(want) if want.stream == stream => Some(want),
        _ => None,
    });
    assert!(!want.unwrap().restart);
}

#[test]
fn events_repeated_for_a_new_instance_hold_state_anchor_and_wants() {
    let mut rig = Rig::clip(200);
    rig.available = 60;
    rig.play();
    rig.run_for(500_000);
    rig.pipeline.repeat_events(rig.now());
    let events = rig.pipeline.take_events();
    let says = |wanted: fn(&Change) -> bool| events.iter().filter(|event| wanted(&event.change)).count();
    assert_eq!(says(|change| matches!(change, Change::State(State::Presenting))), 1);
    assert_eq!(says(|change| matches!(change, Change::Anchor(anchor) if anchor.rate_permille == 1000)), 1);
    assert_eq!(says(|change| matches!(change, Change::Want(_))), 2);
}

#[test]
fn tuned_start_applies_to_the_next_start() {
    let mut rig = Rig::clip(100);
    rig.available = 20;
    let tuning = Tuning { start_us: 200_000, ..Tuning::default() };
    rig.command(|tx, timeline| tx.tune(timeline, tuning)).unwrap();
    rig.play();
    rig.run_for(100_000);
    assert_eq!(rig.state(), State::Presenting);
}
