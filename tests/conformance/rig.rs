//! What a check needs done on a device, and what was seen there. A rig starts the shim, listens, looks, presses and kills.

mod blind;
mod command;
mod following;
mod headless;
mod process;
mod timed;
mod tv_box;
mod xvfb;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kinora_tests::Screen;
use serde_json::Value;

pub(crate) use blind::BlindRig;
pub(crate) use command::CommandRig;
pub(crate) use headless::HeadlessRig;
pub(crate) use timed::{Moment, Timed};
pub(crate) use tv_box::BoxRig;
pub(crate) use xvfb::XvfbRig;

/// Where a process on this machine finds the kit's server.
pub(crate) const LOOPBACK: &str = "127.0.0.1";

/// What a rig may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ability {
    /// See the screen.
    See,
    /// Hear the loudspeaker.
    Hear,
    /// Press keys.
    Press,
    /// End the process at once and start it again on the same store.
    Kill,
    /// Take the sound device away.
    Mute,
    /// Choose a file when asked.
    Choose,
    /// Read the shim's figures, in a report or at the end of its log.
    Report,
    /// Know the window's title.
    Title,
    /// Know what else the window or the system was told: pointer, keep-awake, media controls.
    Told,
    /// Learn the exit status of the process.
    Status,
    /// Measure memory and processor time of the process.
    Weigh,
    /// Know when it saw, heard and pressed something.
    Time,
}

impl Ability {
    /// After `the rig cannot`.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Ability::See => "see the screen",
            Ability::Hear => "hear the loudspeaker",
            Ability::Press => "press keys",
            Ability::Kill => "end the process at once",
            Ability::Mute => "take the sound device away",
            Ability::Choose => "choose a file",
            Ability::Report => "read the shim's figures",
            Ability::Title => "see the window's title",
            Ability::Told => "know what the window was told",
            Ability::Status => "learn the exit status",
            Ability::Weigh => "measure memory and processor time",
            Ability::Time => "tell when it sees and hears something",
        }
    }
}

/// One run of the shim.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// What is opened: an address on the kit's server, or a file.
    pub(crate) source: String,
    /// The kit's core.
    pub(crate) core: PathBuf,
    /// Where the shim keeps its store; the same for all runs of a check.
    pub(crate) store: PathBuf,
    /// What the check needs of the rig; the rest it may leave.
    pub(crate) needs: &'static [Ability],
    /// Pressed one after another once the core says that it is ready.
    pub(crate) keys: &'static [&'static str],
    /// Whether the run needs the limits that hold in real time.
    pub(crate) real_time: bool,
    /// Longest time of the run.
    pub(crate) limit: Duration,
}

/// The part of the screen that checks look at: so many pixels from the top left corner.
const LOOK: (u32, u32) = (320, 180);

impl Order {
    /// Whether the check needs this.
    pub(crate) fn needs(&self, ability: Ability) -> bool {
        self.needs.contains(&ability)
    }

    /// The file to choose when the shim asks for one.
    pub(crate) fn pick(&self) -> Result<Option<PathBuf>, String> {
        if !self.needs(Ability::Choose) {
            return Ok(None);
        }
        let path = self.store.join("chosen.bin");
        std::fs::write(&path, "chosen by the driver").map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Some(path))
    }
}

/// What was seen of a run.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What the guest said, without `kit: `.
    pub(crate) words: Vec<String>,
    /// Everything the shim wrote.
    pub(crate) log: String,
    /// Status of a process that ended by itself.
    pub(crate) status: Option<i32>,
    /// Pictures with the host time from which each was there, microseconds.
    pub(crate) film: Vec<(u64, Screen)>,
    /// Whether the film has every picture there was; if not, it was sampled.
    pub(crate) every_picture: bool,
    /// One channel at [`HEARD_HZ`](kinora_tests::HEARD_HZ).
    pub(crate) heard: Vec<f32>,
    /// The shim's own figures.
    pub(crate) report: Value,
    /// Memory of the process, resident, in KiB, when the guest marked a moment.
    pub(crate) resident_kib: Vec<(String, u64)>,
    /// Its processor time then, in milliseconds.
    pub(crate) cpu_ms: Vec<(String, u64)>,
    /// When things happened, where the check needs [`Ability::Time`]; the film is there then, and not in `film`.
    pub(crate) timed: Timed,
    /// What the window or the system was told, with its time: `title`, `cursor`, `awake`, `now-playing`.
    pub(crate) told: Vec<(u64, String, Value)>,
}

