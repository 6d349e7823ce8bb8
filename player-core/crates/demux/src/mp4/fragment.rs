//! Movie fragments, ISO/IEC 14496-12, 8.8.
//!
//! Composition offsets below 0 are taken as the standard has them: the presentation time is the decode time plus the offset. FFmpeg
//! raises all of a track's times by the lowest offset that it has met so far instead, which puts the pictures behind the
//! sound and moves them when a later fragment has a lower one.

use crate::issues::Issues;

use super::boxes::{Boxes, child, full, versioned};
use super::sample_table::{self, Entry, MAX_SAMPLE_LEN, PCM_GROUP};

/// Most samples of one fragment: they may all be declared by a few bytes.
const MAX_SAMPLES: usize = 1 << 20;

/// Defaults of a track's fragments (`trex`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Defaults {
    pub(super) track: u32,
    description: u32,
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    /// Those of a track without `trex`: every fragment has to say everything.
    pub(super) fn of_track(track: u32) -> Defaults {
        Defaults { track, description: 1, ..Defaults::default() }
    }

    /// Reads `trex`.
    pub(super) fn parse(body: &[u8]) -> Option<Defaults> {
        let (_, _, mut c) = full(body)?;
        Some(Defaults {
            track: c.u32_be()?,
            description: c.u32_be()?,
            duration: c.u32_be()?,
            size: c.u32_be()?,
            flags: c.u32_be()?,
        })
    }
}

/// Where the fragments of a track go on, and how they are to be read.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) defaults: Defaults,
    pub(super) audio: bool,
    /// Bytes of a PCM frame; `None` when the samples are not PCM.
    pub(super) pcm_frame: Option<u32>,
    /// What media times are lowered by (edit list).
    pub(super) time_offset: i64,
    /// Media time at which the samples so far end.
    pub(super) end: i64,
    /// Decode time of the last sample so far.
    pub(super) last_dts: Option<i64>,
}

/// The samples of one `traf`.
pub(super) struct TrackFragment {
    pub(super) track: u32,
    pub(super) entries: Vec<Entry>,
}

// tfhd flags, 8.8.7.
const BASE_DATA_OFFSET: u32 = 1;
const DESCRIPTION: u32 = 2;
const DEFAULT_DURATION: u32 = 8;
const DEFAULT_SIZE: u32 = 0x10;
const DEFAULT_FLAGS: u32 = 0x20;
const BASE_IS_MOOF: u32 = 0x2_0000;
// trun flags, 8.8.8.
const DATA_OFFSET: u32 = 1;
const FIRST_FLAGS: u32 = 4;
const DURATION: u32 = 0x100;
const SIZE: u32 = 0x200;
const FLAGS: u32 = 0x400;
const CTS: u32 = 0x800;
// Sample flags, 8.8.3.1: not a sync sample, and depends on others.
const NOT_KEY: u32 = 0x1_0000 | 0x100_0000;

/// Reads the body of the `moof` at `offset`. `state` finds that of a track by its id, none for a track to leave out.
pub(super) fn parse(
    moof: &[u8],
    offset: u64,
    total: Option<u64>,
    states: &mut [State],
    issues: &mut Issues,
) -> Vec<TrackFragment> {
    let mut fragments = Vec::new();
    // Where the data of a track starts that does not say: after that of the one before.
    let mut implicit_base = offset;
    let mut room = sample_table::room(MAX_SAMPLES, moof.len(), total);
    for (_, traf) in Boxes(moof).filter(|&(kind, _)| kind == *b"traf") {
        let Some(header) = child(traf, *b"tfhd").and_then(TrackHeader::parse) else {
            issues.push(|| "a track fragment without a header was left out".into());
            continue;
        };
        let Some(state) = states.iter_mut().find(|state| state.defaults.track == header.track) else {
            continue;
        };
        let mut runs = Runs::new(&header, state, child(traf, *b"tfdt"), offset, implicit_base);
        for (_, body) in Boxes(traf).filter(|&(kind, _)| kind == *b"trun") {
            if runs.add(body, state, &mut room).is_none() {
                issues.push(|| format!("a damaged run of samples of track {} was cut", header.track));
                break;
            }
        }
        implicit_base = runs.at;
        state.end = runs.time;
        fragments.push(TrackFragment { track: header.track, entries: runs.entries });
    }
    fragments
}

/// `tfhd`.
struct TrackHeader {
    track: u32,
    flags: u32,
    base: Option<u64>,
    description: Option<u32>,
    duration: Option<u32>,
    size: Option<u32>,
    sample_flags: Option<u32>,
}

