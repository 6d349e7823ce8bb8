//! What a paused player does: nothing.

use std::time::Duration;

use crate::calm::Machine;
use crate::report::Row;
use crate::stage::{PAIRS, Player, Stage};

/// Played before the pause.
const PLAYED: Duration = Duration::from_secs(5);
/// Between the pause and the measuring: controls hide, buffers fill.
const SETTLE: Duration = Duration::from_secs(5);
const WATCHED: Duration = Duration::from_secs(60);

pub(crate) fn bench(machine: &mut Machine) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let stage = Stage::new()?;
    for (player, _) in PAIRS {
        let what = format!("paused 60 s: process CPU, {}", player.name());
        rows.push(Row::alone(what, "ms", machine.alone(|| cpu_ms(&stage, player))?, 60.0));
    }
    Ok(rows)
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
