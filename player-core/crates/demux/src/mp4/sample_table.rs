//! The sample table of a track (ISO/IEC 14496-12, 8.5 to 8.7), expanded to one entry a sample.

use kinora_bytes::Cursor;

use super::boxes::{child, full};

/// Most samples a movie or a fragment may have: 18 hours of video at 60 Hz, 26 hours of AAC.
pub(super) const MAX_SAMPLES: usize = 1 << 22;

/// How many samples a header of `len` bytes may list, at most `most`, in a resource of `total` bytes. Samples of one size and duration
/// cost nothing to declare, but each takes a byte of the file, and a chunk holds some dozens of them for its four bytes; files
/// of a single chunk are short.
pub(super) fn room(most: usize, len: usize, total: Option<u64>) -> usize {
    let total = total.map_or(most, |total| usize::try_from(total).unwrap_or(most));
    most.min(total).min(len.saturating_mul(64).max(1 << 18))
}

/// PCM frames are grouped into samples of at most this many, as FFmpeg groups them.
pub(super) const PCM_GROUP: u32 = 1024;

/// One sample. Times count in the track's timescale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) offset: u64,
    pub(super) dts: i64,
    /// Presentation time minus decode time.
    pub(super) cts: i32,
    pub(super) duration: u32,
    pub(super) size: u32,
    /// Index of its sample description.
    pub(super) description: u16,
    pub(super) key: bool,
    /// Decoded, not presented.
    pub(super) hidden: bool,
}

impl Entry {
    pub(super) fn pts(&self) -> i64 {
        self.dts.saturating_add(i64::from(self.cts))
    }
}

/// The samples of a track before any edit.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
    /// Whether there are composition offsets: edits are then searched by presentation time.
    pub(super) has_cts: bool,
    /// How far the smallest composition offset lies below 0. Decode times are lowered and offsets raised by it, so that
    /// nothing is presented before it is decoded.
    pub(super) dts_shift: i64,
    /// Decode time of the end.
    pub(super) end: i64,
    /// More samples were declared than are allowed or than the file has room for.
    pub(super) cut: bool,
}

/// What expansion needs to know of the track.
pub(super) struct Context {
    /// Bytes of a PCM frame; `None` when the samples are not PCM.
    pub(super) pcm_frame: Option<u32>,
    pub(super) video: bool,
    /// Length of the resource, when known: samples beyond are not listed.
    pub(super) total: Option<u64>,
    /// How many entries there may be.
    pub(super) room: usize,
}

/// Expands `stbl`; `None` when a mandatory table is missing.
pub(super) fn expand(stbl: &[u8], context: &Context) -> Option<Table> {
    let mut table = Table::default();
    let sizes = Sizes::parse(stbl)?;
    let mut chunks = Chunks::parse(stbl)?;
    let stts = rows::<2>(child(stbl, *b"stts")?)?;
    if let Some(frame) = context.pcm_frame
        && let Some(&[_, 1]) = (stts.len() == 1).then(|| &stts[0])
    {
        expand_pcm(&mut table, &mut chunks, sizes.count(), frame, context);
        return Some(table);
    }

    let ctts = child(stbl, *b"ctts").and_then(rows::<2>).and_then(Offsets::new);
    table.has_cts = ctts.is_some();
    table.dts_shift = ctts.as_ref().map_or(0, |ctts| ctts.shift);
    let mut ctts = ctts.map(|ctts| ctts.runs);
    let mut keys = Keys::parse(stbl, context.video);
    let mut durations = Runs::new(durations(&stts));
    let mut dts = -table.dts_shift;
    let mut sample = 0;
    'chunks: while let Some(chunk) = chunks.next() {
        let mut offset = chunk.offset;
        for _ in 0..chunk.samples {
            let Some(size) = sizes.get(sample) else { break 'chunks };
            let end = offset.saturating_add(u64::from(size));
            if table.entries.len() >= context.room
                || size > MAX_SAMPLE_LEN
                || context.total.is_some_and(|t| end > t)
            {
                table.cut = true;
                break 'chunks;
            }
            // The last duration goes on when the table is too short, a composition offset does not.
            let duration = durations.next_or_last().unwrap_or(0);
            let offset_cts = ctts.as_mut().and_then(Runs::next).unwrap_or(0);
            table.entries.push(Entry {
                offset,
                dts,
                cts: clamp_i32(offset_cts + table.dts_shift),
                duration: duration as u32,
                size,
                description: chunk.description,
                key: keys.next(sample),
                hidden: false,
            });
            offset = end;
            dts = dts.saturating_add(duration);
            sample += 1;
        }
    }
    table.end = dts;
    Some(table)
}

/// Largest sample: more than any level of any codec allows a picture to take, and FFmpeg's own limit is of that order.
pub(super) const MAX_SAMPLE_LEN: u32 = 256 << 20;

