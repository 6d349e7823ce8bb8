//! What playing in a window costs, player and display server together.

use std::time::Duration;

use crate::calm::Machine;
use crate::report::{Bar, Row};
use crate::stage::{PAIRS, Player, Stage};

/// From the first picture until everything is as it stays: controls hidden, buffers full.
const SETTLE: Duration = Duration::from_secs(6);
const WATCHED: Duration = Duration::from_secs(10);

struct Cost {
    /// Share of one processor.
    cpu: f64,
    memory: u64,
}

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    for (ours, peer) in PAIRS {
        let runs = machine.paired(|| cost(ours), || cost(peer))?;
        let beside = ours.beside(peer);
        let mib = |cost: &Cost| cost.memory as f64 / f64::from(1 << 20);
        let cpu = |cost: &Cost| cost.cpu * 100.0;
        rows.push(Row::paired(format!("window CPU: {beside}"), "%", &runs, cpu, Bar::Ratio(1.0)));
        rows.push(Row::paired(format!("window memory: {beside}"), "MiB", &runs, mib, Bar::Ratio(1.0)));
    }
    Ok(())
}

/// A new display each time: what a server has grown to for one player is not counted for the next.
fn cost(player: Player) -> Result<Cost, String> {
    let stage = Stage::new()?;
    let mut show = stage.play(player, 1)?;
    show.wait_first()?;
    std::thread::sleep(SETTLE);
    let (_, before) = show.usage()?;
    std::thread::sleep(WATCHED);
    let (_, after) = show.usage()?;
    Ok(Cost {
        cpu: (after.cpu.saturating_sub(before.cpu)).as_secs_f64() / WATCHED.as_secs_f64(),
        memory: after.memory,
    })
}
