//! The rig of `kinora-headless`: taps instead of eyes and ears, and a virtual clock.

use std::path::Path;
use std::process::Command;

use kinora_tests::{HEARD_HZ, Screen, Wav, beeps};
use serde_json::Value;

use super::{Ability, Moment, Order, Rig, Seen, Timed, process};

/// Size of the surface: the films are small, and so are the reports.
const SIZE: &str = "320x180";
/// When the first key is pressed, and the time between two, in microseconds.
const FIRST_KEY_US: u64 = 500_000;
const KEY_EVERY_US: u64 = 300_000;
/// Times are written in whole microseconds.
const ROUNDED_US: u64 = 1;

/// `kinora-headless play`, with what the kit adds to each command.
pub(crate) struct HeadlessRig {
    /// Program and arguments; the kit's own follow.
    pub(crate) shim: Vec<String>,
}

impl Rig for HeadlessRig {
    fn name(&self) -> &'static str {
        "headless"
    }

    fn real_time(&self) -> bool {
        false
    }

    fn can(&self, _ability: Ability) -> bool {
        true
    }

    fn run(&mut self, order: &Order, folder: &Path) -> Result<Seen, String> {
        let file = |name: &str| folder.join(name);
        let mut command = Command::new(&self.shim[0]);
        command.args(&self.shim[1..]).arg(&order.source).args(["--log", "4", "--size", SIZE]);
        command.arg("--core").arg(&order.core).arg("--storage").arg(order.store.join("store"));
        if order.needs(Ability::See) {
            command.arg("--film").arg(file("film"));
        }
        if order.needs(Ability::Hear) {
            command.arg("--heard").arg(file("heard.wav"));
        }
        command.arg("--report").arg(file("report.json"));
        command.args(["--builds", "Its own,Another"]);
        if order.real_time {
            command.args(["--clock", "real"]);
        }
        if order.needs(Ability::Mute) {
            command.arg("--no-sound");
        }
        if let Some(pick) = order.pick()? {
            command.arg("--pick").arg(pick);
        }
        let presses = (0..).map(|n| FIRST_KEY_US + n * KEY_EVERY_US).zip(order.keys);
        if !order.keys.is_empty() {
            let keys = presses.clone().map(|(at_us, key)| format!("{}:{key}", at_us as f64 / 1e6));
            command.arg("--keys").arg(keys.collect::<Vec<_>>().join(","));
        }
        let mut seen = process::run(&mut command, order.limit, |_| {})?;
        // In real time a busy machine may be late, as any screen.
        seen.every_picture = !order.real_time;
        seen.film = film(&file("film"))?;
        seen.heard = Wav::read(&file("heard.wav")).map_or_else(|_| Vec::new(), |wav| mono(&wav));
        if let Ok(report) = std::fs::read(file("report.json")) {
            seen.report = serde_json::from_slice(&report).unwrap_or_default();
        }
        seen.told = told(&seen.report);
        if order.needs(Ability::Time) {
            seen.timed = timed(&mut seen, presses.map(|(at_us, _)| at_us));
        }
        Ok(seen)
    }
}

/// When things happened by the shim's own clock, which begins with its process.
fn timed(seen: &mut Seen, presses: impl Iterator<Item = u64>) -> Timed {
    let moment = |at_us| Moment { at_us, error_us: ROUNDED_US };
    let from_us = seen.report["audio"]["heard_from_us"].as_u64().unwrap_or(0);
    let beep = |after: f64| Moment {
        at_us: from_us + (after * 1e6) as u64,
        error_us: ROUNDED_US + 1_000_000 / HEARD_HZ as u64,
    };
    Timed {
        pictures: seen.film.drain(..).map(|(at_us, screen)| (moment(at_us), screen)).collect(),
        unseen_us: 0,
        beeps: beeps(&seen.heard).into_iter().map(beep).collect(),
        presses: presses.map(moment).collect(),
    }
}

/// The pictures of a folder, named by their times.
pub(super) fn film(folder: &Path) -> Result<Vec<(u64, Screen)>, String> {
    let Ok(files) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut film = Vec::new();
    for path in files.filter_map(|entry| Some(entry.ok()?.path())) {
        let time = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        let Some(time) = time else { continue };
        let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        // The last picture of a process that was killed may be cut short.
        if let Ok(screen) = Screen::from_png(&bytes) {
            film.push((time, screen));
        }
    }
    film.sort_by_key(|(time, _)| *time);
    Ok(film)
}

/// What the report says that the window was told.
pub(super) fn told(report: &Value) -> Vec<(u64, String, Value)> {
    let entries = report["shell"].as_array().into_iter().flatten();
    let values = entries.flat_map(|told| {
        let at = told["at_us"].as_u64().unwrap_or(0);
        let values = told.as_object().into_iter().flatten().filter(|(what, _)| *what != "at_us");
        values.map(move |(what, value)| (at, what.clone(), value.clone()))
    });
    values.collect()
}

/// The first channel at the rate that is judged.
pub(super) fn mono(wav: &Wav) -> Vec<f32> {
    let frames = wav.samples.len() / wav.channels.max(1);
    let count = frames * HEARD_HZ / (wav.rate.max(1) as usize);
    let at = |n: usize| (n * wav.rate as usize / HEARD_HZ).min(frames - 1) * wav.channels;
    (0..count).map(|n| wav.samples[at(n)]).collect()
}
