//! Codec ids and `CodecPrivate` (RFC 9559 section 5.1.4.1, the Matroska codec mappings) in the form of the shim contract.

use kinora_bytes::Cursor;

use crate::codec::{aac, nal};
use crate::{AudioFormat, Codec, TextFormat};

/// How a frame's bytes become a sample's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Plain,
    /// NAL units after lengths of so many bytes.
    Nal(usize),
    /// Raw Opus packets, whose own header tells their duration.
    Opus,
    /// Audio whose frames usually last so many samples; what lasts otherwise (the end of FLAC, E-AC-3 in short frames) has its
    /// duration from the container.
    Fixed(u32),
    /// Interleaved samples of so many bytes for each channel.
    Pcm(u32),
    /// WebM's WebVTT: identifier, settings and text, a line each but the last.
    WebVttLines,
}

/// A codec as the contract names it.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) codec: Codec,
    pub(super) string: String,
    pub(super) extradata: Vec<u8>,
    pub(super) framing: Framing,
    pub(super) text: Option<TextFormat>,
    /// Of sound, where the codec's configuration knows better than the track's header; 0 channels: unknown.
    pub(super) format: Option<AudioFormat>,
    pub(super) pre_skip: u32,
    /// Most frames that are decoded ahead of one shown before them.
    pub(super) reorder_depth: usize,
}

fn plain(codec: Codec, string: impl Into<String>, extradata: &[u8]) -> Resolved {
    Resolved {
        codec,
        string: string.into(),
        extradata: extradata.to_vec(),
        framing: Framing::Plain,
        text: None,
        format: None,
        pre_skip: 0,
        reorder_depth: 0,
    }
}

fn fixed(frames: u32, resolved: Resolved) -> Resolved {
    Resolved { framing: Framing::Fixed(frames), ..resolved }
}

/// A codec that is listed but not played.
pub(super) fn other(id: &str) -> Resolved {
    plain(Codec::Other, id.chars().take(64).collect::<String>(), &[])
}

/// By codec id, `CodecPrivate` and, for PCM, bits a sample.
pub(super) fn resolve(id: &str, private: &[u8], bit_depth: u64) -> Resolved {
    let known = match id {
        "V_MPEG4/ISO/AVC" => avc(private),
        "V_MPEGH/ISO/HEVC" => hevc(private),
        "V_VP8" => Some(plain(Codec::Vp8, "vp8", &[])),
        "V_VP9" => Some(plain(Codec::Vp9, vp9_string(private), &[])),
        "V_AV1" => av1(private),
        "V_MPEG2" => Some(Resolved { reorder_depth: 1, ..plain(Codec::Mpeg2Video, "mp4v.61", private) }),
        "V_MPEG4/ISO/SP" | "V_MPEG4/ISO/ASP" | "V_MPEG4/ISO/AP" => {
            Some(Resolved { reorder_depth: 1, ..plain(Codec::Mpeg4Visual, "mp4v.20", private) })
        }
        "A_MPEG/L3" => Some(fixed(1152, plain(Codec::Mp3, "mp3", &[]))),
        "A_MPEG/L2" => Some(fixed(1152, plain(Codec::Mp2, "mp2", &[]))),
        "A_EAC3" => Some(fixed(1536, plain(Codec::Eac3, "ec-3", &[]))),
        "A_OPUS" => Some(opus(private)),
        "A_VORBIS" => vorbis(private),
        "A_FLAC" => flac(private),
        // The magic cookie begins with the frame length.
        "A_ALAC" => {
            let frames = private.first_chunk().map_or(0, |b| u32::from_be_bytes(*b));
            Some(fixed(frames, plain(Codec::Alac, "alac", private)))
        }
        "A_PCM/INT/LIT" | "A_PCM/INT/BIG" | "A_PCM/FLOAT/IEEE" => pcm(id, bit_depth),
        "D_WEBVTT/SUBTITLES" | "D_WEBVTT/CAPTIONS" => {
            Some(Resolved { framing: Framing::WebVttLines, ..text(TextFormat::WebVttBoxes, &[]) })
        }
        "S_TEXT/UTF8" | "S_TEXT/ASCII" => Some(text(TextFormat::Subrip, &[])),
        "S_TEXT/WEBVTT" => Some(text(TextFormat::WebVtt, &[])),
        "S_TEXT/ASS" | "S_TEXT/SSA" | "S_ASS" | "S_SSA" => Some(text(TextFormat::Ass, private)),
        _ if id.starts_with("A_AAC") => aac(private),
        // Old writers add `/BSID9` and the like.
        _ if id.starts_with("A_AC3") => Some(fixed(1536, plain(Codec::Ac3, "ac-3", &[]))),
        _ => None,
    };
    known.unwrap_or_else(|| other(id))
}

