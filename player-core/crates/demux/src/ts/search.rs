//! Reading elsewhere in the resource: its end, for the duration; and the key frame that a seek goes to.

use kinora_time::ticks_to_us;

use super::Ts;
use super::packet::Packet;
use super::pes::{Clock, Pes};
use super::stream::Stream;
use super::unit::Unit;
use crate::bisection::Bisection;
use crate::issues::Issues;
use crate::{Error, Kind, Step};

/// Bytes before the end in which every stream should have a timestamp, at first; doubled up to the second figure.
const END_BYTES: u64 = 256 << 10;
const MAX_END_BYTES: u64 = 4 << 20;
/// A bisection that has come down to this many bytes gives way to reading them.
const NEAR_BYTES: u64 = 512 << 10;

pub(super) enum Search {
    End(End),
    Place(Place),
    KeyFrame(KeyFrame),
}

/// Looks for the last timestamps.
pub(super) struct End {
    back: u64,
    total: u64,
    /// Where reading was interrupted, and whether at a packet: looking for one anew would pass over those before a damage.
    resume: u64,
    aligned: bool,
    /// Fresh parsers of the audio streams: these need no configuration from before.
    audio: Vec<Stream>,
    /// The video streams, whose last pictures cannot be parsed without: their PES headers must do.
    video: Vec<u16>,
    frame_us: i64,
    clock: Clock,
    latest_us: Option<i64>,
    over: bool,
}

/// Looks for the bytes in which the target's timestamp lies.
pub(super) struct Place {
    pid: u16,
    bisection: Bisection,
    /// Timestamp found behind the place looked at, and where.
    found: Option<(u64, i64)>,
    over: bool,
}

/// Reads through the neighbourhood of the target for its key frame.
pub(super) struct KeyFrame {
    pid: u16,
    to_us: i64,
    from: u64,
    back: u64,
    best: Option<u64>,
    over: bool,
}

impl Search {
    /// Whether it wants access units, as opposed to packets.
    pub(super) fn reads_units(&self) -> bool {
        matches!(self, Search::KeyFrame(_))
    }

    /// Takes in a packet at byte `at`.
    pub(super) fn peek(&mut self, packet: &Packet, at: u64, clock: &Clock) {
        match self {
            Search::End(end) => end.peek(packet, at),
            Search::Place(search) => {
                if at >= search.bisection.high() {
                    search.over = true;
                } else if packet.pid == search.pid
                    && let Some(us) = first_pts_us(packet, &mut clock.anywhere())
                {
                    search.found = Some((at, us));
                    search.over = true;
                }
            }
            Search::KeyFrame(_) => {}
        }
    }

    /// Takes in an access unit.
    pub(super) fn see(&mut self, pid: u16, unit: &Unit) {
        if let Search::KeyFrame(search) = self
            && search.pid == pid
        {
            if unit.key && unit.pts_us <= search.to_us {
                search.best = Some(unit.origin);
            }
            search.over |= unit.dts_us > search.to_us;
        }
    }

    /// The resource ends.
    pub(super) fn reach_end(&mut self) {
        match self {
            Search::End(end) => end.reach_end(),
            Search::Place(search) => search.over = true,
            Search::KeyFrame(search) => search.over = true,
        }
    }
}

impl End {
    fn peek(&mut self, packet: &Packet, at: u64) {
        if self.video.contains(&packet.pid) {
            let pts_us = first_pts_us(packet, &mut self.clock);
            self.latest_us = self.latest_us.max(pts_us.map(|us| us.saturating_add(self.frame_us)));
        } else if let Some(stream) = self.audio.iter_mut().find(|s| s.entry.pid == packet.pid) {
            let mut out = Vec::new();
            // What is wrong here will be reported when it is played.
            stream.push(packet, at, &mut self.clock, &mut out, &mut Issues::default());
            self.take(&out);
        }
    }

    fn reach_end(&mut self) {
        let mut out = Vec::new();
        for stream in &mut self.audio {
            stream.flush(&mut out, &mut Issues::default());
        }
        self.take(&out);
        self.over = true;
    }

    fn take(&mut self, units: &[Unit]) {
        let ends = units.iter().map(|unit| unit.pts_us.saturating_add(unit.duration_us.into()));
        self.latest_us = self.latest_us.max(ends.max());
    }
}

/// PTS of the PES packet that begins in `packet`.
fn first_pts_us(packet: &Packet, clock: &mut Clock) -> Option<i64> {
    if !packet.starts_unit || packet.scrambled {
        return None;
    }
    let (pts, _) = Pes::default().push(true, packet.payload)?.begins?;
    Some(ticks_to_us(clock.unroll(pts?), 90_000))
}

