//! Colours, sizes and durations. Sizes are design pixels: physical pixels of a 1920x1080 surface.

use kinora_display_list::Color;

pub(crate) const SURFACE: Color = 0x0B0D_10FF;
/// Cards over video: almost opaque, so that text on them keeps its contrast over any film.
pub(crate) const CARD: Color = 0x1518_1DF2;
pub(crate) const RAISED: Color = 0x1E23_2AFF;
pub(crate) const HAIRLINE: Color = 0xFFFF_FF14;
pub(crate) const TEXT: Color = 0xFFFF_FFEB;
pub(crate) const TEXT_SECONDARY: Color = 0xFFFF_FFA3;
pub(crate) const TEXT_DISABLED: Color = 0xFFFF_FF61;
pub(crate) const ACCENT: Color = 0xFFB4_54FF;
pub(crate) const ERROR: Color = 0xFF6B_5EFF;
/// Behind what is focused: lighter than the scrim, so that it stands out at three metres.
pub(crate) const FOCUSED: Color = 0x3A42_4CF2;
/// Under the pointer.
pub(crate) const HOVER: Color = 0xFFFF_FF1F;
pub(crate) const TRACK: Color = 0xFFFF_FF38;
/// What is buffered lies over the track at 30 %.
pub(crate) const BUFFERED: Color = 0xFFFF_FF4D;
/// Disc under the spinner.
pub(crate) const DISC: Color = 0x0B0D_10A6;
pub(crate) const SHADOW: Color = 0x0000_0080;
/// White text on this over a white film is 8.6 : 1.
pub(crate) const CAPTION_BOX: Color = 0x0000_00B3;
pub(crate) const CAPTION_TEXT: Color = 0xFFFF_FFFF;

/// Type scale.
pub(crate) mod size {
    pub(crate) const SMALL: i32 = 22;
    pub(crate) const BODY: i32 = 28;
    pub(crate) const TITLE: i32 = 36;
    pub(crate) const LARGE: i32 = 48;
}

pub(crate) const RADIUS_CONTROL: i32 = 8;
pub(crate) const RADIUS_CARD: i32 = 12;

pub(crate) const FADE_IN_US: u64 = 120_000;
pub(crate) const FADE_OUT_US: u64 = 200_000;
pub(crate) const FOCUS_US: u64 = 180_000;
/// How far controls rise while they appear.
pub(crate) const RISE: i32 = 12;
/// Controls leave after so long without input: sooner with a pointer, whose owner sits close, than with a remote.
pub(crate) const HIDE_POINTER_US: u64 = 2_500_000;
pub(crate) const HIDE_TV_US: u64 = 4_000_000;
/// Waiting shorter than this shows no spinner.
pub(crate) const SPINNER_DELAY_US: u64 = 400_000;
pub(crate) const SPINNER_TURN_US: u32 = 1_000_000;
pub(crate) const VOLUME_SHOWN_US: u64 = 1_200_000;
pub(crate) const NOTICE_SHOWN_US: u64 = 3_000_000;
