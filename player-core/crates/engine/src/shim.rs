//! The contract functions the engine calls, in plain types. `wit/*.wit` holds their rules; nothing here adds to them.

use kinora_time::{Anchor, MediaUs, Span};

use crate::event::TimelineState;

/// What the caller should do about a failure (`types.next-step`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/types.wit")]
pub enum NextStep {
    Retry,
    Wait,
    Rebuild,
    Skip,
    TellUser,
    Stop,
    Gone,
    Unsupported,
}

/// A refused call or a failed piece of work (`types.failure`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub next: NextStep,
    /// Open list of `types.failure`.
    pub code: u32,
    /// One English sentence.
    pub message: String,
}

/// A fetch to start (`net.request`); always a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Absolute URL.
    pub url: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Credit given at once.
    pub window_bytes: u32,
}

/// `video.config`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/video.wit")]
pub struct VideoConfig {
    pub codec: String,
    pub extradata: Vec<u8>,
    pub width_px: u32,
    pub height_px: u32,
    pub par: (u32, u32),
    pub rotation_deg: u32,
    pub cicp: u32,
}

/// `audio.config`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/audio.wit")]
pub struct AudioConfig {
    pub codec: String,
    pub extradata: Vec<u8>,
    pub rate_hz: u32,
    pub channels: u32,
}

/// `streams.sample`; its bytes follow in the body of the append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/streams.wit")]
pub struct SampleHeader {
    pub pts_us: MediaUs,
    pub dts_us: MediaUs,
    pub duration_us: u32,
    pub bits: u32,
    pub size: u32,
    pub side_size: u32,
}

impl SampleHeader {
    /// Decoding can start here.
    pub const KEY: u32 = 1;
    /// Decoded, never presented.
    pub const DECODE_ONLY: u32 = 2;
    /// Timestamps or configuration start anew.
    pub const DISCONTINUITY: u32 = 4;
}

/// `timeline.stream-status`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/timeline.wit")]
pub struct StreamStatus {
    pub id: u64,
    pub kind: u32,
    pub codec: String,
    pub enabled: bool,
    pub ended: bool,
    pub cursor_seek: u64,
    pub cursor_tag: u64,
    pub cursor_count: u64,
    pub tail_dts_us: Option<MediaUs>,
    pub buffered: Vec<Span>,
    pub room_bytes: u32,
}

/// `timeline.status`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/timeline.wit")]
pub struct TimelineStatus {
    pub id: u64,
    pub tag: u64,
    pub state: TimelineState,
    pub playing: bool,
    pub anchor: Anchor,
    pub seek: u64,
    pub streams: Vec<StreamStatus>,
}

/// The functions of the contract the engine uses. Every call returns at once and answers as of the `now_us` of the engine
/// call it is made from. Implemented by the component's glue and, in memory, by the test kit.
#[expect(missing_docs, reason = "each is the contract's function of the same name; its rules are in wit/")]
pub trait Shim {
    fn create_timeline(&mut self, tag: u64) -> Result<u64, Failure>;
    fn close_timeline(&mut self, timeline: u64) -> Result<(), Failure>;
    fn live_timelines(&mut self) -> Vec<TimelineStatus>;
    fn seek(&mut self, timeline: u64, to_us: MediaUs, exact: bool) -> Result<u64, Failure>;
    fn step(&mut self, timeline: u64, frames: i32) -> Result<u64, Failure>;
    fn play(&mut self, timeline: u64) -> Result<(), Failure>;
    fn pause(&mut self, timeline: u64) -> Result<(), Failure>;
    fn set_rate(&mut self, timeline: u64, permille: i32) -> Result<(), Failure>;
    fn set_gain(&mut self, timeline: u64, linear_permille: u32) -> Result<(), Failure>;

    fn open_video(&mut self, timeline: u64, config: &VideoConfig) -> Result<u64, Failure>;
    fn configure_video(&mut self, stream: u64, config: &VideoConfig) -> Result<(), Failure>;
    fn open_audio(&mut self, timeline: u64, config: &AudioConfig) -> Result<u64, Failure>;
    fn configure_audio(&mut self, stream: u64, config: &AudioConfig) -> Result<(), Failure>;

    /// The number of samples taken.
    fn append(
        &mut self,
        stream: u64,
        seek: u64,
        tag: u64,
        samples: &[SampleHeader],
        body: &[u8],
    ) -> Result<u32, Failure>;
    fn end(&mut self, stream: u64, seek: u64) -> Result<(), Failure>;
    fn enable(&mut self, stream: u64, on: bool) -> Result<(), Failure>;

    fn fetch(&mut self, request: &Request) -> Result<u64, Failure>;
    fn credit(&mut self, ticket: u64, bytes: u32);
    fn cancel(&mut self, ticket: u64);
    fn live_fetches(&mut self) -> Vec<u64>;

    fn stored_value(&mut self, key: &str) -> Option<Vec<u8>>;
    fn stored_keys(&mut self, prefix: &str) -> Vec<String>;
    fn store(&mut self, batch: &[(String, Option<Vec<u8>>)]) -> Result<u64, Failure>;

    fn facts(&mut self) -> Vec<(String, String)>;
    /// `level`: 1 error, 2 warning, 3 information, 4 debug.
    fn log(&mut self, level: u32, message: &str);
}
