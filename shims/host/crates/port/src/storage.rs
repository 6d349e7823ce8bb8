use std::collections::BTreeMap;

use crate::{Failure, Next, code};

/// Most bytes of keys and values together.
pub const STORAGE_LIMIT_BYTES: usize = 1 << 20;

/// A small durable key-value store (`wit/storage.wit`), whole in memory. Owned by one thread.
pub trait Storage: Send {
    /// The value as of the last batch.
    fn get(&self, key: &str) -> Option<&[u8]>;
    /// Keys with a prefix, in byte order.
    fn keys(&self, prefix: &str) -> Vec<String>;
    /// Applies a batch at once in memory and durably in the background; `ticket` is reported by `poll` when it is durable.
    fn apply(&mut self, ticket: u64, batch: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Failure>;
    /// Batches that became durable, or failed to, since the last call.
    fn poll(&mut self) -> Vec<(u64, Option<Failure>)>;
    /// Waits until everything applied is durable; at exit.
    fn flush(&mut self);
}

/// Keeps nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct NullStorage;

impl Storage for NullStorage {
    fn get(&self, _: &str) -> Option<&[u8]> {
        None
    }
    fn keys(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn apply(&mut self, _: u64, _: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Failure> {
        Err(Failure::unsupported("keeping anything"))
    }
    fn poll(&mut self) -> Vec<(u64, Option<Failure>)> {
        Vec::new()
    }
    fn flush(&mut self) {}
}

/// Keeps everything for the life of the process only.
#[derive(Debug, Default, Clone)]
pub struct MemoryStorage {
    map: BTreeMap<String, Vec<u8>>,
    done: Vec<(u64, Option<Failure>)>,
}

impl Storage for MemoryStorage {
    fn get(&self, key: &str) -> Option<&[u8]> {
        self.map.get(key).map(Vec::as_slice)
    }
    fn keys(&self, prefix: &str) -> Vec<String> {
        self.map.keys().filter(|k| k.starts_with(prefix)).cloned().collect()
    }
    fn apply(&mut self, ticket: u64, batch: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Failure> {
        let mut next = self.map.clone();
        for (key, value) in batch {
            match value {
                Some(value) => next.insert(key, value),
                None => next.remove(&key),
            };
        }
        let size: usize = next.iter().map(|(k, v)| k.len() + v.len()).sum();
        if size > STORAGE_LIMIT_BYTES {
            let message = "storage is full (1 MiB)";
            return Err(Failure::new(Next::TellUser, code::OVER_BUDGET, message));
        }
        self.map = next;
        self.done.push((ticket, None));
        Ok(())
    }
    fn poll(&mut self) -> Vec<(u64, Option<Failure>)> {
        std::mem::take(&mut self.done)
    }
    fn flush(&mut self) {}
}
