//! Whatever a core does in whatever order: pictures come in order, none twice and none missing.

mod rig;

use kinora_pipeline::State;
use proptest::prelude::*;
use rig::*;

const FRAMES: i64 = 90;

#[derive(Debug, Clone)]
enum Act {
    Play,
    Pause,
    Run(u64),
    Seek(i64, bool),
    Step(i32),
    Remove(usize, i64),
    Arrive(usize),
    Rate(i32),
    /// The sound is taken away and given back.
    Mute,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Play),
        1 => Just(Act::Pause),
        4 => (1_000..700_000u64).prop_map(Act::Run),
        2 => (0..4_000_000i64, any::<bool>()).prop_map(|(to, exact)| Act::Seek(to, exact)),
        1 => (-5..8i32).prop_map(Act::Step),
        1 => (0..2usize, 0..3_600_000i64).prop_map(|(stream, from)| Act::Remove(stream, from)),
        1 => (1..200usize).prop_map(Act::Arrive),
        1 => (500..2_000i32).prop_map(Act::Rate),
        1 => Just(Act::Mute),
    ]
}

/// Pictures between two jumps follow one another.
fn check(rig: &mut Rig, last: &mut Option<i64>) -> Result<(), TestCaseError> {
    for pts in rig.take_shown() {
        if let Some(last) = *last {
            prop_assert_eq!(pts, last + FRAME_US, "after {}", last);
        }
        *last = Some(pts);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn pictures_between_jumps_follow_one_another(
        acts in prop::collection::vec(act(), 1..25),
        buffer in prop::sample::select(vec![6_000u64, 12_000, 1 << 20]),
        most in prop::sample::select(vec![3usize, 17, usize::MAX]),
    ) {
        let mut rig = Rig::with(buffer, kinora_pipeline::Pacing::EveryFrame);
        rig.most_per_answer = most;
        let picture = rig.add_video(pictures(FRAMES, 15));
        let sound = rig.add_audio(sounds(FRAMES * 2, 1));
        let mut last = None;
        for act in acts {
            match act {
                Act::Play => rig.play(),
                Act::Pause => rig.command(|tx, timeline| tx.pause(timeline)).unwrap(),
                Act::Run(us) => rig.run_for(us),
                Act::Seek(to, exact) => {
                    rig.seek(to, exact);
                    last = None;
                }
                Act::Step(frames) => {
                    rig.command(|tx, timeline| tx.step(timeline, frames)).unwrap();
                    // A step passes pictures that nobody sees.
                    last = None;
                }
                Act::Remove(stream, from) => {
                    let stream = [picture, sound][stream];
                    rig.command(|tx, _| tx.remove(stream, from)).unwrap();
                    rig.rewind(stream);
                }
                Act::Arrive(count) => rig.arrive(count),
                Act::Rate(permille) => rig.command(|tx, timeline| tx.set_rate(timeline, permille)).unwrap(),
                Act::Mute => rig.command(|tx, _| {
                    tx.enable(sound, false).unwrap();
                    tx.enable(sound, true).unwrap();
                }),
            }
            check(&mut rig, &mut last)?;
        }
        rig.command(|tx, timeline| tx.set_rate(timeline, 1000)).unwrap();
        rig.arrive(usize::MAX);
        let ticket = rig.seek(0, true);
        rig.take_shown();
        rig.play();
        prop_assert!(rig.run(30_000_000, Rig::ended), "{:?}", rig.status());
        prop_assert_eq!(rig.take_shown(), frames(0..FRAMES));
        prop_assert_eq!(rig.seeked(ticket), [0]);
        prop_assert_eq!(rig.state(), State::Ended);
    }
}
