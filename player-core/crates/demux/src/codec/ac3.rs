//! AC-3 and E-AC-3 frame header (ETSI TS 102 366, 4.3 and E.1.2).

use kinora_bytes::BitCursor;

/// A frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// E-AC-3.
    pub enhanced: bool,
    /// A dependent substream: it extends the frame before it and is decoded together with it.
    pub dependent: bool,
    /// Sample rate, hertz.
    pub rate_hz: u32,
    /// Channels of this substream, with the LFE.
    pub channels: u32,
    /// Bytes of the frame.
    pub frame_len: usize,
    /// Audio frames coded.
    pub samples: u32,
}

/// fscod, table 4.1.
const RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// Nominal kbit/s by frmsizecod / 2, table 4.13.
const BITRATES: [u32; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
/// Full-bandwidth channels by acmod, table 4.3.
const CHANNELS: [u32; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

impl Header {
    /// Bytes that [`Header::parse`] needs.
    pub(crate) const LEN: usize = 8;

    /// Parses a syncframe's first bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Header> {
        let bytes = bytes.first_chunk::<{ Header::LEN }>()?;
        if bytes[..2] != [0x0b, 0x77] {
            return None;
        }
        // bsid stands at the same place in both syntaxes (E.1.2.2).
        match bytes[5] >> 3 {
            0..=8 => Header::plain(bytes),
            11..=16 => Header::enhanced(bytes),
            _ => None,
        }
    }

    fn plain(bytes: &[u8; 8]) -> Option<Header> {
        let rate_code = usize::from(bytes[4] >> 6);
        let size_code = usize::from(bytes[4] & 63);
        let rate_hz = *RATES.get(rate_code)?;
        let bitrate = BITRATES.get(size_code / 2)? * 1000;
        // 16-bit words in 1536 samples; at 44.1 kHz every other frame has one more.
        let mut words = bitrate * 1536 / 16 / rate_hz;
        if rate_code == 1 {
            words += size_code as u32 & 1;
        }
        let mut b = BitCursor::new(bytes);
        b.skip(48)?;
        let mode = b.bits(3)?;
        let centre = if mode & 1 == 1 && mode != 1 { 2 } else { 0 };
        let surround = if mode & 4 != 0 { 2 } else { 0 };
        b.skip(centre + surround + if mode == 2 { 2 } else { 0 })?;
        let lfe = b.bits(1)? as u32;
        Some(Header {
            enhanced: false,
            dependent: false,
            rate_hz,
            channels: CHANNELS[mode as usize] + lfe,
            frame_len: words as usize * 2,
            samples: 1536,
        })
    }

    fn enhanced(bytes: &[u8; 8]) -> Option<Header> {
        let mut b = BitCursor::new(bytes);
        b.skip(16)?;
        let dependent = match b.bits(2)? {
            0 | 2 => false,
            1 => true,
            _ => return None,
        };
        b.skip(3)?; // substreamid
        let frame_len = (b.bits(11)? as usize + 1) * 2;
        let (rate_hz, blocks) = match b.bits(2)? as usize {
            3 => (RATES.get(b.bits(2)? as usize)? / 2, 6),
            code => (RATES[code], [1, 2, 3, 6][b.bits(2)? as usize]),
        };
        let mode = b.bits(3)? as usize;
        let lfe = b.bits(1)? as u32;
        let channels = CHANNELS[mode] + lfe;
        (frame_len >= Header::LEN).then_some(Header {
            enhanced: true,
            dependent,
            rate_hz,
            channels,
            frame_len,
            samples: blocks * 256,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ac3_header_of_stereo_at_48k_is_read() {
        let h = Header::parse(&[0x0b, 0x77, 0x12, 0x34, 0x14, 0x40, 0x43, 0xe0]).unwrap();
        assert_eq!(
            (h.enhanced, h.rate_hz, h.channels, h.frame_len, h.samples),
            (false, 48_000, 2, 768, 1536)
        );
    }

    #[test]
    fn eac3_header_of_surround_is_read() {
        let h = Header::parse(&[0x0b, 0x77, 0x03, 0x7f, 0x3f, 0x87, 0, 0]).unwrap();
        assert_eq!(
            (h.enhanced, h.rate_hz, h.channels, h.frame_len, h.samples),
            (true, 48_000, 6, 1792, 1536)
        );
    }

    proptest! {
        #[test]
        fn arbitrary_headers_never_panic(bytes in prop::array::uniform6(any::<u8>())) {
            let mut whole = vec![0x0b, 0x77];
            whole.extend(bytes);
            if let Some(h) = Header::parse(&whole) {
                prop_assert!(h.frame_len >= Header::LEN && h.samples > 0);
            }
        }
    }
}
