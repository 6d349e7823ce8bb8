//! `player` and `log`: what comes first.

use kinora_guests::bindings::exports::kinora::shim::player::Event;

use crate::api::{device, log};
use crate::report::{Verdict, mark, must, note};
use crate::running::{ask_snapshot, event, first, next_call, sleep, snapshots, trap};

/// The component was linked and started, and its lines arrive. The facts are for the report.
pub(crate) async fn link() -> Verdict {
    for (name, value) in device::facts().iter().filter(|(name, _)| !name.starts_with("font.")) {
        note(&format!("fact {name}={value}"));
    }
    Ok(())
}

/// Offences are found in the exports themselves; a second instance is started too.
pub(crate) async fn start_first() -> Verdict {
    sleep(200_000).await;
    if first() {
        trap("").await;
    }
    Ok(())
}

/// Offences are found in the exports themselves: time, overlaps, sizes.
pub(crate) async fn handle_order() -> Verdict {
    for _ in 0..100 {
        sleep(10_000).await;
        next_call().await;
    }
    Ok(())
}

/// None is asked for without a checkpoint, and with one in each call at most one a second.
pub(crate) async fn snapshot_after_checkpoint() -> Verdict {
    for _ in 0..15 {
        sleep(100_000).await;
    }
    must(snapshots().is_empty(), "no snapshot is asked for before a call returned `checkpoint`")?;
    for _ in 0..35 {
        ask_snapshot();
        sleep(100_000).await;
    }
    let taken = snapshots();
    must(taken.len() >= 2, format!("{} snapshots in 3.5 s of checkpoints", taken.len()))?;
    let close = taken.windows(2).find(|pair| pair[1] - pair[0] < 990_000);
    must(close.is_none(), format!("two snapshots within a second: {close:?}"))?;
    sleep(2_000_000).await;
    let later = snapshots().len() - taken.len();
    must(later <= 1, format!("{later} snapshots after the last checkpoint"))
}

/// The driver presses Right, OK and `a`: each comes down and up again, in order, and means what it is.
pub(crate) async fn handle_input() -> Verdict {
    mark("ready");
    let mut seen: Vec<(&str, u32)> = Vec::new();
    let mut last_us = 0;
    while seen.len() < 6 {
        let key = event(8_000_000, |event| match event {
            Event::Key(key) if key.phase != 2 => Some(key.clone()),
            _ => None,
        });
        let Some(key) = key.await else { return must(false, format!("only these keys came: {seen:?}")) };
        let name = match (key.code, key.meaning) {
            (_, 4) | (0x4f, _) => "right",
            (_, 5) | (0x28, _) => "ok",
            (0x04, _) => "a",
            _ => "another key",
        };
        must(name != "a" || key.phase != 1 || key.text == "a", "the key a types `a`")?;
        must(key.host_us >= last_us, "key times never decrease")?;
        last_us = key.host_us;
        seen.push((name, key.phase));
    }
    let expected = ["right", "ok", "a"].map(|name| [(name, 1), (name, 3)]).concat();
    must(seen == expected, format!("keys came as {seen:?}"))
}

/// A flood of long lines; the driver counts what comes out.
pub(crate) async fn write_bounded() -> Verdict {
    let line = "all work and no play ".repeat(400);
    for _ in 0..3000 {
        log::write(3, &line);
    }
    sleep(1_100_000).await;
    note("flooded");
    Ok(())
}

/// The last value of each name counts; the driver reads the report.
pub(crate) async fn measure_last() -> Verdict {
    for value in [1, 7, -3, 42] {
        log::measure("kit.value", value);
        log::measure("kit.other", -value);
        next_call().await;
    }
    Ok(())
}
