//! Pictures that never came to the screen in ten minutes, as seen from outside.

use std::time::Duration;

use crate::calm::Machine;
use crate::film::{FPS, SECONDS};
use crate::report::Row;
use crate::stage::{PAIRS, Player, Stage};

/// Ten minutes.
const FILMS: usize = 5;
/// Pictures at the very beginning that starting may swallow, and at the end, which some players do not hold.
const FIRST: u32 = FPS;
const LAST: u32 = 2;

pub(crate) fn bench(machine: &mut Machine) -> Result<Vec<Row>, String> {
    let stage = Stage::new()?;
    let mut rows = Vec::new();
    for (ours, peer) in PAIRS {
        // Long enough to be one run.
        let (lost, theirs) = (machine.run(|| lost(&stage, ours))?, machine.run(|| lost(&stage, peer))?);
        rows.push(Row {
            peer: vec![theirs],
            ..Row::alone(format!("10 min, pictures lost: {}", ours.beside(peer)), "", vec![lost], 0.0)
        });
    }
    Ok(rows)
}

fn lost(stage: &Stage, player: Player) -> Result<f64, String> {
    let mut show = stage.play(player, FILMS)?;
    show.wait_first()?;
    let (mut last, mut films, mut lost) = (FIRST, 1, 0);
    show.wait_number(|number| number >= FIRST)?;
    let limit = Duration::from_secs(u64::from(SECONDS) * FILMS as u64 + 30);
    let ended = show.watch(limit, |number| {
        if number < last {
            // The next film.
            lost += SECONDS * FPS - 1 - last + number;
            films += 1;
        } else {
            lost += (number - last).saturating_sub(1);
        }
        last = number;
        films == FILMS && number >= SECONDS * FPS - 1 - LAST
    })?;
    ended.map(|_| f64::from(lost)).ok_or_else(|| format!("{player:?} does not come to the end"))
}
