//! What is heard. The driver listens; tones tell by their pitch, level and length.

use crate::api::timeline::State;
use crate::api::{audio, timeline};
use crate::film::{self, DISCONTINUITY, feed, new_timeline, open_tone, reach, tone};
use crate::report::{Verdict, must, note};
use crate::running::{now, sleep};

const RATE_HZ: u32 = 8000;

/// Two seconds of the film without an output device: pictures go on by the monotonic clock.
pub(crate) async fn open_no_device() -> Verdict {
    let (timeline, _) = film::open(usize::MAX)?;
    let sound = open_tone(timeline, RATE_HZ, tone(RATE_HZ, 0, 3000, |_| 400.0))?;
    must(sound != 0, "a sound stream has an id")?;
    film::start(timeline).await?;
    let began = now();
    reach(timeline, State::Ended).await?;
    let took = now() - began;
    must((2_800_000..4_500_000).contains(&took), format!("a film of 3 s took {took} us without a device"))
}

/// One second as configured first, one as configured then, each heard as what it is.
pub(crate) async fn configure_seamless() -> Verdict {
    let timeline = new_timeline(1, 200_000)?;
    let first = tone(RATE_HZ, 0, 1000, |_| 400.0);
    let stream = film::open_pcm(timeline, RATE_HZ)?;
    let mut second = tone(2 * RATE_HZ, 1_000_000, 1000, |_| 900.0);
    second[0].sample.bits |= DISCONTINUITY;
    let mut parts = first;
    let limit = parts.len();
    parts.extend(second);
    feed(stream, parts, limit);
    timeline::play(timeline).map_err(|e| e.message)?;
    // What was appended before is heard with the old configuration, however early the new one is known.
    sleep(200_000).await;
    audio::configure(stream, &film::audio_config("pcm-s16le", 2 * RATE_HZ)).map_err(|e| e.message)?;
    film::feed_all(stream);
    reach(timeline, State::Ended).await?;
    sleep(300_000).await;
    Ok(())
}

/// A second each at full, half, quarter and full gain.
pub(crate) async fn gain_linear() -> Verdict {
    let timeline = new_timeline(1, 500_000)?;
    open_tone(timeline, RATE_HZ, tone(RATE_HZ, 0, 5000, |_| 500.0))?;
    film::start(timeline).await?;
    for permille in [1000, 500, 250, 2000, 0] {
        timeline::set_gain(timeline, permille).map_err(|e| e.message)?;
        note(&format!("gain {permille}"));
        sleep(900_000).await;
    }
    Ok(())
}

/// Slow and fast, always the same pitch; the clock goes as fast as asked.
pub(crate) async fn rate_pitch() -> Verdict {
    let timeline = new_timeline(1, 500_000)?;
    open_tone(timeline, RATE_HZ, tone(RATE_HZ, 0, 8000, |_| 500.0))?;
    film::start(timeline).await?;
    for permille in [1000, 2000, 500, 1250] {
        timeline::set_rate(timeline, permille).map_err(|e| e.message)?;
        sleep(400_000).await;
        let from = position(timeline)?;
        sleep(1_000_000).await;
        let moved = position(timeline)? - from;
        let expected = i64::from(permille) * 1000;
        let right = (moved - expected).abs() <= expected / 10;
        must(right, format!("at rate {permille} the position moved {moved} us in a second"))?;
    }
    Ok(())
}

/// The position of a timeline now.
pub(crate) fn position(timeline: u64) -> Result<i64, crate::report::Stop> {
    let anchor = film::status(timeline)?.anchor;
    let since = now() as i64 - anchor.host_us as i64;
    Ok(anchor.media_us + since * i64::from(anchor.rate_permille) / 1000)
}
