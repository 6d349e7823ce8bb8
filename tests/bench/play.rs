//! Decoding without a screen, as fast as it goes, against FFmpeg.

use std::process::Command;
use std::time::Duration;

use kinora_tests::target_folder;

use crate::calm::Machine;
use crate::film::film;
use crate::plot::{Chart, Series};
use crate::report::{Bar, Row};
use crate::usage::spent;

/// Processor time, and how long it took.
type Spent = (Duration, Duration);

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let film = film()?;
    // What the player gives libavcodec.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let runs = machine.paired(
        || spent(Command::new(target_folder().join("kinora-headless")).arg("play").arg(&film)),
        || {
            spent(
                Command::new("ffmpeg")
                    .args(["-v", "error", "-nostdin", "-threads", &threads, "-i"])
                    .arg(&film)
                    .args(["-map", "0:v:0", "-map", "0:a:0", "-f", "null", "-"]),
            )
        },
    )?;
    let seconds = |time: Duration| time.as_secs_f64();
    let of = |name: &str, time: fn(&(Spent, Spent)) -> Duration| Series {
        name: name.into(),
        points: (1..).zip(&runs).map(|(run, pair)| (f64::from(run), seconds(time(pair)))).collect(),
    };
    Chart {
        title: "Decoding 120 s of 1080p30 without a screen".into(),
        x: "run",
        y: "s",
        series: vec![
            of("kinora, CPU", |pair| pair.0.0),
            of("ffmpeg, CPU", |pair| pair.1.0),
            of("kinora, wall", |pair| pair.0.1),
            of("ffmpeg, wall", |pair| pair.1.1),
        ],
        limits: Vec::new(),
    }
    .write("play")?;
    rows.extend([
        Row::paired("decode 120 s 1080p: CPU, ffmpeg", "s", &runs, |run| seconds(run.0), Bar::Ratio(1.05)),
        Row::paired("decode 120 s 1080p: wall, ffmpeg", "s", &runs, |run| seconds(run.1), Bar::Ratio(1.1)),
    ]);
    Ok(())
}
