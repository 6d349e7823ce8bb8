//! MPEG-1/2/2.5 audio frame header (ISO/IEC 11172-3 2.4.1.3, ISO/IEC 13818-3 2.4.1.3; MPEG-2.5 is Fraunhofer's extension).

use crate::Codec;

/// A frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Layer: 1, 2 or 3.
    pub layer: u8,
    /// MPEG-1, as opposed to the half-rate MPEG-2 and MPEG-2.5.
    pub mpeg1: bool,
    /// Sample rate, hertz.
    pub rate_hz: u32,
    /// 1 or 2.
    pub channels: u32,
    /// Bits per second.
    pub bitrate: u32,
    /// Bytes from this header to the next.
    pub frame_len: usize,
    /// Audio frames (samples per channel) coded.
    pub samples: u32,
}

/// Bitrates in kbit/s by table and index, ISO/IEC 11172-3 2.4.2.3 and 13818-3 2.4.2.3.
const BITRATES: [[u16; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl Header {
    /// Parses the four bytes of a header. Free format (bitrate index 0) is refused: its frame length is not in the header.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Header> {
        let word = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
        if word >> 21 != 0x7ff {
            return None;
        }
        let (version, layer) = (word >> 19 & 3, 4 - (word >> 17 & 3));
        let (bitrate_index, rate_index) = ((word >> 12 & 15) as usize, (word >> 10 & 3) as usize);
        if version == 1 || layer == 4 || bitrate_index == 0 || bitrate_index == 15 || rate_index == 3 {
            return None;
        }
        let mpeg1 = version == 3;
        let table = match (mpeg1, layer) {
            (true, layer) => layer as usize - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let rate_hz = [44_100, 48_000, 32_000][rate_index] >> [2, 0, 1, 0][version as usize];
        let bitrate = u32::from(BITRATES[table][bitrate_index]) * 1000;
        let padding = word >> 9 & 1;
        let (samples, frame_len) = match layer {
            1 => (384, (12 * bitrate / rate_hz + padding) * 4),
            3 if !mpeg1 => (576, 72 * bitrate / rate_hz + padding),
            _ => (1152, 144 * bitrate / rate_hz + padding),
        };
        let channels = if word >> 6 & 3 == 3 { 1 } else { 2 };
        Some(Header {
            layer: layer as u8,
            mpeg1,
            rate_hz,
            channels,
            bitrate,
            frame_len: frame_len as usize,
            samples,
        })
    }

    /// Whether `other` may follow in the same stream: what never changes between frames.
    pub(crate) fn continues(&self, other: &Header) -> bool {
        (self.layer, self.mpeg1, self.rate_hz) == (other.layer, other.mpeg1, other.rate_hz)
    }

    /// The codec with the contract's name. Layer I decodes with a layer II decoder, so it goes under that name.
    pub(crate) fn codec(&self) -> (Codec, &'static str) {
        if self.layer == 3 { (Codec::Mp3, "mp3") } else { (Codec::Mp2, "mp2") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_common_mp3_frame_is_read() {
        let h = Header::parse(&[0xff, 0xfb, 0x90, 0x64]).unwrap();
        assert_eq!((h.layer, h.rate_hz, h.channels, h.bitrate), (3, 44_100, 2, 128_000));
        assert_eq!((h.frame_len, h.samples), (417, 1152));
    }

    #[test]
    fn header_of_mpeg25_layer3_mono_has_576_samples() {
        let h = Header::parse(&[0xff, 0xe3, 0x18, 0xc4]).unwrap();
        assert_eq!((h.rate_hz, h.channels, h.samples, h.bitrate), (8_000, 1, 576, 8_000));
    }

    #[test]
    fn header_with_reserved_or_free_values_is_refused() {
        for bytes in [
            [0xff, 0xfb, 0x00, 0],
            [0xff, 0xfb, 0xf0, 0],
            [0xff, 0xfb, 0x9c, 0],
            [0xff, 0xe9, 0x90, 0],
            [0xff, 0xf9, 0x90, 0],
        ] {
            assert_eq!(Header::parse(&bytes).filter(|h| h.layer == 3), None, "{bytes:x?}");
        }
        assert_eq!(Header::parse(&[0xff, 0xfb, 0x90]), None);
    }
}
