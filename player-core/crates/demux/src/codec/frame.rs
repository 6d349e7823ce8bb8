//! What is common to the audio codings whose frames carry a header with their length: ADTS, MPEG audio, AC-3.

use super::{aac::Adts, ac3, mpegaudio};
use crate::{AudioFormat, Codec};

/// Which header to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameSyntax {
    /// AAC in ADTS.
    Adts,
    /// MPEG audio of any layer.
    Mpeg,
    /// AC-3 and E-AC-3.
    Ac3,
}

/// A frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// AAC in ADTS.
    Adts(Adts),
    /// MPEG audio.
    Mpeg(mpegaudio::Header),
    /// AC-3 and E-AC-3.
    Ac3(ac3::Header),
}

impl FrameSyntax {
    /// Bytes that [`FrameSyntax::parse`] needs.
    pub(crate) const HEADER_LEN: usize = 8;

    /// Parses the header at the start of `bytes`.
    pub(crate) fn parse(self, bytes: &[u8]) -> Option<Frame> {
        match self {
            FrameSyntax::Adts => Adts::parse(bytes).map(Frame::Adts),
            FrameSyntax::Mpeg => mpegaudio::Header::parse(bytes).map(Frame::Mpeg),
            FrameSyntax::Ac3 => ac3::Header::parse(bytes).map(Frame::Ac3),
        }
    }

    /// The header at the start of `bytes`, believed if another one of the same stream follows its frame, or if
    /// `ended` and its frame is the last.
    pub(crate) fn confirm(self, bytes: &[u8], ended: bool) -> Confirmation {
        let Some(frame) = self.parse(bytes) else {
            return if bytes.len() < Self::HEADER_LEN && !ended {
                Confirmation::TooShort
            } else {
                Confirmation::No
            };
        };
        let rest = bytes.get(frame.len()..);
        match rest {
            Some(rest) if rest.len() >= Self::HEADER_LEN => match self.parse(rest) {
                Some(next) if frame.continues(&next) => Confirmation::Yes(frame),
                _ => Confirmation::No,
            },
            Some(_) if ended => Confirmation::Yes(frame),
            _ if ended => Confirmation::No,
            _ => Confirmation::TooShort,
        }
    }
}

/// What [`FrameSyntax::confirm`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// A frame.
    Yes(Frame),
    /// No frame begins here.
    No,
    /// More bytes will tell.
    TooShort,
}

impl Frame {
    /// Bytes of the whole frame.
    pub(crate) fn len(&self) -> usize {
        match self {
            Frame::Adts(h) => h.frame_len,
            Frame::Mpeg(h) => h.frame_len,
            Frame::Ac3(h) => h.frame_len,
        }
    }

    /// Bytes at the frame's start that are not part of a sample.
    pub(crate) fn skip(&self) -> usize {
        match self {
            Frame::Adts(h) => h.header_len,
            Frame::Mpeg(_) | Frame::Ac3(_) => 0,
        }
    }

    /// Audio frames coded.
    pub(crate) fn samples(&self) -> u32 {
        match self {
            Frame::Adts(h) => h.samples(),
            Frame::Mpeg(h) => h.samples,
            Frame::Ac3(h) => h.samples,
        }
    }

    /// Sample rate and channels.
    pub(crate) fn format(&self) -> AudioFormat {
        match self {
            Frame::Adts(h) => AudioFormat { rate_hz: h.rate_hz(), channels: h.channels() },
            Frame::Mpeg(h) => AudioFormat { rate_hz: h.rate_hz, channels: h.channels },
            Frame::Ac3(h) => AudioFormat { rate_hz: h.rate_hz, channels: h.channels },
        }
    }

    /// Microseconds, rounded down.
    pub(crate) fn duration_us(&self) -> u32 {
        (u64::from(self.samples()) * 1_000_000 / u64::from(self.format().rate_hz.max(1))) as u32
    }

    /// Codec and codec string.
    pub(crate) fn codec(&self) -> (Codec, String) {
        match self {
            Frame::Adts(h) => (Codec::Aac, h.codec_string()),
            Frame::Mpeg(h) => (h.codec().0, h.codec().1.into()),
            Frame::Ac3(h) if h.enhanced => (Codec::Eac3, "ec-3".into()),
            Frame::Ac3(_) => (Codec::Ac3, "ac-3".into()),
        }
    }

    /// Decoder configuration; `bytes` is the frame.
    pub(crate) fn extradata(&self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Frame::Adts(h) => h.config(bytes).unwrap_or_default(),
            Frame::Mpeg(_) | Frame::Ac3(_) => Vec::new(),
        }
    }

    /// Whether it belongs to the sample before it (a dependent substream of E-AC-3).
    pub(crate) fn dependent(&self) -> bool {
        matches!(self, Frame::Ac3(h) if h.dependent)
    }

    /// Whether `next` may follow in the same stream under the same configuration.
    pub(crate) fn continues(&self, next: &Frame) -> bool {
        match (self, next) {
            (Frame::Adts(a), Frame::Adts(b)) => a.continues(b),
            (Frame::Mpeg(a), Frame::Mpeg(b)) => a.continues(b),
            (Frame::Ac3(a), Frame::Ac3(b)) => (a.enhanced, a.rate_hz) == (b.enhanced, b.rate_hz),
            _ => false,
        }
    }
}
