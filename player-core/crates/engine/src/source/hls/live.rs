//! What is particular to streams that go on: the window, where live is, and what the next instance must know.

use kinora_time::{Anchor, HostUs, LiveEdge, MediaUs};

use super::lane::Lane;
use super::timetable::Mark;
use super::{HlsSource, MOST_LINES};
use crate::error::Error;
use crate::source::{Cx, Extent};

/// With less ahead nothing is left to play: the last frames of sound and picture need not end together.
const DRY_US: MediaUs = 200_000;

/// Where live is. Playlists grow in steps, what is filmed does not.
#[derive(Debug, Default)]
pub(super) struct Edge {
    anchor: Option<Anchor>,
}

impl Edge {
    /// A playlist says that the live position is `live_us`; it may be up to `target_us` old. What was ahead of all others was nearest to the
    /// truth, unless the server has slowed down.
    fn observe(&mut self, live_us: MediaUs, target_us: MediaUs, now: HostUs) {
        let ahead_us = self.anchor.map(|anchor| live_us.saturating_sub(anchor.media_at(now)));
        let holds = |ahead_us| (target_us.saturating_mul(-2)..=0).contains(&ahead_us);
        if !ahead_us.is_some_and(holds) {
            self.anchor = Some(Anchor { media_us: live_us, host_us: now, rate_permille: 1000 });
        }
    }
}

/// What an instance knows of a live stream that its successor cannot find out: how the times of what plays were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveState {
    /// `media_time` of playlist time 0.
    pub(crate) base_us: MediaUs,
    /// Place of the variant among those to adapt between.
    pub(crate) variant: usize,
    /// A segment of that variant and its playlist time.
    pub(crate) mark: Mark,
    /// Lines of timestamps and what is added to each.
    pub(crate) lines: Vec<(u64, MediaUs)>,
    /// The live position, playlist time.
    pub(crate) edge: Anchor,
}

/// What an earlier instance left of a live stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) state: LiveState,
    /// The `media_time` to go on at.
    pub(crate) at_us: Option<MediaUs>,
}

impl HlsSource {
    /// Loads live playlists anew when they are due.
    pub(super) fn reload(&mut self, cx: &mut Cx<'_>) {
        for lane in [&mut self.main, &mut self.audio].into_iter().flatten() {
            lane.reload(&self.shared, cx.now, cx.shim);
        }
        if let Some(main) = &self.main
            && main.table().is_live()
        {
            let table = main.table();
            self.edge.observe(table.window().to_us, table.playlist().target_duration_us, cx.now);
        }
    }

    /// When all that was read has been played and no more is there: whether that is so because it is gone, or because nothing comes.
    pub(super) fn check_edge(&mut self, cx: &mut Cx<'_>) -> Result<(), Error> {
        if self.announced && cx.feeds.ahead_us() > DRY_US {
            return Ok(());
        }
        let lanes = || [&self.main, &self.audio].into_iter().flatten();
        if let Some(error) = lanes().find_map(|lane| lane.trouble(cx.now)) {
            return Err(error);
        }
        self.jump = self.announced && lanes().any(Lane::is_behind);
        Ok(())
    }

    /// Takes over what an earlier instance knew. Its table is made by its mark, see [`Lane`].
    pub(super) fn restore(&mut self, state: &LiveState, now: HostUs) {
        self.shared.lines = super::Lines::known(state.base_us, &state.lines);
        // The clock of another process has another origin.
        self.edge.anchor = Some(state.edge).filter(|edge| edge.host_us <= now);
    }

    pub(super) fn state(&self) -> Option<LiveState> {
        if let Some(kept) = &self.kept {
            return Some(kept.state.clone());
        }
        let table = self.main.as_ref().map(Lane::table).filter(|table| table.is_live())?;
        Some(LiveState {
            base_us: self.shared.lines.base_us()?,
            variant: self.current,
            mark: table.last_mark()?,
            lines: self.shared.lines.newest(MOST_LINES),
            edge: self.edge.anchor?,
        })
    }

    /// All of it, or of a live stream what can be gone to.
    pub(super) fn window(&self) -> Extent {
        let base_us = self.shared.lines.base_us().unwrap_or(0);
        let on_line = |us: MediaUs| base_us.saturating_add(us);
        let Some(table) = self.main.as_ref().map(Lane::table) else {
            return Extent { start_us: base_us, begin_us: base_us, seekable: true, ..Extent::default() };
        };
        let live = self.edge.anchor.filter(|_| table.is_live()).map(|anchor| LiveEdge {
            anchor: Anchor { media_us: on_line(anchor.media_us), ..anchor },
            slack_us: table.playlist().target_duration_us.saturating_mul(2),
        });
        let window = if live.is_some() { table.window() } else { table.span() };
        Extent {
            start_us: on_line(window.from_us),
            duration_us: Some(window.to_us.saturating_sub(window.from_us)),
            seekable: true,
            begin_us: on_line(self.begin_us),
            live,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edge_moves_with_time_and_jumps_only_to_what_is_further_or_much_slower() {
        let mut edge = Edge::default();
        let at = |edge: &Edge, now| edge.anchor.expect("observed").media_at(now);
        edge.observe(10_000_000, 4_000_000, 0);
        edge.observe(10_000_000, 4_000_000, 3_000_000);
        assert_eq!(at(&edge, 3_000_000), 13_000_000, "the playlist is due to grow");
        edge.observe(18_000_000, 4_000_000, 4_000_000);
        assert_eq!(at(&edge, 4_000_000), 18_000_000);
        edge.observe(18_000_000, 4_000_000, 13_000_000);
        assert_eq!(at(&edge, 13_000_000), 18_000_000, "the server has stopped");
    }
}
