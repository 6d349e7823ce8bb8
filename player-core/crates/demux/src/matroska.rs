//! Matroska and WebM, RFC 9559 over EBML, RFC 8794.
//!
//! Elements are taken one by one from wherever the segment stands; only headers, the index and single blocks are read whole.
//! Damage costs what lies between it and the next cluster.

mod block;
mod codecs;
mod ebml;
mod encoding;
mod samples;
mod seek;
mod seeking;
mod timing;
mod tracks;

use std::collections::VecDeque;

use kinora_bytes::Window;
use kinora_time::mul_div_floor;

use crate::{Demux, Error, Kind, Step, Track};
use ebml::{Front, Header, LONGEST_HEADER, children, float, front, id, uint};
use encoding::LARGEST_FRAME;
use samples::Place;
use seek::{Caption, Hunt, Hunted, Index, Phase, Skip, find_cluster};
use tracks::TrackState;

/// Largest header element or index that is read: cues of ten hours, a point a second, take 700 KB.
const LARGEST_MASTER: u64 = 4 << 20;

/// The demuxer of Matroska and WebM.
#[derive(Debug)]
pub struct Matroska {
    /// Offset of the next element.
    at: u64,
    mode: Mode,
    /// Offset of the segment's data and of its end.
    segment: Option<(u64, Option<u64>)>,
    cluster: Option<Cluster>,
    first_cluster: Option<u64>,
    /// Nanoseconds a tick.
    scale_ns: u64,
    duration_ticks: Option<f64>,
    tracks: Vec<Track>,
    states: Vec<TrackState>,
    /// None until the tracks are reported; samples wait in the queue till then.
    start_us: Option<i64>,
    index: Index,
    /// Where the index lies, until it was looked at.
    cues_at: Option<u64>,
    total: Option<u64>,
    skip: Option<Skip>,
    queue: VecDeque<Step>,
    issues: Vec<String>,
}

#[derive(Debug)]
enum Mode {
    Play,
    /// Looking for the next cluster after damage at this offset.
    Resync(u64),
    /// A seek that reads the index first.
    LoadCues {
        to_ticks: i64,
    },
    /// A seek without an index.
    Hunt(Hunt),
    /// A seek that first fetches the captions still showing at its target, the last of the list next.
    Captions {
        list: Vec<Caption>,
        /// Offset of the block, once its cluster's timestamp is known.
        block_at: Option<u64>,
        resume_at: u64,
    },
    Done,
}

#[derive(Debug, Clone, Copy)]
struct Cluster {
    at: u64,
    data_at: u64,
    end: Option<u64>,
    ticks: i64,
}

/// Whether a resource begins as EBML does.
pub(crate) fn sniff(head: &[u8]) -> bool {
    head.starts_with(&id::EBML.to_be_bytes())
}

impl Default for Matroska {
    fn default() -> Self {
        Matroska::new()
    }
}

/// The end of the resource came before what is needed.
struct Ended;

/// What a piece of work came to: a step to answer, or none to go on.
type Progress = Result<Option<Step>, Error>;

impl Matroska {
    /// A demuxer at the start of a resource.
    pub fn new() -> Self {
        Matroska {
            at: 0,
            mode: Mode::Play,
            segment: None,
            cluster: None,
            first_cluster: None,
            scale_ns: 1_000_000,
            duration_ticks: None,
            tracks: Vec::new(),
            states: Vec::new(),
            start_us: None,
            index: Index::default(),
            cues_at: None,
            total: None,
            skip: None,
            queue: VecDeque::new(),
            issues: Vec::new(),
        }
    }

