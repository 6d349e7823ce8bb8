//! Writing traces and reading them back: a magic number, then zstd frames of length-prefixed entries.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use super::recent::Recent;
use super::{Build, Call, Entry, Export, MAGIC, Outcome, Tap, Value, encode};
use crate::engine::Core;
use crate::instance::{Fault, Instance};

/// Longest entry that is read: the events of a call are bounded, and far shorter.
const MAX_ENTRY: usize = 64 << 20;
/// What was recorded longer ago than this is in the file even if the process is killed.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Fast, and close to the best for entries that are media and short numbers.
const LEVEL: i32 = 1;

/// Why a trace cannot be written or read.
#[derive(Debug)]
pub enum TraceError {
    /// The file cannot be used.
    File(io::Error),
    /// It is no trace, of another version, or damaged; in words.
    Malformed(&'static str),
}

impl std::fmt::Display for TraceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TraceError::File(e) => write!(f, "{e}"),
            TraceError::Malformed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for TraceError {}

/// Records everything a core is told and answers. Compressing, telling and writing happen on a thread of its own.
pub struct Recorder {
    shim: String,
    entries: Option<Sender<Entry>>,
    writer: Option<JoinHandle<io::Result<()>>>,
}

impl Recorder {
    /// Records into a new trace, into the text of the last minutes that a folder keeps, or both; `None` where there is neither, or the
    /// folder can keep nothing. `shim` names the shim and its version.
    pub fn create(
        trace: Option<&Path>,
        recent: Option<&Path>,
        shim: &str,
    ) -> Result<Option<Self>, TraceError> {
        let trace = trace.map(Trace::create).transpose().map_err(TraceError::File)?;
        let recent = recent.and_then(|folder| Recent::open(folder).ok());
        if trace.is_none() && recent.is_none() {
            return Ok(None);
        }
        let (entries, todo) = mpsc::channel();
        let write = move || write(&todo, trace, recent);
        let writer =
            std::thread::Builder::new().name("trace".into()).spawn(write).map_err(TraceError::File)?;
        Ok(Some(Recorder { shim: shim.to_owned(), entries: Some(entries), writer: Some(writer) }))
    }

    /// A new instance, whose import calls are to be recorded from now on.
    pub(crate) fn instance(&self, core: &Core, instance: &mut Instance) -> Entry {
        instance.set_tap(Tap::Recording(Vec::new()));
        Entry::Instance(Build { core: core.sha256.clone(), shim: self.shim.clone() })
    }

    /// A call that has ended.
    pub(crate) fn call<R: Serialize>(
        &self,
        instance: &mut Instance,
        export: Export,
        result: &Result<R, Fault>,
    ) -> Entry {
        let imports = match instance.set_tap(Tap::Recording(Vec::new())) {
            Tap::Recording(imports) => imports,
            Tap::Live | Tap::Replaying(_) => Vec::new(),
        };
        let outcome = match result {
            Ok(answer) => Outcome::Returned(Value::of(answer)),
            Err(Fault::Trap(_) | Fault::Refused(_)) => Outcome::Trapped,
            Err(Fault::Overlong(_) | Fault::Killed | Fault::Unfit(_)) => Outcome::Stopped,
        };
        Entry::Call(Call { export, imports, outcome })
    }

    /// Writes an entry down, after those before it.
    pub(crate) fn add(&self, entry: Entry) {
        if let Some(entries) = &self.entries {
            // A disk that is full ends the trace, not the film.
            let _ = entries.send(entry);
        }
    }

    /// Writes what is left; the error is why the trace is not whole.
    pub fn finish(mut self) -> Result<(), TraceError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), TraceError> {
        self.entries = None;
        let Some(writer) = self.writer.take() else { return Ok(()) };
        writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer failed"))).map_err(TraceError::File)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Whoever wants to know calls `finish`.
        let _ = self.join();
    }
}

/// A trace that is being written.
struct Trace(zstd::Encoder<'static, File>);

impl Trace {
    fn create(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        file.write_all(&MAGIC)?;
        zstd::Encoder::new(file, LEVEL).map(Trace)
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let bytes = encode(entry);
        let len = u32::try_from(bytes.len()).map_err(|_| io::Error::other("an entry too long"))?;
        self.0.write_all(&len.to_le_bytes())?;
        self.0.write_all(&bytes)
    }
}

fn write(todo: &Receiver<Entry>, mut trace: Option<Trace>, mut recent: Option<Recent>) -> io::Result<()> {
    let mut dirty = false;
    loop {
        match todo.recv_timeout(if dirty { FLUSH_EVERY } else { Duration::MAX }) {
            Ok(entry) => {
                trace.as_mut().map_or(Ok(()), |trace| trace.write(&entry))?;
                // A disk that is full costs the text and nothing else.
                recent = recent.and_then(|mut recent| recent.write(&entry).ok().map(|()| recent));
                dirty = true;
            }
            Err(RecvTimeoutError::Timeout) => {
                trace.as_mut().map_or(Ok(()), |trace| trace.0.flush())?;
                recent = recent.and_then(|mut recent| recent.flush().ok().map(|()| recent));
                dirty = false;
            }
            Err(RecvTimeoutError::Disconnected) => {
                return trace.map_or(Ok(()), |trace| trace.0.finish()?.sync_all());
            }
        }
    }
}

/// The entries of a trace, one by one. A trace whose end is missing (the process was killed) ends with the last whole entry.
pub(crate) struct Entries(zstd::Decoder<'static, BufReader<File>>);

impl Entries {
    pub(crate) fn open(path: &Path) -> Result<Self, TraceError> {
        let mut file = File::open(path).map_err(TraceError::File)?;
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic).map_err(|_| TraceError::Malformed("it is no trace"))?;
        if magic[..7] != MAGIC[..7] {
            return Err(TraceError::Malformed("it is no trace"));
        }
        if magic != MAGIC {
            return Err(TraceError::Malformed("it is a trace of another version"));
        }
        zstd::Decoder::new(file).map(Entries).map_err(TraceError::File)
    }

    pub(crate) fn next(&mut self) -> Result<Option<Entry>, TraceError> {
        let mut len = [0; 4];
        if self.0.read_exact(&mut len).is_err() {
            return Ok(None);
        }
        let len = u32::from_le_bytes(len) as usize;
        if len > MAX_ENTRY {
            return Err(TraceError::Malformed("an entry is longer than any"));
        }
        let mut entry = Vec::new();
        // Grows with what is there, whatever the length says.
        match (&mut self.0).take(len as u64).read_to_end(&mut entry) {
            Ok(read) if read == len => {}
            _ => return Ok(None),
        }
        postcard::from_bytes(&entry).map(Some).map_err(|_| TraceError::Malformed("an entry is damaged"))
    }
}
