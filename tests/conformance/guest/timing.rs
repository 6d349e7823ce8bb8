//! What the driver takes the time of (`kinora-certify --timing`): a film with beeps, keys that change the picture, a paused film. No check: a
//! guest says what it did, and judges nothing.

use kinora_guests::bindings::exports::kinora::shim::player::Event;

use crate::api::streams::Sample;
use crate::api::timeline::{self, State};
use crate::film::{self, FRAME_US, KEY, Part, reach};
use crate::report::{Stop, Verdict, mark, must, note};
use crate::running::{calls, event, refresh_mhz, sleep};

/// How often the numbered film is played, one after the other.
const LAPS: i64 = 7;
const LAP_FRAMES: i64 = 75;
/// So many key presses are answered.
const PRESSES: u32 = 12;
/// From the pause until everything is as it stays, and for how long it is then watched.
const SETTLE_US: u64 = 5_000_000;
const REST_US: u64 = 60_000_000;

/// A device's usual rate: nothing is resampled.
const RATE_HZ: usize = 48_000;
const BLOCK_US: i64 = 20_000;
const BEEP_HZ: f32 = 1000.0;
const BEEP_US: i64 = 60_000;

/// A film from its beginning to its end, with a beep at the moments of some of its pictures, which are named first.
pub(crate) async fn play() -> Verdict {
    let beeps = beeps();
    let words: Vec<String> = beeps.iter().map(i64::to_string).collect();
    note(&format!("frames {}", LAPS * LAP_FRAMES));
    note(&format!("beeps {}", words.join(",")));
    note(&format!("refresh {}", refresh_mhz()));
    let timeline = open(&beeps)?;
    film::start(timeline).await?;
    sleep((LAPS - 1) as u64 * (LAP_FRAMES * FRAME_US) as u64).await;
    reach(timeline, State::Ended).await?;
    sleep(300_000).await;
    Ok(())
}

/// Each press of a key changes the picture in the call that tells of it.
pub(crate) async fn input() -> Verdict {
    let show = |n: u32| {
        let color = if n.is_multiple_of(2) { 0x1020_20ff } else { 0xe0e0_e0ff };
        crate::display::show(&[crate::display::filled(1, (0, 0, 320, 180), color)])
    };
    show(0)?;
    sleep(300_000).await;
    mark("ready");
    for n in 1..=PRESSES {
        let down = event(8_000_000, |event| matches!(event, Event::Key(key) if key.phase == 1).then_some(()));
        must(down.await.is_some(), format!("only {} of {PRESSES} keys came", n - 1))?;
        show(n)?;
    }
    sleep(500_000).await;
    Ok(())
}

/// A film that is paused with all of it buffered; how often the core is called meanwhile.
pub(crate) async fn rest() -> Verdict {
    let timeline = open(&beeps())?;
    film::start(timeline).await?;
    sleep(2_000_000).await;
    timeline::pause(timeline).map_err(|e| e.message)?;
    sleep(SETTLE_US).await;
    mark("resting");
    let before = calls();
    sleep(REST_US).await;
    mark("rested");
    // The last one is that of the alarm it set itself.
    note(&format!("calls-at-rest {}", calls() - before - 1));
    Ok(())
}

/// Pictures at which a beep begins: never twice at the same distance in a row, so that sounds a second late are not taken for the next ones.
fn beeps() -> Vec<i64> {
    let gaps = (1..).map(|k| 9 + (7 * k * k + 3 * k) % 19 / 3);
    let frames = gaps.scan(0, |frame, gap| {
        *frame += gap;
        Some(*frame)
    });
    frames.take_while(|frame| *frame < LAPS * LAP_FRAMES - 10).collect()
}

/// The film, shown and fed, on a timeline with the shim's own ideas of what is late. A shim without sound plays it without.
fn open(beeps: &[i64]) -> Result<u64, Stop> {
    let timeline = timeline::create(1).map_err(|e| e.message)?;
    film::feed(film::open_numbers(timeline)?, pictures(), usize::MAX);
    match film::open_pcm(timeline, RATE_HZ as u32) {
        Ok(stream) => film::feed(stream, sound(beeps), usize::MAX),
        Err(Stop::NotOffered(_)) => {}
        Err(wrong) => return Err(wrong),
    }
    film::show(timeline)?;
    Ok(timeline)
}

fn pictures() -> Vec<Part> {
    let lap = |n: i64| {
        let later_us = n * LAP_FRAMES * FRAME_US;
        film::numbers().into_iter().map(move |mut part| {
            part.sample.pts_us += later_us;
            part.sample.dts_us += later_us;
            part
        })
    };
    (0..LAPS).flat_map(lap).collect()
}

/// Silence and beeps in blocks: a beep has whole ones, and each of them whole periods.
fn sound(beeps: &[i64]) -> Vec<Part> {
    let block_frames = RATE_HZ * BLOCK_US as usize / 1_000_000;
    let value = |i: usize| (std::f32::consts::TAU * BEEP_HZ * i as f32 / RATE_HZ as f32).sin() * 8192.0;
    let loud: Vec<u8> = (0..block_frames).flat_map(|i| (value(i) as i16).to_le_bytes()).collect();
    let silent = vec![0; loud.len()];
    let blocks = LAPS * LAP_FRAMES * FRAME_US / BLOCK_US;
    let parts = (0..blocks).map(|n| {
        let at_us = n * BLOCK_US;
        let beeping = beeps.iter().any(|frame| (0..BEEP_US).contains(&(at_us - frame * FRAME_US)));
        let bytes = if beeping { loud.clone() } else { silent.clone() };
        let sample = Sample {
            pts_us: at_us,
            dts_us: at_us,
            duration_us: BLOCK_US as u32,
            bits: KEY,
            size: bytes.len() as u32,
            side_size: 0,
        };
        Part { sample, bytes }
    });
    parts.collect()
}
