//! Edit lists (ISO/IEC 14496-12, 8.6.6) applied to the samples of a track, with the results of FFmpeg's `mov_fix_index`:
//! the samples inside the edits and those needed to decode them, in the order of the edits and with times of the presentation.

use super::boxes::{full, versioned};
use super::sample_table::{Entry, Table};

/// One edit: `duration` in the movie's timescale; a `media_time` of -1 shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) duration: i64,
    pub(super) media_time: i64,
}

/// Reads `elst`.
pub(super) fn parse(body: &[u8]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let Some((version, _, mut c)) = full(body) else { return edits };
    let count = c.u32_be().unwrap_or(0);
    for _ in 0..count {
        let duration = versioned(&mut c, version);
        let media_time = if version == 0 { c.i32_be().map(i64::from) } else { c.i64_be() };
        let (Some(duration), Some(media_time), Some(_rate)) = (duration, media_time, c.u32_be()) else {
            break;
        };
        edits.push(Edit { duration: i64::try_from(duration).unwrap_or(i64::MAX), media_time });
    }
    edits
}

/// Media time at which the presentation starts minus the empty edit before: what fragments' decode times are lowered by.
pub(super) fn time_offset(edits: &[Edit], timescale: u32, movie_timescale: u32) -> i64 {
    let (empty, rest) = match edits {
        [Edit { duration, media_time: -1 }, rest @ ..] => (*duration, rest),
        _ => (0, edits),
    };
    let start = rest.first().map_or(0, |edit| edit.media_time.max(0));
    start.saturating_sub(rescale(empty, timescale, movie_timescale))
}

/// To the nearest, away from zero at the half, as `av_rescale`.
fn rescale(value: i64, to: u32, from: u32) -> i64 {
    let (from, product) = (i128::from(from.max(1)), i128::from(value) * i128::from(to));
    let rounded = (product.abs() + from / 2) / from * product.signum();
    rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// What is edited, and how.
pub(super) struct Context {
    pub(super) timescale: u32,
    pub(super) movie_timescale: u32,
    pub(super) audio: bool,
    /// How many entries the result may have.
    pub(super) room: usize,
}

/// The length of empty edits: rounded to the track's timescale, and exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Empty {
    pub(super) ticks: i64,
    pub(super) us: i64,
}

/// The samples after the edits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) entries: Vec<Entry>,
    /// Audio: how much lies before the start of the first edit, in the track's timescale, counted from the first entry.
    pub(super) lead: i64,
    /// Empty edits before the first other one, which entries' times include.
    pub(super) empty: Empty,
    /// Edits repeat so many samples that the rest was left out.
    pub(super) cut: bool,
}

/// Applies the edits; without any, the table is passed on.
pub(super) fn apply(table: Table, edits: &[Edit], context: &Context) -> Edited {
    if edits.is_empty() || table.entries.is_empty() {
        return Edited { entries: table.entries, ..Edited::default() };
    }
    let mut list = Editor { table: &table, context, out: Edited::default(), first_edit: None, min_pts: None };
    let mut edit_end = -table.dts_shift;
    let mut empty = Empty::default();
    for &Edit { duration: movie_duration, media_time } in edits {
        let mut duration = rescale(movie_duration, context.timescale, context.movie_timescale);
        if duration.checked_add(media_time).is_none() {
            duration = 0;
        }
        let edit_start = edit_end;
        let Some(end) = edit_end.checked_add(duration).filter(|&end| end != i64::MAX) else { break };
        edit_end = end;
        if media_time < 0 {
            if list.first_edit.is_none() {
                let us = kinora_time::ticks_to_us(movie_duration, context.movie_timescale);
                empty =
                    Empty { ticks: empty.ticks.saturating_add(duration), us: empty.us.saturating_add(us) };
            }
            continue;
        }
        list.first_edit = Some(list.first_edit.is_none());
        list.add(media_time, duration, edit_start);
        if list.out.cut {
            break;
        }
    }
    // The first picture is shown at the start, or when the empty edits end, wherever the edit cuts into the frames.
    let excess = list.min_pts.unwrap_or(-1).saturating_sub(empty.ticks);
    let mut out = Edited { empty, ..list.out };
    if !context.audio && excess > 0 {
        out.entries.iter_mut().for_each(|e| e.dts = e.dts.saturating_sub(excess));
    }
    out
}

