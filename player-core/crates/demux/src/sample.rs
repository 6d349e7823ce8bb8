/// One access unit of a video track or one frame of an audio track, in decode order, in the form the shim contract
/// defines (`wit/video.wit`, `wit/audio.wit`): H.264 and HEVC as Annex B with four-byte start codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// [`Track::id`](crate::Track::id) of its track.
    pub track: u32,
    /// Presentation timestamp, microseconds.
    pub pts_us: i64,
    /// Decode timestamp, microseconds.
    pub dts_us: i64,
    /// Duration, microseconds; 0 unknown.
    pub duration_us: u32,
    /// Decoding can start here.
    pub key: bool,
    /// Decoded but never presented (before an edit's start).
    pub decode_only: bool,
    /// Audio to drop after decoding.
    pub trim: Trim,
    /// The bytes.
    pub data: Vec<u8>,
}

/// Audio frames (samples per channel) to drop from a decoded audio sample: encoder delay and padding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trim {
    /// Frames to drop at its start.
    pub start: u32,
    /// Frames to drop at its end.
    pub end: u32,
}

/// One cue of a text track, undecoded: its bytes are in the track's [`TextFormat`](crate::TextFormat).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// [`Track::id`](crate::Track::id) of its track.
    pub track: u32,
    /// Shown from, microseconds.
    pub start_us: i64,
    /// Shown for, microseconds.
    pub duration_us: u32,
    /// The payload.
    pub data: Vec<u8>,
}
