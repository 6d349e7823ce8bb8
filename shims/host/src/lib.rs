//! The embedder that every native shim shares: it runs the player core under supervision, lends it the port's abilities, and
//! keeps what is on the screen.
//!
//! A call of the core is a transaction (`turn.rs`): imports stage what they do, and it lands when the call returns. A core that traps
//! or takes too long had no effect; the next instance starts from the last snapshot and finds the timelines that still play.

pub mod bindings;
mod card;
mod convert;
mod cores;
mod download;
mod edge;
mod engine;
mod faults;
mod fonts;
mod imports;
mod inbox;
mod instance;
mod journal;
mod judge;
mod launch;
mod log;
mod places;
mod player;
pub mod realtime;
mod stage;
mod stamp;
mod stats;
mod swaps;
mod trace;
mod turn;
mod updates;

pub use cores::{CORE_USAGE, builds, choose_build, chosen_core, core_command};
pub use download::{MakeNet, OwnedNet};
pub use edge::{Edge, Export};
pub use engine::{CONTRACT, Core, CoreError, engine, engine_id, load, load_bytes};
#[cfg(feature = "compiler")]
pub use engine::{compile_for, interpreter, machines, precompile};
pub use fonts::{font_facts, system_fonts};
pub use inbox::Inbox;
pub use instance::{Fault, Limits};
pub use journal::left_open;
pub use judge::Judge;
pub use launch::{BUFFER_BYTES, LaunchExtras, record};
pub use places::{cache_folder, core_file, data_folder, locale, state_folder};
pub use player::{Player, PlayerConfig, Ports, Rest};
pub use stage::{Scene, Stage};
pub use stamp::{Stamp, read as read_stamp};
pub use stats::{CallSummary, CoreStats};
pub use swaps::{GaveWay, Phases, SwapStats};
pub use trace::{Difference, Recorder, Replayed, TraceError, list as list_trace, recent_calls, replay};
pub use turn::Device;
