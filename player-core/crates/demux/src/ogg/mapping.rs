//! How codecs are carried in Ogg: their headers, and how long a packet lasts.

use kinora_bytes::BitCursor;

use crate::codec::flac::{FrameHeader, STREAMINFO_LEN, StreamInfo};
use crate::{AudioFormat, Codec, Kind, Track, VideoFormat};

/// Bytes of headers that are kept: Vorbis comments may hold pictures.
const MAX_HEADERS: usize = 16 << 20;

/// A codec in Ogg.
#[derive(Debug, Clone)]
pub(super) enum Mapping {
    Opus {
        channels: u32,
        pre_skip: u32,
    },
    Vorbis(Vorbis),
    Flac(StreamInfo),
    OtherVideo,
    OtherAudio,
    /// Not a medium: an index, captions, a skeleton.
    Data,
}

/// The part of a Vorbis stream's headers that its packets' durations follow from.
#[derive(Debug, Clone, Default)]
pub(super) struct Vorbis {
    channels: u32,
    rate_hz: u32,
    /// Audio frames of the two window sizes.
    blocks: [u32; 2],
    /// Which of the two each mode uses.
    modes: Vec<bool>,
    /// Window of the packet before.
    previous: Option<u32>,
}

/// The headers of one stream.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) mapping: Mapping,
    packets: Vec<Vec<u8>>,
    /// Header packets in all; those of FLAC beyond the first are told by their content.
    expected: usize,
    pub(super) complete: bool,
}

impl Headers {
    /// From the first packet of a stream.
    pub(super) fn new(first: &[u8]) -> Headers {
        let mapping = identify(first).unwrap_or(Mapping::Data);
        let expected = match mapping {
            Mapping::Opus { .. } => 2,
            Mapping::Vorbis(_) => 3,
            _ => 1,
        };
        Headers { mapping, packets: vec![first.to_vec()], expected, complete: expected == 1 }
    }

    /// Takes in the next packet; whether it was a header.
    pub(super) fn push(&mut self, packet: &[u8]) -> bool {
        if let Mapping::Flac(_) = self.mapping {
            // Frames begin with their sync code, metadata blocks never do (Ogg mapping of FLAC, RFC 9639 10.1).
            return packet.first() != Some(&0xff);
        }
        if self.complete {
            return false;
        }
        let size: usize = self.packets.iter().map(Vec::len).sum();
        if size + packet.len() > MAX_HEADERS {
            self.mapping = Mapping::OtherAudio;
            self.complete = true;
            return true;
        }
        self.packets.push(packet.to_vec());
        if self.packets.len() == self.expected {
            self.complete = true;
            if let Mapping::Vorbis(vorbis) = &mut self.mapping {
                match parse_modes(packet) {
                    Some(modes) => vorbis.modes = modes,
                    None => self.mapping = Mapping::OtherAudio,
                }
            }
        }
        true
    }

    /// The track they describe; `None` for what is no medium.
    pub(super) fn track(&self, id: u32) -> Option<Track> {
        let (codec, codec_string, extradata) = match &self.mapping {
            Mapping::Opus { .. } => (Codec::Opus, "opus", self.packets.first().cloned().unwrap_or_default()),
            Mapping::Vorbis(_) => (Codec::Vorbis, "vorbis", self.laced()),
            Mapping::Flac(_) => {
                let block = self.packets.first().and_then(|p| p.get(17..17 + STREAMINFO_LEN));
                (Codec::Flac, "flac", block.unwrap_or_default().to_vec())
            }
            Mapping::OtherVideo | Mapping::OtherAudio => (Codec::Other, "", Vec::new()),
            Mapping::Data => return None,
        };
        let kind = match &self.mapping {
            Mapping::OtherVideo => Kind::Video(VideoFormat {
                width: 0,
                height: 0,
                par: (1, 1),
                rotation_deg: 0,
                cicp: [2, 2, 2, 0],
            }),
            mapping => Kind::Audio(AudioFormat { rate_hz: mapping.rate_hz(), channels: mapping.channels() }),
        };
        Some(Track {
            id,
            codec,
            codec_string: codec_string.into(),
            extradata,
            kind,
            language: String::new(),
            label: String::new(),
            default: false,
            forced: false,
        })
    }