fn text(format: TextFormat, header: &[u8]) -> Resolved {
    Resolved { text: Some(format), ..plain(Codec::Text, "text", header) }
}

/// ITU-T H.264 and H.265 bound the picture buffer, and so the reordering, to 16 frames.
const NAL_REORDER_DEPTH: usize = 16;

fn avc(private: &[u8]) -> Option<Resolved> {
    let config = nal::parse_avcc(private, "avc1")?;
    // The Baseline profiles have no reordering.
    let reorder_depth = if private.get(1) == Some(&66) { 0 } else { NAL_REORDER_DEPTH };
    let framing = Framing::Nal(config.length_size);
    Some(Resolved { framing, reorder_depth, ..plain(Codec::H264, config.codec_string, &config.annex_b) })
}

fn hevc(private: &[u8]) -> Option<Resolved> {
    let config = nal::parse_hvcc(private, "hvc1")?;
    let framing = Framing::Nal(config.length_size);
    let reorder_depth = NAL_REORDER_DEPTH;
    Some(Resolved { framing, reorder_depth, ..plain(Codec::Hevc, config.codec_string, &config.annex_b) })
}

/// WebM's `CodecPrivate` of VP9 is a list of feature id, length and value; it is often missing.
fn vp9_string(private: &[u8]) -> String {
    let (mut profile, mut level, mut depth) = (0, 10, 8);
    let mut cursor = Cursor::new(private);
    while let Some(value) =
        cursor.array::<2>().and_then(|[id, n]| Some((id, *cursor.take(n.into())?.first()?)))
    {
        match value {
            (1, value) => profile = value,
            (2, value) => level = value,
            (3, value) => depth = value,
            _ => {}
        }
    }
    format!("vp09.{profile:02}.{level:02}.{depth:02}")
}

/// `CodecPrivate` is an `av1C` record (AV1 in ISOBMFF, section 2.3): four bytes and the OBUs.
fn av1(private: &[u8]) -> Option<Resolved> {
    // Without a record the sequence header stands in the samples, and the string names the least of all.
    let [_, profile_level, tier_depth, _] = *private.first_chunk().unwrap_or(&[0x81, 0, 0, 0]);
    let tier = if tier_depth & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match tier_depth & 0x60 {
        0x60 => 12,
        0x40 => 10,
        _ => 8,
    };
    let string = format!("av01.{}.{:02}{tier}.{depth:02}", profile_level >> 5, profile_level & 31);
    Some(plain(Codec::Av1, string, private.get(4..).unwrap_or(&[])))
}

/// `CodecPrivate` is the AudioSpecificConfig, which knows more of SBR than the track's header.
fn aac(private: &[u8]) -> Option<Resolved> {
    let config = aac::Config::parse(private)?;
    let frames = config.frame_len * (config.rate_hz / config.core_rate_hz).max(1);
    let format = AudioFormat { rate_hz: config.rate_hz, channels: config.channels };
    Some(Resolved {
        format: Some(format),
        ..fixed(frames, plain(Codec::Aac, config.codec_string(), private))
    })
}

/// `CodecPrivate` is the OpusHead of RFC 7845 section 5.1.
fn opus(private: &[u8]) -> Resolved {
    let pre_skip = private.get(10..12).map_or(0, |b| u32::from(u16::from_le_bytes([b[0], b[1]])));
    Resolved { framing: Framing::Opus, pre_skip, ..plain(Codec::Opus, "opus", private) }
}

