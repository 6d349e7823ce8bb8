use std::sync::Arc;

use crate::MediaUs;

/// Configuration of a video stream (`wit/video.wit`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoConfig {
    /// RFC 6381.
    pub codec: String,
    /// Annex B parameter sets, `av1C` OBUs, or empty.
    pub extradata: Vec<u8>,
    /// Coded size after cropping, pixels.
    pub width: u32,
    /// Coded size after cropping, pixels.
    pub height: u32,
    /// Pixel aspect, width to height.
    pub par: (u32, u32),
    /// Clockwise turn for display: 0, 90, 180 or 270.
    pub rotation_deg: u32,
    /// The container's colour description, for what the bitstream leaves unspecified.
    pub cicp: Cicp,
}

/// Configuration of an audio stream (`wit/audio.wit`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioConfig {
    /// The contract's codec name.
    pub codec: String,
    /// As the contract says for the codec.
    pub extradata: Vec<u8>,
    /// Sample rate the container states, hertz; 0 unknown.
    pub rate_hz: u32,
    /// Channels the container states; 0 unknown.
    pub channels: u32,
}

/// Colour description by ITU-T H.273 code points; 2 is unspecified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cicp {
    /// Colour primaries (1 BT.709, 5/6 BT.601, 9 BT.2020).
    pub primaries: u8,
    /// Transfer characteristics (16 PQ, 18 HLG).
    pub transfer: u8,
    /// Matrix coefficients (1 BT.709, 5/6 BT.601, 9 BT.2020 NCL, 0 RGB).
    pub matrix: u8,
    /// Samples use the full range.
    pub full_range: bool,
}

impl Default for Cicp {
    fn default() -> Self {
        Cicp { primaries: 2, transfer: 2, matrix: 2, full_range: false }
    }
}

/// One access unit or audio frame on its way to a decoder. Cheap to clone: the bytes are shared.
#[derive(Debug, Clone)]
pub struct EncodedSample {
    /// Presentation timestamp.
    pub pts_us: MediaUs,
    /// Decode timestamp.
    pub dts_us: MediaUs,
    /// Duration; 0 unknown.
    pub duration_us: u32,
    /// Decoding can start here.
    pub key: bool,
    /// Decoded, never presented.
    pub decode_only: bool,
    /// Timestamps or configuration start anew here.
    pub discontinuity: bool,
    /// Audio frames to drop after decoding, at the start and at the end.
    pub trim: (u32, u32),
    /// The encoded bytes: `range` of `body`, which several samples share.
    pub body: Arc<[u8]>,
    /// Where in `body` this sample stands.
    pub range: (u32, u32),
}

impl EncodedSample {
    /// The encoded bytes.
    pub fn data(&self) -> &[u8] {
        &self.body[self.range.0 as usize..self.range.1 as usize]
    }
}

/// Layout of a decoded picture's samples. 10-bit formats hold 16-bit little-endian words with the value in the low bits (P010: in the high bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are FFmpeg's")]
pub enum PixelFormat {
    Yuv420p,
    Yuv422p,
    Yuv444p,
    Yuv420p10,
    Yuv422p10,
    Yuv444p10,
    Nv12,
    P010,
    Gray8,
    Gray10,
    /// Planar G, B, R (H.264 and VP9 RGB).
    Gbrp,
}

/// One plane of a picture.
#[derive(Clone)]
pub struct Plane {
    /// Keeps the memory alive: the decoder's own buffer, so that no copy is made.
    pub data: Arc<dyn AsRef<[u8]> + Send + Sync>,
    /// Offset of the first row in `data`.
    pub offset: usize,
    /// Bytes from one row to the next.
    pub stride: usize,
}

impl Plane {
    /// Row `y`, `len` bytes of it.
    pub fn row(&self, y: usize, len: usize) -> &[u8] {
        let at = self.offset + y * self.stride;
        &(*self.data).as_ref()[at..at + len]
    }
}

/// One decoded picture, cropped, not rotated.
#[derive(Clone)]
pub struct VideoFrame {
    /// Presentation timestamp.
    pub pts_us: MediaUs,
    /// Duration as the sample said; 0 unknown.
    pub duration_us: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Layout of the planes.
    pub format: PixelFormat,
    /// One to three planes.
    pub planes: Vec<Plane>,
    /// Pixel aspect, width to height.
    pub par: (u32, u32),
    /// Clockwise turn for display.
    pub rotation_deg: u32,
    /// Bitstream first, container second, still unspecified where neither says.
    pub cicp: Cicp,
}

/// Decoded audio after trimming, in the codec's native channel order (that of WAVE_FORMAT_EXTENSIBLE, as FFmpeg's default layouts).
#[derive(Debug, Clone, PartialEq)]
pub struct PcmBlock {
    /// Presentation timestamp of the first frame kept.
    pub pts_us: MediaUs,
    /// Hertz.
    pub rate_hz: u32,
    /// Interleaved channels.
    pub channels: u32,
    /// `frames x channels` values.
    pub samples: PcmSamples,
}

impl PcmBlock {
    /// Audio frames in it.
    pub fn frames(&self) -> u32 {
        let values = match &self.samples {
            PcmSamples::S16(values) => values.len(),
            PcmSamples::S32(values) => values.len(),
            PcmSamples::F32(values) => values.len(),
        };
        u32::try_from(values / self.channels.max(1) as usize).unwrap_or(u32::MAX)
    }

    /// Drops frames at both ends, as many as there are, and moves the timestamp along.
    pub fn trim(&mut self, start: u32, end: u32) {
        fn cut<T>(values: &mut Vec<T>, from: usize, to: usize) {
            values.truncate(to);
            values.drain(..from);
        }
        let to = self.frames().saturating_sub(end);
        let from = start.min(to);
        let channels = self.channels as usize;
        let (first, last) = (from as usize * channels, to as usize * channels);
        match &mut self.samples {
            PcmSamples::S16(values) => cut(values, first, last),
            PcmSamples::S32(values) => cut(values, first, last),
            PcmSamples::F32(values) => cut(values, first, last),
        }
        self.pts_us += i64::from(from) * 1_000_000 / i64::from(self.rate_hz.max(1));
    }
}

/// Interleaved samples in the decoder's own precision.
#[derive(Debug, Clone, PartialEq)]
pub enum PcmSamples {
    /// 16 bits.
    S16(Vec<i16>),
    /// 32 bits (24-bit codecs use the high bits).
    S32(Vec<i32>),
    /// Float, nominal range -1 to 1.
    F32(Vec<f32>),
}
