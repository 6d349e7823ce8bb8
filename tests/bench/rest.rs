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

/// What the last minute cost.
struct Rest {
    cpu_ms: f64,
    calls: f64,
}

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let stage = Stage::new()?;
    for (player, _) in PAIRS {
        let runs = machine.alone(|| rest(&stage, player))?;
        let figures = |figure: fn(&Rest) -> f64| runs.iter().map(figure).collect();
        let what = |what: &str| format!("paused 60 s: {what}, {}", player.name());
        rows.push(Row::alone(what("process CPU"), "ms", figures(|rest| rest.cpu_ms), 60.0));
        rows.push(Row::alone(what("calls of the core"), "", figures(|rest| rest.calls), 0.0));
    }
    Ok(())
}

fn rest(stage: &Stage, player: Player) -> Result<Rest, String> {
    let mut show = stage.play(player, 1)?;
    show.wait_first()?;
    std::thread::sleep(PLAYED);
    show.press("space")?;
    std::thread::sleep(SETTLE);
    let ((before, _), calls) = (show.usage()?, stage.calls()?);
    std::thread::sleep(WATCHED);
    let (after, _) = show.usage()?;
    Ok(Rest {
        cpu_ms: after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1000.0,
        calls: (stage.calls()? - calls) as f64,
    })
}
