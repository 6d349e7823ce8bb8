//! Where the fragments of a file are in time: segment indexes (`sidx`, ISO/IEC 14496-12, 8.16.3), the random access index
//! at the end (`mfra`, 8.8.9) and the fragments read so far.

use std::collections::BTreeMap;

use super::boxes::{Boxes, full, versioned};

/// Most points kept: a day of one-second fragments.
const MAX_POINTS: usize = 100_000;

/// Times of the first video track, else of the first track, in the presentation, by the offset of a box at which reading
/// can start: a fragment or a segment index.
#[derive(Debug, Default)]
pub(super) struct Index {
    points: BTreeMap<u64, Point>,
    /// End of what segment indexes cover.
    pub(super) end_us: Option<i64>,
}

#[derive(Debug)]
struct Point {
    time_us: i64,
    /// Media decode time of each track, if the fragments before were read: fragments need not state it.
    decode_times: Vec<i64>,
}

impl Index {
    /// Notes that reading from `at` gives samples from `time_us` on.
    fn add(&mut self, at: u64, time_us: i64) {
        if self.points.len() < MAX_POINTS {
            self.points.entry(at).or_insert(Point { time_us, decode_times: Vec::new() });
        }
    }

    /// Notes a fragment that was read: its first presentation time and the decode times before it.
    pub(super) fn add_read(&mut self, at: u64, time_us: i64, decode_times: impl Iterator<Item = i64>) {
        self.add(at, time_us);
        if let Some(point) = self.points.get_mut(&at) {
            point.time_us = time_us;
            if point.decode_times.is_empty() {
                point.decode_times = decode_times.collect();
            }
        }
    }

    /// The last point at or before a time.
    pub(super) fn at_or_before(&self, time_us: i64) -> Option<u64> {
        self.points.iter().rev().find(|(_, point)| point.time_us <= time_us).map(|(&at, _)| at)
    }

    /// Time of a point and the decode times of the tracks, if known.
    pub(super) fn at(&self, at: u64) -> Option<(i64, &[i64])> {
        self.points.get(&at).map(|point| (point.time_us, &point.decode_times[..]))
    }

    /// The last point before an offset.
    pub(super) fn before(&self, at: u64) -> Option<u64> {
        self.points.range(..at).next_back().map(|(&at, _)| at)
    }

    /// Whether a point after this time is known: those before it are then worth relying on.
    pub(super) fn reaches(&self, time_us: i64) -> bool {
        self.end_us.is_some_and(|end| end > time_us)
            || self.points.last_key_value().is_some_and(|(_, point)| point.time_us > time_us)
    }

    /// Reads the body of a `sidx` that ends at `end`, if it is about this track. `to_us` turns its times, in its own
    /// timescale, to those of the presentation.
    pub(super) fn add_sidx(
        &mut self,
        body: &[u8],
        end: u64,
        track: u32,
        to_us: impl Fn(i64, u32) -> i64,
    ) -> Option<()> {
        let (version, _, mut c) = full(body)?;
        if c.u32_be()? != track {
            return None;
        }
        let timescale = c.u32_be()?;
        let mut time = versioned(&mut c, version)?;
        let mut at = end.checked_add(versioned(&mut c, version)?)?;
        c.skip(2)?;
        let count = c.u16_be()?;
        for _ in 0..count {
            let (size, duration) = (c.u32_be()? & 0x7fff_ffff, c.u32_be()?);
            c.skip(4)?;
            self.add(at, to_us(i64::try_from(time).ok()?, timescale));
            at = at.checked_add(u64::from(size))?;
            time = time.checked_add(u64::from(duration))?;
        }
        let end_us = to_us(i64::try_from(time).ok()?, timescale);
        self.end_us = Some(self.end_us.map_or(end_us, |end| end.max(end_us)));
        Some(())
    }

    /// Reads the body of `mfra`: the entries of this track. `to_us` turns its media times to those of the presentation.
    pub(super) fn add_mfra(&mut self, mfra: &[u8], track: u32, to_us: impl Fn(i64) -> i64) {
        for (_, tfra) in Boxes(mfra).filter(|&(kind, _)| kind == *b"tfra") {
            let _ = self.add_tfra(tfra, track, &to_us);
        }
    }

    fn add_tfra(&mut self, body: &[u8], track: u32, to_us: impl Fn(i64) -> i64) -> Option<()> {
        let (version, _, mut c) = full(body)?;
        if c.u32_be()? != track {
            return None;
        }
        let lengths = c.u32_be()?;
        let count = c.u32_be()?;
        let numbers_len: u32 = [4, 2, 0].iter().map(|shift| (lengths >> shift & 3) + 1).sum();
        for _ in 0..count {
            let (time, at) = (versioned(&mut c, version)?, versioned(&mut c, version)?);
            c.skip(numbers_len as usize)?;
            self.add(at, to_us(i64::try_from(time).ok()?));
            if self.points.len() >= MAX_POINTS {
                return None;
            }
        }
        Some(())
    }
}

/// The length of the `mfra` box, from the 16 bytes at the end of a file (`mfro`).
pub(super) fn mfra_len(tail: &[u8; 16]) -> Option<u64> {
    let (size, rest) = tail.split_first_chunk::<4>()?;
    let len = rest.last_chunk::<4>()?;
    (u32::from_be_bytes(*size) == 16 && rest.starts_with(b"mfro"))
        .then_some(u64::from(u32::from_be_bytes(*len)))
}
