//! An estimate of throughput from finished fetches.

/// Half-lives, in time spent receiving, of the two averages; the lower one counts, so a drop is believed at once and a rise after it
/// has lasted (hls.js `abrEwmaFastVoD`, `abrEwmaSlowVoD`; dash.js uses 3 s and 8 s).
const FAST_HALF_LIFE_US: u64 = 3_000_000;
const SLOW_HALF_LIFE_US: u64 = 9_000_000;

/// Smaller answers measure latency and the first window of TCP (hls.js issues 2861 and 3563: off by a hundredfold; Shaka's
/// `minBytes` is 16 kB).
const MIN_BYTES: u64 = 16 * 1024;

/// A fetch out of a cache or a kernel buffer took no time; hls.js counts at least 50 ms.
const MIN_ELAPSED_US: u64 = 50_000;

/// A rate nobody has: keeps the arithmetic inside 128 bits whatever is recorded.
const MAX_BPS: u64 = 1 << 40;

/// One exponentially weighted average whose weights halve every `half_life_us`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Average {
    /// The average as if it had begun with zeros, bits a second times 2^16.
    value_q16: u64,
    /// How much of those zeros is left, times 2^16.
    missing_q16: u64,
}

impl Average {
    fn record(&mut self, rate_bps: u64, elapsed_us: u64, half_life_us: u64) {
        let keep = halved_q16(elapsed_us, half_life_us);
        let mix = |old: u64, new: u64| {
            let sum = u128::from(old) * u128::from(keep) + u128::from(new) * u128::from((1 << 16) - keep);
            (sum >> 16) as u64
        };
        self.value_q16 = mix(self.value_q16, rate_bps << 16);
        self.missing_q16 = mix(self.missing_q16, 0);
    }

    /// Without the zeros it began with; otherwise the first estimates would be far too low.
    fn bps(&self) -> u64 {
        self.value_q16 / ((1 << 16) - self.missing_q16).max(1)
    }
}

/// 2^(-elapsed / half-life) times 2^16, in integers so that every device decides alike. Between whole halvings a parabola through
/// 0, 1/2 and 1 is at most 0.3 % off.
fn halved_q16(elapsed_us: u64, half_life_us: u64) -> u64 {
    let halvings = elapsed_us / half_life_us;
    let part_q16 = ((elapsed_us % half_life_us) << 16) / half_life_us;
    // 1 - x (0.6716 - 0.1716 x)
    let slope_q16 = 44_013 - ((11_245 * part_q16) >> 16);
    let within = (1 << 16) - ((part_q16 * slope_q16) >> 16);
    if halvings > 16 { 0 } else { within >> halvings }
}

/// How fast bytes come, judged from finished fetches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Throughput {
    averages: Option<(Average, Average)>,
}

impl Throughput {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A fetch brought `bytes` in the `elapsed_us` between its first byte and its last: the time before the first byte is latency,
    /// which says nothing about how fast a long segment comes.
    pub fn record(&mut self, bytes: u64, elapsed_us: u64) {
        if bytes < MIN_BYTES {
            return;
        }
        let elapsed_us = elapsed_us.max(MIN_ELAPSED_US);
        let rate_bps = u128::from(bytes) * 8_000_000 / u128::from(elapsed_us);
        let rate_bps = u64::try_from(rate_bps).unwrap_or(MAX_BPS).min(MAX_BPS);
        let fresh = Average { value_q16: 0, missing_q16: 1 << 16 };
        let (fast, slow) = self.averages.get_or_insert((fresh, fresh));
        fast.record(rate_bps, elapsed_us, FAST_HALF_LIFE_US);
        slow.record(rate_bps, elapsed_us, SLOW_HALF_LIFE_US);
    }

    /// What [`Throughput::from_parts`] makes the same of; none before the first fetch that counts.
    pub fn parts(&self) -> Option<[u64; 4]> {
        let (fast, slow) = self.averages?;
        Some([fast.value_q16, fast.missing_q16, slow.value_q16, slow.missing_q16])
    }

