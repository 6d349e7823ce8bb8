use crate::HostUs;

/// What a sink plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkFormat {
    /// Hertz.
    pub rate_hz: u32,
    /// Interleaved channels.
    pub channels: u32,
}

/// Why a sink cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkError {
    /// No output device exists (yet).
    NoDevice(String),
    /// The device is in use or refuses for now.
    Busy(String),
    /// Anything else, in words.
    Failed(String),
}

impl std::fmt::Display for SinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (SinkError::NoDevice(m) | SinkError::Busy(m) | SinkError::Failed(m)) = self;
        f.write_str(m)
    }
}

impl std::error::Error for SinkError {}

/// Where a sink gets its sound from; called on the device's real-time thread, so it neither blocks nor allocates.
pub trait AudioSource: Send {
    /// Fills `out` (interleaved, whole frames; silence where there is nothing). Its first frame becomes audible at
    /// `audible_us`, as good as the device can tell.
    fn fill(&mut self, out: &mut [f32], audible_us: HostUs);
}

/// Plays sound on the default output device.
///
/// The device runs as long as the sink is open and asks the source for sound all the time (silence while paused), so that receivers keep
/// their lock. A device that goes away stops asking; [`AudioSink::healthy`] turns false and the pipeline reopens.
///
/// Platform: ALSA, PulseAudio, PipeWire, AAudio, AudioWorklet.
pub trait AudioSink: Send {
    /// Opens the default device near the wanted format, which becomes the returned one, and starts it. Replaces an open one.
    fn open(&mut self, wanted: SinkFormat, source: Box<dyn AudioSource>) -> Result<SinkFormat, SinkError>;
    /// Stops and lets go of the device.
    fn close(&mut self);
    /// Whether the open device still works and still is the default one.
    fn healthy(&mut self) -> bool;
    /// For a sink on a virtual clock: asks its source for everything due until `now_us`, and says when it wants to be called
    /// next. Devices with a clock of their own do nothing and say `None`.
    fn advance(&mut self, _now_us: HostUs) -> Option<HostUs> {
        None
    }
    /// What plays, for `doctor` and reports.
    fn name(&self) -> String;
}

/// No output device: opening always fails, and the pipeline goes on by the monotonic clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct NullSink;

impl AudioSink for NullSink {
    fn open(&mut self, _: SinkFormat, _: Box<dyn AudioSource>) -> Result<SinkFormat, SinkError> {
        Err(SinkError::NoDevice("there is no sound output".into()))
    }
    fn close(&mut self) {}
    fn healthy(&mut self) -> bool {
        true
    }
    fn name(&self) -> String {
        "none".into()
    }
}