impl Ts {
    /// Looks for the end of a resource of `total` bytes, for the duration.
    pub(super) fn search_end(&mut self, total: u64) {
        let fresh = |s: &Stream| Stream::new(s.entry.clone());
        let played = || self.streams.iter().filter(|s| s.is_played());
        let frame_us = played().find(|s| s.is_video()).map_or(0, Stream::frame_us);
        self.search = Some(Search::End(End {
            back: END_BYTES,
            total,
            resume: self.input.pos,
            aligned: self.input.aligned,
            audio: played().filter(|s| !s.is_video()).map(fresh).collect(),
            video: played().filter(|s| s.is_video()).map(|s| s.entry.pid).collect(),
            frame_us: frame_us.into(),
            clock: self.clock.anywhere(),
            latest_us: None,
            over: false,
        }));
        self.input.jump(total.saturating_sub(END_BYTES).max(self.input.first));
    }

    /// Looks for the key frame at or before `to_us`.
    pub(super) fn search_key(&mut self, to_us: i64) {
        let tracks = || self.tracks.iter().filter(|t| t.codec != crate::Codec::Other);
        let video = tracks().find(|t| matches!(t.kind, Kind::Video(_)));
        let Some(pid) = video.or_else(|| tracks().next()).and_then(|t| u16::try_from(t.id).ok()) else {
            return;
        };
        let first = self.input.first;
        let (Some(total), Some(duration_us)) = (self.total, self.duration_us) else {
            return self.go_to(first, pid);
        };
        let start_us = self.start_us.unwrap_or(0);
        let high = (total.max(first), start_us.saturating_add(duration_us));
        self.look(Place {
            pid,
            bisection: Bisection::new(to_us, (first, start_us), high),
            found: None,
            over: false,
        });
    }

    /// Looks at the next place of a search, or reads what it came down to.
    fn look(&mut self, mut search: Place) {
        match search.bisection.aim(NEAR_BYTES) {
            Some(at) => {
                (search.found, search.over) = (None, false);
                self.input.jump(at);
                self.search = Some(Search::Place(search));
            }
            None => {
                self.read_for_key(search.pid, search.bisection.target(), search.bisection.low(), NEAR_BYTES)
            }
        }
    }

    fn read_for_key(&mut self, pid: u16, to_us: i64, from: u64, back: u64) {
        self.forget_partial();
        self.clock = self.clock.anywhere();
        self.input.jump(from);
        self.search = Some(Search::KeyFrame(KeyFrame { pid, to_us, from, back, best: None, over: false }));
    }

    /// Plays on from the key frame in the packet at `at`.
    fn go_to(&mut self, at: u64, pid: u16) {
        self.forget_partial();
        self.clock = self.clock.anywhere();
        self.input.jump(at);
        self.search = None;
        self.awaits_key = Some(pid);
        // Programs may have changed where it was searched, or in what was read and given up.
        self.ready.extend(self.changed.then_some(Step::Tracks));
    }

    /// Whether the search has found what it can in what it reads.
    pub(super) fn search_is_over(&self) -> bool {
        match &self.search {
            Some(Search::End(end)) => end.over,
            Some(Search::Place(search)) => search.over,
            Some(Search::KeyFrame(search)) => search.over,
            None => false,
        }
    }

    /// Goes on to the search's next place, or ends it.
    pub(super) fn end_search(&mut self) -> Result<(), Error> {
        let first = self.input.first;
        match self.search.take() {
            Some(Search::End(mut end)) => {
                let from = end.total.saturating_sub(end.back).max(first);
                if end.latest_us.is_none() && from > first && end.back < MAX_END_BYTES {
                    end.back *= 2;
                    end.over = false;
                    self.input.jump(end.total.saturating_sub(end.back).max(first));
                    self.search = Some(Search::End(end));
                    return Ok(());
                }
                let start_us = self.start_us.unwrap_or(0);
                self.duration_us = end.latest_us.map(|latest| latest.saturating_sub(start_us).max(0));
                self.input.jump(end.resume);
                self.input.aligned = end.aligned;
                self.announce()?;
            }
            Some(Search::Place(mut search)) => {
                search.bisection.found(search.found);
                self.look(search);
            }
            Some(Search::KeyFrame(search)) => match search.best {
                Some(at) => self.go_to(at, search.pid),
                None if search.from > first => {
                    let from = search.from.saturating_sub(search.back).max(first);
                    self.read_for_key(search.pid, search.to_us, from, search.back.saturating_mul(2));
                }
                None => self.go_to(first, search.pid),
            },
            None => {}
        }
        Ok(())
    }
}