    fn advance(&mut self, window: &Window) -> Progress {
        if let Mode::Hunt(hunt) = &mut self.mode
            && let Phase::Halve { at, .. } = hunt.phase
        {
            let bytes = match held(window, at, 4) {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(more)) => return Ok(Some(more)),
                Err(Ended) => &[],
            };
            return Ok(match hunt.step(bytes, window.ended() || bytes.is_empty()) {
                Hunted::Read { at, least } => needs(window, at, least),
                Hunted::Scan(at) => {
                    self.go(at);
                    None
                }
            });
        }
        match self.mode {
            Mode::Done => Ok(Some(Step::End)),
            Mode::Resync(from) => self.resync(window, from),
            _ => self.element(window),
        }
    }

    /// Takes the element at `at`.
    fn element(&mut self, window: &Window) -> Progress {
        if self.cluster.and_then(|c| c.end).is_some_and(|end| self.at >= end) {
            self.cluster = None;
        }
        if self.segment.and_then(|(_, end)| end).is_some_and(|end| self.at >= end) {
            return self.ended();
        }
        let bytes = match held(window, self.at, 2) {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(more)) => return Ok(Some(more)),
            Err(Ended) => return self.ended(),
        };
        let header = match front(bytes) {
            Front::Element(header) => header,
            Front::Short(_) if window.ended() => return self.ended(),
            Front::Short(_) => return Ok(needs(window, self.at, LONGEST_HEADER)),
            Front::Garbage => return self.damaged(),
        };
        if self.segment.is_none() && self.at == 0 && !sniff(bytes) {
            return Err(Error::Unrecognised("no EBML header".into()));
        }
        if let Mode::LoadCues { to_ticks } = self.mode
            && header.id != id::CUES
        {
            self.hunt(to_ticks);
            return Ok(None);
        }
        if let Mode::Captions { list, .. } = &self.mode
            && id::ends_cluster(header.id)
            && list.last().is_none_or(|caption| caption.cluster != self.at)
        {
            self.give_caption_up();
            return Ok(None);
        }
        if id::ends_cluster(header.id) {
            self.cluster = None;
        }
        let data_at = self.at + header.length as u64;
        match header.id {
            id::SEGMENT if self.segment.is_none() => {
                self.segment = Some((data_at, header.size.and_then(|size| data_at.checked_add(size))));
                self.at = data_at;
                return Ok(None);
            }
            id::CLUSTER => {
                if self.states.is_empty() {
                    return Err(Error::Damaged("no tracks before the first cluster".into()));
                }
                let end = header.size.and_then(|size| data_at.checked_add(size));
                self.first_cluster.get_or_insert(self.at);
                self.cluster = Some(Cluster { at: self.at, data_at, end, ticks: 0 });
                self.at = data_at;
                return Ok(None);
            }
            _ => {}
        }
        let parent_end = self.cluster.and_then(|c| c.end).or(self.segment.and_then(|(_, end)| end));
        let end = header.size.and_then(|size| data_at.checked_add(size));
        let Some(end) = end.filter(|end| parent_end.is_none_or(|parent| *end <= parent)) else {
            return self.damaged();
        };
        self.leaf(window, header, data_at, end)
    }

    /// Takes an element that is not entered: reads it whole, or passes over it.
    fn leaf(&mut self, window: &Window, header: Header, data_at: u64, end: u64) -> Progress {
        let scanning = matches!(self.mode, Mode::Hunt(_));
        let fetching = matches!(self.mode, Mode::Captions { .. });
        let size = end - data_at;
        let (wanted, limit) = match header.id {
            id::SEEK_HEAD | id::INFO | id::TRACKS => (self.start_us.is_none(), LARGEST_MASTER),
            id::CUES => (self.index.is_empty(), LARGEST_MASTER),
            id::TIMESTAMP => (self.cluster.is_some(), 8),
            id::SIMPLE_BLOCK if scanning => (self.cluster.is_some(), u64::MAX),
            id::SIMPLE_BLOCK | id::BLOCK_GROUP => (self.cluster.is_some(), LARGEST_FRAME as u64),
            _ => (false, 0),
        };
        if let Mode::LoadCues { to_ticks } = self.mode
            && size > limit
        {
            self.hunt(to_ticks);
            return Ok(None);
        }
        if wanted && size > limit {
            if header.id == id::TRACKS {
                return Err(Error::Limit(format!("{size} bytes of track headers")));
            }
            self.issue(|| format!("an element of {size} bytes was passed over"));
        }
        if !wanted || size > limit {
            self.at = end;
            return Ok(None);
        }
        /// Track number, time and flags.
        const BLOCK_HEAD: u64 = 8 + 3;
        let read = if scanning && header.id == id::SIMPLE_BLOCK { size.min(BLOCK_HEAD) } else { size };
        let data = match held(window, data_at, read as usize) {
            Ok(Ok(bytes)) => &bytes[..read as usize],
            // The element's own header is read again with its data.
            Ok(Err(_)) => return Ok(needs(window, self.at, header.length + read as usize)),
            Err(Ended) => return self.ended(),
        };
        let element_at = std::mem::replace(&mut self.at, end);
        match header.id {
            id::SEEK_HEAD => self.read_seek_head(data),
            id::INFO => self.read_info(data),
            id::TRACKS if self.states.is_empty() => {
                (self.tracks, self.states) = tracks::read(data, &mut self.issues);
                if self.states.is_empty() {
                    return Err(Error::Damaged("no usable track".into()));
                }
            }
            id::CUES => self.read_cues(data),
            id::TIMESTAMP => {
                if let Some(cluster) = &mut self.cluster {
                    cluster.ticks = i64::try_from(uint(data)).unwrap_or(i64::MAX / 2);
                }
                if fetching {
                    self.fetch_caption(header, data, element_at);
                }
            }
            id::SIMPLE_BLOCK | id::BLOCK_GROUP if scanning => self.scan(header.id, data),
            id::SIMPLE_BLOCK | id::BLOCK_GROUP if fetching => self.fetch_caption(header, data, element_at),
            id::SIMPLE_BLOCK | id::BLOCK_GROUP => self.block(header.id, data, element_at),
            _ => {}
        }
        Ok(None)
    }

    fn read_seek_head(&mut self, data: &[u8]) {
        if let (Some(position), Some((segment, _))) = (seek::cues_position(data), self.segment) {
            self.cues_at = segment.checked_add(position);
        }
    }

    fn read_info(&mut self, data: &[u8]) {
        for (id, data) in children(data) {
            match id {
                // A scale of 0 or beyond a second is damage.
                id::TIMESTAMP_SCALE => {
                    self.scale_ns =
                        Some(uint(data)).filter(|ns| (1..=1_000_000_000).contains(ns)).unwrap_or(1_000_000)
                }
                id::DURATION => self.duration_ticks = Some(float(data)).filter(|ticks| *ticks > 0.0),
                _ => {}
            }
        }
    }

    fn read_cues(&mut self, data: &[u8]) {
        self.cues_at = None;
        if let (Some(leader), Some((segment, _))) = (self.leader(), self.segment) {
            let texts: Vec<u64> = self.states.iter().filter(|s| self.is_text(s)).map(|s| s.number).collect();
            self.index = Index::read(data, self.states[leader].number, &texts, segment);
        }
        if let Mode::LoadCues { to_ticks } = self.mode {
            self.seek_to_ticks(to_ticks);
        }
    }

    fn block(&mut self, id: u32, data: &[u8], at: u64) {
        let parsed = if id == id::SIMPLE_BLOCK { block::simple(data) } else { block::group(data) };
        let (Some(block), Some(cluster)) = (parsed, self.cluster) else {
            self.issue(|| format!("the block at {at} is damaged"));
            return;
        };
        let Some(state) = self.states.iter_mut().find(|state| state.number == block.track) else { return };
        let first = *state.first_block.get_or_insert(at) == at;
        let place = Place { cluster_ticks: cluster.ticks, scale_ns: self.scale_ns, first };
        let track = &self.tracks[state.index];
        let fetching = matches!(self.mode, Mode::Captions { .. });
        if track.codec != crate::Codec::Other && (!fetching || matches!(track.kind, Kind::Text(_))) {
            let steps = samples::read(&block, &place, track, state, &mut self.skip, &mut self.issues);
            self.queue.extend(steps);
        }
        self.issues.truncate(MOST_ISSUES);
        if self.start_us.is_none() {
            self.announce(false);
        }
    }

    /// Reports the tracks once every audible and visible one has had a sample, since the earliest need not come first; at the
    /// latest after so many that a track seems to begin later, or when `now`.
    fn announce(&mut self, now: bool) {
        const ENOUGH: usize = 64;
        let begun = |track: &Track| {
            matches!(track.kind, Kind::Text(_))
                || track.codec == crate::Codec::Other
                || self.states.iter().any(|s| self.tracks[s.index].id == track.id && s.first_block.is_some())
        };
        if now || self.queue.len() >= ENOUGH || self.tracks.iter().all(begun) {
            let pts = |step: &Step| if let Step::Sample(sample) = step { Some(sample.pts_us) } else { None };
            self.start_us = Some(self.queue.iter().filter_map(pts).min().unwrap_or(0));
            self.queue.push_front(Step::Tracks);
        }
    }

    fn go(&mut self, at: u64) {
        self.at = at;
        self.cluster = None;
    }

    fn is_text(&self, state: &TrackState) -> bool {
        matches!(self.tracks[state.index].kind, Kind::Text(_))
    }

    /// Goes on at the next cluster.
    fn damaged(&mut self) -> Progress {
        if self.give_caption_up() {
            return Ok(None);
        }
        if let Mode::LoadCues { to_ticks } = self.mode {
            self.hunt(to_ticks);
            return Ok(None);
        }
        if self.states.is_empty() {
            return Err(Error::Damaged(format!("the element at byte {} before the tracks", self.at)));
        }
        if matches!(self.mode, Mode::Hunt(_)) {
            // What was found up to the damage is the best there is.
            self.hunted();
            return Ok(None);
        }
        self.mode = Mode::Resync(self.at);
        self.go(self.at.saturating_add(1));
        Ok(None)
    }

    fn resync(&mut self, window: &Window, from: u64) -> Progress {
        let bytes = match held(window, self.at, 4) {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(more)) => return Ok(Some(more)),
            Err(Ended) => return self.ended(),
        };
        match find_cluster(bytes) {
            Some(n) => {
                self.at += n as u64;
                let at = self.at;
                self.issue(|| format!("damaged at byte {from}; went on at {at}"));
                self.mode = Mode::Play;
                Ok(None)
            }
            None => {
                self.at += bytes.len() as u64 - 3;
                Ok(needs(window, self.at, 4))
            }
        }
    }

    /// Nothing follows where something was sought.
    fn ended(&mut self) -> Progress {
        if self.give_caption_up() {
            return Ok(None);
        }
        match self.mode {
            Mode::LoadCues { to_ticks } => self.hunt(to_ticks),
            Mode::Hunt(_) => self.hunted(),
            _ => {
                if self.states.is_empty() {
                    return Err(match self.segment {
                        None => Error::Unrecognised("it ends before a Matroska segment".into()),
                        Some(_) => Error::Damaged("it ends before the tracks".into()),
                    });
                }
                if let Some(end) = self.cluster.and_then(|c| c.end).filter(|end| *end > self.at) {
                    let at = self.at;
                    self.issue(|| format!("it ends at byte {at} inside a cluster that goes on to {end}"));
                }
                self.mode = Mode::Done;
                if self.start_us.is_none() {
                    self.announce(true);
                }
            }
        }
        Ok(None)
    }

    fn issue(&mut self, issue: impl FnOnce() -> String) {
        if self.issues.len() < MOST_ISSUES {
            self.issues.push(issue());
        }
    }
}

