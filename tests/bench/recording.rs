//! What it costs to write down what the core is told and answers: the text of the last minutes, which is always kept, and a whole trace.

use std::process::Command;
use std::time::Duration;

use kinora_tests::scratch;

use crate::calm::Machine;
use crate::film::film;
use crate::report::{Bar, Row};
use crate::stage::{Player, Stage};
use crate::usage::{self, spent};

/// Played each time, and the film's length: all of it is read and recorded at the beginning, and must not count for a longer time.
const PLAYED: Duration = Duration::from_secs(30);
/// The threads that record: calls are gathered on the first and written on the second.
const THREADS: [&str; 2] = ["core", "trace"];
/// Ours draws with this; recording has nothing to do with it.
const PLAYER: Player = Player::Kinora("cpu");

/// What is recorded.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    Nothing,
    Recent,
    Trace,
}

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let stage = Stage::new()?;
    for (name, kept) in [("last minutes", Kept::Recent), ("--record besides", Kept::Trace)] {
        let runs = machine.paired(|| share(&stage, kept), || share(&stage, Kept::Nothing))?;
        let what = format!("recording, {name}: CPU");
        rows.push(Row::paired(what, "%", &runs, |share| *share, Bar::More(1.0)));
    }
    Ok(())
}

/// Processor time of the threads that record, of the time played, in percent of one processor.
fn share(stage: &Stage, kept: Kept) -> Result<f64, String> {
    let folder = scratch("bench/recording");
    let part = folder.join("part.mp4");
    spent(
        Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-i"])
            .arg(film()?)
            .args(["-c", "copy", "-movflags", "+faststart", "-t", &PLAYED.as_secs().to_string()])
            .arg(&part),
    )?;
    let mut show = stage.open(PLAYER, &[&part], |command| match kept {
        Kept::Nothing => drop(command.env("XDG_STATE_HOME", "/dev/null")),
        Kept::Recent => {}
        Kept::Trace => drop(command.arg("--record").arg(folder.join("trace"))),
    })?;
    show.wait_first()?;
    std::thread::sleep(PLAYED - Duration::from_secs(2));
    let used = usage::of_threads(show.process(), &THREADS)?;
    Ok(used.as_secs_f64() / PLAYED.as_secs_f64() * 100.0)
}