struct Editor<'a> {
    table: &'a Table,
    context: &'a Context,
    out: Edited,
    /// Whether the edit is the first that is not empty; `None` before any.
    first_edit: Option<bool>,
    /// Lowest presentation time of a sample inside an edit.
    min_pts: Option<i64>,
}

impl Editor<'_> {
    /// Appends the samples of one edit, whose first is presented at `dts` of the presentation plus its offset.
    fn add(&mut self, media_time: i64, duration: i64, mut dts: i64) {
        let entries = &self.table.entries;
        let edit_end = media_time.saturating_add(duration);
        let start = self.search_start(media_time);
        let trims = self.context.audio && self.first_edit == Some(true);
        let edit_first = self.out.entries.len();
        let mut started = false;
        let mut key_after_end = false;
        for (index, entry) in entries.iter().enumerate().skip(start) {
            if self.out.entries.len() >= self.context.room {
                self.out.cut = true;
                return;
            }
            let frame = entries.get(index + 1).map_or(duration, |next| next.dts.saturating_sub(entry.dts));
            let pts = entry.pts();
            let mut hidden = false;
            if pts >= media_time && pts < edit_end {
                let shown = dts.saturating_add(i64::from(entry.cts));
                self.min_pts = Some(self.min_pts.map_or(shown, |min| min.min(shown)));
                self.begin(&mut started, edit_first, dts);
            } else if trims && pts < media_time && pts.saturating_add(frame) > media_time {
                // The edit starts inside this audio frame.
                let skip = media_time - pts;
                self.out.lead = self.out.lead.saturating_add(skip);
                dts = dts.saturating_sub(skip);
                self.begin(&mut started, edit_first, dts);
            } else {
                hidden = true;
                if !started && trims {
                    self.out.lead = self.out.lead.saturating_add(frame);
                }
            }
            self.out.entries.push(Entry { dts, hidden, ..*entry });
            if started {
                dts = dts.saturating_add(frame);
            }
            // Pictures shown inside the edit may follow the first key frame after it.
            if pts.saturating_add(frame) >= edit_end && (entry.key || self.context.audio) {
                if self.context.audio || !self.table.has_cts || key_after_end {
                    return;
                }
                key_after_end = true;
            }
        }
    }

    /// At the first sample inside the edit: the samples before get the decode times that lead up to it.
    fn begin(&mut self, started: &mut bool, edit_first: usize, dts: i64) {
        if std::mem::replace(started, true) {
            return;
        }
        let mut at = dts;
        for entry in self.out.entries[edit_first..].iter_mut().rev() {
            at = at.saturating_sub(i64::from(entry.duration));
            entry.dts = at;
        }
    }

    /// Index of the entry at which decoding for an edit starts: the key frame at or before it, for audio a second earlier,
    /// because decoders need frames before to converge.
    fn search_start(&self, media_time: i64) -> usize {
        let entries = &self.table.entries;
        let mut time = media_time;
        if self.context.audio {
            time = time.saturating_sub(i64::from(self.context.timescale)).max(entries[0].dts);
        }
        time = time.saturating_sub(self.table.dts_shift);
        let at_or_before = |any: bool| {
            let last = entries.partition_point(|e| e.dts <= time).checked_sub(1)?;
            let mut found = (0..=last).rev().find(|&i| any || entries[i].key)?;
            for i in (0..found).rev().take_while(|&i| entries[i].dts == entries[i + 1].dts) {
                if any || entries[i].key {
                    found = i;
                }
            }
            if !self.table.has_cts {
                return Some(found);
            }
            // By the stored offsets, which lie below the shifted ones.
            let shown = |e: &Entry| e.pts().saturating_sub(self.table.dts_shift);
            (0..=found).rev().find(|&i| entries[i].key && shown(&entries[i]) <= time)
        };
        at_or_before(false).or_else(|| at_or_before(true)).unwrap_or(0)
    }
}