/// A damaged file has one for every block; the log needs only the first.
const MOST_ISSUES: usize = 50;

/// What the window holds from `at` on, at least `least` bytes of it; else the step that asks for them.
fn held(window: &Window, at: u64, least: usize) -> Result<Result<&[u8], Step>, Ended> {
    match window.from(at) {
        Some(bytes) if bytes.len() >= least => Ok(Ok(bytes)),
        _ => needs(window, at, least).map(Err).ok_or(Ended),
    }
}

/// The step that asks for at least `least` bytes, or all up to the end; none when what there is is held already.
fn needs(window: &Window, at: u64, least: usize) -> Option<Step> {
    let end = if window.ended() { Some(window.end()) } else { window.total() };
    let left = end.map_or(u64::MAX, |end| end.saturating_sub(at));
    let least = usize::try_from(left).map_or(least, |left| least.min(left));
    (least > 0 && window.get(at, least).is_none()).then_some(Step::More { at, least })
}

impl Demux for Matroska {
    fn step(&mut self, window: &Window) -> Result<Step, Error> {
        self.total = window.total().or(window.ended().then(|| window.end())).or(self.total);
        loop {
            if let Some(step) = self.start_us.and_then(|_| self.queue.pop_front()) {
                return Ok(step);
            }
            match self.advance(window) {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {}
                Err(error) => {
                    self.mode = Mode::Done;
                    return Err(error);
                }
            }
        }
    }