    /// From [`Throughput::parts`], or from anything.
    pub fn from_parts(parts: [u64; 4]) -> Self {
        let average = |value_q16: u64, missing_q16: u64| Average {
            value_q16: value_q16.min(MAX_BPS << 16),
            missing_q16: missing_q16.min(1 << 16),
        };
        Throughput { averages: Some((average(parts[0], parts[1]), average(parts[2], parts[3]))) }
    }

    /// Bits a second; none before the first fetch that counts.
    pub fn estimate_bps(&self) -> Option<u64> {
        self.averages.as_ref().map(|(fast, slow)| fast.bps().min(slow.bps()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes that arrive in a second at `bps`.
    fn second_at(throughput: &mut Throughput, bps: u64) {
        throughput.record(bps / 8, 1_000_000);
    }

    #[test]
    fn throughput_of_first_fetch_is_its_rate() {
        let mut throughput = Throughput::new();
        assert_eq!(throughput.estimate_bps(), None);
        second_at(&mut throughput, 4_000_000);
        let estimate = throughput.estimate_bps().unwrap();
        assert!(estimate.abs_diff(4_000_000) < 4_000, "{estimate}");
    }

    #[test]
    fn throughput_of_small_fetch_is_ignored() {
        let mut throughput = Throughput::new();
        throughput.record(MIN_BYTES - 1, 10);
        assert_eq!(throughput.estimate_bps(), None);
    }

    #[test]
    fn throughput_after_drop_falls_faster_than_it_rises_after_recovery() {
        let mut throughput = Throughput::new();
        for _ in 0..60 {
            second_at(&mut throughput, 8_000_000);
        }
        for _ in 0..3 {
            second_at(&mut throughput, 1_000_000);
        }
        // One fast half-life: half way from 8 to 1.
        let fallen = throughput.estimate_bps().unwrap();
        assert!(fallen.abs_diff(4_500_000) < 60_000, "{fallen}");
        for _ in 0..60 {
            second_at(&mut throughput, 1_000_000);
        }
        for _ in 0..3 {
            second_at(&mut throughput, 8_000_000);
        }
        // A third of a slow half-life: a fifth of the way.
        let risen = throughput.estimate_bps().unwrap();
        assert!(risen < 2_600_000, "{risen}");
    }

    #[test]
    fn halved_at_whole_half_lives_is_exact() {
        let at = |elapsed_us| halved_q16(elapsed_us, FAST_HALF_LIFE_US);
        assert_eq!((at(0), at(3_000_000), at(6_000_000), at(u64::MAX)), (65_536, 32_768, 16_384, 0));
    }

    proptest! {
        #[test]
        fn throughput_of_any_parts_never_panics(parts: [u64; 4]) {
            let mut throughput = Throughput::from_parts(parts);
            throughput.record(1 << 20, 1_000_000);
            prop_assert!(throughput.estimate_bps().is_some());
        }

        #[test]
        fn throughput_of_any_fetches_stays_between_slowest_and_fastest(
            fetches in proptest::collection::vec((any::<u64>(), any::<u64>()), 1..20),
            ordinary in proptest::collection::vec((20_000..10_000_000_u64, 60_000..20_000_000_u64), 1..20),
        ) {
            let mut throughput = Throughput::new();
            for (bytes, elapsed_us) in fetches {
                throughput.record(bytes, elapsed_us);
            }
            prop_assert!(throughput.estimate_bps().unwrap_or(0) <= MAX_BPS + MAX_BPS / 100);
            if let Some(parts) = throughput.parts() {
                prop_assert_eq!(Throughput::from_parts(parts), throughput);
            }

            let mut throughput = Throughput::new();
            let (mut slowest, mut fastest) = (u64::MAX, 0);
            for (bytes, elapsed_us) in ordinary {
                throughput.record(bytes, elapsed_us);
                let rate = bytes * 8_000_000 / elapsed_us;
                (slowest, fastest) = (slowest.min(rate), fastest.max(rate));
            }
            // Rounding of 2^-16 weights shows most on the first short fetch: within 2 %.
            let estimate = throughput.estimate_bps().unwrap();
            prop_assert!(estimate >= slowest - slowest / 50 - 1 && estimate <= fastest + fastest / 50 + 1);
        }
    }
}
