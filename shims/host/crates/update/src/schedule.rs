//! When to ask for updates: at start, once at random within the next day, then daily; after a failure sooner, then less and less often.

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Of the first back-off; each failure doubles it, up to a day.
const FIRST_BACKOFF: Duration = Duration::from_secs(5 * 60);

/// Where a running shim is in its checks. Counts from its start: nothing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    good: u32,
    failures: u32,
}

impl Schedule {
    /// How long to wait for the next check: at once after the start. `random` is any number, new each time; it keeps devices that
    /// were switched on together, or saw one server fail, from asking together.
    pub fn wait(&self, random: u64) -> Duration {
        match (self.failures, self.good) {
            (0, 0) => Duration::ZERO,
            (0, 1) => between(HOUR, DAY, random),
            (0, _) => DAY,
            (failures, _) => {
                let longest = FIRST_BACKOFF.saturating_mul(1 << (failures - 1).min(12)).min(DAY);
                between(longest / 2, longest, random)
            }
        }
    }

    /// A check has ended, well or not.
    pub fn checked(&mut self, well: bool) {
        if well {
            self.good = self.good.saturating_add(1);
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
        }
    }
}

fn between(least: Duration, most: Duration, random: u64) -> Duration {
    let span = (most - least).as_millis() as u64 + 1;
    least + Duration::from_millis(random % span)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn schedule_without_failures_is_at_start_then_within_a_day_then_daily() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.wait(7), Duration::ZERO);
        schedule.checked(true);
        assert_eq!(schedule.wait(0), HOUR);
        assert!(schedule.wait(u64::MAX) > HOUR && schedule.wait(u64::MAX) <= DAY);
        for _ in 0..3 {
            schedule.checked(true);
            assert_eq!(schedule.wait(u64::MAX), DAY);
        }
    }

    #[test]
    fn schedule_after_failures_waits_twice_as_long_each_time_up_to_a_day() {
        let mut schedule = Schedule::default();
        let mut waits = Vec::new();
        for _ in 0..12 {
            schedule.checked(false);
            waits.push(schedule.wait(0).as_secs());
        }
        assert_eq!(waits[..4], [150, 300, 600, 1200]);
        assert_eq!(waits[10..], [43_200, 43_200]);
        schedule.checked(true);
        assert_eq!(schedule.wait(0), HOUR, "the first good check is the one at start");
    }

    proptest! {
        #[test]
        fn schedule_after_any_history_waits_at_most_a_day(
            history in proptest::collection::vec(any::<bool>(), 1..60),
            random in any::<u64>(),
        ) {
            let mut schedule = Schedule::default();
            for well in history {
                schedule.checked(well);
            }
            let wait = schedule.wait(random);
            prop_assert!(wait <= DAY && wait >= FIRST_BACKOFF / 2, "{wait:?}");
        }
    }
}
