//! The Info frame in front of MP3 files: how many frames there are, where, and how much of them the encoder added.
//! (No standard: Xing's SDK, the LAME tag specification, Fraunhofer's VBRI.)

use kinora_bytes::Cursor;

use crate::Trim;
use crate::codec::frame::Frame;

/// What LAME's decoder, as any other, adds to the delay: 528 samples and one (LAME tag specification, FFmpeg's mp3dec).
const DECODER_DELAY: u32 = 529;

/// What an Info frame says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Info {
    /// Offset of the Info frame itself.
    pub(super) at: u64,
    /// Frames of sound behind it.
    pub(super) frames: Option<u32>,
    /// Bytes from the Info frame to the end.
    pub(super) bytes: Option<u32>,
    /// Written with a constant rate.
    pub(super) constant: bool,
    /// Place of each percent of the time, in 256ths of the bytes.
    pub(super) toc: Option<[u8; 100]>,
    /// Audio frames to drop at the start.
    pub(super) skip: u32,
    /// Audio frames to drop at the end.
    pub(super) padding: u32,
}

impl Info {
    /// Reads a frame, if it is one.
    pub(super) fn parse(frame: &Frame, bytes: &[u8]) -> Option<Info> {
        let Frame::Mpeg(header) = frame else { return None };
        if header.layer != 3 {
            return None;
        }
        // Behind the side information, ISO/IEC 11172-3 2.4.1.7.
        let side = match (header.mpeg1, header.channels) {
            (true, 1) => 17,
            (true, _) => 32,
            (false, 1) => 9,
            (false, _) => 17,
        };
        let mut info = parse_xing(bytes.get(4 + side..)?).or_else(|| parse_vbri(bytes.get(36..)?))?;
        // An index of a file cut afterwards may say nothing.
        info.frames = info.frames.filter(|&n| n > 0);
        info.bytes = info.bytes.filter(|&n| n > 0);
        (info.frames.is_some() || info.bytes.is_some()).then_some(info)
    }

    /// What to drop of frame `number` of `samples` audio frames.
    pub(super) fn trim(&self, number: u64, samples: u32) -> Trim {
        let spf = u64::from(samples);
        let from = number.saturating_mul(spf);
        let to = from.saturating_add(spf);
        let start = u64::from(self.skip).saturating_sub(from).min(spf);
        let mut end = 0;
        if let Some(frames) = self.frames.filter(|_| self.padding > 0) {
            let all = u64::from(frames) * spf;
            if from < all {
                end = to.saturating_sub(all.saturating_sub(self.padding.into())).min(spf - start);
            }
        }
        Trim { start: start as u32, end: end as u32 }
    }
}

fn parse_xing(bytes: &[u8]) -> Option<Info> {
    let mut c = Cursor::new(bytes);
    let kind: [u8; 4] = c.array()?;
    if !matches!(&kind, b"Xing" | b"Info") {
        return None;
    }
    let flags = c.u32_be()?;
    let mut info = Info { constant: &kind == b"Info", ..Info::default() };
    info.frames = if flags & 1 != 0 { Some(c.u32_be()?) } else { None };
    info.bytes = if flags & 2 != 0 { Some(c.u32_be()?) } else { None };
    info.toc = if flags & 4 != 0 { Some(c.array()?) } else { None };
    if flags & 8 != 0 {
        c.skip(4)?; // quality
    }
    if let Some((skip, padding)) = parse_lame(&mut c) {
        (info.skip, info.padding) = (skip, padding);
    }
    Some(info)
}

/// The delays in the tag of LAME and of those that write like it.
fn parse_lame(c: &mut Cursor) -> Option<(u32, u32)> {
    let version: [u8; 9] = c.array()?;
    c.skip(12)?; // revision, low pass, replay gain, flags, bitrate
    let delays = c.u24_be()?;
    let known = [b"LAME", b"Lavf", b"Lavc"].iter().any(|writer| version.starts_with(*writer));
    known
        .then_some((delays >> 12, delays & 0xfff))
        .map(|(delay, padding)| (delay + DECODER_DELAY, padding.saturating_sub(DECODER_DELAY)))
}

fn parse_vbri(bytes: &[u8]) -> Option<Info> {
    let mut c = Cursor::new(bytes);
    if c.array()? != *b"VBRI" || c.u16_be()? != 1 {
        return None;
    }
    c.skip(4)?; // delay, quality
    let (bytes, frames) = (c.u32_be()?, c.u32_be()?);
    Some(Info { frames: Some(frames), bytes: Some(bytes), ..Info::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::frame::FrameSyntax;
    use proptest::prelude::*;

    /// An Info frame at 128 kbit/s with LAME's delays.
    fn info_frame(delay: u32, padding: u32, frames: u32) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xfb, 0x90, 0x64];
        bytes.resize(36, 0);
        bytes.extend(b"Info\0\0\0\x01");
        bytes.extend(frames.to_be_bytes());
        bytes.extend(b"LAME3.100");
        bytes.resize(bytes.len() + 12, 0);
        bytes.extend(&(delay << 12 | padding).to_be_bytes()[1..]);
        bytes.resize(417, 0);
        bytes
    }

    #[test]
    fn lame_delays_become_trims_at_both_ends() {
        let bytes = info_frame(1105, 1000, 10);
        let frame = FrameSyntax::Mpeg.parse(&bytes).unwrap();
        let info = Info::parse(&frame, &bytes).unwrap();
        assert_eq!((info.skip, info.padding, info.constant), (1634, 471, true));
        let trims: Vec<_> =
            [0, 1, 2, 8, 9, 10].map(|n| (info.trim(n, 1152).start, info.trim(n, 1152).end)).into();
        assert_eq!(trims, [(1152, 0), (482, 0), (0, 0), (0, 0), (0, 471), (0, 0)]);
    }

    #[test]
    fn padding_shorter_than_the_decoder_delay_trims_nothing() {
        let bytes = info_frame(576, 500, 10);
        let info = Info::parse(&FrameSyntax::Mpeg.parse(&bytes).unwrap(), &bytes).unwrap();
        assert_eq!(info.trim(9, 1152), Trim::default());
    }

    proptest! {
        #[test]
        fn arbitrary_frames_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..3usize) {
            let mut whole = vec![0xff, 0xfb, 0x90, 0x64];
            whole.resize(36, 0);
            whole.extend([b"Xing", b"Info", b"VBRI"][kind]);
            whole.extend(bytes);
            let frame = FrameSyntax::Mpeg.parse(&whole).unwrap();
            if let Some(info) = Info::parse(&frame, &whole) {
                for number in [0, 1, 1000, u64::MAX] {
                    let trim = info.trim(number, 1152);
                    prop_assert!(trim.start + trim.end <= 1152);
                }
            }
        }
    }
}
