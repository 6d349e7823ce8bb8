use std::collections::VecDeque;

use kinora_time::MediaUs;

use crate::cue::Cue;

/// The cues of one caption track, by time.
///
/// Cues may come in any order and again after a seek: one that is already there is not added twice. What it holds is
/// bounded; when full, the cue farthest from the newest one goes, since playback is near what was just read.
#[derive(Debug, Clone, Default)]
pub struct CueList {
    /// By start, then end; equals in the order they came (an ASS script layers them so).
    cues: VecDeque<Cue>,
    bytes: usize,
    /// At least the duration of every cue held: how far before an instant a cue may start that still shows then.
    longest_us: MediaUs,
}

impl CueList {
    /// Most cues held: a feature film has under 3,000, a typeset one under 20,000.
    pub const MOST_CUES: usize = 32_768;
    /// Most bytes held, text and structure.
    pub const MOST_BYTES: usize = 8 << 20;

    /// An empty list.
    pub fn new() -> Self {
        CueList::default()
    }

    /// Number of cues held.
    pub fn len(&self) -> usize {
        self.cues.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.cues.is_empty()
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        *self = CueList::new();
    }

    /// Adds a cue and says whether the list changed. One that shows nothing (no text, or no time) is left out.
    pub fn insert(&mut self, cue: Cue) -> bool {
        let cost = cost(&cue);
        if cue.end_us <= cue.start_us || cue.lines.is_empty() || cost > Self::MOST_BYTES {
            return false;
        }
        let key = (cue.start_us, cue.end_us);
        let from = self.cues.partition_point(|c| (c.start_us, c.end_us) < key);
        let to = self.cues.partition_point(|c| (c.start_us, c.end_us) <= key);
        if self.cues.range(from..to).any(|held| *held == cue) {
            return false;
        }
        let near_us = cue.start_us;
        self.bytes += cost;
        self.longest_us = self.longest_us.max(cue.end_us.saturating_sub(cue.start_us));
        self.cues.insert(to, cue);
        while self.cues.len() > Self::MOST_CUES || self.bytes > Self::MOST_BYTES {
            self.drop_farthest(near_us);
        }
        true
    }

    /// The cues showing at `at_us`, by start.
    pub fn active(&self, at_us: MediaUs) -> impl Iterator<Item = &Cue> {
        self.between(at_us, at_us.saturating_add(1))
    }

    /// The cues showing at some instant of `from_us..to_us`, by start.
    pub fn between(&self, from_us: MediaUs, to_us: MediaUs) -> impl Iterator<Item = &Cue> {
        let earliest_us = from_us.saturating_sub(self.longest_us);
        let first = self.cues.partition_point(|c| c.start_us < earliest_us);
        let last = self.cues.partition_point(|c| c.start_us < to_us).max(first);
        self.cues.range(first..last).filter(move |c| c.end_us > from_us && from_us < to_us)
    }

    /// The next instant after `after_us` at which something appears or goes; `None` when nothing changes any more.
    pub fn next_change(&self, after_us: MediaUs) -> Option<MediaUs> {
        let next = self.cues.partition_point(|c| c.start_us <= after_us);
        let appears = self.cues.get(next).map(|c| c.start_us);
        let goes = self.active(after_us).map(|c| c.end_us).filter(|end_us| *end_us > after_us).min();
        appears.into_iter().chain(goes).min()
    }

    fn drop_farthest(&mut self, near_us: MediaUs) {
        let distance = |c: Option<&Cue>| c.map_or(0, |c| c.start_us.abs_diff(near_us));
        let dropped = if distance(self.cues.front()) > distance(self.cues.back()) {
            self.cues.pop_front()
        } else {
            self.cues.pop_back()
        };
        self.bytes -= dropped.map_or(self.bytes, |c| cost(&c));
    }
}

fn cost(cue: &Cue) -> usize {
    let runs = cue.lines.iter().flat_map(|line| &line.runs);
    let text: usize = runs.map(|run| run.text.len() + size_of::<crate::Run>()).sum();
    text + cue.lines.len() * size_of::<crate::Line>() + size_of::<Cue>()
}

impl Extend<Cue> for CueList {
    fn extend<T: IntoIterator<Item = Cue>>(&mut self, cues: T) {
        cues.into_iter().for_each(|cue| {
            self.insert(cue);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cue::{Line, Position, Run, Style};
    use proptest::prelude::*;

    fn cue(start_us: i64, end_us: i64, text: &str) -> Cue {
        let run = Run { text: text.into(), style: Style::default() };
        Cue { start_us, end_us, lines: vec![Line { runs: vec![run] }], position: Position::default() }
    }

    fn text(cue: &Cue) -> &str {
        &cue.lines[0].runs[0].text
    }

    #[test]
    fn active_overlapping_cues_all_show_until_their_end() {
        let mut list = CueList::new();
        list.extend([cue(30, 40, "c"), cue(0, 100, "a"), cue(20, 35, "b")]);
        assert_eq!(list.active(34).map(text).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(list.active(35).map(text).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(list.active(100).count(), 0);
        assert_eq!(list.between(-5, 20).map(text).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn insert_same_cue_again_after_a_seek_changes_nothing() {
        let mut list = CueList::new();
        assert!(list.insert(cue(0, 10, "a")));
        assert!(!list.insert(cue(0, 10, "a")));
        assert!(list.insert(cue(0, 10, "b")));
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn insert_beyond_the_limit_drops_the_farthest() {
        let mut list = CueList::new();
        let last = CueList::MOST_CUES as i64;
        list.extend((0..=last).map(|n| cue(n, n + 1, "x")));
        assert_eq!(list.len(), CueList::MOST_CUES);
        assert_eq!(list.active(0).count(), 0);
        assert_eq!(list.active(last).count(), 1);
        list.insert(cue(-10, -9, "y"));
        assert_eq!(list.active(last).count(), 0);
    }

    #[test]
    fn insert_long_texts_stays_within_the_bytes() {
        let mut list = CueList::new();
        let long = "x".repeat(1 << 20);
        list.extend((0..20).map(|n| cue(n, n + 1, &long)));
        assert!(list.len() < 8 && list.bytes <= CueList::MOST_BYTES);
    }

    proptest! {
        #[test]
        fn list_any_order_answers_as_a_plain_scan(
            spans in proptest::collection::vec((-50i64..50, 0i64..40), 0..40), from in -60i64..100, length in 0i64..30,
        ) {
            let mut list = CueList::new();
            let mut held: Vec<(i64, i64)> = Vec::new();
            for (start, length) in &spans {
                let (start, end) = (*start, start + length);
                let new = end > start && !held.contains(&(start, end));
                prop_assert_eq!(list.insert(cue(start, end, "x")), new);
                if new {
                    held.push((start, end));
                }
            }
            held.sort();
            let to = from + length;
            let expected: Vec<_> = held.iter().copied().filter(|(s, e)| *s < to && *e > from && from < to).collect();
            let got: Vec<_> = list.between(from, to).map(|c| (c.start_us, c.end_us)).collect();
            prop_assert_eq!(got, expected);
            let change = held.iter().flat_map(|(s, e)| [*s, *e]).filter(|t| *t > from).min();
            prop_assert_eq!(list.next_change(from), change);
        }
    }
}
