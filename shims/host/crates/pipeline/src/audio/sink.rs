use kinora_port::{AudioSink, AudioSource, HostUs, SinkError, SinkFormat};

/// How much is asked for at a time.
const PERIOD_US: u64 = 20_000;
/// Silence that nobody listened to is not caught up with beyond this.
const CATCH_UP_US: u64 = 1_000_000;

type Heard = Box<dyn FnMut(&[f32], SinkFormat, HostUs) + Send>;

/// A device that consumes exactly in the time it is told: for the virtual clock, for tests, and as the monotonic clock's stand-in where
/// there is no device. What it plays goes to `heard`.
pub struct VirtualSink {
    source: Option<Box<dyn AudioSource>>,
    format: SinkFormat,
    /// Frames are counted from here, so that times have no rounding that adds up.
    opened_us: Option<HostUs>,
    played: u64,
    buffer: Vec<f32>,
    heard: Option<Heard>,
}

impl VirtualSink {
    /// A sink that nobody hears.
    pub fn new() -> Self {
        VirtualSink {
            source: None,
            format: SinkFormat { rate_hz: 48_000, channels: 2 },
            opened_us: None,
            played: 0,
            buffer: Vec::new(),
            heard: None,
        }
    }

    /// A sink that hands what it plays to `heard`, with the host time at which the first frame of it is audible.
    pub fn heard_by(heard: impl FnMut(&[f32], SinkFormat, HostUs) + Send + 'static) -> Self {
        VirtualSink { heard: Some(Box::new(heard)), ..VirtualSink::new() }
    }
}

impl Default for VirtualSink {
    fn default() -> Self {
        VirtualSink::new()
    }
}

impl AudioSink for VirtualSink {
    fn open(&mut self, wanted: SinkFormat, source: Box<dyn AudioSource>) -> Result<SinkFormat, SinkError> {
        self.format = SinkFormat {
            rate_hz: wanted.rate_hz.clamp(8_000, 192_000),
            channels: wanted.channels.clamp(1, 8),
        };
        self.source = Some(source);
        self.opened_us = None;
        self.played = 0;
        Ok(self.format)
    }

    fn close(&mut self) {
        self.source = None;
    }

    fn healthy(&mut self) -> bool {
        true
    }

    fn advance(&mut self, now_us: HostUs) -> Option<HostUs> {
        let rate = u64::from(self.format.rate_hz);
        let source = self.source.as_mut()?;
        let mut opened = *self.opened_us.get_or_insert(now_us);
        let audible = |opened: HostUs, played: u64| opened + played * 1_000_000 / rate;
        if audible(opened, self.played) + CATCH_UP_US < now_us {
            (opened, self.played) = (now_us, 0);
            self.opened_us = Some(opened);
        }
        let due = now_us.saturating_sub(opened) * rate / 1_000_000;
        let channels = self.format.channels as usize;
        while self.played < due {
            let frames = (due - self.played).min(rate * PERIOD_US / 1_000_000).max(1);
            self.buffer.resize(frames as usize * channels, 0.0);
            let audible_us = audible(opened, self.played);
            source.fill(&mut self.buffer, audible_us);
            if let Some(heard) = &mut self.heard {
                heard(&self.buffer, self.format, audible_us);
            }
            self.played += frames;
        }
        Some(now_us + PERIOD_US)
    }

    fn name(&self) -> String {
        "virtual".into()
    }
}