    /// The headers, each behind its length.
    fn laced(&self) -> Vec<u8> {
        let length = |packet: &[u8]| u32::try_from(packet.len()).unwrap_or(0).to_le_bytes();
        self.packets.iter().flat_map(|p| [&length(p)[..], p].concat()).collect()
    }
}

fn identify(packet: &[u8]) -> Option<Mapping> {
    if packet.starts_with(b"OpusHead") {
        // RFC 7845 5.1; the upper four bits of the version say whether this can be read.
        let &[version, channels, skip_low, skip_high] = packet.get(8..)?.first_chunk()?;
        let pre_skip = u32::from(u16::from_le_bytes([skip_low, skip_high]));
        return (version < 16 && channels > 0)
            .then_some(Mapping::Opus { channels: channels.into(), pre_skip });
    }
    if packet.starts_with(b"\x01vorbis") {
        // Vorbis I 4.2.2.
        let &[_, _, _, _, channels, a, b, c, d] = packet.get(7..)?.first_chunk()?;
        let rate_hz = u32::from_le_bytes([a, b, c, d]);
        let sizes = *packet.get(28)?;
        let blocks = [1 << (sizes & 15), 1 << (sizes >> 4)];
        let vorbis = Vorbis { channels: channels.into(), rate_hz, blocks, modes: Vec::new(), previous: None };
        return (channels > 0 && rate_hz > 0).then_some(Mapping::Vorbis(vorbis));
    }
    if packet.starts_with(b"\x7fFLAC") {
        return StreamInfo::parse(packet.get(17..)?).map(Mapping::Flac);
    }
    let other = [
        (&b"\x80theora"[..], Mapping::OtherVideo),
        (b"BBCD", Mapping::OtherVideo),
        (b"OVP80", Mapping::OtherVideo),
        (b"Speex   ", Mapping::OtherAudio),
        (b"CELT    ", Mapping::OtherAudio),
        (b"PCM     ", Mapping::OtherAudio),
        (b"fLaC", Mapping::OtherAudio),
    ];
    other.into_iter().find(|(signature, _)| packet.starts_with(signature)).map(|(_, mapping)| mapping)
}

/// The block flags of the modes, from the end of the setup header (Vorbis I 4.2.4). All before them is of unknown length to who
/// does not decode it, so it is read backwards, as FFmpeg's parser does: Vorbis packs bits from the lowest up.
fn parse_modes(setup: &[u8]) -> Option<Vec<bool>> {
    let reversed: Vec<u8> = setup.iter().rev().copied().collect();
    let mut b = BitCursor::new(&reversed);
    while !b.flag()? {} // framing bit
    let mut flags = Vec::new();
    let mut modes = None;
    // Mapping, transform type, window type, block flag; before the first mode stands their number less one. What stands before
    // that may look like another mode, so the last number that fits counts.
    while b.remaining() >= 97 && flags.len() < 64 {
        if b.bits(8)? > 63 || b.bits(16)? != 0 || b.bits(16)? != 0 {
            break;
        }
        flags.push(b.flag()?);
        if b.clone().bits(6)? as usize + 1 == flags.len() {
            modes = Some(flags.len());
        }
    }
    flags.truncate(modes?);
    flags.reverse();
    Some(flags)
}

impl Mapping {
    /// Whether packets are given out.
    pub(super) fn is_played(&self) -> bool {
        matches!(self, Mapping::Opus { .. } | Mapping::Vorbis(_) | Mapping::Flac(_))
    }

    /// Units of the granule position in a second; Opus counts at 48 kHz whatever it was made from.
    pub(super) fn rate_hz(&self) -> u32 {
        match self {
            Mapping::Opus { .. } => 48_000,
            Mapping::Vorbis(vorbis) => vorbis.rate_hz,
            Mapping::Flac(info) => info.rate_hz,
            _ => 0,
        }
    }

