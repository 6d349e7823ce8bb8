//! When to draw, and for which moment.

use std::time::Duration;

use kinora_port::{HostUs, Vsync};

/// Rhythm of what moves continuously, where the screen's is not known.
const DEFAULT_PERIOD_US: u64 = 16_667;
/// Least time between two looks at the stage, whatever it says.
const MIN_PERIOD_US: u64 = 1_000;
/// What moves continuously is drawn no more often than leaves two thirds of the time to others, of which decoders may be in need of it.
const SHARE: u64 = 3;
/// Drawing that takes longer than this is not what takes long.
const MAX_LEAD_US: u64 = 30_000;

/// The moments at which an output is drawn.
///
/// With a known rhythm each refresh is drawn for once, right after the one before it. Without one a picture shows as soon as it
/// is finished: drawing begins so much earlier as it usually takes.
#[derive(Default)]
pub(super) struct Pace {
    pub(super) vsync: Option<Vsync>,
    /// Time between refreshes, where only that is known.
    pub(super) period_us: Option<u64>,
    /// How long drawing takes, smoothed.
    lead_us: u64,
}

impl Pace {
    /// When a picture that is begun at `now` is seen.
    pub(super) fn seen_at(&self, now: HostUs) -> HostUs {
        match self.vsync {
            Some(vsync) => refresh_after(vsync, now),
            None => now + self.lead_us,
        }
    }

    /// Time between the refreshes that pictures are chosen for; 0 without a rhythm.
    pub(super) fn rhythm_us(&self) -> u64 {
        self.vsync.map_or(0, |vsync| vsync.period_us.into())
    }

    /// Before this nothing more is drawn after a picture that was begun at `began` and is seen at `seen`.
    pub(super) fn not_before(&self, began: HostUs, seen: HostUs) -> HostUs {
        if self.vsync.is_some() { seen } else { began + MIN_PERIOD_US }
    }

    /// When to draw what changes at `change`, after that same picture.
    pub(super) fn wake(&self, change: HostUs, began: HostUs, seen: HostUs) -> HostUs {
        match self.vsync {
            Some(vsync) => {
                let refresh = refresh_after(vsync, change.max(seen + 1) - 1);
                refresh.saturating_sub(vsync.period_us.into()).max(seen)
            }
            None if change <= seen => {
                began + self.period_us.unwrap_or(DEFAULT_PERIOD_US).max(SHARE * self.lead_us)
            }
            None => change.saturating_sub(self.lead_us).max(began + MIN_PERIOD_US),
        }
    }

    /// Drawing and handing over took so long.
    pub(super) fn drew(&mut self, took: Duration) {
        let took_us = (took.as_micros() as u64).min(MAX_LEAD_US);
        self.lead_us = match self.lead_us {
            0 => took_us,
            smoothed => (smoothed * 15 + took_us) / 16,
        };
    }
}

/// The first refresh after `now`.
fn refresh_after(vsync: Vsync, now: HostUs) -> HostUs {
    let period = u64::from(vsync.period_us.max(1));
    vsync.last_us + (now.saturating_sub(vsync.last_us) / period + 1) * period
}

/// Finds a screen's refreshes from the moments at which waiting for it ended, which are late by varying amounts.
pub struct Refreshes {
    period_us: u64,
    last_us: HostUs,
}

impl Refreshes {
    /// Refreshes every `period_us` (60 a second if unknown) from `now` on.
    pub fn new(period_us: Option<u64>, now: HostUs) -> Self {
        Refreshes { period_us: period_us.unwrap_or(DEFAULT_PERIOD_US), last_us: now }
    }

    /// A wait for the screen ended now.
    pub fn observe(&mut self, now: HostUs) {
        let since = now.saturating_sub(self.last_us);
        let periods = (since + self.period_us / 2) / self.period_us;
        let expected = self.last_us + periods * self.period_us;
        // A quarter of the way: the phase is found within a few refreshes and jitter is averaged out.
        let error = now as i64 - expected as i64;
        self.last_us = expected.saturating_add_signed(error / 4);
    }

    /// The rhythm as far as it is known.
    pub fn vsync(&self) -> Vsync {
        Vsync { last_us: self.last_us, period_us: self.period_us as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIXTY: Vsync = Vsync { last_us: 1_000, period_us: 16_667 };

    #[test]
    fn a_screen_with_a_rhythm_is_drawn_once_for_each_refresh() {
        let pace = Pace { vsync: Some(SIXTY), ..Pace::default() };
        let seen = pace.seen_at(2_000);
        assert_eq!(seen, 17_667);
        // What moves all the time is drawn again as soon as that refresh has been.
        assert_eq!((pace.not_before(2_000, seen), pace.wake(seen, 2_000, seen)), (seen, seen));
        // A change between two refreshes is drawn right after the first of them, for the second.
        assert_eq!(pace.wake(40_000, 2_000, seen), 34_334);
        assert_eq!(pace.seen_at(34_334), 51_001);
    }

    #[test]
    fn a_change_exactly_at_a_refresh_is_drawn_for_it() {
        let pace = Pace { vsync: Some(SIXTY), ..Pace::default() };
        assert_eq!(pace.seen_at(pace.wake(51_001, 2_000, 17_667)), 51_001);
    }

    #[test]
    fn a_screen_without_rhythm_is_drawn_early_by_the_time_it_takes() {
        let mut pace = Pace { period_us: Some(20_000), ..Pace::default() };
        pace.drew(Duration::from_millis(8));
        let seen = pace.seen_at(100_000);
        assert_eq!((seen, pace.wake(140_000, 100_000, seen)), (108_000, 132_000));
        assert_eq!(pace.wake(seen, 100_000, seen), 124_000);
        pace.lead_us = 5_000;
        assert_eq!(pace.wake(seen, 100_000, seen), 120_000);
    }

    #[test]
    fn drawing_time_is_followed_slowly_and_within_bounds() {
        let mut pace = Pace::default();
        pace.drew(Duration::from_millis(8));
        pace.drew(Duration::from_secs(5));
        assert_eq!(pace.lead_us, (8_000 * 15 + MAX_LEAD_US) / 16);
    }

    #[test]
    fn refreshes_are_found_from_late_and_missing_wake_ups() {
        let mut refreshes = Refreshes::new(Some(10_000), 0);
        for k in (1..200u64).filter(|k| k % 7 != 0) {
            refreshes.observe(3_000 + k * 10_000 + k * 37 % 5 * 100);
        }
        let phase = refreshes.vsync().last_us % 10_000;
        assert!((3_000..3_500).contains(&phase), "{phase}");
    }
}
