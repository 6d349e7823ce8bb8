//! `streams`: what is appended is presented, once, in order, and nothing else.

use kinora_guests::bindings::exports::kinora::shim::player::Event;
use kinora_guests::bindings::kinora::shim::types::NextStep;

use crate::api::timeline::{Change, State, Want};
use crate::api::{streams, timeline};
use crate::film::{self, append, new_timeline, numbers, open_numbers, open_tone, reach, show, tone};
use crate::report::{Stop, Verdict, mark, must};
use crate::running::{event, sleep};

const RATE_HZ: u32 = 8000;

/// The want of a stream that is fed by hand.
async fn want(stream: u64) -> Result<Want, Stop> {
    let want = event(5_000_000, |event| match event {
        Event::Timeline((_, _, Change::Want(want))) if want.stream == stream => Some(*want),
        _ => None,
    });
    want.await.ok_or_else(|| "no want came".into())
}

/// Every frame and every beep, in order, none twice.
pub(crate) async fn append_order() -> Verdict {
    let (timeline, _) = film::open(usize::MAX)?;
    open_tone(timeline, RATE_HZ, tone(RATE_HZ, 0, 3000, |ms| 400.0 + 100.0 * (ms / 500) as f32))?;
    timeline::play(timeline).map_err(|e| e.message)?;
    reach(timeline, State::Ended).await?;
    mark("ended");
    sleep(300_000).await;
    Ok(())
}

/// A seek that is not the current one takes nothing and is no error; without a want an append waits.
pub(crate) async fn append_stale() -> Verdict {
    let timeline = new_timeline(1, 500_000)?;
    let stream = open_numbers(timeline)?;
    let first = want(stream).await?;
    let seek = timeline::seek(timeline, 1_000_000, true).map_err(|e| e.message)?;
    let stale = append(stream, first.seek, &numbers());
    must(matches!(stale, Ok(0)), format!("samples for an old seek are answered {stale:?}"))?;
    for never in [seek + 1_000_000, u64::MAX] {
        must(
            matches!(append(stream, never, &numbers()), Ok(0)),
            "samples for a seek that never was are taken",
        )?;
    }
    let now = want(stream).await?;
    must(now.seek == seek && now.restart, "after a seek the stream wants anew, under its ticket")?;
    let lying = streams::append(stream, seek, 1, &[numbers()[25].sample], &[0; 3]);
    must(lying.is_err_and(|e| e.next == NextStep::Skip && e.code == 1), "sizes that lie are `skip` code 1")?;
    must(
        matches!(append(stream, seek, &numbers()[25..30]), Ok(5)),
        "samples for the current seek are taken",
    )?;
    let again = append(stream, seek, &numbers()[30..31]);
    must(again.is_err_and(|e| e.next == NextStep::Wait), "without a want an append waits")
}

/// No more is taken than there is room for; a sample larger than the room is taken alone.
pub(crate) async fn append_room() -> Verdict {
    let timeline = new_timeline(1, 500_000)?;
    let stream = film::open_pcm(timeline, 48_000)?;
    let asked = want(stream).await?;
    let room = asked.room_bytes as usize;
    // A second of silence is a sample here, as long as there is more than one in the room.
    let mut part = tone(48_000, 0, 20, |_| 0.0).remove(0);
    let size = (room / 5).min(96_000) & !1;
    part.bytes = vec![0; size];
    part.sample.size = size as u32;
    part.sample.duration_us = (size as u64 / 2 * 1_000_000 / 48_000) as u32;
    let count = room / size + 5;
    let parts: Vec<_> = (0..count)
        .map(|n| {
            let mut part = part.clone();
            part.sample.pts_us = n as i64 * i64::from(part.sample.duration_us);
            part.sample.dts_us = part.sample.pts_us;
            part
        })
        .collect();
    let taken = append(stream, asked.seek, &parts).map_err(|e| e.message)? as usize;
    must(taken >= 1, "at least one sample is taken")?;
    must(taken * size <= room, format!("{taken} samples of {size} bytes are taken into a room of {room}"))?;
    must(
        taken + 1 >= room / size,
        format!("only {taken} samples of {size} bytes fit into a room of {room}"),
    )?;
    let cursor = film::status(timeline)?.streams.first().map(|s| s.cursor_count);
    must(
        cursor == Some(taken as u64),
        format!("{taken} samples were taken, and the cursor counts {cursor:?}"),
    )?;

    let large = film::open_pcm(timeline, 48_000)?;
    let asked = want(large).await?;
    part.bytes = vec![0; asked.room_bytes as usize + 2];
    part.sample.size = part.bytes.len() as u32;
    let taken = append(large, asked.seek, &[part.clone(), part]).map_err(|e| e.message)?;
    must(taken == 1, format!("{taken} samples are taken that are larger than the room"))
}

