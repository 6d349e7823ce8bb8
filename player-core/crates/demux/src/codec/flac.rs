//! FLAC (RFC 9639): STREAMINFO and frame headers.

use kinora_bytes::{BitCursor, Cursor};

/// Bytes of a STREAMINFO block.
pub(crate) const STREAMINFO_LEN: usize = 34;
/// Bytes of the longest frame header (9.1).
pub(crate) const MAX_HEADER_LEN: usize = 16;

/// A STREAMINFO block (8.2), as far as it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamInfo {
    /// Audio frames of the smallest block; of all but the last where blocks have a fixed size.
    pub min_block: u16,
    /// Sample rate, hertz.
    pub rate_hz: u32,
    /// Number of channels.
    pub channels: u32,
    /// Audio frames in all; 0 unknown.
    pub samples: u64,
}

impl StreamInfo {
    /// Parses the body of the block.
    pub(crate) fn parse(block: &[u8]) -> Option<StreamInfo> {
        let mut c = Cursor::new(block.get(..STREAMINFO_LEN)?);
        let min_block = c.u16_be()?;
        c.skip(8)?; // largest block, bytes of the smallest and largest frame
        let packed = c.u64_be()?;
        let info = StreamInfo {
            min_block,
            rate_hz: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as u32 + 1,
            samples: packed & 0xf_ffff_ffff,
        };
        (info.rate_hz > 0).then_some(info)
    }
}

/// A frame header (9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Number of the first audio frame of the block.
    pub first: u64,
    /// Audio frames of the block.
    pub samples: u32,
    /// Number of channels.
    pub channels: u32,
    /// Bytes of the header.
    pub len: usize,
}

impl FrameHeader {
    /// Bytes that the frame does not exceed: every subframe verbatim at the greatest depth, with a bit more for the side
    /// channel, and what surrounds them. STREAMINFO's own limit is sometimes wrong.
    pub(crate) fn longest_frame(&self) -> usize {
        self.samples as usize * self.channels as usize * 33 / 8 + 64
    }

    /// Parses a header whose CRC-8 is right. Only the numbering is the stream's to say: rate, channels and depth may change.
    pub(crate) fn parse(bytes: &[u8], info: &StreamInfo) -> Option<FrameHeader> {
        let mut b = BitCursor::new(&bytes[..bytes.len().min(MAX_HEADER_LEN)]);
        if b.bits(15)? != 0x7ffc {
            return None;
        }
        let variable = b.flag()?;
        let (block_code, rate_code) = (b.bits(4)? as u32, b.bits(4)?);
        let (channel_code, bits_code) = (b.bits(4)? as u32, b.bits(3)?);
        if block_code == 0 || rate_code == 15 || channel_code > 10 || bits_code == 3 || b.flag()? {
            return None;
        }
        let number = read_number(&mut b)?;
        let samples = match block_code {
            1 => 192,
            2..=5 => 576 << (block_code - 2),
            6 => b.bits(8)? as u32 + 1,
            7 => b.bits(16)? as u32 + 1,
            code => 256 << (code - 8),
        };
        b.skip(match rate_code {
            12 => 8,
            13 | 14 => 16,
            _ => 0,
        })?;
        let crc = b.bits(8)? as u8;
        let len = b.position() / 8;
        let channels = if channel_code < 8 { channel_code + 1 } else { 2 };
        if crc8(&bytes[..len - 1]) != crc {
            return None;
        }
        let first = if variable { number } else { number.checked_mul(info.min_block.into())? };
        Some(FrameHeader { first, samples, channels, len })
    }
}

/// The coded number (9.1.5): UTF-8's scheme, extended to 36 bits.
fn read_number(b: &mut BitCursor) -> Option<u64> {
    let head = b.bits(8)? as u8;
    let ones = head.leading_ones();
    match ones {
        0 => return Some(head.into()),
        1 | 8 => return None,
        _ => {}
    }
    let mut number = u64::from(head) & (0x7f >> ones);
    for _ in 1..ones {
        if b.bits(2)? != 2 {
            return None;
        }
        number = number << 6 | b.bits(6)?;
    }
    Some(number)
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| crc << 1 ^ if crc >> 7 == 1 { 0x07 } else { 0 })
    })
}

/// Table of the CRC-16 in the footer (9.3), polynomial 0x8005.
const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut crc = (n as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = crc << 1 ^ if crc >> 15 == 1 { 0x8005 } else { 0 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
};

/// Carries a CRC-16 on; 0 over a frame with its footer.
pub(crate) fn crc16(crc: u16, byte: u8) -> u16 {
    crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// STREAMINFO of 16-bit stereo at 44.1 kHz in blocks of 192.
    pub(crate) fn stream_info(samples: u64) -> Vec<u8> {
        let mut info = vec![0, 192, 0, 192, 0, 0, 0, 0, 0, 0];
        info.extend((44_100u64 << 44 | 1 << 41 | 15 << 36 | samples).to_be_bytes());
        info.resize(STREAMINFO_LEN, 0);
        info
    }

    /// A frame with that number around `body`; nothing decodes it.
    pub(crate) fn frame(number: u8, body: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xff, 0xf8, 0x19, 0x18, number & 0x7f];
        frame.push(crc8(&frame));
        frame.extend(body);
        let crc = frame.iter().fold(0, |crc, &b| crc16(crc, b));
        frame.extend(crc.to_be_bytes());
        frame
    }

    #[test]
    fn frame_header_gives_place_and_length() {
        let info = StreamInfo::parse(&stream_info(1000)).unwrap();
        assert_eq!((info.rate_hz, info.channels, info.samples), (44_100, 2, 1000));
        let header = FrameHeader::parse(&frame(3, &[]), &info).unwrap();
        assert_eq!(header, FrameHeader { first: 576, samples: 192, channels: 2, len: 6 });
        assert_eq!(frame(3, &[1, 2, 3]).iter().fold(0, |crc, &b| crc16(crc, b)), 0);
    }

    #[test]
    fn frame_header_with_a_wrong_crc_is_none() {
        let info = StreamInfo::parse(&stream_info(0)).unwrap();
        let mut bytes = frame(3, &[]);
        bytes[5] ^= 1;
        assert_eq!(FrameHeader::parse(&bytes, &info), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = StreamInfo::parse(&bytes);
            let info = StreamInfo::parse(&stream_info(0)).unwrap();
            let _ = FrameHeader::parse(&[&[0xff, 0xf8][..], &bytes].concat(), &info);
        }
    }
}
