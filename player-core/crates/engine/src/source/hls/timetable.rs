//! The segments of a playlist on the line of playlist time.
//!
//! A complete playlist begins at 0. Of a live one the line goes on over reloads, other renditions and restarts of the server: a segment
//! keeps its time as long as it is known, however the window around it moves.

use std::sync::Arc;

use kinora_manifest::{MediaPlaylist, Segment, Start};
use kinora_time::{MediaUs, Span};

/// A segment and its place, by which another playlist is put beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Media sequence number.
    pub(crate) sequence: u64,
    /// Playlist time of its start.
    pub(crate) at_us: MediaUs,
    /// `wall_time` of its start, if the playlist states it.
    pub(crate) date_us: Option<i64>,
    /// What makes a line of its discontinuity sequence, see [`Timetable::line`].
    pub(crate) line_shift: u64,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Timetable {
    playlist: Arc<MediaPlaylist>,
    /// Playlist time of each segment's start, and of the end.
    starts: Vec<MediaUs>,
    line_shift: u64,
}

/// What a reload turned out to be.
#[derive(Debug)]
pub(super) enum Succession {
    /// The window as it was, or as it moved on.
    Next(Timetable),
    /// Numbers went back. It is older than what is known, from a cache that was behind; or, if that goes on, the server counts anew.
    Stale(Arc<MediaPlaylist>),
    /// The server counts anew, and says other things under the same numbers.
    Restarted(Arc<MediaPlaylist>),
}

impl Timetable {
    /// `playlist` with its first segment at `first_us`.
    fn new(playlist: Arc<MediaPlaylist>, first_us: MediaUs, line_shift: u64) -> Self {
        let mut at_us = first_us;
        let mut starts = vec![at_us];
        for segment in &playlist.segments {
            at_us = at_us.saturating_add(segment.duration_us.max(0));
            starts.push(at_us);
        }
        Timetable { playlist, starts, line_shift }
    }

    /// The first playlist of an item.
    pub(super) fn first(playlist: Arc<MediaPlaylist>) -> Self {
        Timetable::new(playlist, 0, 0)
    }

