//! MPEG transport streams (ISO/IEC 13818-1), also in the 192-byte packets of M2TS and the 204-byte ones of DVB.
//!
//! Of several programs the first whose map arrives is played. Timestamps are unrolled over the 33-bit wrap, relative to the first.

mod audio;
mod packet;
mod pes;
mod psi;
mod search;
mod stream;
#[cfg(test)]
mod tests;
mod unit;
mod video;

use std::collections::VecDeque;

use kinora_bytes::Window;

use crate::issues::Issues;
use crate::{Demux, Error, Sample, Step, Track, Trim};
use packet::Packet;
use pes::Clock;
use psi::Sections;
use search::Search;
use stream::Stream;
use unit::Unit;

/// Bytes after which the tracks are reported with what is known (FFmpeg's probesize is about the same).
const PROBE_BYTES: u64 = 4 << 20;
/// Microseconds of one stream after which the others are not waited for.
const PROBE_US: i64 = 1_500_000;
/// Bytes before the first packet, and in all that a step passes over.
const MAX_GARBAGE: u64 = 1 << 20;
/// Packets a step handles.
const STEP_PACKETS: usize = 4096;
/// Program maps that are looked at: real multiplexes have some dozens.
const MAX_PROGRAMS: usize = 256;

/// Whether `head` looks like a transport stream.
pub(crate) fn sniff(head: &[u8]) -> bool {
    packet::find_grid(head, 1024, None).is_some()
}

/// Demuxes a transport stream.
pub struct Ts {
    input: Input,
    pat: Sections,
    /// Program maps by PID; only one when the program is chosen.
    maps: Vec<(u16, Sections)>,
    program: Option<u16>,
    streams: Vec<Stream>,
    tracks: Vec<Track>,
    announced: bool,
    /// The tracks are others than those last reported.
    changed: bool,
    clock: Clock,
    ready: VecDeque<Step>,
    start_us: Option<i64>,
    latest_us: Option<i64>,
    duration_us: Option<i64>,
    total: Option<u64>,
    /// What is being looked for elsewhere in the resource.
    search: Option<Search>,
    /// After a seek: of this PID nothing goes out before a key frame.
    awaits_key: Option<u16>,
    scrambled: bool,
    done: bool,
    issues: Issues,
}

impl Default for Ts {
    fn default() -> Self {
        Ts::new()
    }
}

/// Finds the packets in the window.
#[derive(Debug, Default)]
struct Input {
    pos: u64,
    /// Known for good from the first packet on.
    stride: Option<usize>,
    aligned: bool,
    /// Where the first packet was.
    first: u64,
}

/// What the input gives next.
enum Next<'w> {
    Packet(Packet<'w>, u64),
    More(Step),
    /// Garbage was passed over.
    Skipped,
    End,
}

impl Input {
    fn jump(&mut self, pos: u64) {
        self.pos = pos;
        self.aligned = false;
    }

    fn next<'w>(&mut self, window: &'w Window) -> Next<'w> {
        let bytes = window.from(self.pos).unwrap_or_default();
        let ended = window.ended() && self.pos >= window.start();
        if !self.aligned {
            if bytes.len() < packet::ENOUGH && !ended {
                return Next::More(Step::More { at: self.pos, least: packet::ENOUGH });
            }
            let within = if ended { bytes.len() } else { bytes.len() - packet::ENOUGH + 1 };
            let Some(grid) = packet::find_grid(bytes, within, self.stride) else {
                self.pos += within as u64;
                return if ended { Next::End } else { Next::Skipped };
            };
            self.pos += grid.skip as u64;
            self.aligned = true;
            if self.stride.is_none() {
                self.first = self.pos;
            }
            self.stride = Some(grid.stride);
            return Next::Skipped;
        }
        let Some(bytes) = bytes.first_chunk() else {
            return if ended {
                Next::End
            } else {
                Next::More(Step::More { at: self.pos, least: packet::LEN })
            };
        };
        let Some(packet) = Packet::parse(bytes) else {
            self.aligned = false;
            return Next::Skipped;
        };
        let at = self.pos;
        self.pos += self.stride.unwrap_or(packet::LEN) as u64;
        Next::Packet(packet, at)
    }
}

impl Ts {
    /// A demuxer at the start of a resource.
    pub fn new() -> Self {
        Ts {
            input: Input::default(),
            pat: Sections::default(),
            maps: Vec::new(),
            program: None,
            streams: Vec::new(),
            tracks: Vec::new(),
            announced: false,
            changed: false,
            clock: Clock::default(),
            ready: VecDeque::new(),
            start_us: None,
            latest_us: None,
            duration_us: None,
            total: None,
            search: None,
            awaits_key: None,
            scrambled: false,
            done: false,
            issues: Issues::default(),
        }
    }

