use kinora_time::MediaUs;

/// What a person asked for; the glue passes it to the engine or the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Plays when paused, pauses when playing, starts over when ended.
    TogglePlay,
    /// Plays.
    Play,
    /// Pauses.
    Pause,
    /// Pauses and goes back to the beginning.
    Stop,
    /// Goes to a position.
    SeekTo {
        /// Target.
        us: MediaUs,
        /// That frame, else the key frame before it.
        exact: bool,
    },
    /// Moves from the position, or from the target of a seek that has not landed.
    SeekBy {
        /// Distance.
        us: MediaUs,
        /// That frame, else the key frame before it.
        exact: bool,
    },
    /// Plays what is live.
    GoLive,
    /// Pauses and moves by whole frames.
    StepFrames(i32),
    /// Sets the speed.
    SetRate(i32),
    /// Sets the volume, 0 to 1000, and ends muting.
    SetVolume(u32),
    /// Mutes or ends muting.
    ToggleMute,
    /// Chooses an audio track.
    SelectAudio(u64),
    /// Chooses a caption track, or none.
    SelectCaptions(Option<u64>),
    /// Next caption track, then none.
    CycleCaptions,
    /// Next audio track.
    CycleAudio,
    /// Next item of the queue.
    Next,
    /// Previous item of the queue.
    Previous,
    /// Starts over at the end, or no longer.
    ToggleLoop,
    /// Enters or leaves full screen.
    SetFullscreen(bool),
    /// Shows the file chooser.
    OpenFile,
    /// Tries the failed item again.
    Retry,
    /// Leaves the failed item for the next.
    Skip,
    /// Finds out which builds of the core there are.
    AskBuilds,
    /// Lets one of them run.
    ChooseBuild(usize),
    /// Ends the program.
    Quit,
}

/// Something a person did. Fields are those of the contract's `key` and `pointer` records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// A key, button of a remote, or gamepad button.
    Key(Key<'a>),
    /// Mouse, touch or pen.
    Pointer(Pointer),
}

/// A key event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// USB HID usage of the keyboard page; gamepad buttons from 0x10000; 0 unknown.
    pub code: u32,
    /// What the platform says it means.
    pub meaning: u32,
    /// 1 down, 2 repeat, 3 up.
    pub phase: u32,
    /// 1 shift, 2 control, 4 alt, 8 super.
    pub modifiers: u32,
    /// What it types.
    pub text: &'a str,
}

/// A pointer event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pointer {
    /// 1 down, 2 move, 3 up, 4 leave, 5 wheel, 6 cancel.
    pub phase: u32,
    /// Hit id of the topmost node under it.
    pub node: u64,
    /// From the left of the surface.
    pub x_milli_px: i32,
    /// From the top of the surface.
    pub y_milli_px: i32,
    /// Wheel, 120 000 a notch, positive is right.
    pub delta_x: i32,
    /// Wheel, 120 000 a notch, positive is down.
    pub delta_y: i32,
    /// Held after the event: 1 primary, 2 secondary, 4 middle, 8 back, 16 forward.
    pub buttons: u32,
    /// 2 on the second press of a double click.
    pub clicks: u32,
}