    fn tracks(&self) -> &[Track] {
        if self.start_us.is_some() { &self.tracks } else { &[] }
    }

    fn start_us(&self) -> i64 {
        self.start_us.unwrap_or(0)
    }

    fn duration_us(&self) -> Option<i64> {
        // The element is a float; the cast saturates.
        self.duration_ticks.map(|ticks| (ticks * self.scale_ns as f64 / 1000.0) as i64)
    }

    fn seekable(&self) -> bool {
        self.first_cluster.is_some()
            && (!self.index.is_empty() || self.cues_at.is_some() || self.total.is_some())
    }

    fn seek(&mut self, to_us: i64) {
        if self.start_us.is_none() || self.first_cluster.is_none() {
            return;
        }
        self.queue.clear();
        self.cluster = None;
        let delay = self.leader().map_or(0, |leader| self.states[leader].delay_ticks(self.scale_ns));
        let to_ticks = mul_div_floor(to_us, 1000, self.scale_ns as i64).saturating_add(delay);
        match self.cues_at.filter(|_| self.index.is_empty()) {
            Some(at) => {
                self.mode = Mode::LoadCues { to_ticks };
                self.at = at;
            }
            None => self.seek_to_ticks(to_ticks),
        }
    }

    fn take_issues(&mut self) -> Vec<String> {
        std::mem::take(&mut self.issues)
    }
}

#[cfg(test)]
mod tests;
