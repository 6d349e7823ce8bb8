//! Where other threads leave word for the core's thread.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use kinora_port::{NetChange, NetEvents};

/// Queue of network changes and the bell that wakes the core's thread.
#[derive(Default)]
pub struct Inbox {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Default)]
struct State {
    net: Vec<(u64, NetChange)>,
    rung: bool,
}

impl Inbox {
    /// An empty inbox.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Where a net reports.
    pub fn net_events(self: &Arc<Self>) -> NetEvents {
        let inbox = Arc::clone(self);
        Arc::new(move |ticket, change| {
            inbox.lock().net.push((ticket, change));
            inbox.ring();
        })
    }

    /// Wakes the core's thread: input came, a decoder wants data, a batch became durable.
    pub fn ring(&self) {
        self.lock().rung = true;
        self.rung.notify_all();
    }

    /// Sleeps until rung, or for at most `limit`.
    pub fn wait(&self, limit: Duration) {
        let (mut state, _) = self
            .rung
            .wait_timeout_while(self.lock(), limit, |state| !state.rung)
            .unwrap_or_else(PoisonError::into_inner);
        state.rung = false;
    }

    pub(crate) fn take(&self) -> Vec<(u64, NetChange)> {
        std::mem::take(&mut self.lock().net)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
