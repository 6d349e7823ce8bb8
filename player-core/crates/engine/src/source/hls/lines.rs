//! The lines of timestamps of a presentation, joined to one `media_time`.
//!
//! Segments of one discontinuity sequence share a line, in every variant and rendition (RFC 8216 section 6.2.4). The line that is met
//! first is `media_time` itself; every other is shifted so that its segment starts where the playlist says.

use std::collections::BTreeMap;

use kinora_time::{MediaUs, SECOND_US, ticks_to_us};

/// MPEG timestamps have 33 bits of a 90 kHz clock: about 26.5 hours.
const WRAP_TICKS: i64 = 1 << 33;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// `media_time` of the start of the playlist.
    base_us: Option<MediaUs>,
    /// It is known to everybody and does not change any more.
    sealed: bool,
    /// By discontinuity sequence: what to add to a timestamp.
    offsets: BTreeMap<u64, MediaUs>,
}

impl Lines {
    /// Those that an earlier instance went by.
    pub(super) fn known(base_us: MediaUs, offsets: &[(u64, MediaUs)]) -> Self {
        Lines { base_us: Some(base_us), sealed: true, offsets: offsets.iter().copied().collect() }
    }

    /// The newest lines with their offsets, at most `most`.
    pub(super) fn newest(&self, most: usize) -> Vec<(u64, MediaUs)> {
        let surplus = self.offsets.len().saturating_sub(most);
        self.offsets.iter().skip(surplus).map(|(line, offset)| (*line, *offset)).collect()
    }

    /// `media_time` of the start of the playlist, once a sample has been seen.
    pub(super) fn base_us(&self) -> Option<MediaUs> {
        self.base_us
    }

    /// What to add to the timestamps of a run whose first sample has `pts_us` and whose first segment stands at `at_us` in the playlist.
    pub(super) fn offset(&mut self, line: u64, pts_us: MediaUs, at_us: MediaUs) -> MediaUs {
        let start_us = pts_us.saturating_sub(at_us);
        let mut base_us = *self.base_us.get_or_insert(start_us);
        // Sound often begins a little before the picture: all of it is to be heard, whichever came first.
        let earlier = (0..SECOND_US).contains(&base_us.saturating_sub(start_us));
        if earlier && !self.sealed && self.offsets.get(&line) == Some(&0) {
            base_us = start_us;
            self.base_us = Some(base_us);
        }
        let expected_us = base_us.saturating_add(at_us);
        let offset = *self.offsets.entry(line).or_insert(expected_us.saturating_sub(pts_us));
        unwrapped(offset, pts_us, expected_us)
    }

    /// From now on the start stays where it is: every rendition's first sample has been seen.
    pub(super) fn seal(&mut self) {
        self.sealed = true;
    }

    /// What to add to an MPEG timestamp of `line` for a text that stands at `at_us`.
    pub(super) fn text_offset(&self, line: u64, pts_us: MediaUs, at_us: MediaUs) -> MediaUs {
        let base_us = self.base_us.unwrap_or(0);
        self.offsets
            .get(&line)
            .map_or(base_us, |offset| unwrapped(*offset, pts_us, base_us.saturating_add(at_us)))
    }
}

/// On one line a parser that starts later may be whole turns of the 33-bit clock behind: `offset` with these.
fn unwrapped(offset: MediaUs, pts_us: MediaUs, expected_us: MediaUs) -> MediaUs {
    let wrap_us = ticks_to_us(WRAP_TICKS, 90_000);
    let short_us = expected_us.saturating_sub(pts_us.saturating_add(offset));
    let turns = short_us.saturating_add(wrap_us / 2).div_euclid(wrap_us);
    offset.saturating_add(turns.saturating_mul(wrap_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_keeps_its_timestamps() {
        let mut lines = Lines::default();
        assert_eq!(lines.offset(0, 1_400_000, 0), 0);
        assert_eq!(lines.base_us(), Some(1_400_000));
        assert_eq!(lines.offset(0, 61_410_000, 60_000_000), 0);
    }

    #[test]
    fn start_is_that_of_the_earliest_rendition_until_it_is_sealed() {
        for order in [[83_000, 62_000], [62_000, 83_000]] {
            let mut lines = Lines::default();
            assert_eq!(order.map(|pts_us| lines.offset(0, pts_us, 0)), [0, 0]);
            assert_eq!(lines.base_us(), Some(62_000));
        }
        let mut lines = Lines::default();
        lines.offset(0, 83_000, 0);
        lines.seal();
        lines.offset(0, 62_000, 0);
        assert_eq!(lines.base_us(), Some(83_000));
    }

    #[test]
    fn later_line_is_shifted_to_where_the_playlist_says() {
        let mut lines = Lines::default();
        lines.offset(0, 10_000_000, 0);
        assert_eq!(lines.offset(1, 500_000, 20_000_000), 29_500_000);
        assert_eq!(lines.offset(1, 4_500_000, 24_000_000), 29_500_000, "the same for all its segments");
    }

    #[test]
    fn wrapped_timestamps_go_on() {
        let mut lines = Lines::default();
        let wrap = ticks_to_us(WRAP_TICKS, 90_000);
        lines.offset(0, wrap - 5_000_000, 0);
        assert_eq!(lines.offset(0, 1_000_000, 6_000_000), wrap);
    }
}