    /// `playlist` with its segment of the mark's number there; with the mark's time, where numbers do not help.
    pub(super) fn beside(playlist: Arc<MediaPlaylist>, mark: &Mark) -> Self {
        let first = playlist.media_sequence;
        let before = mark.sequence.checked_sub(first).and_then(|n| usize::try_from(n).ok());
        let by_date = || {
            let date_us = playlist.segments.first()?.program_date_time_us?;
            Some(mark.at_us.saturating_add(date_us.saturating_sub(mark.date_us?)))
        };
        let first_us = match before {
            Some(count) if count < playlist.segments.len() => {
                let length_us = lengths(&playlist.segments[..count]);
                mark.at_us.saturating_sub(length_us)
            }
            // Between them lie segments that nobody knows.
            _ => by_date().unwrap_or_else(|| {
                let apart = i128::from(first) - i128::from(mark.sequence);
                let us = apart.saturating_mul(i128::from(playlist.target_duration_us));
                mark.at_us.saturating_add(us.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
            }),
        };
        Timetable::new(playlist, first_us, mark.line_shift)
    }

    /// `playlist`, of another rendition of the same presentation, beside this one. Renditions may number their segments differently (RFC
    /// 8216 section 6.2.4): dates decide, then numbers if the windows end nearly alike, else that both end now.
    pub(super) fn aligned(&self, playlist: Arc<MediaPlaylist>) -> Self {
        /// Segments that one rendition may be ahead of another, as they are published one after the other.
        const NEARLY: u64 = 2;
        if self.playlist.end_list && playlist.end_list && self.starts[0] == 0 {
            return Timetable::new(playlist, 0, self.line_shift);
        }
        let dated = self.playlist.segments.iter().position(|segment| segment.program_date_time_us.is_some());
        let date_us = playlist.segments.first().and_then(|segment| segment.program_date_time_us);
        if let (Some((at_us, known_us)), Some(date_us)) = (
            dated.and_then(|at| Some((self.starts[at], self.playlist.segments[at].program_date_time_us?))),
            date_us,
        ) {
            let first_us = at_us.saturating_add(date_us.saturating_sub(known_us));
            return Timetable::new(playlist, first_us, self.line_shift);
        }
        if end_of(&self.playlist).abs_diff(end_of(&playlist)) <= NEARLY
            && let Some(mark) = self.mark_in(&playlist)
        {
            return Timetable::beside(playlist, &mark);
        }
        let first_us = self.end_us().saturating_sub(lengths(&playlist.segments));
        Timetable::new(playlist, first_us, self.line_shift)
    }

    /// What `newer`, a reload, is to this one.
    pub(super) fn succeeded_by(&self, newer: MediaPlaylist) -> Succession {
        let newer = Arc::new(newer);
        if self.playlist.segments.is_empty() {
            return Succession::Next(Timetable::new(newer, self.end_us(), self.line_shift));
        }
        if newer.segments.is_empty() {
            return Succession::Stale(newer);
        }
        if end_of(&newer) < end_of(&self.playlist) {
            // Numbers never decrease (section 6.2.2).
            let other = self.mark_in(&newer).is_some_and(|mark| !self.knows(&newer, mark.sequence));
            return if other { Succession::Restarted(newer) } else { Succession::Stale(newer) };
        }
        match self.mark_in(&newer).or_else(|| self.last_mark()) {
            Some(mark) => Succession::Next(Timetable::beside(newer, &mark)),
            None => Succession::Stale(newer),
        }
    }

    /// `playlist`, with which a server began anew, so that the segment at which live goes on starts at `at_us`.
    pub(super) fn restarted(&self, playlist: Arc<MediaPlaylist>, at_us: MediaUs) -> Self {
        // Its lines of timestamps are none of those before.
        let used = self.playlist.segments.last().map_or(0, |last| last.discontinuity_sequence);
        let line_shift = self.line_shift.wrapping_add(used).wrapping_add(1);
        let mut table = Timetable::new(playlist, 0, line_shift);
        table.shift(at_us.saturating_sub(table.start_us(table.live_index())));
        table
    }

    /// The place of the first segment that `other` has too, by number.
    fn mark_in(&self, other: &MediaPlaylist) -> Option<Mark> {
        let sequence = self.playlist.media_sequence.max(other.media_sequence);
        let common = sequence < end_of(&self.playlist).min(end_of(other));
        let index = usize::try_from(sequence - self.playlist.media_sequence).ok()?;
        common.then(|| self.mark(index)).flatten()
    }

    /// The place of the last segment: the one that is known longest.
    pub(super) fn last_mark(&self) -> Option<Mark> {
        self.mark(self.len().checked_sub(1)?)
    }

    fn mark(&self, index: usize) -> Option<Mark> {
        let segment = self.segment(index)?;
        Some(Mark {
            sequence: segment.sequence,
            at_us: self.starts[index],
            date_us: segment.program_date_time_us,
            line_shift: self.line_shift,
        })
    }

    /// Whether both name the same media under a number. Queries are left out: they may carry a token that changes.
    fn knows(&self, other: &MediaPlaylist, sequence: u64) -> bool {
        let named = |playlist: &MediaPlaylist| {
            let index = usize::try_from(sequence.checked_sub(playlist.media_sequence)?).ok()?;
            let segment = playlist.segments.get(index)?;
            let path = segment.uri.split(['?', '#']).next().unwrap_or_default().to_owned();
            Some((path, segment.byte_range, segment.program_date_time_us))
        };
        named(&self.playlist) == named(other)
    }

    // ---- what is in it

    pub(super) fn len(&self) -> usize {
        self.playlist.segments.len()
    }

    pub(super) fn segment(&self, index: usize) -> Option<&Segment> {
        self.playlist.segments.get(index)
    }

    pub(super) fn playlist(&self) -> &Arc<MediaPlaylist> {
        &self.playlist
    }

    /// Whether something may be added.
    pub(super) fn is_live(&self) -> bool {
        !self.playlist.end_list
    }

    /// Where segment `index` starts; beyond the last one, where that ends.
    pub(super) fn start_us(&self, index: usize) -> MediaUs {
        self.starts[index.min(self.len())]
    }

    pub(super) fn end_us(&self) -> MediaUs {
        self.starts[self.len()]
    }

    /// From the first segment to the end of the last.
    pub(super) fn span(&self) -> Span {
        Span { from_us: self.starts[0], to_us: self.end_us() }
    }

    /// The line of timestamps that a segment is on: the same for those of one discontinuity sequence, and after a restart another.
    pub(super) fn line(&self, index: usize) -> Option<u64> {
        Some(self.segment(index)?.discontinuity_sequence.wrapping_add(self.line_shift))
    }

    /// The segment that holds `at_us`, or the nearest.
    pub(super) fn index_of(&self, at_us: MediaUs) -> usize {
        let after = self.starts.partition_point(|start| *start <= at_us);
        after.saturating_sub(1).min(self.len().saturating_sub(1))
    }

    /// The first segment that starts at `at_us` or, by rounding, a little earlier.
    pub(super) fn index_from(&self, at_us: MediaUs) -> usize {
        self.starts.partition_point(|start| *start < at_us.saturating_sub(500_000)).min(self.len())
    }

    /// The number of segment `index`, which may be one that is still to come.
    pub(super) fn sequence(&self, index: usize) -> u64 {
        self.playlist.media_sequence.saturating_add(index as u64)
    }

    /// The place of the segment of a number, which may be the one after the last; none when it left the window.
    pub(super) fn find(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.playlist.media_sequence)?).ok().filter(|n| *n <= self.len())
    }

    /// Moves everything: playlists round, and after hours that sums up.
    pub(super) fn shift(&mut self, by_us: MediaUs) {
        for start in &mut self.starts {
            *start = start.saturating_add(by_us);
        }
    }

    // ---- what is live

    /// The segment at which playing live goes on: its start is the live position. Three target durations before the end unless the server
    /// says otherwise (RFC 8216 section 6.3.3; draft-pantos-hls-rfc8216bis section 4.4.3.8), so that there is a buffer.
    pub(super) fn live_index(&self) -> usize {
        let three = self.playlist.target_duration_us.saturating_mul(3);
        let hold_back_us = self.playlist.hold_back_us.unwrap_or(three);
        self.index_of(self.end_us().saturating_sub(hold_back_us))
    }

    /// What of a live stream can be ahead of the live position even before the next segment is there.
    pub(super) fn most_ahead_us(&self) -> Option<MediaUs> {
        let ahead_us = self.end_us().saturating_sub(self.start_us(self.live_index()));
        self.is_live().then(|| ahead_us.saturating_sub(self.playlist.target_duration_us).max(0))
    }

    /// Where it is to begin: where the author says (section 4.3.5.2), though not beyond the live position.
    pub(super) fn begin_us(&self, start: Option<Start>) -> MediaUs {
        let live_us = self.start_us(self.live_index());
        let Some(start) = self.playlist.start.or(start) else { return live_us };
        let from_us = if start.offset_us < 0 { self.end_us() } else { self.starts[0] };
        let at_us =
            from_us.saturating_add(start.offset_us).clamp(self.starts[0], live_us.max(self.starts[0]));
        if start.precise { at_us } else { self.start_us(self.index_of(at_us)) }
    }

    /// Where one can go in it: from where it can be fetched in time to the live position.
    pub(super) fn window(&self) -> Span {
        let slides = self.playlist.kind == kinora_manifest::PlaylistKind::Live;
        let to_us = self.start_us(self.live_index());
        // The first segment may be gone before it is asked for.
        let from_us = self.start_us(usize::from(slides)).min(to_us);
        Span { from_us, to_us }
    }
}

