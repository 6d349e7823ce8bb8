//! What a paused player does: nothing.

use std::time::Duration;

use kinora_tests::play;

use crate::calm::Machine;
use crate::film::film;
use crate::report::Row;
use crate::stage::{PAIRS, Player, Stage};

/// Played before the pause.
const PLAYED: Duration = Duration::from_secs(5);
/// Between the pause and the measuring: controls hide, buffers fill.
const SETTLE: Duration = Duration::from_secs(5);
const WATCHED: Duration = Duration::from_secs(60);

pub(crate) fn bench(machine: &mut Machine) -> Result<Vec<Row>, String> {
    let settled = PLAYED + SETTLE;
    let calls = calls_until(settled + WATCHED)? - calls_until(settled)?;
    let mut rows = vec![Row::alone("paused 60 s: calls of the core", "calls", vec![calls], 0.0)];
    let stage = Stage::new()?;
    for (player, _) in PAIRS {
        let what = format!("paused 60 s: process CPU, {}", player.name());
        rows.push(Row::alone(what, "ms", machine.alone(|| cpu_ms(&stage, player))?, 60.0));
    }
    Ok(rows)
}

/// Calls of the core within a time, without a screen.
fn calls_until(time: Duration) -> Result<f64, String> {
    let (pause, until) = (format!("{}:space", PLAYED.as_secs()), time.as_secs().to_string());
    let played = play("bench/rest", &film()?.to_string_lossy(), &["--keys", &pause, "--until", &until]);
    played.expect_played()?;
    played.report()["core"]["calls"].as_f64().ok_or_else(|| "the report lacks the calls".into())
}

fn cpu_ms(stage: &Stage, player: Player) -> Result<f64, String> {
    let mut show = stage.play(player, 1)?;
    show.wait_first()?;
    std::thread::sleep(PLAYED);
    show.press("space")?;
    std::thread::sleep(SETTLE);
    let (before, _) = show.usage()?;
    std::thread::sleep(WATCHED);
    let (after, _) = show.usage()?;
    Ok((after.cpu.saturating_sub(before.cpu)).as_secs_f64() * 1000.0)
}
