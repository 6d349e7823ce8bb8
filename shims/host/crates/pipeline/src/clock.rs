//! The clock of a timeline: a line from host time to media time that follows the sound without visible jumps.

use kinora_port::{HostUs, MediaUs};

use crate::events::Anchor;

/// Deviations below this are the grain of the measurement.
const GRAIN_US: i64 = 500;
/// Up to here a deviation is slewed gently,
const SMALL_US: i64 = 20_000;
/// by at most 0.5 %;
const SMALL_PPM: i64 = 5_000;
/// up to here quickly,
const LARGE_US: i64 = 500_000;
/// by at most 5 %; beyond it the clock steps.
const LARGE_PPM: i64 = 50_000;

/// What the sound device says: this position was or will be audible then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measurement {
    pub(crate) media_us: MediaUs,
    pub(crate) host_us: HostUs,
    pub(crate) rate_permille: i32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    media_us: MediaUs,
    host_us: HostUs,
    rate_permille: i32,
    /// Correction that is being worked in, and until when.
    slew_ppm: i64,
    slew_until: HostUs,
}

impl Clock {
    pub(crate) fn stopped_at(media_us: MediaUs) -> Clock {
        Clock { media_us, host_us: 0, rate_permille: 0, slew_ppm: 0, slew_until: 0 }
    }

    pub(crate) fn running(&self) -> bool {
        self.rate_permille != 0
    }

    pub(crate) fn rate_permille(&self) -> i32 {
        self.rate_permille
    }

    pub(crate) fn anchor(&self) -> Anchor {
        Anchor { media_us: self.media_us, host_us: self.host_us, rate_permille: self.rate_permille }
    }

    /// The position at `host_us`. Before a start that lies ahead it stands still.
    pub(crate) fn media_at(&self, host_us: HostUs) -> MediaUs {
        if self.rate_permille == 0 {
            return self.media_us;
        }
        let elapsed = host_us.saturating_sub(self.host_us) as i64;
        let slewed = host_us.min(self.slew_until).saturating_sub(self.host_us) as i64;
        let corrected = elapsed.saturating_add(slewed.saturating_mul(self.slew_ppm) / 1_000_000);
        self.media_us.saturating_add(corrected.saturating_mul(i64::from(self.rate_permille)) / 1000)
    }

    /// The first host time at which `media_at` reaches `media_us`; none while standing.
    pub(crate) fn host_at(&self, media_us: MediaUs) -> Option<HostUs> {
        if self.rate_permille == 0 {
            return None;
        }
        let rate = i64::from(self.rate_permille);
        let ahead = media_us.saturating_sub(self.media_us).max(0);
        let elapsed = ahead.saturating_mul(1000).saturating_add(rate - 1) / rate;
        // A correction in progress moves it by at most 5 %; asking again then converges.
        let mut host = self.host_us.saturating_add(elapsed as u64);
        for _ in 0..4 {
            let missing = media_us.saturating_sub(self.media_at(host));
            let shift = missing.saturating_mul(1000) / rate;
            if shift == 0 {
                break;
            }
            host = host.saturating_add_signed(shift);
        }
        while self.media_at(host) < media_us {
            host += 1;
        }
        Some(host)
    }

    pub(crate) fn start(&mut self, at: HostUs, rate_permille: i32) {
        *self = Clock { host_us: at, rate_permille, slew_ppm: 0, slew_until: 0, ..*self };
    }

    pub(crate) fn stop(&mut self, now: HostUs) {
        *self = Clock::stopped_at(self.media_at(now));
        self.host_us = now;
    }

    pub(crate) fn set(&mut self, media_us: MediaUs, now: HostUs) {
        *self = Clock { media_us, host_us: now, slew_ppm: 0, slew_until: 0, ..*self };
    }

    pub(crate) fn set_rate(&mut self, rate_permille: i32, now: HostUs) {
        self.set(self.media_at(now), now);
        self.rate_permille = rate_permille;
    }

    /// Follows the sound. `true`: the position stepped or the rate changed.
    pub(crate) fn follow(&mut self, measured: Measurement, now: HostUs) -> bool {
        if measured.rate_permille != self.rate_permille {
            *self = Clock {
                media_us: measured.media_us,
                host_us: measured.host_us,
                rate_permille: measured.rate_permille,
                slew_ppm: 0,
                slew_until: 0,
            };
            return true;
        }
        // The sound may be measured ahead of now (what was just handed to the device); both lines have the same slope, so the
        // distance between them is the same at any time.
        let ours = self.media_at(measured.host_us.max(now));
        let late = measured.host_us.max(now) as i64 - measured.host_us as i64;
        let theirs = measured.media_us + late * i64::from(self.rate_permille) / 1000;
        let deviation = theirs - ours;
        if deviation.abs() < GRAIN_US {
            return false;
        }
        self.set(self.media_at(now), now);
        if deviation.abs() >= LARGE_US {
            self.media_us += deviation;
            return true;
        }
        let limit = if deviation.abs() < SMALL_US { SMALL_PPM } else { LARGE_PPM };
        // Worked in over a second if the limit allows.
        self.slew_ppm = deviation.clamp(-limit, limit);
        self.slew_until = now + (deviation.abs() * 1_000_000 / self.slew_ppm.abs()) as u64;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Clock {
        let mut clock = Clock::stopped_at(5_000_000);
        clock.start(1_000_000, 1000);
        clock
    }

    #[test]
    fn clock_before_its_start_stands_still() {
        assert_eq!(running().media_at(10), 5_000_000);
        assert_eq!(running().media_at(1_250_000), 5_250_000);
    }

    #[test]
    fn host_at_is_the_first_time_the_position_is_reached() {
        for rate in [250, 333, 1000, 1500, 4000] {
            let mut clock = Clock::stopped_at(7);
            clock.start(1_000, rate);
            for media in [8, 1_000, 33_367, 1_234_567] {
                let host = clock.host_at(media).unwrap();
                assert!(clock.media_at(host) >= media && clock.media_at(host - 1) < media);
            }
        }
    }

    #[test]
    fn small_deviation_is_slewed_within_half_a_percent() {
        let mut clock = running();
        let stepped = clock
            .follow(Measurement { media_us: 5_010_000, host_us: 1_000_000, rate_permille: 1000 }, 1_000_000);
        assert!(!stepped);
        assert_eq!(clock.media_at(2_000_000), 6_005_000);
        assert_eq!(clock.media_at(9_000_000), 13_010_000);
    }

    #[test]
    fn middle_deviation_is_slewed_within_five_percent_and_large_one_stepped() {
        let mut clock = running();
        clock.follow(Measurement { media_us: 5_400_000, host_us: 1_000_000, rate_permille: 1000 }, 1_000_000);
        assert_eq!(clock.media_at(2_000_000), 6_050_000);
        let far = Measurement { media_us: 9_000_000, host_us: 2_000_000, rate_permille: 1000 };
        assert!(clock.follow(far, 2_000_000));
        assert_eq!(clock.media_at(2_000_000), 9_000_000);
    }

    #[test]
    fn measured_rate_change_takes_over_at_its_own_time() {
        let mut clock = running();
        assert!(
            clock.follow(
                Measurement { media_us: 5_100_000, host_us: 1_100_000, rate_permille: 2000 },
                1_080_000
            )
        );
        assert_eq!(clock.media_at(1_200_000), 5_300_000);
    }
}
