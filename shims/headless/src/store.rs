//! The store under the virtual clock.

use kinora_port::{Failure, Storage};

/// A store that is on the disk when `apply` returns: time moves on only when nothing is in flight, and the disk keeps time of its own.
pub(crate) struct Settled(pub(crate) Box<dyn Storage>);

impl Storage for Settled {
    fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key)
    }
    fn keys(&self, prefix: &str) -> Vec<String> {
        self.0.keys(prefix)
    }
    fn apply(&mut self, ticket: u64, batch: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Failure> {
        self.0.apply(ticket, batch)?;
        self.0.flush();
        Ok(())
    }
    fn poll(&mut self) -> Vec<(u64, Option<Failure>)> {
        self.0.poll()
    }
    fn flush(&mut self) {
        self.0.flush();
    }
}
