//! `timeline`: ids, seeks, steps and the clock.

use kinora_guests::bindings::exports::kinora::shim::player::Event;
use kinora_guests::bindings::kinora::shim::types::{Failure, NextStep};

use crate::api::timeline::{Anchor, Change};
use crate::api::{audio, streams, timeline, video};
use crate::film::{self, FRAME_US, H264, append, numbers, open_whole, seeked, status};
use crate::report::{Verdict, mark, must};
use crate::running::{event, events, first, forget_events, memo, next_call, sleep, trap};
use crate::sound::position;

/// Every id is new, also in the next instance.
pub(crate) async fn create_distinct() -> Verdict {
    let mut ids: Vec<u64> = memo().split_whitespace().filter_map(|word| word.parse().ok()).collect();
    for n in 0..20 {
        let timeline = timeline::create(n).map_err(|e| e.message)?;
        let stream = audio::open(timeline, &film::audio_config("pcm-s16le", 8000));
        for id in [Some(timeline), stream.ok()].into_iter().flatten() {
            must(id != 0, "0 is no id")?;
            must(!ids.contains(&id), format!("the id {id} is given twice"))?;
            ids.push(id);
        }
        if n % 2 == 0 {
            next_call().await;
        }
        timeline::close(timeline).map_err(|e| e.message)?;
    }
    if first() {
        let words: Vec<String> = ids.iter().map(u64::to_string).collect();
        trap(&words.join(" ")).await;
    }
    Ok(())
}

/// Beyond the limit nothing is made.
pub(crate) async fn create_limit() -> Verdict {
    let mut made = Vec::new();
    let failure = loop {
        match timeline::create(made.len() as u64) {
            Ok(id) => made.push(id),
            Err(failure) => break failure,
        }
        must(made.len() < 1000, "a thousand timelines are made without an end")?;
    };
    must(made.len() >= 2, format!("only {} timelines can be made", made.len()))?;
    must(
        failure.next == NextStep::Wait && failure.code == 2,
        format!("the limit is {failure:?}, not `wait` code 2"),
    )?;
    next_call().await;
    let live: Vec<u64> = timeline::live().iter().map(|status| status.id).collect();
    must(live == made, format!("{} timelines were made, {} are listed", made.len(), live.len()))?;
    must(timeline::create(0).is_err(), "beyond the limit a timeline is made")?;
    timeline::close(made[0]).map_err(|e| e.message)?;
    must(timeline::create(0).is_ok(), "there is no room after a timeline was closed")
}

/// After `close` every id of the timeline is gone, for every function; so is one that never was.
pub(crate) async fn close_gone() -> Verdict {
    let (closed, stream) = open_whole().await?;
    sleep(500_000).await;
    mark("shown");
    sleep(200_000).await;
    timeline::close(closed).map_err(|e| e.message)?;
    for (timeline, stream) in [(closed, stream), (0, 0), (u64::MAX, 1 << 50)] {
        next_call().await;
        let gone = |answer: Result<(), Failure>, what: &str| {
            let gone = answer.is_err_and(|failure| failure.next == NextStep::Gone);
            must(gone, format!("`{what}` of an id that names nothing is not `gone`"))
        };
        let tuning =
            timeline::Tuning { start_us: 1, resume_us: 1, late_us: 1, skip_us: 1, extras: Vec::new() };
        gone(timeline::play(timeline), "timeline.play")?;
        gone(timeline::pause(timeline), "timeline.pause")?;
        gone(timeline::set_rate(timeline, 1000), "timeline.set-rate")?;
        gone(timeline::set_gain(timeline, 1000), "timeline.set-gain")?;
        gone(timeline::tune(timeline, &tuning), "timeline.tune")?;
        gone(timeline::seek(timeline, 0, true).map(drop), "timeline.seek")?;
        gone(timeline::step(timeline, 1).map(drop), "timeline.step")?;
        gone(timeline::close(timeline), "timeline.close")?;
        gone(video::open(timeline, &film::video_config(H264, (160, 96))).map(drop), "video.open")?;
        gone(audio::open(timeline, &film::audio_config("pcm-s16le", 8000)).map(drop), "audio.open")?;
        gone(video::configure(stream, &film::video_config(H264, (160, 96))), "video.configure")?;
        gone(audio::configure(stream, &film::audio_config("pcm-s16le", 8000)), "audio.configure")?;
        gone(append(stream, 0, &numbers()).map(drop), "streams.append")?;
        gone(streams::remove(stream, 0), "streams.remove")?;
        gone(streams::end(stream, 0), "streams.end")?;
        gone(streams::enable(stream, true), "streams.enable")?;
        gone(streams::close(stream), "streams.close")?;
    }
    must(timeline::live().is_empty(), "a closed timeline is listed")?;
    sleep(500_000).await;
    mark("closed");
    sleep(200_000).await;
    Ok(())
}