impl Seen {
    /// When the guest marked a moment.
    pub(crate) fn mark(&self, name: &str) -> Result<u64, String> {
        let marks = self.words.iter().filter_map(|words| words.strip_prefix("mark "));
        let found = marks.filter_map(|words| words.split_once(' ')).find(|(known, _)| *known == name);
        found.and_then(|(_, at)| at.parse().ok()).ok_or_else(|| format!("the moment `{name}` never came"))
    }

    /// What was on the screen at a marked moment, before anything that the guest did then.
    pub(crate) fn screen(&self, mark: &str) -> Result<&Screen, String> {
        let at = self.mark(mark)?;
        let shown = self.film.iter().rev().find(|(from, _)| *from < at);
        shown.map(|(_, screen)| screen).ok_or_else(|| format!("nothing was on the screen at `{mark}`"))
    }

    /// What was on the screen just before a time, and from then on until just before another.
    pub(crate) fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &Screen> {
        let first = self.film.iter().rposition(|(at, _)| *at < from).unwrap_or(0);
        self.film[first..].iter().take_while(move |(at, _)| *at < to).map(|(_, screen)| screen)
    }

    /// A measurement of the core, as the shim's figures or the end of its log have it.
    pub(crate) fn measured(&self, name: &str) -> Option<i64> {
        let figure = self.report["core"]["measures"][name].as_i64();
        let logged = || {
            let line = self.log.lines().rev().find_map(|line| line.split_once("core measures:"))?.1;
            line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?.parse().ok()
        };
        figure.or_else(logged)
    }

    /// What the guest noted of something.
    pub(crate) fn note(&self, name: &str) -> Result<&str, String> {
        let notes = self.words.iter().filter_map(|words| words.strip_prefix("note "));
        let found = notes.filter_map(|words| words.split_once(' ')).find(|(known, _)| *known == name);
        found.map(|(_, value)| value).ok_or_else(|| format!("the core noted no `{name}`"))
    }

    /// What was told of something last, at a marked moment.
    pub(crate) fn told(&self, what: &str, mark: &str) -> Result<&Value, String> {
        let at = self.mark(mark)?;
        let last = self.told.iter().rev().find(|(told_at, known, _)| *told_at <= at && known == what);
        last.map(|(.., value)| value).ok_or_else(|| format!("`{what}` was told nothing before `{mark}`"))
    }

    /// Calls of the contract's functions and how they were answered.
    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        let mut calls = BTreeMap::new();
        let words = self.words.iter().filter_map(|words| words.strip_prefix("calls "));
        for (call, count) in words.flat_map(|words| words.split(' ')).filter_map(|word| word.rsplit_once(':'))
        {
            *calls.entry(call.to_owned()).or_default() += count.parse::<u64>().unwrap_or(0);
        }
        calls
    }
}

/// Has a shim run.
pub(crate) trait Rig {
    /// For reports.
    fn name(&self) -> &'static str;
    /// Where the device finds the kit's server: this machine's name or address as seen from there.
    fn host(&self) -> String {
        LOOPBACK.into()
    }
    /// Whether its clock goes as people's does; a virtual one knows nothing of what processors cost.
    fn real_time(&self) -> bool {
        true
    }
    /// Whether it can do something; what it cannot is not measured.
    fn can(&self, ability: Ability) -> bool;
    /// Runs the shim once. `folder` is the run's own, for what it writes. The error says why nothing could be learnt.
    fn run(&mut self, order: &Order, folder: &Path) -> Result<Seen, String>;
}
