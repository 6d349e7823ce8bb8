//! What the core may ask of the window and the desktop around it.

use std::sync::Arc;

use kinora_host::realtime::{Input, spawn};
use kinora_port::{Build, Failure, InputEvent, NowPlaying, Shell};
use winit::event_loop::EventLoopProxy;

use crate::app::Ask;
use crate::bus::Bus;

/// [`Shell`] by messages to the window's thread and the session bus.
pub(crate) struct DesktopShell {
    window: EventLoopProxy<Ask>,
    input: Arc<Input>,
    bus: Option<Bus>,
    picker: bool,
    /// Whether the core that is chosen on this system is the one that runs.
    follows: bool,
}

impl DesktopShell {
    pub(crate) fn new(window: EventLoopProxy<Ask>, input: Arc<Input>, follows: bool) -> Self {
        let bus = Bus::start(window.clone(), Arc::clone(&input));
        let picker = bus.is_some() || has_program("zenity");
        DesktopShell { window, input, bus, picker, follows }
    }

    fn ask(&self, ask: Ask) -> Result<(), Failure> {
        // A window that is gone takes no more wishes, and none matter.
        let _ = self.window.send_event(ask);
        Ok(())
    }

    fn bus(&self, what: &str) -> Result<&Bus, Failure> {
        self.bus.as_ref().ok_or_else(|| Failure::unsupported(what))
    }
}

impl Shell for DesktopShell {
    fn has(&self, ability: &str) -> bool {
        match ability {
            "fullscreen" | "title" | "cursor" | "exit" => true,
            "pick-file" => self.picker,
            "awake" | "now-playing" => self.bus.is_some(),
            "builds" => self.follows,
            _ => false,
        }
    }

    fn set_fullscreen(&mut self, on: bool) -> Result<(), Failure> {
        self.ask(Ask::Fullscreen(on))
    }

    fn pick_file(&mut self) -> Result<(), Failure> {
        if !self.picker {
            return Err(Failure::unsupported("choosing a file"));
        }
        let input = Arc::clone(&self.input);
        // The desktop portal's chooser, or zenity; both outlast any call.
        let run = move || {
            if let Some(paths) = rfd::FileDialog::new().set_title("Open").pick_files() {
                let sources = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
                input.send(InputEvent::Open { sources, append: false });
            }
        };
        spawn("chooser", run)
            .map_err(|e| Failure::new(kinora_port::Next::Retry, kinora_port::code::UNSPECIFIED, e))
    }

    fn set_title(&mut self, title: &str) -> Result<(), Failure> {
        self.ask(Ask::Title(title.to_owned()))
    }

    fn set_cursor(&mut self, visible: bool) -> Result<(), Failure> {
        self.ask(Ask::Cursor(visible))
    }

    fn builds(&self) -> Vec<Build> {
        if self.follows { kinora_host::builds() } else { Vec::new() }
    }

    fn choose_build(&mut self, id: &str) -> Result<(), Failure> {
        if !self.follows {
            return Err(Failure::unsupported("choosing a build"));
        }
        kinora_host::choose_build(id);
        Ok(())
    }

    fn set_awake(&mut self, on: bool) -> Result<(), Failure> {
        self.bus("keeping the display awake").map(|bus| bus.set_awake(on))
    }

    fn set_now_playing(&mut self, now: &NowPlaying) -> Result<(), Failure> {
        self.bus("system media controls").map(|bus| bus.set_now_playing(now.clone()))
    }
}

/// Whether a program is in the search path.
pub(crate) fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
