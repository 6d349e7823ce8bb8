//! What a build may not be worse in than the one before it: an absolute floor that nobody minds, twice what the one before had, and enough
//! of both to tell.

use kinora_cores::{Figures, Spread};

use crate::instance::Limits;

/// More than so many times the figure of the build before is worse, not noise: times are known to a quarter.
const FACTOR: u64 = 2;

/// Calls that a 99th percentile is taken of: five may be longer.
const MIN_CALLS: u64 = 500;
/// Keys that a median is taken of.
const MIN_ANSWERS: u64 = 8;
/// What reacts sooner is felt to react at once.
const ANSWER_US: u64 = 100_000;
/// Starts that a median is taken of.
const MIN_STARTS: u64 = 3;
/// Networks differ by as much.
const START_US: u64 = 2_000_000;
/// Fewer stalls may be the network's.
const MIN_STALLS: u32 = 5;
/// Playing that a rate of stalls is taken of.
const MIN_PLAYED_US: u64 = 60_000_000;
const STALLS_PER_HOUR: u64 = 24;
/// Fewer items that fail may be chance.
const MIN_FAILED: usize = 3;
const HOUR_US: u64 = 3_600_000_000;
/// Items that a share is taken of.
const MIN_PLAYS: u32 = 3;
const FAILED_PERCENT: u64 = 20;
/// What a core may take anyway: its bar.
const MEMORY_BYTES: u64 = 64 << 20;

/// A figure that is compared.
struct Gate {
    name: &'static str,
    /// The figure of the build that has to prove itself; none: it cannot be told yet.
    own: fn(&Figures) -> Option<u64>,
    /// That of a build it is compared with.
    before: fn(&Figures) -> Option<u64>,
    /// Up to here it does not matter how much more it is.
    floor: fn(&Limits) -> u64,
    words: fn(u64) -> String,
}

const GATES: &[Gate] = &[
    Gate {
        name: "a frame time (p99)",
        own: |figures| quantile(&figures.calls, 990, MIN_CALLS),
        before: |figures| quantile(&figures.calls, 990, MIN_CALLS),
        // A refresh at 60 Hz where the soft budget of a call is half of that.
        floor: |limits| 2 * limits.slow.as_micros() as u64,
        words: time,
    },
    Gate {
        name: "an input latency (median)",
        own: |figures| quantile(&figures.answers, 500, MIN_ANSWERS),
        before: |figures| quantile(&figures.answers, 500, MIN_ANSWERS),
        floor: |_| ANSWER_US,
        words: time,
    },
    Gate {
        name: "a start time (median)",
        own: |figures| quantile(&figures.starts, 500, MIN_STARTS),
        before: |figures| quantile(&figures.starts, 500, MIN_STARTS),
        floor: |_| START_US,
        words: time,
    },
    Gate {
        name: "a rate of stalls",
        own: |figures| (figures.stalls >= MIN_STALLS).then(|| stalls_per_hour(figures)),
        before: |figures| (figures.played_us >= MIN_PLAYED_US).then(|| stalls_per_hour(figures)),
        floor: |_| STALLS_PER_HOUR,
        words: |rate| format!("{rate} an hour"),
    },
    Gate {
        name: "a memory use",
        own: |figures| Some(figures.memory_bytes),
        before: |figures| (figures.memory_bytes > 0).then_some(figures.memory_bytes),
        floor: |_| MEMORY_BYTES,
        words: |bytes| format!("{} MiB", bytes >> 20),
    },
    Gate {
        name: "an error rate",
        own: |figures| (figures.failed.len() >= MIN_FAILED).then(|| failed_percent(figures)),
        before: |figures| (figures.plays >= MIN_PLAYS).then(|| failed_percent(figures)),
        floor: |_| FAILED_PERCENT,
        words: |percent| format!("{percent} % of what was to play"),
    },
];

/// Why a build is not fit to go on, in words that go on from "it": the first gate it fails. Each of `before` is what the build before came
/// to at some other time; the worst counts, since content and network may have been others.
pub(super) fn unfit(own: &Figures, before: &[&Figures], limits: &Limits) -> Option<String> {
    GATES.iter().find_map(|gate| {
        let value = (gate.own)(own)?;
        let reference = before.iter().filter_map(|figures| (gate.before)(figures)).max()?;
        let limit = reference.saturating_mul(FACTOR).max((gate.floor)(limits));
        let (name, words) = (gate.name, gate.words);
        (value > limit)
            .then(|| format!("has {name} of {}; the core before it had {}", words(value), words(reference)))
    })
}

fn quantile(spread: &Spread, permille: u64, least: u64) -> Option<u64> {
    (spread.count() >= least).then(|| spread.quantile(permille)).flatten()
}

fn stalls_per_hour(figures: &Figures) -> u64 {
    u64::from(figures.stalls) * HOUR_US / figures.played_us.max(MIN_PLAYED_US)
}

