//! `video`: what is decoded is what the driver sees.

use kinora_guests::bindings::kinora::shim::types::NextStep;

use crate::api::timeline::State;
use crate::api::{audio, timeline, video};
use crate::film::{self, H264, feed, new_timeline, numbers, open_numbers, reach, show, show_sized};
use crate::report::{Verdict, mark, must};
use crate::running::sleep;

/// What cannot be decoded is refused at once, by name.
pub(crate) async fn open_unsupported() -> Verdict {
    let timeline = timeline::create(1).map_err(|e| e.message)?;
    for codec in ["zz99.1", "", "avc9"] {
        let Err(refused) = video::open(timeline, &film::video_config(codec, (64, 64))) else {
            return must(false, format!("a codec `{codec}` is opened"));
        };
        let right = refused.next == NextStep::Unsupported && refused.code == 10;
        must(right, format!("codec `{codec}` is refused as {refused:?} and not as `unsupported` code 10"))?;
        must(refused.message.contains(codec), "the failure names the codec")?;
        let sound = audio::open(timeline, &film::audio_config(codec, 48_000));
        let right = sound.is_err_and(|e| e.next == NextStep::Unsupported && e.code == 10);
        must(right, format!("a sound codec `{codec}` is not refused as `unsupported` code 10"))?;
    }
    // A failed open makes nothing.
    must(film::status(timeline)?.streams.is_empty(), "a refused codec leaves a stream behind")?;
    too_many(timeline)
}

/// Streams beyond the limit are refused until there is room.
fn too_many(timeline: u64) -> Verdict {
    let refused = (0..1000).find_map(|_| audio::open(timeline, &film::audio_config("pcm-s16le", 8000)).err());
    let refused = refused.ok_or("a thousand streams are opened without an end")?;
    if refused.code == 10 {
        // A shim that decodes nothing keeps no streams.
        return Ok(());
    }
    must(
        refused.next == NextStep::Wait && refused.code == 2,
        format!("the limit is {refused:?}, not `wait` code 2"),
    )?;
    let refused = video::open(timeline, &film::video_config(H264, (160, 96)));
    must(
        refused.is_err_and(|e| e.next == NextStep::Wait && e.code == 2),
        "beyond the limit a picture stream is opened",
    )
}

/// The first frame as it is coded, turned by a quarter, and with the colours of BT.709.
pub(crate) async fn open_picture() -> Verdict {
    for (name, rotation_deg, cicp, size) in [
        ("plain", 0, 0x0006_0606, (160, 96)),
        ("turned", 90, 0x0006_0606, (96, 160)),
        ("bt709", 0, 0x0001_0101, (160, 96)),
    ] {
        let timeline = new_timeline(1, 200_000)?;
        let config = video::Config { rotation_deg, cicp, ..film::video_config(H264, (160, 96)) };
        let stream = film::opened(H264, video::open(timeline, &config))?;
        feed(stream, numbers(), usize::MAX);
        show_sized(timeline, size)?;
        reach(timeline, State::Presenting).await?;
        sleep(700_000).await;
        mark(name);
        sleep(300_000).await;
        timeline::close(timeline).map_err(|e| e.message)?;
    }
    Ok(())
}

/// 25 frames of one film, then 25 of another in another size: each shown as what it is.
pub(crate) async fn configure_seamless() -> Verdict {
    let timeline = new_timeline(1, 500_000)?;
    let stream = open_numbers(timeline)?;
    let mut parts = numbers();
    parts.truncate(25);
    parts.extend(film::other(1_000_000));
    feed(stream, parts, 25);
    show(timeline)?;
    reach(timeline, State::Presenting).await?;
    timeline::play(timeline).map_err(|e| e.message)?;
    sleep(200_000).await;
    video::configure(stream, &film::video_config(H264, (96, 48))).map_err(|e| e.message)?;
    film::feed_all(stream);
    reach(timeline, State::Ended).await?;
    sleep(300_000).await;
    Ok(())
}