pub(super) fn clamp_i32(value: i64) -> i32 {
    value.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

fn expand_pcm(table: &mut Table, chunks: &mut Chunks<'_>, count: u32, frame: u32, context: &Context) {
    let mut left = count;
    let mut dts = 0;
    while let Some(chunk) = chunks.next() {
        let mut offset = chunk.offset;
        let mut frames = chunk.samples.min(left);
        left -= frames;
        while frames > 0 {
            let n = frames.min(PCM_GROUP);
            let size = n.saturating_mul(frame);
            let end = offset.saturating_add(u64::from(size));
            if table.entries.len() >= context.room
                || size > MAX_SAMPLE_LEN
                || context.total.is_some_and(|t| end > t)
            {
                table.cut = true;
                table.end = dts;
                return;
            }
            table.entries.push(Entry {
                offset,
                dts,
                cts: 0,
                duration: n,
                size,
                description: chunk.description,
                key: true,
                hidden: false,
            });
            offset = end;
            dts += i64::from(n);
            frames -= n;
        }
    }
    table.end = dts;
}

/// The rows of a table box, `N` words each: as many as its count says and as there are.
fn rows<const N: usize>(body: &[u8]) -> Option<Vec<[u32; N]>> {
    let (_, _, mut c) = full(body)?;
    let count = c.u32_be()? as usize;
    let row = |bytes: &[u8]| std::array::from_fn(|i| word(bytes, i));
    Some(c.rest().chunks_exact(4 * N).take(count).map(row).collect())
}

fn word(bytes: &[u8], index: usize) -> u32 {
    Cursor::new(bytes.get(index * 4..).unwrap_or_default()).u32_be().unwrap_or(0)
}

/// Decoding durations. Some writers stored negative ones to correct earlier ones that were too long; as in FFmpeg each
/// becomes 1 and the following ones make up for it, so that decode times still rise.
fn durations(stts: &[[u32; 2]]) -> Vec<(u32, i64)> {
    /// FFmpeg's `max_stts_delta`.
    const MAX_DELTA: u32 = u32::MAX - 48_000 * 10;
    let (mut dts, mut corrected) = (0i64, 0i64);
    let row = |&[count, stored]: &[u32; 2]| {
        let n = i64::from(count);
        let (mut duration, exact) = match stored {
            0..=MAX_DELTA => (i64::from(stored), i64::from(stored)),
            _ => (1, i64::from(stored as i32)),
        };
        dts = dts.saturating_add(duration.saturating_mul(n));
        corrected = corrected.saturating_add(exact.saturating_mul(n));
        if dts > corrected {
            let correction = (dts.saturating_sub(corrected) / n.max(1)).min(duration - 1).max(0);
            dts -= correction * n;
            duration -= correction;
        }
        (count, duration)
    };
    stts.iter().map(row).collect()
}

/// `ctts`. FFmpeg leaves the last two rows out when it looks for the smallest offset (they are often bogus), and drops a
/// table with offsets beyond 2^28.
struct Offsets {
    runs: Runs,
    shift: i64,
}

impl Offsets {
    fn new(rows: Vec<[u32; 2]>) -> Option<Offsets> {
        // Version 0 says unsigned, but writers stored negative offsets in it too, and none are so large.
        let rows: Vec<(u32, i64)> =
            rows.iter().map(|&[count, offset]| (count, i64::from(offset as i32))).collect();
        let judged = &rows[..rows.len().saturating_sub(2)];
        if rows.is_empty() || judged.iter().any(|&(_, offset)| offset.abs() > 1 << 28) {
            return None;
        }
        let shift = judged.iter().map(|&(_, offset)| -offset).max().unwrap_or(0).max(0);
        Some(Offsets { runs: Runs::new(rows), shift })
    }
}

/// Run-length coded values, one by one.
struct Runs {
    rows: Vec<(u32, i64)>,
    row: usize,
    used: u32,
}

impl Runs {
    fn new(rows: Vec<(u32, i64)>) -> Runs {
        Runs { rows: rows.into_iter().filter(|&(count, _)| count > 0).collect(), row: 0, used: 0 }
    }

    fn next(&mut self) -> Option<i64> {
        let &(count, value) = self.rows.get(self.row)?;
        self.used += 1;
        if self.used == count {
            (self.row, self.used) = (self.row + 1, 0);
        }
        Some(value)
    }

    fn next_or_last(&mut self) -> Option<i64> {
        self.next().or_else(|| self.rows.last().map(|&(_, value)| value))
    }
}

/// `stsz` or `stz2`.
enum Sizes<'a> {
    Constant { size: u32, count: u32 },
    Table { bits: u32, count: u32, bytes: &'a [u8] },
}

impl<'a> Sizes<'a> {
    fn parse(stbl: &'a [u8]) -> Option<Sizes<'a>> {
        if let Some(body) = child(stbl, *b"stsz") {
            let (_, _, mut c) = full(body)?;
            let (size, count) = (c.u32_be()?, c.u32_be()?);
            return Some(match size {
                0 => Sizes::Table { bits: 32, count, bytes: c.rest() },
                _ => Sizes::Constant { size, count },
            });
        }
        let (_, _, mut c) = full(child(stbl, *b"stz2")?)?;
        let bits = c.u32_be()? & 0xff;
        let count = c.u32_be()?;
        matches!(bits, 4 | 8 | 16).then_some(Sizes::Table { bits, count, bytes: c.rest() })
    }

    fn count(&self) -> u32 {
        match *self {
            Sizes::Constant { count, .. } | Sizes::Table { count, .. } => count,
        }
    }

    fn get(&self, index: u32) -> Option<u32> {
        match *self {
            Sizes::Constant { size, count } => (index < count).then_some(size),
            Sizes::Table { count, .. } if index >= count => None,
            Sizes::Table { bits, bytes, .. } => {
                let bit = index as usize * bits as usize;
                let mut c = Cursor::new(bytes.get(bit / 8..)?);
                match bits {
                    4 => c.u8().map(|b| u32::from(if bit.is_multiple_of(8) { b >> 4 } else { b & 15 })),
                    8 => c.u8().map(u32::from),
                    16 => c.u16_be().map(u32::from),
                    _ => c.u32_be(),
                }
            }
        }
    }
}

struct Chunk {
    offset: u64,
    samples: u32,
    description: u16,
}

/// `stco` or `co64` with `stsc`.
struct Chunks<'a> {
    offsets: &'a [u8],
    wide: bool,
    /// First chunk (from 1), samples in each, sample description (from 1).
    runs: Vec<[u32; 3]>,
    run: usize,
    chunk: u32,
    count: u32,
}

impl<'a> Chunks<'a> {
    fn parse(stbl: &'a [u8]) -> Option<Chunks<'a>> {
        let (body, wide) = match child(stbl, *b"stco") {
            Some(body) => (body, false),
            None => (child(stbl, *b"co64")?, true),
        };
        let (_, _, mut c) = full(body)?;
        let count = c.u32_be()?;
        let runs = rows::<3>(child(stbl, *b"stsc")?)?;
        Some(Chunks { offsets: c.rest(), wide, runs, run: 0, chunk: 0, count })
    }

    fn next(&mut self) -> Option<Chunk> {
        if self.chunk >= self.count {
            return None;
        }
        let at = self.chunk as usize * if self.wide { 8 } else { 4 };
        let mut c = Cursor::new(self.offsets.get(at..)?);
        let offset = if self.wide { c.u64_be()? } else { u64::from(c.u32_be()?) };
        self.chunk += 1;
        while self.runs.get(self.run + 1).is_some_and(|next| next[0] <= self.chunk) {
            self.run += 1;
        }
        let &[_, samples, description] = self.runs.get(self.run)?;
        Some(Chunk {
            offset,
            samples,
            description: u16::try_from(description.saturating_sub(1)).unwrap_or(0),
        })
    }
}

/// Sync samples (`stss`), QuickTime's partial ones (`stps`) and random access points of open groups of pictures (`sbgp`
/// of type `rap `): decoding can start at each, although pictures that are shown before it may be lost.
struct Keys {
    /// Sample numbers; `None`: no table, all are.
    sync: Option<Vec<[u32; 1]>>,
    partial: Vec<[u32; 1]>,
    rap: Option<Runs>,
    sync_at: usize,
    partial_at: usize,
    /// A table without rows says nothing is; then the first sample of a video and every one of an audio track is taken.
    only_first: bool,
}

impl Keys {
    fn parse(stbl: &[u8], video: bool) -> Keys {
        let sync = child(stbl, *b"stss").and_then(rows::<1>);
        let partial = child(stbl, *b"stps").and_then(rows::<1>).unwrap_or_default();
        let rap = super::boxes::Boxes(stbl).filter(|&(kind, _)| kind == *b"sbgp").find_map(|(_, body)| {
            let (version, _, mut c) = full(body)?;
            if c.array()? != *b"rap " {
                return None;
            }
            c.skip(if version == 1 { 4 } else { 0 })?;
            let count = c.u32_be()? as usize;
            let runs = c.rest().chunks_exact(8).take(count).map(|r| (word(r, 0), i64::from(word(r, 1))));
            Some(Runs::new(runs.collect()))
        });
        let empty = sync.as_ref().is_some_and(Vec::is_empty) && partial.is_empty() && rap.is_none();
        Keys {
            sync: sync.filter(|_| !empty || video),
            partial,
            rap,
            sync_at: 0,
            partial_at: 0,
            only_first: empty && video,
        }
    }

    /// Whether the next sample, of this index, is one.
    fn next(&mut self, index: u32) -> bool {
        let listed = |list: &[[u32; 1]], at: &mut usize| {
            while list.get(*at).is_some_and(|&[number]| number <= index) {
                *at += 1;
            }
            list.get(*at).is_some_and(|&[number]| number == index + 1)
        };
        let sync = match &self.sync {
            Some(list) => listed(list, &mut self.sync_at),
            None => true,
        };
        let partial = listed(&self.partial, &mut self.partial_at);
        let rap = self.rap.as_mut().and_then(Runs::next).is_some_and(|group| group > 0);
        sync || partial || rap || self.only_first && index == 0
    }
}
