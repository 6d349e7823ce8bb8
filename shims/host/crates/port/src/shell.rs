use crate::Failure;

/// What system media controls show (`wit/shell.wit`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NowPlaying {
    /// 0 nothing, 1 paused, 2 playing.
    pub kind: u32,
    /// Title of the item.
    pub title: String,
    /// Performer, may be empty.
    pub artist: String,
    /// Length, microseconds.
    pub duration_us: Option<i64>,
    /// Position at the time of the call, microseconds.
    pub position_us: i64,
    /// Rate at which it moves.
    pub rate_permille: i32,
    /// Whether there is a next item.
    pub can_next: bool,
    /// Whether there is a previous item.
    pub can_previous: bool,
}

/// A build of the core that is installed (`wit/shell.wit`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Build {
    /// Its SHA-256 in hexadecimal; empty: the one that came with the shim.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// It is the one that was chosen.
    pub chosen: bool,
}

/// The window or box around the player. Called on the core's thread; returns at once (post to the window's own thread). Every ability is
/// optional: the default answers `unsupported`, and [`Shell::has`] says so beforehand.
pub trait Shell: Send {
    /// Whether `fullscreen`, `pick-file`, `exit`, `cursor`, `title`, `awake`, `now-playing` or `builds` is offered.
    fn has(&self, _ability: &str) -> bool {
        false
    }
    /// Enters or leaves full screen; the new surface is reported by the input source.
    fn set_fullscreen(&mut self, _on: bool) -> Result<(), Failure> {
        Err(Failure::unsupported("full screen"))
    }
    /// Opens the file chooser; the choice comes as [`InputEvent::Open`](crate::InputEvent::Open).
    fn pick_file(&mut self) -> Result<(), Failure> {
        Err(Failure::unsupported("choosing a file"))
    }
    /// Sets the title.
    fn set_title(&mut self, _title: &str) -> Result<(), Failure> {
        Err(Failure::unsupported("a title"))
    }
    /// Shows or hides the pointer.
    fn set_cursor(&mut self, _visible: bool) -> Result<(), Failure> {
        Err(Failure::unsupported("a pointer"))
    }
    /// Keeps display and system awake.
    fn set_awake(&mut self, _on: bool) -> Result<(), Failure> {
        Err(Failure::unsupported("keeping the display awake"))
    }
    /// Tells system media controls.
    fn set_now_playing(&mut self, _now: &NowPlaying) -> Result<(), Failure> {
        Err(Failure::unsupported("system media controls"))
    }
    /// The builds of the core to choose from.
    fn builds(&self) -> Vec<Build> {
        Vec::new()
    }
    /// Chooses the build to run.
    fn choose_build(&mut self, _id: &str) -> Result<(), Failure> {
        Err(Failure::unsupported("choosing a build"))
    }
    /// Ends the process with this status.
    fn exit(&mut self, _status: u32) {}
}

/// A shell without abilities.
#[derive(Debug, Default, Clone, Copy)]
pub struct NullShell;

impl Shell for NullShell {}
