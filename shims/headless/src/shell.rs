//! What this shim says it is, and the window or box it plays.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use kinora_host::Device;
use kinora_port::{Build, Failure, HostUs, InputEvent, Next, NowPlaying, Shell, code};
use serde_json::{Value, json};

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

/// Builds of these titles, the first the shim's own and chosen.
pub(crate) fn builds(titles: &[String]) -> Vec<Build> {
    let id = |n: usize| if n == 0 { String::new() } else { format!("{n:064x}") };
    let build = |(n, title): (usize, &String)| Build { id: id(n), title: title.clone(), chosen: n == 0 };
    titles.iter().enumerate().map(build).collect()
}

/// Events that the shell causes, on their way to the input source.
pub(crate) type Caused = Arc<Mutex<VecDeque<InputEvent>>>;

/// What the window or box was told, in order: `{"at_us": N, "title": "..."}`.
pub(crate) type Told = Arc<Mutex<Vec<Value>>>;

/// A window of which nobody sees the frame, or a box.
pub(crate) struct HeadlessShell {
    pub(crate) kind: Kind,
    /// As last reported.
    pub(crate) surface: InputEvent,
    pub(crate) caused: Caused,
    pub(crate) told: Told,
    /// What the person chooses who is asked for a file.
    pub(crate) pick: Option<PathBuf>,
    /// What the person may choose from; nothing comes of the choice but its mark.
    pub(crate) builds: Vec<Build>,
    pub(crate) now: Box<dyn Fn() -> HostUs + Send>,
}

impl Shell for HeadlessShell {
    fn has(&self, ability: &str) -> bool {
        match ability {
            "exit" => true,
            "pick-file" => self.pick.is_some(),
            "builds" => !self.builds.is_empty(),
            "fullscreen" | "cursor" | "title" | "awake" | "now-playing" => self.kind == Kind::Desktop,
            _ => false,
        }
    }

    fn set_fullscreen(&mut self, on: bool) -> Result<(), Failure> {
        self.window("fullscreen", on.into())?;
        // The window already has the size of the screen.
        if let InputEvent::Surface { fullscreen, .. } = &mut self.surface {
            *fullscreen = on;
        }
        self.cause(self.surface.clone());
        Ok(())
    }

    fn pick_file(&mut self) -> Result<(), Failure> {
        let pick = self.pick.as_ref().ok_or_else(|| Failure::unsupported("choosing a file"))?;
        self.cause(InputEvent::Open { sources: vec![pick.to_string_lossy().into_owned()], append: false });
        Ok(())
    }

    fn set_cursor(&mut self, visible: bool) -> Result<(), Failure> {
        self.window("cursor", visible.into())
    }

    fn set_title(&mut self, title: &str) -> Result<(), Failure> {
        self.window("title", title.into())
    }

    fn set_awake(&mut self, on: bool) -> Result<(), Failure> {
        self.window("awake", on.into())
    }

    fn set_now_playing(&mut self, now: &NowPlaying) -> Result<(), Failure> {
        let shown = json!({ "kind": now.kind, "title": now.title, "position_us": now.position_us });
        self.window("now-playing", shown)
    }

    fn builds(&self) -> Vec<Build> {
        self.builds.clone()
    }

    fn choose_build(&mut self, id: &str) -> Result<(), Failure> {
        if !self.builds.iter().any(|build| build.id == id) {
            return Err(Failure::new(Next::Gone, code::NOT_FOUND, format!("there is no build `{id}`")));
        }
        self.builds.iter_mut().for_each(|build| build.chosen = build.id == id);
        Ok(())
    }
}

impl HeadlessShell {
    fn window(&self, what: &str, value: Value) -> Result<(), Failure> {
        if !self.has(what) {
            return Err(Failure::unsupported(what));
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(json!({ "at_us": (self.now)(), what: value }));
        Ok(())
    }

    fn cause(&self, event: InputEvent) {
        self.caused.lock().unwrap_or_else(PoisonError::into_inner).push_back(event);
    }
}
