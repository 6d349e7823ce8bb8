//! Where frames are.

use super::xing::Info;
use crate::codec::frame::Frame;

/// Translates between frame numbers and places.
#[derive(Debug, Clone)]
pub(super) struct Map {
    /// Place of the first frame.
    first: u64,
    /// Bytes of so many frames.
    mean: (u64, u64),
    frames: Option<u64>,
    toc: Option<Toc>,
}

#[derive(Debug, Clone)]
struct Toc {
    places: [u8; 100],
    at: u64,
    bytes: u64,
}

impl Map {
    /// `mean` is the length of the first frames, in bytes and their number; `total` the length of the resource.
    pub(super) fn new(first: u64, mean: (u64, u64), frame: &Frame, info: &Info, total: Option<u64>) -> Map {
        let listed = info.frames.map(u64::from);
        let end = info.bytes.map(|bytes| info.at.saturating_add(bytes.into())).or(total);
        let length = end.map(|end| end.saturating_sub(first));
        let mean = match (frame, listed, length) {
            (_, Some(frames), Some(length)) => (length, frames),
            // Padding makes frames of a constant rate differ by a byte: only the rate itself is exact over a long way.
            (Frame::Mpeg(h), ..) if mean.0.abs_diff(h.frame_len as u64 * mean.1) <= mean.1 => {
                (u64::from(h.samples) * u64::from(h.bitrate), 8 * u64::from(h.rate_hz))
            }
            _ => mean,
        };
        let (bytes, count) = mean;
        let estimate = || {
            let bytes = u128::from(bytes.max(1));
            length.map(|length| ((u128::from(length) * u128::from(count) + bytes / 2) / bytes) as u64)
        };
        let toc = info.toc.zip(end).filter(|_| !info.constant && listed.is_some());
        Map {
            first,
            mean: (bytes.max(1), count.max(1)),
            frames: listed.or_else(estimate),
            toc: toc.map(|(places, end)| Toc { places, at: info.at, bytes: end.saturating_sub(info.at) }),
        }
    }

    /// Number of frames, as far as it can be told.
    pub(super) fn frames(&self) -> Option<u64> {
        self.frames
    }

    /// Whether a place tells the frame's number.
    pub(super) fn is_exact(&self) -> bool {
        self.toc.is_none()
    }

    /// About where frame `number` begins, or a little before.
    pub(super) fn place_of(&self, number: u64) -> u64 {
        let Some((toc, frames)) = self.toc.as_ref().zip(self.frames) else {
            let offset = u128::from(number) * u128::from(self.mean.0) / u128::from(self.mean.1);
            return self.first.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX));
        };
        let frames = u128::from(frames.max(1));
        let hundredfold = u128::from(number).min(frames - 1) * 100;
        let (percent, rest) = ((hundredfold / frames) as usize, hundredfold % frames);
        let (low, high) = (toc.places[percent], toc.places.get(percent + 1).map_or(256, |&p| u128::from(p)));
        let low = u128::from(low);
        let parts = low * frames + high.saturating_sub(low) * rest;
        let place = u128::from(toc.bytes) * parts / (256 * frames);
        toc.at.saturating_add(place as u64).max(self.first)
    }

    /// Number of the frame that begins at `place`.
    pub(super) fn number_at(&self, place: u64) -> u64 {
        let offset = u128::from(place.saturating_sub(self.first));
        let (bytes, frames) = (u128::from(self.mean.0), u128::from(self.mean.1));
        u64::try_from((offset * frames + bytes / 2) / bytes).unwrap_or(u64::MAX)
    }
}
