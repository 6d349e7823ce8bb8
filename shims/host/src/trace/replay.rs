//! Going through a trace again.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use wasmtime::Engine;

use super::record::Entries;
use super::tap::{Expected, Tap};
use super::text::Teller;
use super::{Call, Entry, Export, Outcome, TraceError, Value};
use crate::engine::Core;
use crate::instance::{Fault, Instance, Limits, Ticker};

/// What a replay went through without a difference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Calls of exports.
    pub calls: u64,
    /// Calls of imports within them.
    pub imports: u64,
    /// Instances.
    pub instances: u64,
    /// SHA-256 of the components that the trace was made with, in the order of their first calls.
    pub recorded_cores: Vec<String>,
}

/// Why a replay ended before the end.
#[derive(Debug)]
pub enum Difference {
    /// The trace cannot be read.
    Trace(TraceError),
    /// The core cannot be started.
    Core(Fault),
    /// The first call that was not as recorded: which, what was expected, what came.
    Call(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Difference::Trace(error) => write!(f, "the trace cannot be read: {error}"),
            Difference::Core(fault) => write!(f, "{fault}"),
            Difference::Call(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Difference {}

/// Makes the calls of a trace again and compares what the core calls and answers, byte for byte. Each instance is of the build it was
/// recorded with if that is among `cores`, else of the first of them.
pub fn replay(engine: &Engine, cores: &[Core], trace: &Path) -> Result<Replayed, Difference> {
    let mut entries = Entries::open(trace).map_err(Difference::Trace)?;
    let ticker = Ticker::start(engine);
    let mut replayed = Replayed::default();
    let mut instance = None;
    while let Some(entry) = entries.next().map_err(Difference::Trace)? {
        match entry {
            Entry::Instance(build) => {
                replayed.instances += 1;
                let recorded = cores.iter().find(|core| core.sha256 == build.core);
                let core =
                    recorded.or(cores.first()).ok_or_else(|| Difference::Call("there is no core".into()))?;
                if !replayed.recorded_cores.contains(&build.core) {
                    replayed.recorded_cores.push(build.core);
                }
                let new = Instance::new(engine, core, Limits::VIRTUAL, Arc::clone(&ticker));
                instance = Some(new.map_err(Difference::Core)?);
            }
            Entry::Call(call) => {
                let missing = || Difference::Trace(TraceError::Malformed("a call without an instance"));
                let number = replayed.calls + 1;
                let imports = call.imports.len() as u64;
                if again(instance.as_mut().ok_or_else(missing)?, call, number)? {
                    replayed.imports += imports;
                } else {
                    instance = None;
                }
                replayed.calls = number;
            }
        }
    }
    Ok(replayed)
}

/// Writes a trace as text: each call, and indented the events it was told and the imports it called.
pub fn list(trace: &Path, out: &mut dyn Write) -> Result<(), TraceError> {
    let mut entries = Entries::open(trace)?;
    let mut teller = Teller::new(|words| words);
    while let Some(entry) = entries.next()? {
        out.write_all(teller.tell(&entry).as_bytes()).map_err(TraceError::File)?;
    }
    Ok(())
}

/// Makes one call again. Returns whether the instance lives on.
fn again(instance: &mut Instance, call: Call, number: u64) -> Result<bool, Difference> {
    if call.outcome == Outcome::Stopped {
        return Ok(false);
    }
    let what = call.export.to_string();
    instance.set_tap(Tap::Replaying(Expected { imports: call.imports.into(), ..Expected::default() }));
    let answer = match &call.export {
        Export::Start(launch) => instance.start(None, launch).1.map(|answer| Value::of(&answer)),
        Export::Handle { host_us, budget_us, events } => {
            instance.handle(None, *host_us, *budget_us, events).1.map(|answer| Value::of(&answer))
        }
        Export::Snapshot => instance.snapshot(None).1.map(|bytes| Value::of(&bytes)),
    };
    let Tap::Replaying(expected) = instance.set_tap(Tap::Live) else {
        unreachable!("a call leaves the tap as it is")
    };
    let differs = |how: String| Err(Difference::Call(format!("call {number}, {what}: {how}")));
    if let Some(difference) = expected.difference {
        return differs(difference);
    }
    if !expected.imports.is_empty() && answer.is_ok() {
        let next = &expected.imports[0].function;
        return differs(format!("it returned where the trace calls {next}"));
    }
    match (call.outcome, answer) {
        (Outcome::Returned(wanted), Ok(got)) if wanted == got => Ok(true),
        (Outcome::Returned(wanted), Ok(got)) => {
            differs(format!("another answer\n  expected {wanted:02x?}\n  got      {got:02x?}"))
        }
        (Outcome::Returned(_), Err(fault)) => differs(fault.to_string()),
        (Outcome::Trapped, Ok(_)) => differs("it returned, and trapped when it was recorded".into()),
        (Outcome::Trapped, Err(_)) => Ok(false),
        (Outcome::Stopped, _) => Ok(false),
    }
}
