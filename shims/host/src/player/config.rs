//! What a player is made of, and how it ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use kinora_pipeline::Pipeline;
use kinora_port::{Decoders, InputSource, Net, Shell, Storage};

use crate::inbox::Inbox;
use crate::instance::Limits;
use crate::launch::LaunchExtras;
use crate::stage::Stage;
use crate::trace::Recorder;
use crate::turn::Device;

/// The abilities of a port that a player uses.
pub struct Ports {
    /// Plays the timelines.
    pub pipeline: Arc<Pipeline>,
    /// What the pipeline decodes with.
    pub decoders: Arc<dyn Decoders>,
    /// The counter of ids the pipeline was made with.
    pub ids: Arc<AtomicU64>,
    /// What is on the screen.
    pub stage: Arc<Stage>,
    /// Where other threads leave word.
    pub inbox: Arc<Inbox>,
    /// Network and files; made with [`Inbox::net_events`].
    pub net: Box<dyn Net>,
    /// Durable values.
    pub storage: Box<dyn Storage>,
    /// What a run keeps in case its process dies; not shared with another.
    pub journal: Box<dyn Storage>,
    /// Window or box.
    pub shell: Box<dyn Shell>,
    /// People.
    pub input: Box<dyn InputSource>,
    /// Writes down what the core is told and answers.
    pub recorder: Option<Recorder>,
}

/// How a player runs.
#[derive(Debug, Clone)]
pub struct PlayerConfig {
    /// Limits of the core.
    pub limits: Limits,
    /// Seed for the core's randomness.
    pub seed: u64,
    /// UTC minus host time, if known.
    pub wall_offset_us: Option<i64>,
    /// Facts for the core.
    pub device: Device,
    /// Extras of `launch` (`wit/player.wit`).
    pub launch_extras: LaunchExtras,
    /// Whether to go on where a run left off whose process died.
    pub take_over: bool,
    /// Most detailed level of core log lines printed on stderr.
    pub log_level: u32,
    /// Calls of `handle`, counted from 1, whose instance is ended before they land, as if they had taken too long: for tests of recovery.
    pub kill_calls: BTreeSet<u64>,
}

/// What is left when no core runs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// What was buffered still plays.
    Playing,
    /// The built-in card is shown.
    Card,
    /// Somebody has pressed a key at it.
    Dismissed,
}
