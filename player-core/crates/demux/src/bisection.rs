//! Finding a time in a resource whose times grow with the place, by looking at a few places.

use kinora_time::mul_div_floor;

/// Times that do not grow could keep a search busy.
const MAX_ROUNDS: u32 = 40;

/// The bytes in which a time lies, narrowed down look by look. Times are in whatever unit the container has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bisection {
    target: i64,
    /// A place whose time is not behind the target, and that time.
    low: (u64, i64),
    high: (u64, i64),
    /// Where the last look was.
    at: u64,
    rounds: u32,
}

impl Bisection {
    /// A search for `target` between two places whose times are known.
    pub(crate) fn new(target: i64, low: (u64, i64), high: (u64, i64)) -> Self {
        Bisection { target, low, high, at: low.0, rounds: 0 }
    }

    /// The time that is looked for.
    pub(crate) fn target(&self) -> i64 {
        self.target
    }

    /// The last place known to be before the target.
    pub(crate) fn low(&self) -> u64 {
        self.low.0
    }

    /// The first place known to be behind it.
    pub(crate) fn high(&self) -> u64 {
        self.high.0
    }

    /// The next place to look at; `None` when less than `near` bytes are left, which are better read. It is where the target lies
    /// if bytes are even in time, but never near either end, so that each look takes off a sixteenth at least.
    pub(crate) fn aim(&mut self, near: u64) -> Option<u64> {
        let span = self.high.0.saturating_sub(self.low.0);
        if span <= near.max(16) || self.rounds >= MAX_ROUNDS {
            return None;
        }
        self.rounds += 1;
        let wanted = self.target.saturating_sub(self.low.1).max(0);
        let whole = self.high.1.saturating_sub(self.low.1).max(1);
        let guess = mul_div_floor(i64::try_from(span).unwrap_or(i64::MAX), wanted, whole) as u64;
        self.at = self.low.0 + guess.clamp(span / 16, span - span / 16);
        Some(self.at)
    }

    /// The first time found behind the last look's place, with its own place; `None` if there is none before [`Bisection::high`].
    pub(crate) fn found(&mut self, found: Option<(u64, i64)>) {
        match found {
            Some((place, time)) if time <= self.target && place < self.high.0 => self.low = (place, time),
            Some((_, time)) => self.high = (self.at, time.clamp(self.target, self.high.1.max(self.target))),
            None => self.high.0 = self.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn search_comes_down_around_the_target(target in 0i64..1_000_000, step in 1u64..50, bend in 1i64..5) {
            // A mark each `step` bytes, whose time grows unevenly.
            let time = |place: u64| (place as i64 / bend) * if place < 300_000 { 1 } else { bend };
            let mut search = Bisection::new(target, (0, 0), (1_000_000, time(1_000_000)));
            let mut looks = 0;
            while let Some(at) = search.aim(1000) {
                let mark = at.next_multiple_of(step);
                search.found((mark < search.high()).then(|| (mark, time(mark))));
                looks += 1;
            }
            prop_assert!(looks <= 40 && search.high() >= search.low());
            prop_assert!(time(search.low()) <= target);
        }

        #[test]
        fn senseless_times_end_too(times in prop::collection::vec(any::<Option<(u64, i64)>>(), 50), target: i64) {
            let mut search = Bisection::new(target, (5, i64::MIN), (u64::MAX, i64::MAX));
            for found in times {
                if search.aim(0).is_none() {
                    break;
                }
                search.found(found);
            }
            prop_assert!(search.aim(0).is_none());
        }
    }
}
