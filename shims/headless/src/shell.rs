//! What this shim says it is, and the window or box it plays.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use kinora_host::Device;
use kinora_port::{Failure, InputEvent, Shell};

/// The kind of device whose interface the core is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A window, a pointer, a keyboard.
    Desktop,
    /// A screen across the room, a remote.
    Tv,
}

impl Kind {
    /// Facts for the core, with those of the fonts.
    pub(crate) fn device(self, fonts: impl IntoIterator<Item = (String, String)>) -> Device {
        let (class, pointer) = match self {
            Kind::Desktop => ("desktop", "yes"),
            Kind::Tv => ("tv", "no"),
        };
        let facts = [("class", class), ("pointer", pointer), ("locale", "en")];
        let facts = facts.map(|(k, v)| (k.to_owned(), v.to_owned()));
        Device { facts: facts.into_iter().chain(fonts).collect() }
    }
}

/// Events that the shell causes, on their way to the input source.
pub(crate) type Caused = Arc<Mutex<VecDeque<InputEvent>>>;

/// A window of which nobody sees the frame, or a box.
pub(crate) struct HeadlessShell {
    pub(crate) kind: Kind,
    /// As last reported.
    pub(crate) surface: InputEvent,
    pub(crate) caused: Caused,
}

impl Shell for HeadlessShell {
    fn has(&self, ability: &str) -> bool {
        match ability {
            "exit" => true,
            "fullscreen" | "cursor" | "title" => self.kind == Kind::Desktop,
            _ => false,
        }
    }

    fn set_fullscreen(&mut self, on: bool) -> Result<(), Failure> {
        let InputEvent::Surface { fullscreen, .. } = &mut self.surface else {
            return Err(Failure::unsupported("full screen"));
        };
        if self.kind != Kind::Desktop {
            return Err(Failure::unsupported("full screen"));
        }
        // The window already has the size of the screen.
        *fullscreen = on;
        self.caused.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.surface.clone());
        Ok(())
    }

    fn set_cursor(&mut self, _visible: bool) -> Result<(), Failure> {
        self.window("a pointer")
    }

    fn set_title(&mut self, _title: &str) -> Result<(), Failure> {
        self.window("a title")
    }
}

impl HeadlessShell {
    fn window(&self, what: &str) -> Result<(), Failure> {
        if self.kind == Kind::Desktop { Ok(()) } else { Err(Failure::unsupported(what)) }
    }
}