/// The last 40 frames are removed before they are decoded; others come in their place.
pub(crate) async fn remove_tail() -> Verdict {
    let timeline = new_timeline(1, 500_000)?;
    let stream = open_numbers(timeline)?;
    show(timeline)?;
    let asked = want(stream).await?;
    let all = numbers();
    must(matches!(append(stream, asked.seek, &all), Ok(75)), "a film of 4 KB is taken whole")?;
    reach(timeline, State::Presenting).await?;
    sleep(300_000).await;
    // The second group of pictures and what follows it.
    let from = all[25].sample.dts_us;
    streams::remove(stream, from).map_err(|e| e.message)?;
    // A want of before may still be open; the next is of the stream as it was cut.
    let after = loop {
        let after = want(stream).await?;
        let tail = film::status(timeline)?.streams.first().and_then(|s| s.tail_dts_us);
        if tail.is_some_and(|tail| tail < from) {
            break after;
        }
    };
    must(!after.restart, "after `remove` the stream goes on where it was cut")?;
    let other = film::other(1_000_000);
    let moved = crate::api::video::configure(stream, &film::video_config(film::H264, (96, 48)));
    moved.map_err(|e| e.message)?;
    must(matches!(append(stream, after.seek, &other), Ok(25)), "others are taken in their place")?;
    let end = want(stream).await?;
    streams::end(stream, end.seek).map_err(|e| e.message)?;
    timeline::play(timeline).map_err(|e| e.message)?;
    reach(timeline, State::Ended).await?;
    sleep(300_000).await;
    Ok(())
}

/// Nothing that was appended before `end` is lost.
pub(crate) async fn end_drains() -> Verdict {
    let (timeline, _) = film::open(usize::MAX)?;
    timeline::play(timeline).map_err(|e| e.message)?;
    reach(timeline, State::Ended).await?;
    mark("ended");
    sleep(500_000).await;
    Ok(())
}

/// Two sounds and the pictures, all of them in the shim's queues.
async fn three_streams() -> Result<(u64, u64), Stop> {
    let (timeline, _) = film::open(usize::MAX)?;
    open_tone(timeline, RATE_HZ, tone(RATE_HZ, 0, 3000, |_| 400.0))?;
    let second = open_tone(timeline, RATE_HZ, tone(RATE_HZ, 0, 3000, |_| 900.0))?;
    reach(timeline, State::Presenting).await?;
    Ok((timeline, second))
}

/// A sound that is buffered joins another while the film plays.
pub(crate) async fn enable_seamless() -> Verdict {
    let (timeline, second) = three_streams().await?;
    streams::enable(second, false).map_err(|e| e.message)?;
    film::start(timeline).await?;
    sleep(1_200_000).await;
    streams::enable(second, true).map_err(|e| e.message)?;
    reach(timeline, State::Ended).await?;
    sleep(300_000).await;
    Ok(())
}

/// A sound goes while the film plays.
pub(crate) async fn close_others() -> Verdict {
    let (timeline, second) = three_streams().await?;
    film::start(timeline).await?;
    sleep(1_200_000).await;
    streams::close(second).map_err(|e| e.message)?;
    let again = streams::close(second);
    must(again.is_err_and(|e| e.next == NextStep::Gone), "a closed stream is gone")?;
    reach(timeline, State::Ended).await?;
    sleep(300_000).await;
    Ok(())
}