impl TrackHeader {
    fn parse(body: &[u8]) -> Option<TrackHeader> {
        let (_, flags, mut c) = full(body)?;
        let track = c.u32_be()?;
        let base = if flags & BASE_DATA_OFFSET != 0 { Some(c.u64_be()?) } else { None };
        let mut field = |flag| if flags & flag != 0 { c.u32_be().map(Some) } else { Some(None) };
        let description = field(DESCRIPTION)?;
        let duration = field(DEFAULT_DURATION)?;
        let size = field(DEFAULT_SIZE)?;
        let sample_flags = field(DEFAULT_FLAGS)?;
        Some(TrackHeader { track, flags, base, description, duration, size, sample_flags })
    }
}

/// The runs of a track fragment, one after the other.
struct Runs {
    entries: Vec<Entry>,
    base: u64,
    /// Offset of the next sample.
    at: u64,
    /// Media decode time of the next sample.
    time: i64,
    description: u16,
    duration: u32,
    size: u32,
    flags: u32,
}

impl Runs {
    fn new(header: &TrackHeader, state: &State, tfdt: Option<&[u8]>, moof: u64, implicit_base: u64) -> Runs {
        let base = header.base.unwrap_or(if header.flags & BASE_IS_MOOF != 0 { moof } else { implicit_base });
        let start = tfdt.and_then(full).and_then(|(version, _, mut c)| versioned(&mut c, version));
        let defaults = &state.defaults;
        let description = header.description.unwrap_or(defaults.description).saturating_sub(1);
        Runs {
            entries: Vec::new(),
            base,
            at: base,
            time: start.map_or(state.end, |t| i64::try_from(t).unwrap_or(i64::MAX)),
            description: u16::try_from(description).unwrap_or(0),
            duration: header.duration.unwrap_or(defaults.duration),
            size: header.size.unwrap_or(defaults.size),
            flags: header.sample_flags.unwrap_or(defaults.flags),
        }
    }

    /// Appends a `trun`; none when it is cut or asks for too much, with the samples before the damage appended.
    fn add(&mut self, body: &[u8], state: &mut State, room: &mut usize) -> Option<()> {
        let (_, flags, mut c) = full(body)?;
        let count = c.u32_be()?;
        if flags & DATA_OFFSET != 0 {
            self.at = self.base.checked_add_signed(i64::from(c.i32_be()?))?;
        }
        let mut next_flags = if flags & FIRST_FLAGS != 0 { Some(c.u32_be()?) } else { None };
        let before = state.last_dts;
        for _ in 0..count {
            *room = room.checked_sub(1)?;
            let mut field = |flag, default| if flags & flag != 0 { c.u32_be() } else { Some(default) };
            let duration = field(DURATION, self.duration)?;
            let size = field(SIZE, self.size)?;
            let first_flags = next_flags.take();
            let sample_flags = field(FLAGS, first_flags.unwrap_or(self.flags))?;
            let cts = field(CTS, 0)? as i32;
            let dts = self.time.saturating_sub(state.time_offset);
            if size > MAX_SAMPLE_LEN {
                return None;
            }
            // An empty sample is a gap; in a run of default sizes a count without data would cost nothing to declare.
            if size > 0 {
                let entry = Entry {
                    offset: self.at,
                    dts,
                    cts,
                    duration,
                    size,
                    description: self.description,
                    key: state.audio || sample_flags & NOT_KEY == 0,
                    // Fragments that overlap in time: FFmpeg decodes what was there already and shows it only once.
                    hidden: before.is_some_and(|last| last >= dts),
                };
                state.last_dts = Some(dts);
                match self.entries.last_mut() {
                    Some(last) if state.pcm_frame.is_some() && joins(last, &entry) => {
                        last.size += size;
                        last.duration += duration;
                    }
                    _ => self.entries.push(entry),
                }
            }
            self.at = self.at.checked_add(u64::from(size))?;
            self.time = self.time.saturating_add(i64::from(duration));
        }
        Some(())
    }
}

/// Whether a PCM sample can be made part of the one before: some writers make every frame a sample.
fn joins(last: &Entry, next: &Entry) -> bool {
    last.offset + u64::from(last.size) == next.offset
        && last.duration.saturating_add(next.duration) <= PCM_GROUP
        && last.size.saturating_add(next.size) <= MAX_SAMPLE_LEN
        && (last.description, last.hidden) == (next.description, next.hidden)
}
