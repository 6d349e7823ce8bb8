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