/// The number after that of the last segment.
fn end_of(playlist: &MediaPlaylist) -> u64 {
    playlist.media_sequence.saturating_add(playlist.segments.len() as u64)
}

fn lengths(segments: &[Segment]) -> MediaUs {
    segments.iter().fold(0, |sum: MediaUs, segment| sum.saturating_add(segment.duration_us.max(0)))
}

#[cfg(test)]
mod tests {
    use kinora_manifest::{Playlist, Variables};
    use proptest::prelude::*;

    use super::*;

    /// `count` segments of four seconds from number `first` on.
    fn playlist(first: u64, count: u64) -> MediaPlaylist {
        dated(first, count, None)
    }

    fn dated(first: u64, count: u64, date: Option<&str>) -> MediaPlaylist {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        text.extend(date.map(|date| format!("#EXT-X-PROGRAM-DATE-TIME:{date}\n")));
        text.extend((first..first + count).map(|n| format!("#EXTINF:4,\n{n}.ts\n")));
        match kinora_manifest::parse(text.as_bytes(), "http://h/", &Variables::new()) {
            Ok(Playlist::Media(playlist)) => playlist,
            other => panic!("{other:?}"),
        }
    }

    fn table(first: u64, count: u64) -> Timetable {
        Timetable::first(Arc::new(playlist(first, count)))
    }

