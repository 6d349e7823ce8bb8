//! What a core was told and what it answered, so that a run can be gone through again.
//!
//! A core is a function of its calls and of what imports answer. A trace holds both, call by call, and nothing else: media it fetched is in
//! the events, the pictures it never saw are not. [`replay`](replay::replay) makes the same calls of a core, this build or another, and
//! stops at the first difference.

mod recent;
mod record;
mod replay;
mod tap;
mod text;

pub use recent::recent_calls;
pub use record::{Recorder, TraceError};
pub use replay::{Difference, Replayed, list, replay};

pub(crate) use tap::Tap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bindings::player::{Event, Launch};

/// First bytes of a trace; the last is the version of its form.
const MAGIC: [u8; 8] = *b"KNTRACE\x01";
/// Longer arguments are recorded by length and hash: they come from events that are there in full.
const MAX_IN_FULL: usize = 256;

/// One entry of a trace.
#[derive(Serialize, Deserialize)]
pub(crate) enum Entry {
    /// A new instance; the calls after it are its own.
    Instance(Build),
    /// A call and what happened in it.
    Call(Call),
}

/// Which builds made a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Build {
    /// SHA-256 of the component.
    pub(crate) core: String,
    /// Name and version of the shim.
    pub(crate) shim: String,
}

/// One call of an export.
#[derive(Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) export: Export,
    pub(crate) imports: Vec<Import>,
    pub(crate) outcome: Outcome,
}

/// What is called, with everything it is given (`wit/player.wit`).
#[derive(Serialize, Deserialize)]
#[expect(missing_docs, reason = "documented in the contract")]
pub enum Export {
    Start(Box<Launch>),
    Handle { host_us: u64, budget_us: u32, events: Vec<Event> },
    Snapshot,
}

impl std::fmt::Display for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Export::Start(launch) => write!(f, "start for reason {}", launch.reason),
            Export::Handle { host_us, events, .. } => {
                let (seconds, rest) = (host_us / 1_000_000, host_us % 1_000_000);
                write!(f, "handle at {seconds}.{rest:06} s with {} events", events.len())
            }
            Export::Snapshot => f.write_str("snapshot"),
        }
    }
}

/// One import called during a call.
#[derive(Serialize, Deserialize)]
pub(crate) struct Import {
    /// `INTERFACE.FUNCTION`.
    pub(crate) function: String,
    pub(crate) args: Vec<Value>,
    /// In full: a replay gives it back.
    pub(crate) result: Vec<u8>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Returned(Value),
    Trapped,
    /// Ended by the shim, because of its time or on purpose: where exactly is not repeatable.
    Stopped,
}

/// An argument or an answer, encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Value {
    Full(Vec<u8>),
    Long { len: u32, hash: [u8; 8] },
}

impl Value {
    pub(crate) fn of(value: &impl Serialize) -> Value {
        let bytes = encode(value);
        if bytes.len() <= MAX_IN_FULL {
            return Value::Full(bytes);
        }
        let digest = Sha256::digest(&bytes);
        let hash = digest.first_chunk().expect("a digest is longer");
        Value::Long { len: u32::try_from(bytes.len()).unwrap_or(u32::MAX), hash: *hash }
    }

    /// For people.
    pub(crate) fn show<T: DeserializeOwned + std::fmt::Debug>(&self) -> String {
        match self {
            Value::Full(bytes) => match postcard::from_bytes::<T>(bytes) {
                Ok(value) => format!("{value:?}"),
                Err(_) => format!("{bytes:02x?}"),
            },
            Value::Long { len, hash } => format!("{len} bytes, hash {:016x}", u64::from_be_bytes(*hash)),
        }
    }
}

pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).expect("memory can be written")
}
