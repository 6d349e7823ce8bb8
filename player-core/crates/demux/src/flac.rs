//! FLAC files (RFC 9639). A frame's end is where its CRC-16 is right and another frame's header, with a right CRC-8, begins.

#[cfg(test)]
mod tests;

use kinora_bytes::{Cursor, Window};
use kinora_time::{mul_div_floor, ticks_to_us};

use crate::bisection::Bisection;
use crate::codec::flac::{FrameHeader, MAX_HEADER_LEN, STREAMINFO_LEN, StreamInfo, crc16};
use crate::issues::Issues;
use crate::{AudioFormat, Codec, Demux, Error, Kind, Sample, Step, Track, Trim};

/// Metadata blocks: the format allows any number.
const MAX_BLOCKS: u32 = 1000;
/// Seek points that are kept.
const MAX_POINTS: usize = 1 << 16;
/// Bytes that a step looks through for the ends of frames: what passes for a header in damage may have none.
const MAX_WORK: usize = 4 << 20;
/// A search that has come down to this many bytes gives way to reading them.
const NEAR_BYTES: u64 = 64 << 10;

/// Whether `head` begins a FLAC file.
pub(crate) fn sniff(head: &[u8]) -> bool {
    head.starts_with(b"fLaC")
}

/// Demuxes a FLAC file.
pub struct Flac {
    pos: u64,
    blocks: u32,
    /// The last metadata block has been read.
    in_frames: bool,
    info: Option<StreamInfo>,
    /// First audio frame and place behind `first`, ascending.
    points: Vec<(u64, u64)>,
    first: u64,
    total: Option<u64>,
    tracks: Vec<Track>,
    scan: Scan,
    search: Option<Bisection>,
    /// After a seek: frames that end before this audio frame are not given out.
    skip_to: u64,
    /// The bytes at `pos` begin no frame: damage is being passed over.
    lost: bool,
    done: bool,
    issues: Issues,
}

/// How far the frame at `pos` has been looked through for its end.
#[derive(Debug, Clone, Copy, Default)]
struct Scan {
    header: Option<FrameHeader>,
    len: usize,
    crc: u16,
}

/// What was found.
enum Found {
    Frame(FrameHeader, usize),
    More(usize),
    End,
}

impl Default for Flac {
    fn default() -> Self {
        Flac::new()
    }
}

impl Flac {
    /// A demuxer at the start of a file.
    pub fn new() -> Self {
        Flac {
            pos: 0,
            blocks: 0,
            in_frames: false,
            info: None,
            points: Vec::new(),
            first: 0,
            total: None,
            tracks: Vec::new(),
            scan: Scan::default(),
            search: None,
            skip_to: 0,
            lost: false,
            done: false,
            issues: Issues::default(),
        }
    }