/// `CodecPrivate` holds the three headers in Xiph lacing; the contract puts each after its length.
fn vorbis(private: &[u8]) -> Option<Resolved> {
    let mut cursor = Cursor::new(private);
    if cursor.u8()? != 2 {
        return None;
    }
    let mut size = || {
        let mut size = 0usize;
        loop {
            let byte = cursor.u8()?;
            size += usize::from(byte);
            if byte < 255 {
                return Some(size);
            }
        }
    };
    let sizes = [size()?, size()?];
    let headers = [cursor.take(sizes[0])?, cursor.take(sizes[1])?, cursor.rest()];
    let mut extradata = Vec::with_capacity(private.len() + 12);
    for header in headers {
        extradata.extend(u32::try_from(header.len()).ok()?.to_le_bytes());
        extradata.extend(header);
    }
    Some(Resolved { extradata, ..plain(Codec::Vorbis, "vorbis", &[]) })
}

/// `CodecPrivate` is a FLAC file's head (RFC 9639 section 8): the marker, then STREAMINFO of 34 bytes.
fn flac(private: &[u8]) -> Option<Resolved> {
    let body = private.strip_prefix(b"fLaC").unwrap_or(private);
    let info = body.get(4..38)?;
    Some(fixed(u32::from(u16::from_be_bytes([info[2], info[3]])), plain(Codec::Flac, "flac", info)))
}

fn pcm(id: &str, bit_depth: u64) -> Option<Resolved> {
    let (string, bytes) = match (id, bit_depth) {
        ("A_PCM/INT/LIT" | "A_PCM/INT/BIG", 8) => ("pcm-u8", 1),
        ("A_PCM/INT/LIT", 16) => ("pcm-s16le", 2),
        ("A_PCM/INT/LIT", 24) => ("pcm-s24le", 3),
        ("A_PCM/INT/LIT", 32) => ("pcm-s32le", 4),
        ("A_PCM/INT/BIG", 16) => ("pcm-s16be", 2),
        ("A_PCM/INT/BIG", 24) => ("pcm-s24be", 3),
        ("A_PCM/INT/BIG", 32) => ("pcm-s32be", 4),
        ("A_PCM/FLOAT/IEEE", 32) => ("pcm-f32le", 4),
        ("A_PCM/FLOAT/IEEE", 64) => ("pcm-f64le", 8),
        _ => return None,
    };
    Some(Resolved { framing: Framing::Pcm(bytes), ..plain(Codec::Pcm, string, &[]) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vorbis_headers_get_their_lengths() {
        let mut private = vec![2, 3, 255, 1];
        private.extend(b"abc");
        private.extend([7; 256]);
        private.extend(b"xy");
        let extradata = vorbis(&private).expect("valid").extradata;
        assert_eq!(extradata[..7], *b"\x03\0\0\0abc");
        assert_eq!(extradata[7..11], [0, 1, 0, 0]);
        assert_eq!(extradata[267..], *b"\x02\0\0\0xy");
        assert!(vorbis(&private[..20]).is_none());
    }

    #[test]
    fn codec_strings_follow_their_records() {
        assert_eq!(
            av1(&[0x81, 0x08, 0x4c, 0, 1]).map(|r| (r.string, r.extradata)),
            Some(("av01.0.08M.10".into(), vec![1]))
        );
        assert_eq!(vp9_string(&[1, 1, 2, 2, 1, 31, 3, 1, 10]), "vp09.02.31.10");
        assert_eq!(aac(&[0x12, 0x10]).map(|r| r.string), Some("mp4a.40.2".into()));
        assert_eq!(opus(b"OpusHead\x01\x02\x38\x01").pre_skip, 312);
    }

    proptest! {
        #[test]
        fn private_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let ids = ["V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC", "V_VP9", "V_AV1", "A_AAC", "A_OPUS", "A_VORBIS", "A_FLAC"];
            for id in ids {
                prop_assert!(resolve(id, &bytes, 0).extradata.len() <= 3 * bytes.len() + 12);
            }
        }
    }
}
