//! A core that traps or never returns: the picture goes on, and the interface is back.

use std::time::{Duration, Instant};

use kinora_tests::{percentile, target_folder};

use crate::calm::Machine;
use crate::film::black_below;
use crate::report::Row;
use crate::stage::{HEIGHT, Player, Show, Stage, WIDTH};

/// Ours draws with this; what brings a core back has nothing to do with it.
const PLAYER: Player = Player::Kinora("cpu");
/// What is wrong, and the key that makes the core of this bench fail so (`player-core/src/faults.rs`).
const FAULTS: [(&str, &str); 2] = [("trapped", "f7"), ("hung", "f8")];
/// Faults of a run, each kind in turn.
const TIMES: usize = 4;
const TIMES_TRIED: usize = 2;
/// From fault to fault: two within ten seconds on one item would be taken for the item's. Controls hide in that time, too.
const APART: Duration = Duration::from_millis(12_500);
/// The pointer moves as often, and whoever answers it shows the controls.
const MOVES_EVERY: Duration = Duration::from_micros(16_667);
/// So long after a fault it is looked whether pictures are lost.
const WATCHED: Duration = Duration::from_secs(2);
/// The seek bar's line, from the bottom of the window.
const BAR: u32 = 37;
/// Brighter than black becomes on its way.
const SEEN: u8 = 40;
const BACK_MS: f64 = 300.0;
/// A tone has no longer silence than where it crosses zero.
const SILENCE_MS: f64 = 1.0;

/// What a fault did.
struct Fault {
    kind: usize,
    /// From the press of the key to the first thing the interface shows, milliseconds.
    back: f64,
    lost: u32,
}

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let (stage, speaker) = Stage::with_speaker()?;
    let times = if machine.tries { TIMES_TRIED } else { TIMES };
    let runs = machine.alone(|| {
        let faults = faults(&stage, times, || speaker.forget())?;
        Ok((faults, speaker.heard().silence.as_secs_f64() * 1000.0))
    })?;
    for (kind, (name, _)) in FAULTS.iter().enumerate() {
        let of_kind = |share: f64| {
            let backs = |run: &(Vec<Fault>, f64)| {
                let faults = run.0.iter().filter(|fault| fault.kind == kind);
                percentile(&faults.map(|fault| fault.back).collect::<Vec<_>>(), share)
            };
            runs.iter().map(backs).collect::<Vec<f64>>()
        };
        rows.push(Row::alone(format!("{name} core, back: p50"), "ms", of_kind(0.5), BACK_MS));
        let worst = of_kind(1.0).into_iter().fold(0.0, f64::max);
        rows.push(Row::alone(format!("{name} core, back: worst of all"), "ms", vec![worst], BACK_MS));
    }
    let lost: u32 = runs.iter().flat_map(|run| &run.0).map(|fault| fault.lost).sum();
    rows.push(Row::alone("pictures lost at all faults", "", vec![f64::from(lost)], 0.0));
    let silence = runs.iter().map(|run| run.1).fold(0.0, f64::max);
    rows.push(Row::alone("longest silence in all runs", "ms", vec![silence], SILENCE_MS));
    Ok(())
}

/// Plays and has the core fail so many times. `plays` is called when everything does.
fn faults(stage: &Stage, times: usize, plays: impl FnOnce()) -> Result<Vec<Fault>, String> {
    let core = target_folder().parent().expect("target/PROFILE").join("guests/faulty_core.wasm");
    let mut show = stage.open(PLAYER, &[&black_below()?], |command| {
        command.arg("--core").arg(&core);
    })?;
    show.wait_first()?;
    std::thread::sleep(Duration::from_secs(1));
    plays();
    let mut faults = Vec::new();
    for time in 0..times {
        std::thread::sleep(APART - WATCHED);
        if shows_controls(&show)? {
            return Err("the controls do not hide".into());
        }
        let kind = time % FAULTS.len();
        faults.push(fault(&mut show, kind)?);
    }
    Ok(faults)
}

fn fault(show: &mut Show<'_>, kind: usize) -> Result<Fault, String> {
    let number = |show: &Show<'_>| show.number()?.0.ok_or_else(|| "there is no picture".to_owned());
    let (mut last, mut lost, mut back) = (number(show)?, 0, None);
    let pressed = show.pressed(FAULTS[kind].1)?;
    let (mut moved, mut moves) = (pressed, 0);
    while pressed.elapsed() < WATCHED {
        let now = number(show)?;
        // A picture that comes again is no better than one that never comes.
        lost += now.abs_diff(last).saturating_sub(1) + u32::from(now < last);
        last = now;
        if back.is_none() {
            if moved.elapsed() >= MOVES_EVERY {
                moves += 1;
                moved = Instant::now();
                show.display().point((WIDTH / 2) as i16 + moves % 2, (HEIGHT / 2) as i16)?;
            }
            back = shows_controls(show)?.then(|| pressed.elapsed().as_secs_f64() * 1000.0);
        }
        show.pause()?;
    }
    let back = back.ok_or("the interface does not come back")?;
    Ok(Fault { kind, back, lost })
}

fn shows_controls(show: &Show<'_>) -> Result<bool, String> {
    Ok(show.line(HEIGHT - BAR)?.0.rgb.iter().any(|channel| *channel > SEEN))
}
