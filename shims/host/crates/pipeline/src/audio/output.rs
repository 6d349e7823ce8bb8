//! The device and its stand-in: opens, watches and replaces it.

use kinora_port::{AudioSink, HostUs, SinkFormat};

use super::mixer::{MixerHandle, mixer};
use super::sink::VirtualSink;

/// How often a device is asked whether it still works, so that a change is heard within a second.
const CHECK_US: u64 = 250_000;
/// How long after a failed opening it is tried again.
const RETRY_US: u64 = 1_000_000;
/// How long a device that does not keep time is left alone.
const DISTRUST_US: u64 = 60_000_000;
/// A server may take seconds until it asks at all, and then asks for more than it plays.
const SETTLE_US: u64 = 4_000_000;
/// Over how long its consumption is measured,
const WATCH_US: u64 = 1_000_000;
/// how far off, permille, it may be: one that starves is filled anew each time, and a slow processor lets it starve often,
const WATCH_PERMILLE: u64 = 200;
/// and how often in a row, to the same side: a machine that is busy for a second lets a device starve and catch up.
const WATCH_TIMES: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Using {
    Nothing,
    Device,
    /// The monotonic clock, until the device is tried again.
    StandIn {
        retry_us: HostUs,
    },
}

/// What `advance` found.
#[derive(Default)]
pub(crate) struct OutputChange {
    /// A device was opened: voices are to be made anew.
    pub(crate) opened: Option<MixerHandle>,
    /// It was closed, since nobody plays.
    pub(crate) closed: bool,
    /// When to come back.
    pub(crate) deadline: Option<HostUs>,
    /// Something worth a line in the log.
    pub(crate) report: Option<String>,
}

pub(crate) struct Output {
    device: Box<dyn AudioSink>,
    stand_in: VirtualSink,
    using: Using,
    check_us: HostUs,
    /// Of the open device.
    rate_hz: u32,
    /// Until when the device may fill its buffers as it likes.
    settle_us: HostUs,
    /// Since when it is watched, and the frames it had taken then.
    watched: (HostUs, u64),
    /// How often in a row it took too much (true) or too little.
    off: (bool, u32),
    /// The sink has no clock of its own.
    follows_us: bool,
}

impl Output {
    pub(crate) fn new(device: Box<dyn AudioSink>) -> Self {
        Output {
            device,
            stand_in: VirtualSink::new(),
            using: Using::Nothing,
            check_us: 0,
            rate_hz: 0,
            settle_us: 0,
            watched: (0, 0),
            off: (false, 0),
            follows_us: false,
        }
    }

    /// What plays.
    pub(crate) fn name(&self) -> String {
        match self.using {
            Using::Nothing => "closed".into(),
            Using::Device => self.device.name(),
            Using::StandIn { .. } => "none (monotonic clock)".into(),
        }
    }

    /// How long after now a voice can begin so that nothing of it is late.
    pub(crate) fn lead_us(&self) -> u64 {
        if self.follows_us { 0 } else { 30_000 }
    }

    /// Lets a sink on our clock play up to `now`, and sees to the device. `wanted`: somebody needs sound; `frames`: what the mixer
    /// was asked for so far.
    pub(crate) fn advance(
        &mut self,
        now: HostUs,
        wanted: Option<SinkFormat>,
        frames: Option<u64>,
    ) -> OutputChange {
        let mut change = OutputChange::default();
        let Some(wanted) = wanted else {
            if self.using != Using::Nothing {
                self.device.close();
                self.stand_in.close();
                self.using = Using::Nothing;
                change.closed = true;
            }
            return change;
        };
        match self.using {
            Using::Nothing => self.open(now, wanted, &mut change),
            Using::StandIn { retry_us } if now >= retry_us => self.retry(now, wanted, &mut change),
            Using::Device if now >= self.check_us => self.check(now, wanted, frames, &mut change),
            _ => {}
        }
        let next = match self.using {
            Using::Nothing => None,
            Using::Device => self.device.advance(now),
            Using::StandIn { .. } => self.stand_in.advance(now),
        };
        self.follows_us = next.is_some();
        change.deadline = match self.using {
            Using::Device => Some(next.unwrap_or(self.check_us).min(self.check_us)),
            _ => next,
        };
        change
    }

    fn open(&mut self, now: HostUs, wanted: SinkFormat, change: &mut OutputChange) {
        if !self.open_device(now, wanted, change) {
            self.open_stand_in(now + RETRY_US, wanted, change);
        }
    }

    fn open_device(&mut self, now: HostUs, wanted: SinkFormat, change: &mut OutputChange) -> bool {
        let (source, mut handle) = mixer();
        match self.device.open(wanted, Box::new(source)) {
            Ok(format) => {
                handle.set_format(format);
                change.opened = Some(handle);
                self.rate_hz = format.rate_hz;
                self.using = Using::Device;
                self.check_us = now + CHECK_US;
                self.settle_us = now + SETTLE_US;
                self.off = (false, 0);
                true
            }
            Err(error) => {
                change.report = Some(format!("no sound output: {error}"));
                false
            }
        }
    }

    fn open_stand_in(&mut self, retry_us: HostUs, wanted: SinkFormat, change: &mut OutputChange) {
        let (source, mut handle) = mixer();
        if let Ok(format) = self.stand_in.open(wanted, Box::new(source)) {
            handle.set_format(format);
            change.opened = Some(handle);
            self.using = Using::StandIn { retry_us };
        }
    }

    fn retry(&mut self, now: HostUs, wanted: SinkFormat, change: &mut OutputChange) {
        if self.open_device(now, wanted, change) {
            self.stand_in.close();
        } else {
            change.report = None;
            self.using = Using::StandIn { retry_us: now + RETRY_US };
        }
    }

    fn check(&mut self, now: HostUs, wanted: SinkFormat, frames: Option<u64>, change: &mut OutputChange) {
        self.check_us = now + CHECK_US;
        if !self.device.healthy() {
            self.device.close();
            self.open(now, wanted, change);
            change.report.get_or_insert_with(|| "the sound output changed".into());
            return;
        }
        let (Some(frames), false) = (frames, self.follows_us) else { return };
        if now < self.settle_us {
            self.watched = (now, frames);
            return;
        }
        let (since_us, before) = self.watched;
        let elapsed_us = now.saturating_sub(since_us);
        if elapsed_us < WATCH_US {
            return;
        }
        self.watched = (now, frames);
        let expected = elapsed_us * u64::from(self.rate_hz) / 1_000_000;
        let taken = frames.saturating_sub(before);
        let fast = taken > expected;
        let times = if self.off.0 == fast { self.off.1 + 1 } else { 1 };
        let is_off = taken.abs_diff(expected) * 1000 > expected * WATCH_PERMILLE;
        self.off = (fast, if is_off { times } else { 0 });
        if self.off.1 >= WATCH_TIMES {
            self.device.close();
            self.open_stand_in(now + DISTRUST_US, wanted, change);
            change.report = Some(format!(
                "the sound output took {taken} frames where {expected} were due; going on without"
            ));
        }
    }
}
