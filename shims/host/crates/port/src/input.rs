use crate::HostUs;

/// A key or button (`wit/player.wit` gives the code spaces).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Key {
    /// USB HID usage, or 0x10000 + W3C gamepad button.
    pub code: u32,
    /// Meaning where the platform knows it.
    pub meaning: u32,
    /// 1 down, 2 repeat, 3 up.
    pub phase: u32,
    /// 1 shift, 2 control, 4 alt, 8 super.
    pub modifiers: u32,
    /// What it types.
    pub text: String,
    /// When.
    pub host_us: HostUs,
}

/// Phases of keys (`wit/player.wit`).
#[expect(missing_docs, reason = "documented in the contract")]
pub mod phase {
    pub const DOWN: u32 = 1;
    pub const REPEAT: u32 = 2;
    pub const UP: u32 = 3;
}

/// Meanings of keys (`wit/player.wit`).
#[expect(missing_docs, reason = "documented in the contract")]
pub mod meaning {
    pub const UP: u32 = 1;
    pub const DOWN: u32 = 2;
    pub const LEFT: u32 = 3;
    pub const RIGHT: u32 = 4;
    pub const OK: u32 = 5;
    pub const BACK: u32 = 6;
    pub const HOME: u32 = 7;
    pub const MENU: u32 = 8;
    pub const PLAY_PAUSE: u32 = 9;
    pub const PLAY: u32 = 10;
    pub const PAUSE: u32 = 11;
    pub const STOP: u32 = 12;
    pub const NEXT: u32 = 13;
    pub const PREVIOUS: u32 = 14;
    pub const FAST_FORWARD: u32 = 15;
    pub const REWIND: u32 = 16;
    pub const VOLUME_UP: u32 = 17;
    pub const VOLUME_DOWN: u32 = 18;
    pub const MUTE: u32 = 19;
    pub const CAPTIONS: u32 = 20;
    pub const INFO: u32 = 21;
    pub const SEEK_TO: u32 = 22;

    /// Their names, from 1 on.
    #[rustfmt::skip]
    const NAMES: [&str; 22] = [
        "up", "down", "left", "right", "ok", "back", "home", "menu", "play-pause", "play", "pause", "stop", "next",
        "previous", "fast-forward", "rewind", "volume-up", "volume-down", "mute", "captions", "info", "seek-to",
    ];

    /// The meaning of a name, as the contract's documentation spells it.
    pub fn named(name: &str) -> Option<u32> {
        NAMES.iter().zip(1..).find(|(known, _)| **known == name).map(|(_, meaning)| meaning)
    }
}

/// A pointer event (`wit/player.wit`), without the hit node, which the host finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pointer {
    /// 1 down, 2 move, 3 up, 4 leave, 5 wheel, 6 cancel.
    pub phase: u32,
    /// Which pointer.
    pub device: u32,
    /// Thousandths of a physical pixel from the left.
    pub x_milli_px: i32,
    /// Thousandths of a physical pixel from the top.
    pub y_milli_px: i32,
    /// Wheel, 120 000 a notch, right.
    pub delta_x: i32,
    /// Wheel, 120 000 a notch, down.
    pub delta_y: i32,
    /// Held buttons.
    pub buttons: u32,
    /// 2 on the second press of a double click.
    pub clicks: u32,
    /// Modifiers.
    pub modifiers: u32,
    /// When.
    pub host_us: HostUs,
}

/// What people and the platform do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputEvent {
    /// A key or button.
    Key(Key),
    /// The pointer.
    Pointer(Pointer),
    /// The surface changed: width, height, scale, refresh in mHz (0 unknown), full screen.
    #[expect(missing_docs, reason = "named as in wit/display.wit")]
    Surface { width_px: u32, height_px: u32, scale_permille: u32, refresh_mhz: u32, fullscreen: bool },
    /// Things to play, by path or URL; appended to the queue or replacing it.
    #[expect(missing_docs, reason = "said above")]
    Open { sources: Vec<String>, append: bool },
    /// 1 focused, 2 blurred, 3 concealed, 4 frozen, 5 low memory, 6 stop.
    Lifecycle(u32),
}

/// Where input comes from. Owned by the core's thread.
pub trait InputSource: Send {
    /// Everything that happened until `now_us`, in order. Never blocks.
    fn poll(&mut self, now_us: HostUs) -> Vec<InputEvent>;
    /// When the next event is known to happen (scripts); live sources wake the host instead and say `None`.
    fn next_us(&self) -> Option<HostUs> {
        None
    }
}

/// Nobody is there.
#[derive(Debug, Default, Clone, Copy)]
pub struct NullInput;

impl InputSource for NullInput {
    fn poll(&mut self, _now_us: HostUs) -> Vec<InputEvent> {
        Vec::new()
    }
}
