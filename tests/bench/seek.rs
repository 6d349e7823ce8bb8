//! From the press of a key to the target's picture: exact seeks to tenths of the film, of which none but the first is a key frame.

use std::time::{Duration, Instant};

use crate::calm::Machine;
use crate::film::{FPS, SECONDS};
use crate::report::{Bar, Row, median};
use crate::stage::{PAIRS, Player, Stage};

/// Seeks of a run; with the runs of a bench a hundred.
const SEEKS: u32 = 20;
/// Played between two seeks.
const PAUSE: Duration = Duration::from_millis(300);
/// Frames of a tenth.
const TENTH: u32 = SECONDS * FPS / 10;

pub(crate) fn bench(machine: &mut Machine) -> Result<Vec<Row>, String> {
    let stage = Stage::new()?;
    let mut rows = Vec::new();
    for (ours, peer) in PAIRS {
        let runs = machine.paired(|| seek_ms(&stage, ours), || seek_ms(&stage, peer))?;
        let what = format!("exact seek, p50: {}", ours.beside(peer));
        rows.push(Row::paired(what, "ms", &runs, |ms| *ms, Bar::Ratio(1.0)));
    }
    Ok(rows)
}

/// Median over the seeks of a run, in milliseconds.
fn seek_ms(stage: &Stage, player: Player) -> Result<f64, String> {
    let mut show = stage.play(player, 1)?;
    show.wait_first()?;
    std::thread::sleep(Duration::from_secs(2));
    let mut took = Vec::new();
    for tenth in tenths().take(SEEKS as usize) {
        let pressed = Instant::now();
        show.press(&tenth.to_string())?;
        let target = tenth * TENTH;
        // A picture before the target is none that was asked for; the rounding of a percentage may miss it by one.
        let seen = show.wait_number(|number| (target.saturating_sub(1)..target + FPS).contains(&number))?;
        took.push((seen - pressed).as_secs_f64() * 1000.0);
        std::thread::sleep(PAUSE);
    }
    Ok(median(&took))
}

/// The same targets for everybody, in an order without a pattern: never twice the same, never where the film is already.
fn tenths() -> impl Iterator<Item = u32> {
    let (mut state, mut last) = (2024_u32, 0);
    std::iter::from_fn(move || {
        // Numerical Recipes' generator; its high bits are good enough for this.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        last = (last + 1 + (state >> 16) % 9) % 10;
        Some(last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_in_a_row_are_never_the_same() {
        let tenths: Vec<u32> = tenths().take(200).collect();
        assert!(tenths.windows(2).all(|pair| pair[0] != pair[1]));
        assert!((0..10).all(|tenth| tenths.contains(&tenth)));
    }
}
