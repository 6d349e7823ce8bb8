//! The key-value store on a disk that may fill up, fail or lose power.
//!
//! The whole map, at most 1 MiB, is written at each change to the *older* of two slot files and synced; its header carries a
//! generation and a checksum, and reading takes the newest slot that is whole. A cut at any point can only damage the older slot, the
//! last good copy is always there, and nothing depends on what a rename means on this file system. Discarded: write-and-rename,
//! which needs a third file to have a last good copy; a log, which needs compaction; a database, for a megabyte.

mod image;
mod slots;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kinora_port::{Failure, Next, STORAGE_LIMIT_BYTES, Storage, code};

use slots::Slots;
use writer::Writer;

/// All keys; values are shared with the copy that is being written.
type Map = BTreeMap<String, Arc<[u8]>>;

/// [`Storage`] in a folder. One process at a time writes there; others work from a copy that they cannot keep.
pub struct FileStorage {
    map: Map,
    notice: Option<&'static str>,
    writer: Result<Writer, Failure>,
    /// What was applied without a writer, with the reason.
    refused: Vec<(u64, Option<Failure>)>,
}

impl FileStorage {
    /// Reads what is in `folder`, which is made when missing. Always gives a store: where nothing can be written, every batch is
    /// reported as not durable.
    pub fn open(folder: &Path) -> Self {
        let locked = Slots::lock(folder);
        let (map, notice, slots) = slots::load(folder);
        let writer = locked.and_then(|lock| Writer::start(slots, lock));
        Self { map, notice, writer, refused: Vec::new() }
    }

    /// Whether it can be written: no other process has it, and its disk lets it.
    pub fn is_writable(&self) -> bool {
        self.writer.is_ok()
    }

    /// What a person should know about how the store was found.
    pub fn notice(&self) -> Option<&'static str> {
        self.notice
    }
}

impl Storage for FileStorage {
    fn get(&self, key: &str) -> Option<&[u8]> {
        self.map.get(key).map(AsRef::as_ref)
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let from = self.map.range(prefix.to_owned()..);
        from.map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).cloned().collect()
    }

    fn apply(&mut self, ticket: u64, batch: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Failure> {
        let mut next = self.map.clone();
        for (key, value) in batch {
            match value {
                Some(value) => next.insert(key, value.into()),
                None => next.remove(&key),
            };
        }
        let size: usize = next.iter().map(|(key, value)| key.len() + value.len()).sum();
        if size > STORAGE_LIMIT_BYTES {
            let message = "the player's own storage is full (1 MiB)";
            return Err(Failure::new(Next::TellUser, code::OVER_BUDGET, message));
        }
        self.map = next;
        match &self.writer {
            Ok(writer) => writer.write(ticket, self.map.clone()),
            Err(reason) => self.refused.push((ticket, Some(reason.clone()))),
        }
        Ok(())
    }

    fn poll(&mut self) -> Vec<(u64, Option<Failure>)> {
        let mut done = std::mem::take(&mut self.refused);
        if let Ok(writer) = &self.writer {
            done.extend(writer.take_done());
        }
        done
    }

    fn flush(&mut self) {
        if let Ok(writer) = &self.writer {
            writer.flush();
        }
    }
}
