//! What outlives an instance, and what does not.

use kinora_guests::bindings::exports::kinora::shim::player::Event;

use crate::api::timeline::{Change, State, Status};
use crate::api::{storage, timeline};
use crate::display::filled;
use crate::film::{self, reach};
use crate::report::{Verdict, mark, must, say};
use crate::running::{event, first, leave, memo, next_call, sleep, trap};
use crate::{api, display};

/// What must be the same after an instance as before.
fn words(status: &Status) -> String {
    let streams = status.streams.iter().map(|s| {
        let cursor = (s.cursor_seek, s.cursor_tag, s.cursor_count, s.tail_dts_us);
        format!("{} {} {} {} {cursor:?}", s.id, s.kind, s.codec, s.enabled)
    });
    let streams: Vec<String> = streams.collect();
    format!("{} {} {} {}", status.id, status.tag, status.seek, streams.join("; "))
}

/// A timeline, its streams and their append cursors are found by the next instance, and the film goes on.
pub(crate) async fn live_survives() -> Verdict {
    if first() {
        let (timeline, _) = film::open(60)?;
        timeline::create(9).map_err(|e| e.message)?;
        reach(timeline, State::Presenting).await?;
        timeline::play(timeline).map_err(|e| e.message)?;
        sleep(500_000).await;
        let live: Vec<String> = timeline::live().iter().map(words).collect();
        trap(&live.join("\n")).await;
    }
    let found: Vec<String> = timeline::live().iter().map(words).collect();
    must(
        found.join("\n") == memo(),
        format!("before the trap {:?}, after it {:?}", memo(), found.join("\n")),
    )?;
    mark("found");
    sleep(1_000_000).await;
    mark("played");
    Ok(())
}

/// What is outstanding is said again to the next instance.
pub(crate) async fn start_repeats() -> Verdict {
    if first() {
        let (timeline, stream) = film::open(40)?;
        reach(timeline, State::Presenting).await?;
        sleep(500_000).await;
        trap(&stream.to_string()).await;
    }
    let stream: u64 = memo().parse().unwrap_or(0);
    let want = event(2_000_000, |event| match event {
        Event::Timeline((_, _, Change::Want(want))) if want.stream == stream => Some(*want),
        _ => None,
    });
    let Some(want) = want.await else {
        return must(false, "an outstanding want is not repeated after `start`");
    };
    must(!want.restart, "a want that is repeated goes on at the append cursor")?;
    let rest = &film::numbers()[40..];
    let taken = film::append(stream, want.seek, rest).map_err(|e| e.message)?;
    must(taken as usize == rest.len(), "the repeated want can be answered")
}

/// A call that traps has had no effect at all.
pub(crate) async fn handle_atomic() -> Verdict {
    if first() {
        display::show(&[filled(1, (0, 0, 100, 100), 0x1020_e0ff)])?;
        sleep(300_000).await;
        leave("").await;
        sleep(100_000).await;
        storage::apply(&[("trapped".into(), Some(vec![1]))]).map_err(|e| e.message)?;
        timeline::create(99).map_err(|e| e.message)?;
        display::show(&[filled(1, (0, 0, 100, 100), 0xe010_20ff)])?;
        say(&format!("calls {}", api::take_calls()));
        panic!("on purpose");
    }
    must(timeline::live().is_empty(), "a timeline of the call that trapped is listed")?;
    must(storage::get("trapped").is_none(), "a batch of the call that trapped has landed")?;
    next_call().await;
    sleep(500_000).await;
    mark("blue");
    sleep(300_000).await;
    Ok(())
}

/// A call that does not return is ended; the film does not notice.
pub(crate) async fn handle_limit() -> Verdict {
    if first() {
        let (timeline, _) = film::open(usize::MAX)?;
        reach(timeline, State::Presenting).await?;
        timeline::play(timeline).map_err(|e| e.message)?;
        sleep(700_000).await;
        leave(&timeline.to_string()).await;
        sleep(100_000).await;
        loop {
            std::hint::black_box(());
        }
    }
    let timeline: u64 = memo().parse().unwrap_or(0);
    must(timeline::live().iter().any(|status| status.id == timeline), "the film is lost with the call")?;
    if film::status(timeline)?.state != State::Ended {
        reach(timeline, State::Ended).await?;
    }
    sleep(300_000).await;
    Ok(())
}

/// Sixty times a film, an image and a fetch, each let go again.
pub(crate) async fn soak() -> Verdict {
    for lap in 1..=60 {
        let (timeline, _) = film::open(usize::MAX)?;
        display::put(lap, 64, 64, 0x1020_e0ff).await?;
        crate::net::fetch_whole("bytes/500000").await?;
        timeline::set_rate(timeline, 4000).map_err(|e| e.message)?;
        timeline::play(timeline).map_err(|e| e.message)?;
        reach(timeline, State::Ended).await?;
        timeline::close(timeline).map_err(|e| e.message)?;
        api::display::drop_image(lap);
        next_call().await;
        if lap.is_multiple_of(20) {
            mark(&format!("lap-{lap}"));
            // Real time passes also where the clock is virtual, for the driver to look.
            crate::net::fetch_whole("drip/100000").await?;
        }
    }
    Ok(())
}
