//! Audio streams to frames.

use kinora_time::ticks_to_us;

use super::pes::Stamps;
use super::unit::{Marks, Unit};
use crate::codec::frame::{Confirmation, Frame, FrameSyntax};
use crate::issues::Issues;

/// Splits one stream.
pub(super) struct AudioUnits {
    syntax: FrameSyntax,
    bytes: Vec<u8>,
    marks: Marks,
    /// Header and decoder configuration of the frames given out.
    config: Option<(Frame, Vec<u8>)>,
    synchronised: bool,
    /// Time of the next frame, microseconds, once there was a timestamp.
    next_us: Option<i64>,
    /// A frame that may be extended by a dependent substream (E-AC-3).
    held: Option<Unit>,
}

impl AudioUnits {
    pub(super) fn new(syntax: FrameSyntax) -> Self {
        AudioUnits {
            syntax,
            bytes: Vec::new(),
            marks: Marks::default(),
            config: None,
            synchronised: false,
            next_us: None,
            held: None,
        }
    }

    /// Header and decoder configuration of the frames given out so far.
    pub(super) fn config(&self) -> Option<&(Frame, Vec<u8>)> {
        self.config.as_ref()
    }

    /// Drops what is incomplete.
    pub(super) fn reset(&mut self) {
        *self = AudioUnits { config: self.config.take(), ..AudioUnits::new(self.syntax) };
    }

    /// A PES packet begins.
    pub(super) fn begin(&mut self, stamps: Stamps, origin: u64) {
        self.marks.push(self.bytes.len(), stamps, origin);
    }

    /// Takes in payload; gives the frames that it completes.
    pub(super) fn push(&mut self, payload: &[u8], out: &mut Vec<Unit>, issues: &mut Issues) {
        self.bytes.extend_from_slice(payload);
        self.split(false, out, issues);
    }

    /// The stream ends here.
    pub(super) fn flush(&mut self, out: &mut Vec<Unit>, issues: &mut Issues) {
        self.split(true, out, issues);
        out.extend(self.held.take());
        if !self.bytes.is_empty() {
            issues.push(|| format!("{} bytes of an incomplete audio frame dropped", self.bytes.len()));
            self.discard(self.bytes.len());
        }
    }

    fn split(&mut self, ended: bool, out: &mut Vec<Unit>, issues: &mut Issues) {
        let mut at = 0;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let found = match self.syntax.parse(rest) {
                Some(frame) if self.synchronised && frame.len() <= rest.len() => Confirmation::Yes(frame),
                Some(_) if self.synchronised && !ended => Confirmation::TooShort,
                _ => self.syntax.confirm(rest, ended),
            };
            match found {
                Confirmation::TooShort => break,
                Confirmation::No => {
                    if std::mem::take(&mut self.synchronised) {
                        issues.push(|| "audio frame header missing: searching for the next".into());
                    }
                    at += 1;
                }
                Confirmation::Yes(frame) => {
                    self.discard(at);
                    at = 0;
                    self.synchronised = true;
                    self.take_frame(frame, out, issues);
                }
            }
        }
        self.discard(at);
    }

    fn take_frame(&mut self, frame: Frame, out: &mut Vec<Unit>, issues: &mut Issues) {
        let (stamps, origin) = self.marks.take();
        let bytes = &self.bytes[..frame.len()];
        let mut data = bytes[frame.skip().min(bytes.len())..].to_vec();
        if frame.dependent() {
            if let Some(held) = &mut self.held {
                held.data.append(&mut data);
            }
            return self.discard(frame.len());
        }
        out.extend(self.held.take());
        if !self.config.as_ref().is_some_and(|(before, _)| before.continues(&frame)) {
            self.config = Some((frame, frame.extradata(bytes)));
        }
        self.discard(frame.len());
        let Some(pts_us) = stamps.pts.map(|pts| ticks_to_us(pts, 90_000)).or(self.next_us) else {
            issues.push(|| "audio before its first timestamp dropped".into());
            return;
        };
        let duration_us = frame.duration_us();
        self.next_us = Some(pts_us.saturating_add(duration_us.into()));
        let unit = Unit { pts_us, dts_us: pts_us, duration_us, key: true, origin, data };
        if matches!(frame, Frame::Ac3(header) if header.enhanced) {
            self.held = Some(unit);
        } else {
            out.push(unit);
        }
    }

    fn discard(&mut self, n: usize) {
        self.bytes.drain(..n);
        self.marks.advance(n);
    }
}
