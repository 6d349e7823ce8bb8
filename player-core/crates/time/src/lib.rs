//! Time values of the player core. The name of a value says which line it is on: `media_time` (position in the content),
//! `host_time` (the shim's monotonic clock), `pts`/`dts` (a stream's own, once scaled to microseconds part of `media_time`),
//! `wall_time` (UTC). All are whole microseconds.

/// A position in the content, in microseconds; negative before its start.
pub type MediaUs = i64;
/// The shim's monotonic clock, in microseconds.
pub type HostUs = u64;

/// Microseconds in a second.
pub const SECOND_US: i64 = 1_000_000;

/// `ticks` of a clock that runs at `timescale` ticks a second, in microseconds, rounded down.
/// A timescale of 0 (a damaged file) counts as 1. Saturates instead of overflowing.
pub fn ticks_to_us(ticks: i64, timescale: u32) -> MediaUs {
    mul_div_floor(ticks, SECOND_US, i64::from(timescale.max(1)))
}

/// The inverse of [`ticks_to_us`], rounded down.
pub fn us_to_ticks(us: MediaUs, timescale: u32) -> i64 {
    mul_div_floor(us, i64::from(timescale), SECOND_US)
}

/// `value * numerator / denominator`, rounded towards minus infinity, saturating. `denominator` must be positive.
pub fn mul_div_floor(value: i64, numerator: i64, denominator: i64) -> i64 {
    let wide = i128::from(value) * i128::from(numerator);
    let quotient = wide.div_euclid(i128::from(denominator.max(1)));
    quotient.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// A half-open range of `media_time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First instant inside.
    pub from_us: MediaUs,
    /// First instant after.
    pub to_us: MediaUs,
}

impl Span {
    /// Whether `at_us` lies inside.
    pub fn contains(&self, at_us: MediaUs) -> bool {
        (self.from_us..self.to_us).contains(&at_us)
    }
}

/// `media_time` was `media_us` when `host_time` was `host_us`, and moves at `rate_permille` (0: held).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Position in the content.
    pub media_us: MediaUs,
    /// The host time it belongs to.
    pub host_us: HostUs,
    /// Media microseconds in a thousand host microseconds.
    pub rate_permille: i32,
}

impl Anchor {
    /// `media_time` at `host_us`.
    pub fn media_at(&self, host_us: HostUs) -> MediaUs {
        let elapsed = (host_us as i64).saturating_sub(self.host_us as i64);
        self.media_us.saturating_add(mul_div_floor(elapsed, i64::from(self.rate_permille), 1000))
    }

    /// The host time at which `media_us` is reached; none while the clock is held or when it lies before the anchor's origin of host time.
    pub fn host_at(&self, media_us: MediaUs) -> Option<HostUs> {
        if self.rate_permille <= 0 {
            return None;
        }
        let ahead =
            mul_div_floor(media_us.saturating_sub(self.media_us), 1000, i64::from(self.rate_permille));
        u64::try_from((self.host_us as i64).saturating_add(ahead)).ok()
    }
}

/// How far a stream that goes on while it is watched has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveEdge {
    /// `media_time` of the live position, as near to what happens now as can be played without waiting, against `host_time`.
    pub anchor: Anchor,
    /// Who is no further behind than this is live.
    pub slack_us: MediaUs,
}

impl LiveEdge {
    /// How far behind live `media_us` is at `host_us`; 0 for what counts as live.
    pub fn behind_us(&self, media_us: MediaUs, host_us: HostUs) -> MediaUs {
        let behind_us = self.anchor.media_at(host_us).saturating_sub(media_us);
        if behind_us <= self.slack_us { 0 } else { behind_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_to_us_negative_ticks_round_down() {
        assert_eq!(ticks_to_us(-1, 90_000), -12);
        assert_eq!(ticks_to_us(1, 90_000), 11);
    }

    #[test]
    fn ticks_to_us_zero_timescale_does_not_panic() {
        assert_eq!(ticks_to_us(i64::MAX, 0), i64::MAX);
    }

    #[test]
    fn live_edge_counts_what_is_within_its_slack_as_live() {
        let anchor = Anchor { media_us: 20_000_000, host_us: 0, rate_permille: 1000 };
        let edge = LiveEdge { anchor, slack_us: 8_000_000 };
        assert_eq!(edge.behind_us(12_000_000, 0), 0);
        assert_eq!(edge.behind_us(12_000_000, 1_000_000), 9_000_000);
        assert_eq!(edge.behind_us(30_000_000, 0), 0);
    }

    #[test]
    fn anchor_running_at_double_rate_maps_both_ways() {
        let anchor = Anchor { media_us: 1_000_000, host_us: 500, rate_permille: 2000 };
        assert_eq!(anchor.media_at(1_500), 1_002_000);
        assert_eq!(anchor.host_at(1_002_000), Some(1_500));
    }
}