    fn need<'w>(&self, window: &'w Window, len: usize) -> Result<&'w [u8], Result<Step, Error>> {
        window.get(self.pos, len).ok_or_else(|| {
            if window.ended() && window.start() <= self.pos {
                Err(Error::Damaged("a FLAC file that ends before its sound".into()))
            } else {
                Ok(Step::More { at: self.pos, least: len })
            }
        })
    }

    /// Reads a tag, the signature or a metadata block.
    fn read_block(&mut self, window: &Window) -> Result<(), Result<Step, Error>> {
        if self.blocks == 0 {
            let head = self.need(window, 10)?;
            if let [b'I', b'D', b'3', _, _, flags, size @ ..] = head {
                let size = size.iter().fold(0, |size, &byte| size << 7 | u64::from(byte & 0x7f));
                self.pos += 10 + size + if flags & 0x10 != 0 { 10 } else { 0 };
                return Ok(());
            }
            if !sniff(head) {
                return Err(Err(Error::Unrecognised("no FLAC file".into())));
            }
            self.pos += 4;
            self.blocks = 1;
        }
        if self.blocks > MAX_BLOCKS {
            return Err(Err(Error::Limit("metadata blocks".into())));
        }
        let &[kind, a, b, c] = self.need(window, 4)? else { return Ok(()) };
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        match kind & 0x7f {
            0 => {
                let block = &self.need(window, 4 + len.max(STREAMINFO_LEN))?[4..];
                self.info = StreamInfo::parse(block);
                self.tracks =
                    self.info.map(|info| track(&info, &block[..STREAMINFO_LEN])).into_iter().collect();
            }
            3 => {
                let mut c = Cursor::new(&self.need(window, 4 + len)?[4..]);
                let mut next = || Some((c.u64_be()?, c.u64_be()?, c.u16_be()?));
                while let Some((number, place, _)) = next().filter(|_| self.points.len() < MAX_POINTS) {
                    // Placeholders have all bits set (8.5.1); points must ascend.
                    if number != u64::MAX && self.points.last().is_none_or(|&(n, p)| n < number && p <= place)
                    {
                        self.points.push((number, place));
                    }
                }
            }
            _ => {}
        }
        // Counted once it has been read: waiting for the rest of a block comes back here.
        self.pos += 4 + len as u64;
        self.blocks += 1;
        if kind & 0x80 != 0 {
            if self.info.is_none() {
                return Err(Err(Error::Damaged("a FLAC file without stream information".into())));
            }
            self.in_frames = true;
            self.first = self.pos;
            self.total = window.total();
        }
        Ok(())
    }

    /// The whole frame at or behind `pos`.
    fn find(&mut self, window: &Window, info: &StreamInfo) -> Found {
        let ended = window.ended() && window.start() <= self.pos;
        let mut work = 0;
        loop {
            let bytes = window.from(self.pos).unwrap_or_default();
            if work > MAX_WORK {
                return Found::More(MAX_HEADER_LEN);
            }
            let Some(header) = self.scan.header.or_else(|| FrameHeader::parse(bytes, info)) else {
                if bytes.len() < MAX_HEADER_LEN {
                    if !ended {
                        return Found::More(MAX_HEADER_LEN);
                    }
                    if bytes.is_empty() {
                        return Found::End;
                    }
                }
                self.lose("no frame");
                // The next byte that can begin one.
                let next = bytes.iter().skip(1).position(|&b| b == 0xff).map_or(bytes.len(), |at| at + 1);
                self.pos += next as u64;
                continue;
            };
            if self.scan.header.is_none() {
                self.scan = Scan { header: Some(header), len: 0, crc: 0 };
            }
            let scan = &mut self.scan;
            let before = scan.len;
            // An end is only believed when the next header could be seen.
            while scan.len < bytes.len() {
                let rest = &bytes[scan.len..];
                if scan.len > header.len && scan.crc == 0 {
                    if rest.len() < MAX_HEADER_LEN && !ended {
                        break;
                    }
                    if FrameHeader::parse(rest, info).is_some() || rest.starts_with(b"TAG") {
                        return Found::Frame(header, scan.len);
                    }
                }
                scan.crc = crc16(scan.crc, rest[0]);
                scan.len += 1;
            }
            work += scan.len - before;
            if scan.len < header.longest_frame() && !ended {
                return Found::More(bytes.len() + MAX_HEADER_LEN);
            }
            if ended && scan.len == bytes.len() && scan.crc == 0 {
                return Found::Frame(header, scan.len);
            }
            self.lose("a frame that does not end well");
            self.pos += 1;
        }
    }

    fn lose(&mut self, what: &str) {
        let pos = self.pos;
        self.scan = Scan::default();
        if !std::mem::replace(&mut self.lost, true) && self.search.is_none() {
            self.issues.push(|| format!("{what} at byte {pos}: searching for the next"));
        }
    }

    fn jump(&mut self, pos: u64) {
        self.pos = pos;
        self.scan = Scan::default();
        // Nobody expects a frame to begin just here.
        self.lost = true;
    }

    /// Goes to the next place of a search, or to where it came down.
    fn look(&mut self, mut search: Bisection) {
        let place = search.aim(NEAR_BYTES);
        self.jump(place.unwrap_or(search.low()));
        self.search = place.map(|_| search);
    }

    /// The first header before `limit`. Its CRC-8 must do: a wrong one is found out when frames are read.
    fn find_header(&mut self, window: &Window, info: &StreamInfo, limit: u64) -> Found {
        let ended = window.ended() && window.start() <= self.pos;
        let bytes = window.from(self.pos).unwrap_or_default();
        for (at, &byte) in bytes.iter().enumerate() {
            if self.pos + at as u64 >= limit {
                return Found::End;
            }
            if byte != 0xff {
                continue;
            }
            if bytes.len() - at < MAX_HEADER_LEN && !ended {
                self.pos += at as u64;
                return Found::More(MAX_HEADER_LEN);
            }
            if let Some(header) = FrameHeader::parse(&bytes[at..], info) {
                self.pos += at as u64;
                return Found::Frame(header, 0);
            }
        }
        self.pos += bytes.len() as u64;
        if ended { Found::End } else { Found::More(MAX_HEADER_LEN) }
    }

    fn advance(&mut self, window: &Window) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::End);
        }
        while !self.in_frames {
            match self.read_block(window) {
                Ok(()) if self.in_frames => return Ok(Step::Tracks),
                Ok(()) => {}
                Err(answer) => return answer,
            }
        }
        let Some(info) = self.info else { return Ok(Step::End) };
        while let Some(mut search) = self.search {
            match self.find_header(window, &info, search.high()) {
                Found::Frame(header, _) => search.found(Some((self.pos, to_i64(header.first)))),
                Found::More(least) => return Ok(Step::More { at: self.pos, least }),
                Found::End => search.found(None),
            }
            self.look(search);
        }
        loop {
            let (header, len) = match self.find(window, &info) {
                Found::Frame(header, len) => (header, len),
                Found::More(least) => return Ok(Step::More { at: self.pos, least }),
                Found::End => {
                    self.done = true;
                    return Ok(Step::End);
                }
            };
            let data = window.get(self.pos, len).unwrap_or_default().to_vec();
            self.pos += len as u64;
            self.scan = Scan::default();
            self.lost = false;
            let end = header.first.saturating_add(header.samples.into());
            if end <= self.skip_to {
                continue;
            }
            self.skip_to = 0;
            return Ok(Step::Sample(sample(1, header.first, header.samples, info.rate_hz, data)));
        }
    }
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The track of a FLAC stream; `block` is its STREAMINFO.
fn track(info: &StreamInfo, block: &[u8]) -> Track {
    Track {
        id: 1,
        codec: Codec::Flac,
        codec_string: "flac".into(),
        extradata: block.to_vec(),
        kind: Kind::Audio(AudioFormat { rate_hz: info.rate_hz, channels: info.channels }),
        language: String::new(),
        label: String::new(),
        default: true,
        forced: false,
    }
}