    fn channels(&self) -> u32 {
        match self {
            Mapping::Opus { channels, .. } => *channels,
            Mapping::Vorbis(vorbis) => vorbis.channels,
            Mapping::Flac(info) => info.channels,
            _ => 0,
        }
    }

    /// Audio frames that decoding starts with and that are not heard.
    pub(super) fn pre_skip(&self) -> u32 {
        if let Mapping::Opus { pre_skip, .. } = self { *pre_skip } else { 0 }
    }

    /// Audio frames before a target that the decoder must have seen: 80 ms (RFC 7845 4.6).
    pub(super) fn preroll(&self) -> u32 {
        if let Mapping::Opus { .. } = self { 3840 } else { 0 }
    }

    /// Forgets the packet before.
    pub(super) fn reset(&mut self) {
        if let Mapping::Vorbis(vorbis) = self {
            vorbis.previous = None;
        }
    }

    /// Audio frames that decoding the next packet gives.
    pub(super) fn duration(&mut self, packet: &[u8]) -> u32 {
        match self {
            Mapping::Opus { .. } => opus_duration(packet),
            Mapping::Vorbis(vorbis) => vorbis.duration(packet),
            Mapping::Flac(info) => FrameHeader::parse(packet, info).map_or(0, |header| header.samples),
            _ => 0,
        }
    }
}

impl Vorbis {
    /// Half of each of the two windows that overlap (Vorbis I 4.3.8); the first packet gives nothing.
    fn duration(&mut self, packet: &[u8]) -> u32 {
        let Some(&head) = packet.first().filter(|&head| head & 1 == 0) else { return 0 };
        let bits = usize::BITS - self.modes.len().saturating_sub(1).leading_zeros();
        let mode = usize::from(head >> 1) & ((1 << bits) - 1);
        let long = self.modes.get(mode).copied().unwrap_or(false);
        let block = self.blocks[usize::from(long)];
        let previous = self.previous.replace(block);
        previous.map_or(0, |previous| (previous + block) / 4)
    }
}

/// RFC 6716 3.1: configuration and number of frames.
fn opus_duration(packet: &[u8]) -> u32 {
    let Some(&toc) = packet.first() else { return 0 };
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |&n| u32::from(n & 63)),
    };
    // 120 ms at most.
    (frame * count).min(5760)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn opus_durations_follow_the_toc() {
        let seen = [&[0xfc_u8][..], &[0x7b, 3], &[0x78, 0], &[0xf9], &[]].map(opus_duration);
        assert_eq!(seen, [960, 2880, 960, 1920, 0]);
    }

    #[test]
    fn vorbis_modes_are_read_from_the_end() {
        // Count less one (1), two modes (short, long), the framing bit, behind other bits; lowest bit first.
        let mut bits = vec![true; 60];
        let mut push = |value: u32, n: u32| bits.extend((0..n).map(|i| value >> i & 1 == 1));
        for (value, n) in [(1, 6), (0, 1), (0, 16), (0, 16), (0, 8), (1, 1), (0, 16), (0, 16), (1, 8), (1, 1)]
        {
            push(value, n);
        }
        let bytes: Vec<u8> = bits
            .chunks(8)
            .map(|c| c.iter().enumerate().fold(0, |byte, (i, &bit)| byte | u8::from(bit) << i))
            .collect();
        assert_eq!(parse_modes(&bytes), Some(vec![false, true]));
        let mut vorbis = Vorbis { blocks: [256, 2048], modes: vec![false, true], ..Vorbis::default() };
        assert_eq!([2, 2, 0, 0, 1].map(|head| vorbis.duration(&[head])), [0, 1024, 576, 128, 0]);
    }

    proptest! {
        #[test]
        fn arbitrary_headers_never_panic(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 3), kind in 0..3usize) {
            let first = [[&b"OpusHead\x01"[..], b"\x01vorbis", b"\x7fFLAC"][kind], &packets[0][..]].concat();
            let mut headers = Headers::new(&first);
            for packet in &packets[1..] {
                headers.push(packet);
            }
            headers.track(1);
            for packet in &packets {
                prop_assert!(headers.mapping.duration(packet) <= 1 << 16);
            }
        }
    }
}
