//! `shell`: what is offered works; what the window or box was told the driver sees.

use kinora_guests::bindings::exports::kinora::shim::player::Event;
use kinora_guests::bindings::kinora::shim::types::{Failure, NextStep};

use crate::api::net::{self, Change, Request};
use crate::api::shell::{self, NowPlaying};
use crate::api::{device, storage};
use crate::report::{Stop, Verdict, mark, must, verdict};
use crate::running::{event, first, next_call, run, sleep, trap};

/// An ability that is not offered answers `unsupported`; the check ends there.
fn offered(ability: &str, answer: impl FnOnce() -> Result<(), Failure>) -> Verdict {
    if device::has(&format!("shell.{ability}")) {
        return Ok(());
    }
    let refused = answer().is_err_and(|failure| failure.next == NextStep::Unsupported);
    must(refused, format!("`{ability}` is not offered and answers something else than `unsupported`"))?;
    Err(Stop::NotOffered(format!("shell.{ability}")))
}

/// A change is reported as a surface.
pub(crate) async fn fullscreen_surface() -> Verdict {
    offered("fullscreen", || shell::set_fullscreen(true))?;
    for on in [true, false] {
        shell::set_fullscreen(on).map_err(|e| e.message)?;
        let surface = event(5_000_000, |event| match event {
            Event::Surface(surface) if surface.fullscreen == on => Some(surface.clone()),
            _ => None,
        });
        let Some(surface) = surface.await else {
            return must(false, format!("no surface with full screen {on}"));
        };
        must(surface.width_px > 0 && surface.height_px > 0, "a surface has a size")?;
    }
    Ok(())
}

/// One is chosen, and each can be named.
pub(crate) async fn builds_one() -> Verdict {
    let builds = shell::builds();
    if !device::has("shell.builds") {
        must(builds.is_empty(), "builds are not offered and some are listed")?;
    }
    offered("builds", || shell::choose_build(""))?;
    if builds.is_empty() {
        return Err(Stop::NotOffered("no other build is installed".into()));
    }
    let chosen = builds.iter().filter(|build| build.chosen).count();
    must(chosen == 1, format!("{chosen} of {} builds are marked as chosen", builds.len()))?;
    let ids: std::collections::BTreeSet<_> = builds.iter().map(|build| &build.id).collect();
    must(ids.len() == builds.len(), "two builds have one id")
}

/// The mark goes where the choice went. Choosing can take as long as a disk takes.
pub(crate) async fn choose_build_marked() -> Verdict {
    offered("builds", || shell::choose_build(""))?;
    let Some(other) = shell::builds().into_iter().find(|build| !build.chosen) else {
        return Err(Stop::NotOffered("no other build is installed".into()));
    };
    shell::choose_build(&other.id).map_err(|e| e.message)?;
    for _ in 0..50 {
        sleep(100_000).await;
        let marked: Vec<_> = shell::builds().into_iter().filter(|build| build.chosen).collect();
        if matches!(&marked[..], [one] if one.id == other.id) {
            return Ok(());
        }
    }
    must(false, format!("`{}` was chosen and is not marked", other.title))
}

/// The driver chooses a file: it is granted before it is named.
pub(crate) async fn pick_grants() -> Verdict {
    offered("pick-file", shell::pick_file)?;
    shell::pick_file().map_err(|e| e.message)?;
    let url = event(10_000_000, |event| match event {
        Event::Open(open) => open.sources.first().map(|source| source.url.clone()),
        _ => None,
    });
    let Some(url) = url.await else { return must(false, "what was chosen does not arrive as `open`") };
    let request = Request {
        method: "GET".into(),
        url,
        headers: Vec::new(),
        body: Vec::new(),
        window_bytes: u32::MAX,
        extras: Vec::new(),
    };
    let ticket = net::fetch(&request).map_err(|e| e.message)?;
    let mut body = Vec::new();
    loop {
        let change = event(10_000_000, |event| match event {
            Event::Net((t, change)) if *t == ticket => Some(change.clone()),
            _ => None,
        });
        match change.await {
            Some(Change::Head(_)) => {}
            Some(Change::Chunk((_, bytes))) => body.extend(bytes),
            Some(Change::End(_)) => break,
            other => return Err(format!("a chosen file cannot be fetched: {other:?}").into()),
        }
    }
    must(body == b"chosen by the driver", "a chosen file has other bytes")
}

/// The window carries the last title.
pub(crate) async fn title_shown() -> Verdict {
    offered("title", || shell::set_title("x"))?;
    for title in ["Kit: first", "Kit: second", "Kit: \u{e9}t\u{e9}"] {
        shell::set_title(title).map_err(|e| e.message)?;
        next_call().await;
    }
    mark("titled");
    sleep(1_000_000).await;
    Ok(())
}

/// Hidden, and shown again.
pub(crate) async fn cursor_surface() -> Verdict {
    offered("cursor", || shell::set_cursor(false))?;
    shell::set_cursor(false).map_err(|e| e.message)?;
    sleep(500_000).await;
    mark("hidden");
    sleep(500_000).await;
    shell::set_cursor(true).map_err(|e| e.message)?;
    sleep(500_000).await;
    mark("shown");
    sleep(500_000).await;
    Ok(())
}

/// The wish to stay awake ends with the instance that had it.
pub(crate) async fn awake_released() -> Verdict {
    offered("awake", || shell::set_awake(true))?;
    if first() {
        shell::set_awake(true).map_err(|e| e.message)?;
        sleep(500_000).await;
        mark("awake");
        sleep(100_000).await;
        trap("").await;
    }
    sleep(500_000).await;
    mark("released");
    sleep(100_000).await;
    Ok(())
}

/// System controls show the last value.
pub(crate) async fn now_playing_last() -> Verdict {
    let now = |title: &str, position_us| NowPlaying {
        kind: 2,
        title: title.into(),
        artist: "Kit".into(),
        duration_us: Some(60_000_000),
        position_us,
        rate_permille: 1000,
        can_next: true,
        can_previous: false,
        extras: Vec::new(),
    };
    offered("now-playing", || shell::set_now_playing(&now("x", 0)))?;
    for (title, position) in [("One", 0), ("Two", 5_000_000), ("Three", 9_000_000)] {
        shell::set_now_playing(&now(title, position)).map_err(|e| e.message)?;
        sleep(100_000).await;
    }
    mark("three");
    sleep(500_000).await;
    Ok(())
}

/// The process ends with the status, and keeps what was stored in the same call. Runs: status 1, status 0, and one that looks.
pub(crate) async fn exit_status() -> Verdict {
    if !device::has("shell.exit") {
        return Err(Stop::NotOffered("shell.exit".into()));
    }
    let key = |run: u32| format!("run {run}");
    if run() > 2 {
        let kept = (1..=2).all(|run| storage::get(&key(run)).is_some_and(|value| value.len() == 300 << 10));
        return must(kept, "what was stored in the call of `exit` is gone");
    }
    sleep(100_000).await;
    let batch = [(key(run()), Some(vec![run() as u8; 300 << 10]))];
    storage::apply(&batch).map_err(|e| e.message)?;
    shell::exit(if run() == 1 { 1 } else { 0 });
    verdict(&Ok(()));
    std::future::pending().await
}