/// A frame of audio that begins at audio frame `first`.
fn sample(track: u32, first: u64, samples: u32, rate_hz: u32, data: Vec<u8>) -> Sample {
    let time = |n: u64| ticks_to_us(to_i64(n), rate_hz);
    let pts_us = time(first);
    let duration_us = time(first.saturating_add(samples.into())).saturating_sub(pts_us);
    Sample {
        track,
        pts_us,
        dts_us: pts_us,
        duration_us: u32::try_from(duration_us).unwrap_or(0),
        key: true,
        decode_only: false,
        trim: Trim::default(),
        data,
    }
}

impl Demux for Flac {
    fn step(&mut self, window: &Window) -> Result<Step, Error> {
        self.advance(window).inspect_err(|_| self.done = true)
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn start_us(&self) -> i64 {
        0
    }

    fn duration_us(&self) -> Option<i64> {
        let info = self.info.filter(|info| info.samples > 0)?;
        Some(ticks_to_us(info.samples as i64, info.rate_hz))
    }

    fn seekable(&self) -> bool {
        self.in_frames && (!self.points.is_empty() || self.total.is_some())
    }

    fn seek(&mut self, to_us: i64) {
        let Some(info) = self.info.filter(|_| self.in_frames) else { return };
        let target = mul_div_floor(to_us.max(0), info.rate_hz.into(), 1_000_000) as u64;
        let target = if info.samples > 0 { target.min(info.samples - 1) } else { target };
        let behind = self.points.partition_point(|&(number, _)| number <= target);
        let place = |&(number, place): &(u64, u64)| (self.first.saturating_add(place), to_i64(number));
        let low = behind.checked_sub(1).and_then(|i| self.points.get(i)).map_or((self.first, 0), place);
        let end = || Some((self.total?, if info.samples > 0 { to_i64(info.samples) } else { i64::MAX }));
        // Without an end to search before, frames are read from the last place known.
        let high = self.points.get(behind).map(place).or_else(end).unwrap_or(low);
        self.done = false;
        self.skip_to = target;
        self.look(Bisection::new(to_i64(target), low, high));
    }

    fn take_issues(&mut self) -> Vec<String> {
        self.issues.take()
    }
}
