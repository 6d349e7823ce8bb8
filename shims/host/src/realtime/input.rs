use std::sync::{Arc, Mutex, PoisonError};

use kinora_port::{HostUs, InputEvent, InputSource, Key, phase};

use super::Clock;
use crate::inbox::Inbox;

/// What people and the system do, on its way to the core's thread.
pub struct Input {
    clock: Clock,
    events: Mutex<Vec<InputEvent>>,
    inbox: Arc<Inbox>,
}

impl Input {
    pub(super) fn new(clock: Clock, inbox: Arc<Inbox>) -> Self {
        Input { clock, events: Mutex::default(), inbox }
    }

    /// Sends an event from any thread.
    pub fn send(&self, event: InputEvent) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        self.inbox.ring();
    }

    /// Presses and releases a key that has only a meaning.
    pub fn press(&self, meaning: u32, text: String) {
        let key = Key { meaning, text, host_us: self.now(), ..Key::default() };
        self.send(InputEvent::Key(Key { phase: phase::DOWN, ..key.clone() }));
        self.send(InputEvent::Key(Key { phase: phase::UP, text: String::new(), ..key }));
    }

    /// The time of an event that happens now.
    pub fn now(&self) -> HostUs {
        self.clock.now()
    }
}

/// The core's thread's end of [`Input`].
pub(super) struct Arrived(pub(super) Arc<Input>);

impl InputSource for Arrived {
    fn poll(&mut self, _now_us: HostUs) -> Vec<InputEvent> {
        std::mem::take(&mut self.0.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
