//! The choice of a variant by throughput, as `AdaptiveTrackSelection` of Media3 makes it.

use kinora_time::{MediaUs, SECOND_US};

/// Share of the estimate that a variant may take; the rest is for bursts above its declared rate and for the estimate being wrong.
const USABLE_PERMILLE: u128 = 700;
/// Before anything is known: Media3's fall-back, which starts low on every network of today and is corrected by the second segment.
const INITIAL_ESTIMATE_BPS: u64 = 1_000_000;
/// With less buffered than this a better variant waits: its first segment must not be the one that stalls.
const MIN_BUFFER_TO_RISE_US: MediaUs = 10 * SECOND_US;
/// Share of what can be buffered at all that has to be, where that is less: near the end of a live stream (Media3's
/// `bufferedFractionToLiveEdgeForQualityIncrease`).
const SHARE_TO_RISE_PERMILLE: MediaUs = 750;
/// With more buffered than this a drop is sat out: networks recover, and each change is seen.
const MIN_BUFFER_TO_STAY_US: MediaUs = 25 * SECOND_US;

/// What is buffered ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Now.
    pub ahead_us: MediaUs,
    /// At most, before another segment is there; none: as much as one likes.
    pub most_us: Option<MediaUs>,
}

impl Buffer {
    /// Without a limit.
    pub fn of(ahead_us: MediaUs) -> Self {
        Buffer { ahead_us, most_us: None }
    }

    fn may_rise(&self) -> bool {
        let share_us = self.most_us.map(|most_us| most_us.saturating_mul(SHARE_TO_RISE_PERMILLE) / 1000);
        self.ahead_us >= share_us.unwrap_or(MediaUs::MAX).min(MIN_BUFFER_TO_RISE_US)
    }
}

/// The index of the variant to fetch next. `variants_bps` are their peak rates in any order, `current` is the one fetched last. 0 when there
/// are none.
pub fn choose(
    variants_bps: &[u64],
    estimate_bps: Option<u64>,
    current: Option<usize>,
    buffer: Buffer,
) -> usize {
    let usable = u128::from(estimate_bps.unwrap_or(INITIAL_ESTIMATE_BPS)) * USABLE_PERMILLE / 1000;
    let indexed = || variants_bps.iter().copied().enumerate();
    // Of equal rates the first: the manifest's order is its author's preference.
    let fitting = indexed().rev().filter(|(_, bps)| u128::from(*bps) <= usable).max_by_key(|(_, bps)| *bps);
    let lowest = || indexed().min_by_key(|(_, bps)| *bps);
    let Some((ideal, ideal_bps)) = fitting.or_else(lowest) else { return 0 };

    let Some((current, current_bps)) = current.and_then(|at| Some((at, *variants_bps.get(at)?))) else {
        return ideal;
    };
    let wait_to_rise = ideal_bps > current_bps && !buffer.may_rise();
    let sit_out = ideal_bps < current_bps && buffer.ahead_us >= MIN_BUFFER_TO_STAY_US;
    if wait_to_rise || sit_out || ideal_bps == current_bps { current } else { ideal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LADDER: [u64; 4] = [3_000_000, 400_000, 6_000_000, 1_500_000];

    #[test]
    fn choose_at_start_is_conservative() {
        assert_eq!(choose(&LADDER, None, None, Buffer::of(0)), 1);
        assert_eq!(choose(&[9_000_000, 8_000_000], None, None, Buffer::of(0)), 1, "none fits: the lowest");
    }

    #[test]
    fn choose_with_estimate_takes_the_best_that_fits_seven_tenths() {
        assert_eq!(choose(&LADDER, Some(4_285_715), None, Buffer::of(0)), 0);
        assert_eq!(choose(&LADDER, Some(4_285_714), None, Buffer::of(0)), 3);
    }

    #[test]
    fn choose_rises_only_with_ten_seconds_buffered() {
        assert_eq!(choose(&LADDER, Some(20_000_000), Some(1), Buffer::of(9 * SECOND_US)), 1);
        assert_eq!(choose(&LADDER, Some(20_000_000), Some(1), Buffer::of(10 * SECOND_US)), 2);
    }

    #[test]
    fn choose_near_the_end_of_a_live_stream_rises_with_three_quarters_of_what_can_be_buffered() {
        let with = |ahead_us, most_us| Buffer { ahead_us, most_us: Some(most_us) };
        assert_eq!(choose(&LADDER, Some(20_000_000), Some(1), with(5_900_000, 8_000_000)), 1);
        assert_eq!(choose(&LADDER, Some(20_000_000), Some(1), with(6_000_000, 8_000_000)), 2);
        assert_eq!(choose(&LADDER, Some(20_000_000), Some(1), with(10_000_000, 80_000_000)), 2);
    }

    #[test]
    fn choose_after_drop_stays_while_much_is_buffered() {
        assert_eq!(choose(&LADDER, Some(1_000_000), Some(2), Buffer::of(25 * SECOND_US)), 2);
        assert_eq!(choose(&LADDER, Some(1_000_000), Some(2), Buffer::of(24 * SECOND_US)), 1);
    }

    #[test]
    fn choose_among_equal_rates_keeps_the_current_one_or_takes_the_first() {
        assert_eq!(choose(&[500, 500], Some(10_000), Some(1), Buffer::of(0)), 1);
        assert_eq!(choose(&[500, 500], Some(10_000), None, Buffer::of(0)), 0);
    }

    #[test]
    fn choose_without_variants_or_with_stale_index_does_not_panic() {
        assert_eq!(choose(&[], Some(1), Some(3), Buffer::of(0)), 0);
        assert_eq!(choose(&[5], Some(1), Some(3), Buffer::of(0)), 0);
    }

    proptest! {
        #[test]
        fn choose_is_in_range_and_rises_with_the_estimate(
            ladder in proptest::collection::vec(any::<u64>(), 1..12),
            estimate in any::<u64>(),
            more in any::<u64>(),
            current in proptest::option::of(0..12_usize),
            buffer_us in any::<i64>(),
        ) {
            let low = choose(&ladder, Some(estimate), current, Buffer::of(buffer_us));
            let high = choose(&ladder, Some(estimate.saturating_add(more)), current, Buffer::of(buffer_us));
            prop_assert!(low < ladder.len() && high < ladder.len());
            prop_assert!(ladder[low] <= ladder[high]);
        }
    }
}