fn failed_percent(figures: &Figures) -> u64 {
    let plays = u64::from(figures.plays).max(1);
    (figures.failed.len() as u64 * 100 / plays).min(100)
}

fn time(us: u64) -> String {
    match us {
        0..10_000 => format!("{:.1} ms", us as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", us / 1000),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An hour with a build that nobody complains about.
    fn good() -> Figures {
        let mut good = Figures {
            played_us: HOUR_US,
            plays: 20,
            stalls: 1,
            memory_bytes: 40 << 20,
            ..Figures::default()
        };
        (0..10_000).for_each(|n| good.calls.add(if n % 200 == 0 { 7_000 } else { 400 }));
        (0..50).for_each(|_| good.answers.add(20_000));
        (0..20).for_each(|_| good.starts.add(400_000));
        good.failed.insert(1);
        good
    }

    /// Ten minutes with a build that differs.
    fn ten_minutes(differ: impl FnOnce(&mut Figures)) -> Figures {
        let mut own =
            Figures { played_us: HOUR_US / 6, plays: 6, memory_bytes: 50 << 20, ..Figures::default() };
        (0..2_000).for_each(|_| own.calls.add(500));
        (0..20).for_each(|_| own.answers.add(30_000));
        (0..6).for_each(|_| own.starts.add(500_000));
        differ(&mut own);
        own
    }

    fn told(own: &Figures) -> Option<String> {
        unfit(own, &[&good(), &Figures::default()], &Limits::REAL_TIME)
    }

    #[test]
    fn build_that_is_worse_in_one_figure_is_told_by_it() {
        let slow = ten_minutes(|own| (0..100).for_each(|_| own.calls.add(40_000)));
        let deaf = ten_minutes(|own| (0..40).for_each(|_| own.answers.add(600_000)));
        let late = ten_minutes(|own| (0..20).for_each(|_| own.starts.add(6_000_000)));
        let stalling = ten_minutes(|own| own.stalls = 6);
        let large = ten_minutes(|own| own.memory_bytes = 90 << 20);
        let faulty = ten_minutes(|own| own.failed.extend([1, 2, 3]));
        for (own, words) in [
            (slow, "has a frame time (p99) of 40 ms; the core before it had 0.4 ms"),
            (deaf, "has an input latency (median) of 655 ms; the core before it had 20 ms"),
            (late, "has a start time (median) of 6.3 s; the core before it had 458 ms"),
            (stalling, "has a rate of stalls of 36 an hour; the core before it had 1 an hour"),
            (large, "has a memory use of 90 MiB; the core before it had 40 MiB"),
            (
                faulty,
                "has an error rate of 50 % of what was to play; the core before it had 5 % of what was to play",
            ),
        ] {
            assert_eq!(told(&own).as_deref(), Some(words));
        }
    }

    #[test]
    fn build_that_is_as_good_or_little_measured_is_fit() {
        assert_eq!(told(&ten_minutes(|_| ())), None);
        assert_eq!(told(&good()), None);
        let few = ten_minutes(|own| {
            (own.answers, own.starts, own.calls) = <_>::default();
            (0..7).for_each(|_| own.answers.add(900_000));
            (0..2).for_each(|_| own.starts.add(9_000_000));
            (0..400).for_each(|_| own.calls.add(90_000));
            (own.stalls, own.failed) = (4, [1, 2].into());
        });
        assert_eq!(told(&few), None);
        // What was never measured of the build before says nothing against this one.
        let bad = ten_minutes(|own| own.stalls = 50);
        assert_eq!(unfit(&bad, &[&Figures::default()], &Limits::REAL_TIME), None);
    }

    #[test]
    fn build_that_is_worse_below_the_floor_is_fit() {
        let worse = ten_minutes(|own| {
            (0..100).for_each(|_| own.calls.add(13_000));
            (0..40).for_each(|_| own.answers.add(90_000));
            (0..20).for_each(|_| own.starts.add(1_500_000));
            own.memory_bytes = 60 << 20;
        });
        let mut fast = good();
        fast.memory_bytes = 5 << 20;
        assert_eq!(unfit(&worse, &[&fast], &Limits::REAL_TIME), None);
        // On a box the same calls are fast.
        let slow = ten_minutes(|own| (0..100).for_each(|_| own.calls.add(40_000)));
        assert_eq!(unfit(&slow, &[&good()], &Limits::BOX), None);
    }

    #[test]
    fn worst_time_of_the_build_before_is_what_counts() {
        let mut slow_network = Figures::default();
        (0..5).for_each(|_| slow_network.starts.add(4_000_000));
        let late = ten_minutes(|own| (0..20).for_each(|_| own.starts.add(6_000_000)));
        assert_eq!(unfit(&late, &[&good(), &slow_network], &Limits::REAL_TIME), None);
    }
}