    fn next(table: &Timetable, newer: MediaPlaylist) -> Timetable {
        match table.succeeded_by(newer) {
            Succession::Next(table) => table,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn segment_keeps_its_time_while_the_window_slides() {
        let table = next(&table(10, 6), playlist(13, 6));
        assert_eq!((table.start_us(0), table.end_us()), (12_000_000, 36_000_000));
        assert_eq!((table.find(12), table.find(13), table.find(19)), (None, Some(0), Some(6)));
    }

    #[test]
    fn window_that_jumped_ahead_leaves_room_for_what_was_missed() {
        let table = next(&table(10, 6), playlist(26, 6));
        assert_eq!(table.start_us(0), 64_000_000);
    }

    #[test]
    fn window_that_jumped_ahead_goes_by_its_dates() {
        let before = Timetable::first(Arc::new(dated(0, 3, Some("2020-01-01T00:00:00Z"))));
        let after = next(&before, dated(100, 3, Some("2020-01-01T00:01:00Z")));
        assert_eq!(after.start_us(0), 60_000_000);
    }

    #[test]
    fn older_copy_is_stale_and_one_that_says_otherwise_is_of_a_restarted_server() {
        assert!(matches!(table(10, 6).succeeded_by(playlist(9, 6)), Succession::Stale(_)));
        assert!(matches!(table(10, 6).succeeded_by(playlist(0, 2)), Succession::Stale(_)));
        let mut other = playlist(9, 6);
        other.segments.iter_mut().for_each(|segment| segment.uri.insert(10, 'x'));
        assert!(matches!(table(10, 6).succeeded_by(other), Succession::Restarted(_)));
    }

    #[test]
    fn restarted_server_gets_lines_of_its_own() {
        let old = table(10, 6);
        let new = old.restarted(Arc::new(playlist(0, 5)), 24_000_000);
        assert_eq!((new.start_us(2), new.start_us(0)), (24_000_000, 16_000_000));
        assert_ne!(old.line(0), new.line(0));
    }

    #[test]
    fn live_position_is_three_target_durations_before_the_end() {
        assert_eq!(table(0, 10).window(), Span { from_us: 4_000_000, to_us: 28_000_000 });
        assert_eq!(table(0, 2).window(), Span { from_us: 0, to_us: 0 });
        let at = |offset_us, precise| table(0, 10).begin_us(Some(Start { offset_us, precise }));
        assert_eq!([at(-30_000_000, true), at(-30_000_000, false)], [10_000_000, 8_000_000]);
        assert_eq!([at(-1_000_000, true), at(0, false)], [28_000_000, 0], "never nearer than live");
    }

    #[test]
    fn rendition_is_aligned_by_date_else_by_number_else_by_its_end() {
        let date = Some("2020-01-01T00:00:00Z");
        let reference = Timetable::first(Arc::new(dated(10, 6, date)));
        let late = dated(500, 6, Some("2020-01-01T00:00:08Z"));
        assert_eq!(reference.aligned(Arc::new(late)).start_us(0), 8_000_000);
        assert_eq!(table(10, 6).aligned(Arc::new(playlist(12, 3))).start_us(0), 8_000_000);
        assert_eq!(table(10, 6).aligned(Arc::new(playlist(500, 3))).start_us(0), 12_000_000);
    }

    proptest! {
        #[test]
        fn any_row_of_windows_keeps_times_and_never_panics(
            windows in proptest::collection::vec((prop_oneof![0u64..60, any::<u64>()], 0u64..8), 1..20),
        ) {
            let most = u64::MAX - 86_400;
            let mut table = table(20, 5);
            for (first, count) in windows {
                let mut newer = playlist(0, count);
                newer.media_sequence = first.min(most);
                for (segment, n) in newer.segments.iter_mut().zip(newer.media_sequence..) {
                    segment.sequence = n;
                    segment.uri = format!("http://h/{n}.ts");
                }
                match table.succeeded_by(newer) {
                    Succession::Next(next) => {
                        for index in 0..next.len() {
                            let before = table.find(next.sequence(index)).filter(|at| *at < table.len());
                            if let Some(before) = before {
                                prop_assert_eq!(table.start_us(before), next.start_us(index));
                            }
                        }
                        table = next;
                    }
                    Succession::Stale(_) => {}
                    Succession::Restarted(playlist) => table = table.restarted(playlist, table.end_us()),
                }
                let window = table.window();
                prop_assert!(window.from_us <= window.to_us);
                table.index_of(window.to_us);
            }
        }
    }
}
