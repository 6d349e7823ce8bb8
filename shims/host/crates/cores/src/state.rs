//! What is known of the installed cores, in two slots: a line with the SHA-256 of the rest, then JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use crate::disk::Disk;
use crate::figures::Figures;
use crate::{hash, short};

/// The format that this version reads and writes. A field that is added needs no new one: it is absent in older stores, and skipped by older
/// versions.
const FORMAT: u32 = 1;
/// A core that was started so often and never proved itself is not started again.
pub const MAX_TRIES: u32 = 3;
/// Events kept for `core why`.
const MAX_EVENTS: usize = 50;
/// Cores whose figures are kept: those that are installed, and factory cores of late.
const MAX_MEASURED: usize = 16;
const SLOTS: [&str; 2] = ["state.0", "state.1"];

/// What is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    format: u32,
    /// How many changes there have been.
    pub generation: u64,
    /// The core that was chosen; none: the factory core.
    pub selected: Option<String>,
    /// The one before it; none: the factory core.
    pub previous: Option<String>,
    /// When a player that runs something else follows the choice.
    pub when: When,
    /// Updates leave the choice as it is.
    pub pinned: bool,
    /// Why the chosen one is not the one that a person chose.
    pub fallen_back: Option<String>,
    /// Versions of publishers' cores that proved bad here: they are not fetched again.
    pub bad_versions: BTreeSet<String>,
    /// The installed cores by id.
    pub cores: BTreeMap<String, Entry>,
    /// What happened, the oldest first.
    pub events: Vec<Event>,
    /// What the last check for updates came to, in words.
    pub last_check: Option<String>,
    /// What was measured of cores, the factory's too, by id.
    pub(crate) figures: BTreeMap<String, Figures>,
}

/// An installed core.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Version of the build.
    pub version: String,
    /// The contract version it was built for.
    pub contract: String,
    /// Oldest and newest schema of snapshots it reads.
    pub snapshot: Option<(u32, u32)>,
    /// Where it came from.
    pub origin: String,
    /// Bytes of the component.
    pub size: u64,
    /// What was compiled of it.
    pub artefact: Option<Artefact>,
    /// Bytes of what proves where it comes from; none: a person brought it.
    pub proof: Option<u64>,
    /// The store's generation when it was last installed or chosen.
    pub used: u64,
    /// Starts since it last proved itself.
    pub tries: u32,
    /// Why it is not to run.
    pub bad: Option<String>,
    /// It has been compared with the core before it for long enough.
    pub accepted: bool,
}

/// What was compiled of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Id of the engine it is for.
    pub engine: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// When a running player follows a choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// While it plays.
    #[default]
    AtOnce,
    /// As soon as nothing plays.
    Idle,
    /// Not before it is started anew.
    Start,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The store's generation with it: an order, since clocks of boxes lie.
    pub generation: u64,
    /// In words.
    pub what: String,
}

impl Entry {
    /// Bytes of all its files.
    pub(crate) fn taken(&self) -> u64 {
        let artefact = self.artefact.as_ref().map_or(0, |artefact| artefact.size);
        self.size.saturating_add(artefact).saturating_add(self.proof.unwrap_or(0))
    }

    /// How people are told of it.
    pub fn title(&self, id: &str) -> String {
        let name = if self.name.is_empty() { "core" } else { &self.name };
        if self.version.is_empty() {
            return format!("{name} ({})", short(id));
        }
        format!("{name} {} ({})", self.version, short(id))
    }
}

impl State {
    pub(crate) fn next_use(&self) -> u64 {
        self.generation + 1
    }

    pub(crate) fn tell(&mut self, what: String) {
        let generation = self.next_use();
        self.events.push(Event { generation, what });
        let surplus = self.events.len().saturating_sub(MAX_EVENTS);
        self.events.drain(..surplus);
    }

    /// Adds what was measured of a core. Those measured longest ago are forgotten where there are many, first of cores that are gone.
    pub(crate) fn measured(&mut self, id: &str, figures: &Figures) {
        let known = self.figures.entry(id.to_owned()).or_default();
        *known += figures;
        known.used = self.generation + 1;
        while self.figures.len() > MAX_MEASURED {
            let order = |(id, figures): &(&String, &Figures)| (self.cores.contains_key(*id), figures.used);
            let Some(oldest) = self.figures.iter().min_by_key(order).map(|(id, _)| id.clone()) else {
                return;
            };
            self.figures.remove(&oldest);
        }
    }

    pub(crate) fn select(&mut self, id: Option<String>, when: When, how: &str) {
        self.when = when;
        let title = match id.as_ref().and_then(|id| Some((id, self.cores.get(id)?))) {
            Some((id, entry)) => entry.title(id),
            None => "the factory core".into(),
        };
        self.tell(format!("{title} {how}"));
        if self.selected != id {
            self.previous = std::mem::replace(&mut self.selected, id);
        }
        self.fallen_back = None;
    }
}

/// The newest whole slot; the format of a store that is too new to be read.
pub(crate) fn load(disk: &impl Disk) -> (State, Option<u32>) {
    let states: Vec<State> = SLOTS.iter().filter_map(|slot| decode(&disk.read(slot).ok()?)).collect();
    let newer = states.iter().map(|state| state.format).filter(|format| *format > FORMAT).max();
    let newest = states.into_iter().max_by_key(|state| state.generation);
    (newest.unwrap_or_default(), newer)
}

/// Writes a state over the older slot and returns when no power cut can lose it.
pub(crate) fn store(disk: &mut impl Disk, state: &mut State) -> io::Result<()> {
    (state.format, state.generation) = (FORMAT, state.next_use());
    let slot = SLOTS[(state.generation % 2) as usize];
    let fresh = disk.read(slot).is_err();
    disk.write(slot, &encode(state))?;
    disk.sync(slot)?;
    if fresh { disk.sync_names() } else { Ok(()) }
}

fn encode(state: &State) -> Vec<u8> {
    let json = serde_json::to_string_pretty(state).expect("it is plain data");
    format!("{}\n{json}\n", hash(format!("{json}\n").as_bytes())).into_bytes()
}

fn decode(image: &[u8]) -> Option<State> {
    let (sum, json) = image.split_at_checked(65)?;
    let whole = sum.strip_suffix(b"\n")? == hash(json).as_bytes();
    whole.then(|| serde_json::from_slice(json).ok()).flatten()
}
