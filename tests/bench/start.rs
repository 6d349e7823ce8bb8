//! From the process's start to the first picture on the screen, with everything in the system's caches.

use crate::calm::Machine;
use crate::report::{Bar, Row};
use crate::stage::{PAIRS, Player, Stage};

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let stage = Stage::new()?;
    let first = |player: Player| Ok(stage.play(player, 1)?.wait_first()?.as_secs_f64() * 1000.0);
    for (ours, peer) in PAIRS {
        first(ours)?;
        first(peer)?;
        let runs = machine.paired(|| first(ours), || first(peer))?;
        let what = format!("start to picture: {}", ours.beside(peer));
        rows.push(Row::paired(what, "ms", &runs, |ms| *ms, Bar::Ratio(1.0)));
    }
    Ok(())
}
