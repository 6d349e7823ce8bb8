//! When things happened, by the clock of the rig that saw and heard them.

use std::time::{Duration, Instant};

use kinora_tests::Screen;

/// When something happened, in microseconds since the process was started, and by how much that may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at_us: u64,
    pub(crate) error_us: u64,
}

impl Moment {
    /// Some time between the two: the middle, by this machine's clock.
    pub(super) fn between(began: Instant, from: Instant, to: Instant) -> Self {
        let half = (to - from) / 2;
        Moment::near(began, from + half, half)
    }

    /// About then, by this machine's clock.
    pub(super) fn near(began: Instant, at: Instant, error: Duration) -> Self {
        let us = |time: Duration| time.as_micros() as u64;
        Moment { at_us: us(at.saturating_duration_since(began)), error_us: us(error) }
    }
}

/// What is known of a run whose times are taken.
#[derive(Debug, Default)]
pub(crate) struct Timed {
    /// Pictures, each with the moment from which it was there.
    pub(crate) pictures: Vec<(Moment, Screen)>,
    /// Longest time between two looks once there was a picture, in microseconds; 0 where no picture can have been missed.
    pub(crate) unseen_us: u64,
    /// When beeps began.
    pub(crate) beeps: Vec<Moment>,
    /// When keys were pressed.
    pub(crate) presses: Vec<Moment>,
}