/// One `seeked` a seek, under its ticket; of two seeks in a row the first is replaced.
pub(crate) async fn seek_ticket() -> Verdict {
    let (timeline, _) = open_whole().await?;
    let count = |events: &[Event], ticket: u64| {
        let is = |event: &&Event| matches!(event, Event::Timeline((_, t, Change::Seeked(_))) if *t == ticket);
        events.iter().filter(is).count()
    };
    let ticket = timeline::seek(timeline, 1_000_000, true).map_err(|e| e.message)?;
    must(status(timeline)?.seek == ticket, "the status carries the last seek's ticket")?;
    let reached = seeked(ticket).await?;
    must(reached == 1_000_000, format!("a seek to 1000000 reaches {reached}"))?;
    let later = events(700_000).await;
    must(count(&later, ticket) == 0, "`seeked` comes twice")?;
    let replaced = timeline::seek(timeline, 2_000_000, true).map_err(|e| e.message)?;
    let last = timeline::seek(timeline, 400_000, true).map_err(|e| e.message)?;
    must(replaced != last && last != ticket, "every seek has a ticket of its own")?;
    let all = events(1_000_000).await;
    must(count(&all, last) == 1, format!("{} `seeked` for the last of two seeks", count(&all, last)))?;
    must(count(&all, replaced) <= 1, "`seeked` comes twice for a seek that was replaced")?;
    let step = timeline::step(timeline, 1).map_err(|e| e.message)?;
    must(seeked(step).await? == 400_000 + FRAME_US, "a step reports the frame it reached")
}

/// An exact seek shows its target at once; one that is not exact shows the key frame.
pub(crate) async fn seek_no_replay() -> Verdict {
    let (timeline, _) = open_whole().await?;
    mark("before");
    let exact = timeline::seek(timeline, 60 * FRAME_US + 1_000, true).map_err(|e| e.message)?;
    seeked(exact).await?;
    sleep(700_000).await;
    mark("exact");
    let near = timeline::seek(timeline, 45 * FRAME_US, false).map_err(|e| e.message)?;
    let reached = seeked(near).await?;
    must(reached == 25 * FRAME_US, format!("a seek to the key frame before 1.8 s reaches {reached}"))?;
    sleep(700_000).await;
    mark("key");
    Ok(())
}

/// A seek inside the buffer asks for nothing anew.
pub(crate) async fn seek_buffered() -> Verdict {
    let (timeline, _) = open_whole().await?;
    for to_us in [2_400_000, 120_000, 1_320_000] {
        forget_events();
        let ticket = timeline::seek(timeline, to_us, true).map_err(|e| e.message)?;
        let all = events(700_000).await;
        let restarts =
            |event: &&Event| matches!(event, Event::Timeline((_, _, Change::Want(want))) if want.restart);
        must(!all.iter().any(|event| restarts(&event)), "a seek inside the buffer wants with `restart`")?;
        let reached = all
            .iter()
            .any(|event| matches!(event, Event::Timeline((_, t, Change::Seeked(_))) if *t == ticket));
        must(reached, "a seek inside the buffer does not end")?;
    }
    Ok(())
}

