//! From the press of a key to the first change of the picture.

use std::time::{Duration, Instant};

use kinora_tests::percentile;

use crate::calm::Machine;
use crate::report::Row;
use crate::stage::{PAIRS, Player, Stage};

/// Presses of a run.
const PRESSES: u32 = 5;
/// Controls hide after less than that.
const HIDDEN: Duration = Duration::from_secs(5);
/// Two vertical blanks at 60 Hz and 8 ms.
const MOST_MS: f64 = 2000.0 / 60.0 + 8.0;

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let stage = Stage::new()?;
    for (player, _) in PAIRS {
        let runs = machine.alone(|| answers_ms(&stage, player))?;
        for (name, share) in [("p50", 0.5), ("worst", 1.0)] {
            let figures = runs.iter().map(|run| percentile(run, share)).collect();
            rows.push(Row::alone(
                format!("key to picture, {name}: {}", player.name()),
                "ms",
                figures,
                MOST_MS,
            ));
        }
    }
    Ok(())
}

/// Milliseconds until the controls of a paused film begin to show.
fn answers_ms(stage: &Stage, player: Player) -> Result<Vec<f64>, String> {
    let mut show = stage.play(player, 1)?;
    show.wait_first()?;
    std::thread::sleep(Duration::from_secs(2));
    show.press("space")?;
    let mut took = Vec::new();
    for _ in 0..PRESSES {
        std::thread::sleep(HIDDEN);
        let before = show.look()?;
        let pressed = Instant::now();
        // Pressed twice it stays paused.
        show.press("space")?;
        while show.look()? == before {
            if pressed.elapsed() > Duration::from_secs(2) {
                return Err("the picture does not change".into());
            }
        }
        took.push(pressed.elapsed().as_secs_f64() * 1000.0);
        std::thread::sleep(Duration::from_millis(200));
        show.press("space")?;
    }
    Ok(took)
}
