//! The thread that writes: syncing a disk takes milliseconds to seconds.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use kinora_port::{Failure, Next, code};

use crate::Map;
use crate::slots::{Lock, Slots};

#[derive(Default)]
struct State {
    /// The newest map that waits, for all of `tickets`: what comes while the disk is busy is written at once.
    waiting: Option<Map>,
    tickets: Vec<u64>,
    writing: bool,
    ending: bool,
    done: Vec<(u64, Option<Failure>)>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, condition: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.state(), condition).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes maps to the slots, one at a time.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(slots: Slots, lock: Lock) -> Result<Self, Failure> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("kinora-store".into()).spawn(move || {
            run(&theirs, slots);
            drop(lock);
        });
        let thread =
            thread.map_err(|error| Failure::new(Next::Stop, code::UNSPECIFIED, error.to_string()))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn write(&self, ticket: u64, map: Map) {
        let mut state = self.shared.state();
        state.waiting = Some(map);
        state.tickets.push(ticket);
        self.shared.changed.notify_all();
    }

    pub(crate) fn take_done(&self) -> Vec<(u64, Option<Failure>)> {
        std::mem::take(&mut self.shared.state().done)
    }

    pub(crate) fn flush(&self) {
        drop(self.shared.wait_while(|state| state.waiting.is_some() || state.writing));
    }
}

fn run(shared: &Shared, mut slots: Slots) {
    loop {
        let mut state = shared.wait_while(|state| state.waiting.is_none() && !state.ending);
        let Some(map) = state.waiting.take() else { return };
        let tickets = std::mem::take(&mut state.tickets);
        state.writing = true;
        drop(state);
        let failure = slots.write(&map).err();
        let mut state = shared.state();
        state.writing = false;
        state.done.extend(tickets.into_iter().map(|ticket| (ticket, failure.clone())));
        shared.changed.notify_all();
    }
}

impl Drop for Writer {
    /// What waits is still written.
    fn drop(&mut self) {
        self.shared.state().ending = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