    fn forget_partial(&mut self) {
        self.ready.clear();
        self.pat.reset();
        self.maps.iter_mut().for_each(|(_, sections)| sections.reset());
        self.streams.iter_mut().for_each(Stream::reset);
    }

    fn take_packet(&mut self, packet: &Packet, at: u64) {
        if packet.pid == 0 {
            let mut programs = None;
            self.pat.push(packet, |section| programs = psi::parse_pat(section).or(programs.take()));
            if let Some(programs) = programs {
                self.take_programs(&programs);
            }
        } else if let Some((_, sections)) = self.maps.iter_mut().find(|(pid, _)| *pid == packet.pid) {
            let mut maps = Vec::new();
            sections.push(packet, |section| maps.extend(psi::parse_pmt(section)));
            for (program, entries) in maps {
                self.take_map(program, entries);
            }
        } else if let Some(index) = self.streams.iter().position(|s| s.entry.pid == packet.pid) {
            if packet.scrambled {
                if !std::mem::replace(&mut self.scrambled, true) {
                    self.issues.push(|| format!("PID {} is encrypted", packet.pid));
                }
                return;
            }
            let mut out = Vec::new();
            self.streams[index].push(packet, at, &mut self.clock, &mut out, &mut self.issues);
            self.take_units(index, out);
        }
    }

    fn take_programs(&mut self, programs: &[(u16, u16)]) {
        // A multiplex that drops the program being played goes on with another.
        if self.program.is_some_and(|chosen| !programs.iter().any(|&(number, _)| number == chosen)) {
            self.program = None;
        }
        let wanted =
            programs.iter().filter(|&&(number, _)| self.program.is_none_or(|chosen| chosen == number));
        let mut maps: Vec<(u16, Sections)> = Vec::new();
        for &(_, pid) in wanted.take(MAX_PROGRAMS) {
            if maps.iter().all(|&(other, _)| other != pid) {
                let known = self.maps.iter().position(|&(other, _)| other == pid);
                maps.push(known.map_or_else(|| (pid, Sections::default()), |i| self.maps.swap_remove(i)));
            }
        }
        self.maps = maps;
    }

    fn take_map(&mut self, program: u16, entries: Vec<psi::Entry>) {
        if self.program.is_some_and(|chosen| chosen != program) || entries.is_empty() {
            return;
        }
        self.program = Some(program);
        if self.streams.iter().map(|s| &s.entry).eq(&entries) {
            return;
        }
        let mut before = std::mem::take(&mut self.streams);
        let (mut out, mut rest) = (Vec::new(), Vec::new());
        for entry in entries {
            let same =
                before.iter().position(|s| s.entry.pid == entry.pid && s.entry.content == entry.content);
            rest.push(match same {
                Some(index) => {
                    let mut stream = before.swap_remove(index);
                    stream.entry = entry;
                    stream
                }
                None => Stream::new(entry),
            });
        }
        for mut gone in before {
            gone.flush(&mut out, &mut self.issues);
            let track = gone.entry.pid.into();
            // One whose format was not known by now has never been told.
            let told = self.tracks.iter().any(|other| other.id == track);
            let units = out.drain(..).filter(|_| told);
            self.ready.extend(units.map(|unit| Step::Sample(sample(track, unit))));
        }
        self.streams = rest;
        self.update_tracks();
    }

    fn take_units(&mut self, index: usize, units: Vec<Unit>) {
        let pid = self.streams[index].entry.pid;
        for unit in units {
            if let Some(search) = &mut self.search {
                search.see(pid, &unit);
                continue;
            }
            if self.awaits_key == Some(pid) {
                if !unit.key {
                    continue;
                }
                self.awaits_key = None;
            }
            if !self.announced {
                self.start_us = Some(self.start_us.map_or(unit.pts_us, |start| start.min(unit.pts_us)));
                self.latest_us = self.latest_us.max(Some(unit.dts_us));
            }
            self.update_tracks();
            self.ready.push_back(Step::Sample(sample(pid.into(), unit)));
        }
    }

    /// Brings the tracks up to date with the streams, and reports a change that decoders must know of. Parameter sets that change
    /// under the same format are in band.
    fn update_tracks(&mut self) {
        let tracks: Vec<Track> = self.streams.iter().filter_map(Stream::track).collect();
        let same = |(a, b): (&Track, &Track)| {
            (a.id, &a.codec_string, &a.kind, &a.language) == (b.id, &b.codec_string, &b.kind, &b.language)
        };
        if tracks.len() != self.tracks.len() || !tracks.iter().zip(&self.tracks).all(same) {
            self.tracks = tracks;
            self.changed = self.announced;
            if self.announced && self.search.is_none() {
                self.ready.push_back(Step::Tracks);
            }
        }
    }

