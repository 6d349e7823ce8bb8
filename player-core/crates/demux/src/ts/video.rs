//! H.264 and HEVC byte streams to access units.

use kinora_time::{mul_div_floor, ticks_to_us};

use super::pes::Stamps;
use super::unit::{Marks, Unit};
use crate::codec::annexb::{Picture, Syntax, VideoConfig, find_start_code, trim_zeros};
use crate::issues::Issues;

/// An access unit longer than this is given up: twice the largest that HEVC level 6.2 allows at its usual compression.
const MAX_UNIT: usize = 8 << 20;
/// 90 kHz ticks of a frame whose time nothing tells: 25 frames a second.
const DEFAULT_FRAME: i64 = 3600;

/// Splits one stream. Its bytes pass unchanged.
pub(super) struct VideoUnits {
    syntax: Box<dyn Syntax>,
    config: Option<VideoConfig>,
    /// From the start of the access unit on.
    bytes: Vec<u8>,
    marks: Marks,
    /// Start code of the NAL unit being gathered.
    unit_at: Option<usize>,
    scanned: usize,
    timing: Timing,
}

impl VideoUnits {
    pub(super) fn new(syntax: Box<dyn Syntax>) -> Self {
        VideoUnits {
            syntax,
            config: None,
            bytes: Vec::new(),
            marks: Marks::default(),
            unit_at: None,
            scanned: 0,
            timing: Timing::default(),
        }
    }

    /// The configuration of the units given out so far.
    pub(super) fn config(&self) -> Option<&VideoConfig> {
        self.config.as_ref()
    }

    /// Microseconds of a picture, rounded down; 0 unknown.
    pub(super) fn frame_us(&self) -> u32 {
        let frame = self.config.as_ref().and_then(|c| c.frame);
        let us = frame.map_or(0, |(num, den)| mul_div_floor(1_000_000, num.into(), den.into()));
        u32::try_from(us).unwrap_or(0)
    }

    /// Drops what is incomplete.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
        self.marks = Marks::default();
        self.unit_at = None;
        self.scanned = 0;
        self.timing = Timing::default();
        self.syntax.finish();
    }

    /// A PES packet begins.
    pub(super) fn begin(&mut self, stamps: Stamps, origin: u64) {
        self.marks.push(self.bytes.len(), stamps, origin);
    }

    /// Takes in payload; gives the access units that it completes.
    pub(super) fn push(&mut self, payload: &[u8], out: &mut Vec<Unit>, issues: &mut Issues) {
        self.bytes.extend_from_slice(payload);
        while let Some(at) = find_start_code(&self.bytes, self.scanned) {
            // The zero_byte of a four-byte start code belongs to it (B.1.1).
            let start = if at > 0 && self.bytes[at - 1] == 0 { at - 1 } else { at };
            let shift = match self.unit_at {
                Some(from) => self.end_of_unit(from, start, out, issues),
                None => {
                    self.discard(start);
                    start
                }
            };
            self.unit_at = Some(start - shift);
            self.scanned = at - shift + 3;
        }
        self.scanned = self.scanned.max(self.bytes.len().saturating_sub(2));
        if self.bytes.len() > MAX_UNIT {
            issues.push(|| format!("video access unit over {} MiB given up", MAX_UNIT >> 20));
            self.syntax.finish();
            self.discard(self.bytes.len());
            (self.unit_at, self.scanned) = (None, 0);
        }
    }

    /// The stream ends here.
    pub(super) fn flush(&mut self, out: &mut Vec<Unit>, issues: &mut Issues) {
        if let Some(from) = self.unit_at.take() {
            let len = self.bytes.len();
            let shift = self.end_of_unit(from, len, out, issues);
            self.emit(len - shift, out, issues);
        }
        self.scanned = 0;
    }

    /// The NAL unit from the start code at `from` ends at `to`. Gives the number of bytes that went out with the access unit
    /// before it, if it begins the next.
    fn end_of_unit(&mut self, from: usize, to: usize, out: &mut Vec<Unit>, issues: &mut Issues) -> usize {
        let unit = unit_in(&self.bytes[from..to]);
        let begins = self.syntax.begins_access_unit(unit);
        let shift = if begins { from } else { 0 };
        if begins {
            self.emit(from, out, issues);
        }
        self.syntax.push(unit_in(&self.bytes[from - shift..to - shift]));
        shift
    }

    /// Ends the access unit at `end` and gives it out.
    fn emit(&mut self, end: usize, out: &mut Vec<Unit>, issues: &mut Issues) {
        let (stamps, origin) = self.marks.take();
        let Some(picture) = self.syntax.finish() else {
            issues.push(|| format!("{end} bytes of video before its parameter sets dropped"));
            return self.discard(end);
        };
        self.config = self.syntax.config();
        let frame = self.config.as_ref().and_then(|c| c.frame);
        let Some((pts, dts)) = self.timing.stamp(stamps, &picture, frame) else {
            issues.push(|| "video before its first timestamp dropped".into());
            return self.discard(end);
        };
        let rest = self.bytes.split_off(end);
        let data = std::mem::replace(&mut self.bytes, rest);
        self.marks.advance(end);
        out.push(Unit {
            pts_us: ticks_to_us(pts, 90_000),
            dts_us: ticks_to_us(dts, 90_000),
            duration_us: self.frame_us() >> u32::from(picture.field),
            key: picture.key,
            origin,
            data,
        });
    }

    fn discard(&mut self, n: usize) {
        self.bytes.drain(..n);
        self.marks.advance(n);
    }
}

/// The NAL unit behind a start code.
fn unit_in(bytes: &[u8]) -> &[u8] {
    let code = find_start_code(bytes, 0).map_or(bytes.len(), |at| at + 3);
    trim_zeros(&bytes[code..])
}

/// Gives timestamps to pictures whose packet has none: several in one PES packet.
#[derive(Debug, Default)]
struct Timing {
    /// The last picture's dts, half frames since it, and whether it had one.
    dts: Option<i64>,
    half_frames: i64,
    /// A picture with a pts: that and its order.
    anchor: Option<(i64, i64)>,
}

impl Timing {
    fn stamp(&mut self, stamps: Stamps, picture: &Picture, frame: Option<(u32, u32)>) -> Option<(i64, i64)> {
        let ticks = |half_frames: i64| match frame {
            Some((num, den)) => mul_div_floor(half_frames, 45_000 * i64::from(num), i64::from(den)),
            None => half_frames.saturating_mul(DEFAULT_FRAME / 2),
        };
        let span = if picture.field { 1 } else { 2 };
        let order = picture.order.unwrap_or(self.half_frames);
        if picture.resets_order {
            self.anchor = None;
        }
        let (pts, dts) = match (stamps.pts, stamps.dts) {
            (Some(pts), dts) => (pts, dts.unwrap_or(pts)),
            (None, _) => {
                let dts = self.dts?.saturating_add(ticks(self.half_frames));
                let pts =
                    self.anchor.map_or(dts, |(pts, at)| pts.saturating_add(ticks(order.saturating_sub(at))));
                (pts, dts)
            }
        };
        if stamps.pts.is_some() {
            self.anchor = Some((pts, if picture.order.is_some() { order } else { 0 }));
            self.dts = Some(dts);
            self.half_frames = 0;
        }
        self.half_frames = self.half_frames.saturating_add(span);
        Some((pts, dts.min(pts)))
    }
}
