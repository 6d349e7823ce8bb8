//! Seeking: at once by the sample tables of a plain file; in a fragmented one by going to the nearest known fragment and
//! reading the headers from there until the one with the key frame is found.

use crate::{Error, Kind, Step, Window};

use super::boxes::{Boxes, Header};
use super::index::mfra_len;
use super::{MAX_INDEX_LEN, Mp4, Walk};

/// Audio from so long before the key frame is given too: decoders need frames before to converge (AAC one, Opus 80 ms).
const AUDIO_PREROLL_US: i64 = 100_000;

/// How many points before the one that promised the target are tried before all fragments are read through.
const MAX_RETREATS: u32 = 8;

/// A seek in a fragmented file.
#[derive(Debug)]
pub(super) struct Seek {
    to_us: i64,
    /// Not a seek by the owner, but a look at the last fragment for the duration, from which reading returns to the first.
    measures: bool,
    stage: Stage,
    /// Start of the fragments that are being read through.
    from: u64,
    /// How often they turned out to begin too late.
    retreats: u32,
    /// The last fragment that has a key frame at or before the target.
    key_at: Option<u64>,
    /// The last fragment that has samples at or before the target of each other track.
    others_at: Vec<Option<u64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Looks for `mfra` at the end of the file.
    Tail,
    /// Reads it.
    RandomAccess(u64),
    /// Picks where to start.
    Start,
    /// Reads fragment headers.
    Scan,
    /// The fragment to go on with is next.
    Arrive,
}

impl Mp4 {
    pub(super) fn start_seek(&mut self, to_us: i64) {
        if !self.fragmented {
            let key_us =
                self.primary().and_then(|primary| self.queues[primary].seek_key(to_us)).unwrap_or(to_us);
            self.seek_others(key_us.min(to_us));
            return;
        }
        let known = self.looked_for_mfra || self.index.reaches(to_us);
        self.seek = Some(self.seek_at(to_us, if known { Stage::Start } else { Stage::Tail }));
    }

    fn seek_at(&self, to_us: i64, stage: Stage) -> Seek {
        Seek {
            to_us,
            measures: false,
            stage,
            from: 0,
            retreats: 0,
            key_at: None,
            others_at: vec![None; self.queues.len()],
        }
    }

    /// Whether only the end of the file may tell the duration.
    pub(super) fn lacks_duration(&self, window: &Window) -> bool {
        let stated = self.index.end_us.is_some() || self.stated_duration_us.is_some();
        self.fragmented && !self.segmented && !stated && !self.looked_for_mfra && window.total().is_some()
    }

    pub(super) fn start_measuring(&mut self) {
        self.seek = Some(Seek { measures: true, ..self.seek_at(i64::MAX, Stage::Tail) });
    }

    /// Positions all tracks but the primary.
    fn seek_others(&mut self, time_us: i64) {
        let primary = self.primary();
        for (i, queue) in self.queues.iter_mut().enumerate().filter(|&(i, _)| Some(i) != primary) {
            match self.tracks[i].kind {
                Kind::Video(_) => drop(queue.seek_key(time_us)),
                Kind::Audio(_) => queue.seek_any(time_us.saturating_sub(AUDIO_PREROLL_US)),
                Kind::Text(_) => queue.seek_any(time_us),
            }
        }
    }

    /// One stage of a seek; `End` when it is done and samples follow.
    pub(super) fn advance_seek(&mut self, window: &Window) -> Result<Walk, Error> {
        let Some(mut seek) = self.seek.take() else { return Ok(Walk::End) };
        let result = match seek.stage {
            Stage::Tail => self.look_for_mfra(&mut seek, window),
            Stage::RandomAccess(at) => self.read_mfra(&mut seek, at, window),
            // Without an index the last fragment would have to be looked for through the whole file.
            Stage::Start if seek.measures && !self.has_mfra => {
                self.restart_at(self.fragments_at);
                Ok(Walk::End)
            }
            Stage::Start => {
                let from = self.index.at_or_before(seek.to_us).unwrap_or(self.fragments_at);
                self.scan_from(&mut seek, from);
                Ok(Walk::On)
            }
            Stage::Scan => self.scan(&mut seek, window),
            Stage::Arrive => self.arrive(&seek, window),
        };
        if !matches!(result, Ok(Walk::End) | Err(_)) {
            self.seek = Some(seek);
        }
        result
    }

    fn look_for_mfra(&mut self, seek: &mut Seek, window: &Window) -> Result<Walk, Error> {
        seek.stage = Stage::Start;
        self.looked_for_mfra = true;
        let Some(total) = window.total().filter(|&total| total > 16) else { return Ok(Walk::On) };
        let Some(tail) = window.get(total - 16, 16) else {
            if !window.ended() || window.end() == total {
                seek.stage = Stage::Tail;
                return Ok(Walk::More(Step::More { at: total - 16, least: 16 }));
            }
            return Ok(Walk::On);
        };
        let len = tail.try_into().ok().and_then(mfra_len).filter(|&len| (24..=MAX_INDEX_LEN).contains(&len));
        if let Some(at) = len.and_then(|len| total.checked_sub(len)) {
            seek.stage = Stage::RandomAccess(at);
        }
        Ok(Walk::On)
    }