    fn knows_tracks(&self) -> bool {
        let probed_us =
            self.latest_us.zip(self.start_us).map_or(0, |(latest, start)| latest.saturating_sub(start));
        let all = !self.streams.is_empty() && self.tracks.len() == self.streams.len();
        all || (!self.tracks.is_empty() && probed_us > PROBE_US)
            || self.input.pos.saturating_sub(self.input.first) > PROBE_BYTES
    }

    fn announce(&mut self) -> Result<(), Error> {
        self.announced = true;
        if self.tracks.is_empty() {
            return Err(match (self.scrambled, self.program) {
                (true, _) => Error::Unsupported("an encrypted transport stream".into()),
                (false, None) => Error::Damaged("a transport stream without a program map".into()),
                (false, Some(_)) => {
                    Error::Damaged("a transport stream whose program carries no sound or picture".into())
                }
            });
        }
        // A stream may have gone again before the tracks are told.
        let known = |id| self.tracks.iter().any(|track| track.id == id);
        self.ready.retain(|step| !matches!(step, Step::Sample(sample) if !known(sample.track)));
        self.ready.push_front(Step::Tracks);
        Ok(())
    }

    fn advance(&mut self, window: &Window) -> Result<Step, Error> {
        for _ in 0..STEP_PACKETS {
            if self.search.is_none()
                && self.announced
                && let Some(step) = self.ready.pop_front()
            {
                self.changed &= step != Step::Tracks;
                return Ok(step);
            }
            if self.done {
                return Ok(Step::End);
            }
            if self.search.is_none() && !self.announced && self.knows_tracks() {
                self.total = window.total();
                match self.total {
                    Some(total) => self.search_end(total),
                    None => self.announce()?,
                }
                continue;
            }
            if self.search_is_over() {
                self.end_search()?;
                continue;
            }
            let aligned = self.input.aligned;
            match self.input.next(window) {
                Next::Packet(packet, at) => match &mut self.search {
                    Some(search) if !search.reads_units() => search.peek(&packet, at, &self.clock),
                    _ => self.take_packet(&packet, at),
                },
                Next::More(step) => return Ok(step),
                Next::Skipped if aligned => {
                    let at = self.input.pos;
                    self.issues.push(|| format!("no packet at byte {at}: searching for the next"));
                }
                Next::Skipped if self.input.stride.is_none() && self.input.pos > MAX_GARBAGE => {
                    return Err(Error::Unrecognised("no transport packets".into()));
                }
                Next::Skipped => {}
                Next::End => self.reach_end()?,
            }
        }
        Ok(Step::More { at: self.input.pos, least: packet::LEN })
    }

    fn reach_end(&mut self) -> Result<(), Error> {
        if let Some(search) = self.search.as_mut().filter(|search| !search.reads_units()) {
            search.reach_end();
            return Ok(());
        }
        let mut out = Vec::new();
        for index in 0..self.streams.len() {
            self.streams[index].flush(&mut out, &mut self.issues);
            self.take_units(index, std::mem::take(&mut out));
        }
        if let Some(search) = &mut self.search {
            search.reach_end();
        } else {
            self.done = true;
            if !self.announced {
                self.announce()?;
            }
        }
        Ok(())
    }
}

fn sample(track: u32, unit: Unit) -> Sample {
    Sample {
        track,
        pts_us: unit.pts_us,
        dts_us: unit.dts_us,
        duration_us: unit.duration_us,
        key: unit.key,
        decode_only: false,
        trim: Trim::default(),
        data: unit.data,
    }
}

impl Demux for Ts {
    fn step(&mut self, window: &Window) -> Result<Step, Error> {
        self.advance(window).inspect_err(|_| {
            self.done = true;
            self.announced = true;
            self.search = None;
            self.ready.clear();
        })
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn start_us(&self) -> i64 {
        self.start_us.unwrap_or(0)
    }

    fn duration_us(&self) -> Option<i64> {
        self.duration_us
    }

    fn seekable(&self) -> bool {
        self.total.is_some()
    }

    fn seek(&mut self, to_us: i64) {
        self.forget_partial();
        self.done = false;
        self.search_key(to_us);
    }

    fn take_issues(&mut self) -> Vec<String> {
        self.issues.take()
    }
}
