//! What was measured of a core on this device: what a later one is compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Figures cover about the last hours of playing: when there is more, everything counts half.
const COVERED_US: u64 = 4 * 3_600_000_000;
/// Most items and keys that are told apart.
const MAX_KEPT: usize = 64;

/// What was measured of a core, as the person in front of the device has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// How long something has played, microseconds.
    pub played_us: u64,
    /// Items that were to play.
    pub plays: u32,
    /// Those of them that gave an error, by the beginning of a hash, so that one that is tried again counts once.
    pub failed: BTreeSet<u32>,
    /// How often playback had to wait though the network gave what was asked for.
    pub stalls: u32,
    /// Most memory that was in use, bytes.
    pub memory_bytes: u64,
    /// Processor time of a call.
    pub calls: Spread,
    /// Keys that change the picture at once: all others tell nothing about how long answers take.
    pub keys: BTreeSet<u32>,
    /// From such a key to the changed picture.
    pub answers: Spread,
    /// From what made it play to the first picture.
    pub starts: Spread,
    /// The store's generation when they were last added to.
    pub used: u64,
}

impl Figures {
    /// An item gave an error.
    pub fn fail(&mut self, item: u32) {
        self.failed.insert(item);
        while self.failed.len() > MAX_KEPT {
            self.failed.pop_first();
        }
    }

    fn halve(&mut self) {
        self.played_us /= 2;
        self.plays /= 2;
        self.stalls /= 2;
        // Which of them are the older ones is not known.
        self.failed = std::mem::take(&mut self.failed).into_iter().step_by(2).collect();
        for spread in [&mut self.calls, &mut self.answers, &mut self.starts] {
            spread.halve();
        }
    }
}

impl AddAssign<&Figures> for Figures {
    /// What was measured later.
    fn add_assign(&mut self, later: &Figures) {
        self.played_us = self.played_us.saturating_add(later.played_us);
        self.plays = self.plays.saturating_add(later.plays);
        later.failed.iter().for_each(|item| self.fail(*item));
        self.stalls = self.stalls.saturating_add(later.stalls);
        self.memory_bytes = self.memory_bytes.max(later.memory_bytes);
        self.calls += &later.calls;
        self.keys.extend(later.keys.iter().take(MAX_KEPT.saturating_sub(self.keys.len())));
        self.answers += &later.answers;
        self.starts += &later.starts;
        while self.played_us > COVERED_US {
            self.halve();
        }
    }
}

/// How times are distributed: how many there were in each quarter of an octave, so that any number of them takes little room and two
/// distributions can be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spread(BTreeMap<u8, u32>);

impl Spread {
    /// Adds a time in microseconds.
    pub fn add(&mut self, us: u64) {
        let count = self.0.entry(class(us)).or_default();
        *count = count.saturating_add(1);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.values().map(|count| u64::from(*count)).sum()
    }

    /// The time that so many of a thousand do not exceed, to within a quarter of an octave, microseconds; none without any.
    pub fn quantile(&self, permille: u64) -> Option<u64> {
        let mut left = (self.count() * permille).div_ceil(1000).max(1);
        self.0.iter().find_map(|(class, count)| {
            left = left.saturating_sub(u64::from(*count));
            (left == 0).then(|| longest(*class))
        })
    }

    fn halve(&mut self) {
        self.0.retain(|_, count| {
            *count /= 2;
            *count > 0
        });
    }
}

impl AddAssign<&Spread> for Spread {
    fn add_assign(&mut self, other: &Spread) {
        for (class, more) in &other.0 {
            let count = self.0.entry(*class).or_default();
            *count = count.saturating_add(*more);
        }
    }
}

/// The quarter of an octave that a time lies in; the first are a microsecond each.
fn class(us: u64) -> u8 {
    match us.checked_ilog2() {
        None | Some(0 | 1) => us as u8,
        Some(octave) => (octave * 4 - 4) as u8 + (us >> (octave - 2) & 3) as u8,
    }
}

/// The longest time of a class.
fn longest(class: u8) -> u64 {
    match class {
        0..4 => class.into(),
        _ => {
            let (octave, quarter) = (u32::from(class / 4) + 1, u64::from(class % 4));
            ((5 + quarter) << (octave - 2)).wrapping_sub(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_of_every_time_ends_at_most_a_quarter_later() {
        for us in (0..5000).chain((12..64).flat_map(|bit| [(1 << bit) - 1, 1 << bit, 3 << (bit - 1)])) {
            let end = longest(class(us));
            assert!(us <= end && end - us <= us / 4, "{us} is told as {end}");
        }
        assert_eq!(longest(class(u64::MAX)), u64::MAX);
    }

    #[test]
    fn quantile_of_many_times_is_theirs() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile(500), None);
        (1..=1000).for_each(|us| spread.add(us));
        let near =
            |permille, us: u64| spread.quantile(permille).is_some_and(|it| (us..=us * 5 / 4).contains(&it));
        assert!(near(500, 500) && near(990, 990) && near(1, 1), "{spread:?}");
    }

    #[test]
    fn figures_of_many_hours_forget_the_oldest() {
        let mut year = Figures::default();
        for day in 0..365 {
            let mut figures = Figures { played_us: 3_600_000_000, plays: 2, ..Figures::default() };
            figures.failed.insert(day);
            (0..100).for_each(|_| figures.calls.add(if day < 360 { 10 } else { 1000 }));
            year += &figures;
        }
        assert!(year.played_us <= COVERED_US && year.plays <= 8 && year.failed.len() <= 8, "{year:?}");
        assert_eq!(year.calls.quantile(500), Some(1023));
    }
}