/// One frame on, one frame back: 30, 31, 32, 31.
pub(crate) async fn step_one() -> Verdict {
    let (timeline, _) = open_whole().await?;
    let ticket = timeline::seek(timeline, 30 * FRAME_US, true).map_err(|e| e.message)?;
    seeked(ticket).await?;
    sleep(400_000).await;
    mark("thirty");
    for (frames, expected) in [(1, 31), (1, 32), (-1, 31)] {
        let ticket = timeline::step(timeline, frames).map_err(|e| e.message)?;
        let reached = seeked(ticket).await?;
        must(
            reached == expected * FRAME_US,
            format!("a step of {frames} reaches {reached} us, not frame {expected}"),
        )?;
        sleep(400_000).await;
    }
    mark("stepped");
    Ok(())
}

/// The next anchor with such a rate.
async fn anchor(rate_permille: i32, limit_us: u64) -> Option<Anchor> {
    let found = event(limit_us, |event| match event {
        Event::Timeline((_, _, Change::Anchor(anchor))) if anchor.rate_permille == rate_permille => {
            Some(*anchor)
        }
        _ => None,
    });
    found.await
}

/// The clock says when it starts, how fast it goes, and when it stops.
pub(crate) async fn play_anchor() -> Verdict {
    let (timeline, _) = open_whole().await?;
    forget_events();
    timeline::play(timeline).map_err(|e| e.message)?;
    let started = anchor(1000, 3_000_000).await;
    let Some(started) = started else { return must(false, "no anchor with rate 1000 follows `play`") };
    must(started.media_us.abs() < 200_000, format!("the clock starts at {} us", started.media_us))?;
    sleep(800_000).await;
    let at = position(timeline)?;
    must((500_000..1_300_000).contains(&at), format!("0.8 s after its start the clock stands at {at} us"))?;
    timeline::set_rate(timeline, 1500).map_err(|e| e.message)?;
    must(anchor(1500, 3_000_000).await.is_some(), "no anchor follows a change of the rate")?;
    timeline::pause(timeline).map_err(|e| e.message)?;
    must(anchor(0, 3_000_000).await.is_some(), "no anchor with rate 0 follows `pause`")
}

/// Between `pause` and `play` neither position nor picture moves.
pub(crate) async fn pause_holds() -> Verdict {
    let (timeline, _) = open_whole().await?;
    timeline::play(timeline).map_err(|e| e.message)?;
    sleep(1_000_000).await;
    timeline::pause(timeline).map_err(|e| e.message)?;
    sleep(300_000).await;
    mark("paused");
    let at = position(timeline)?;
    for _ in 0..4 {
        sleep(300_000).await;
        let later = position(timeline)?;
        must(later == at, format!("a paused clock moves from {at} to {later} us"))?;
    }
    mark("resumes");
    timeline::play(timeline).map_err(|e| e.message)?;
    sleep(500_000).await;
    let after = position(timeline)? - at;
    must(
        (150_000..700_000).contains(&after),
        format!("half a second after `play` the clock has moved {after} us"),
    )
}

/// The clock waits for two seconds of media.
pub(crate) async fn tune_start() -> Verdict {
    let (timeline, stream) = film::open(30)?;
    let tuning = timeline::Tuning {
        start_us: 2_000_000,
        resume_us: 2_000_000,
        late_us: 60_000_000,
        skip_us: 60_000_000,
        extras: Vec::new(),
    };
    timeline::tune(timeline, &tuning).map_err(|e| e.message)?;
    timeline::play(timeline).map_err(|e| e.message)?;
    let early = anchor(1000, 2_500_000).await;
    must(early.is_none(), "the clock starts with 1.2 s buffered where 2 s were asked for")?;
    mark("given");
    film::feed_all(stream);
    must(anchor(1000, 3_000_000).await.is_some(), "the clock does not start with 3 s buffered")
}