    fn read_mfra(&mut self, seek: &mut Seek, at: u64, window: &Window) -> Result<Walk, Error> {
        let len = window.total().map_or(0, |total| total.saturating_sub(at)) as usize;
        let Some(bytes) = window.get(at, len) else {
            if window.ended() && window.start() <= at {
                seek.stage = Stage::Start;
                return Ok(Walk::On);
            }
            return Ok(Walk::More(Step::More { at, least: len }));
        };
        seek.stage = Stage::Start;
        if let (Some(primary), Some((kind, body))) = (self.primary(), Boxes(bytes).next())
            && kind == *b"mfra"
        {
            let timescale = self.queues[primary].timescale();
            let offset = self.states[primary].time_offset;
            let to_us = |ticks: i64| kinora_time::ticks_to_us(ticks.saturating_sub(offset), timescale);
            self.has_mfra = true;
            self.index.add_mfra(body, self.tracks[primary].id, to_us);
        }
        Ok(Walk::On)
    }

    /// Starts to read headers at a known point.
    fn scan_from(&mut self, seek: &mut Seek, from: u64) {
        (seek.stage, seek.from, seek.key_at) = (Stage::Scan, from, None);
        seek.others_at.fill(None);
        self.restart_at(from);
    }

    /// Goes on at a known point; fragments that do not state their time start at that of the point.
    fn restart_at(&mut self, at: u64) {
        self.at = at;
        let (time_us, decode_times) = self.index.at(at).unwrap_or((0, &[]));
        for (i, (queue, state)) in self.queues.iter_mut().zip(&mut self.states).enumerate() {
            queue.clear();
            state.last_dts = None;
            state.end = decode_times.get(i).copied().unwrap_or_else(|| {
                kinora_time::us_to_ticks(time_us, queue.timescale()).saturating_add(state.time_offset)
            });
        }
    }

    /// Reads one box and judges the fragment that it is.
    fn scan(&mut self, seek: &mut Seek, window: &Window) -> Result<Walk, Error> {
        let at = self.at;
        let has_samples = window.from(at).is_some_and(|bytes| {
            let header = Header::parse(bytes).ok().flatten();
            header.is_some_and(|header| matches!(&header.kind, b"moof" | b"moov"))
        });
        let over = match self.walk(window)? {
            Walk::More(step) => return Ok(Walk::More(step)),
            Walk::End => true,
            Walk::On if !has_samples || seek.measures => false,
            Walk::On => {
                let primary = self.primary();
                let mut over = false;
                for (i, queue) in self.queues.iter().enumerate() {
                    let Some(first_us) = queue.first_pts_us() else { continue };
                    if Some(i) == primary {
                        over = first_us > seek.to_us;
                        if queue.has_key_by(seek.to_us) {
                            seek.key_at = Some(at);
                        }
                    } else if first_us <= seek.to_us {
                        // A second movie box may bring tracks while reading on.
                        seek.others_at.resize(seek.others_at.len().max(i + 1), None);
                        seek.others_at[i] = Some(at);
                    }
                }
                over
            }
        };
        if !over {
            return Ok(Walk::On);
        }
        if seek.measures {
            self.index.end_us = self.end_us;
            self.restart_at(self.fragments_at);
            return Ok(Walk::End);
        }
        let found =
            seek.key_at.map(|key_at| seek.others_at.iter().flatten().fold(key_at, |min, &at| min.min(at)));
        match (found, self.index.before(seek.from)) {
            (Some(found), _) => {
                seek.stage = Stage::Arrive;
                self.restart_at(found);
            }
            // The point lied: what it leads to begins after the target, or without a key frame.
            (None, Some(before)) if seek.retreats < MAX_RETREATS => {
                seek.retreats += 1;
                self.scan_from(seek, before);
            }
            (None, _) if seek.from > self.fragments_at => self.scan_from(seek, self.fragments_at),
            (None, _) => {
                seek.stage = Stage::Arrive;
                self.restart_at(self.fragments_at);
            }
        }
        Ok(Walk::On)
    }

    /// Reads the fragment to go on with, and leaves out what lies before the key frame.
    fn arrive(&mut self, seek: &Seek, window: &Window) -> Result<Walk, Error> {
        match self.walk(window)? {
            Walk::On if self.queues.iter().all(|queue| queue.next_entry().is_none()) => Ok(Walk::On),
            Walk::On => {
                let primary = self.primary();
                let has_primary = primary.is_some_and(|i| self.queues[i].next_entry().is_some());
                let key_us =
                    primary.filter(|_| has_primary).and_then(|i| self.queues[i].seek_key(seek.to_us));
                let keep_from =
                    key_us.map_or(seek.to_us, |key| key.min(seek.to_us)).saturating_sub(AUDIO_PREROLL_US);
                let others = self.queues.iter_mut().enumerate().filter(|&(i, _)| Some(i) != primary);
                others.for_each(|(_, queue)| queue.skip_before(keep_from));
                Ok(Walk::End)
            }
            walk => Ok(walk),
        }
    }
}
