//! Audio sample entries, ISO/IEC 14496-12, 12.2.3, and QuickTime's sound descriptions.

use kinora_bytes::{BitCursor, Cursor};

use crate::codec::aac;
use crate::{AudioFormat, Codec, Kind};

use super::boxes::{FourCc, child, full};
use super::sample_entry::{Description, Form, Pcm, Repack, esds};

/// What the fixed part says.
struct Entry<'a> {
    channels: u32,
    bits: u32,
    rate_hz: u32,
    /// Flags of a version 2 description.
    flags: Option<u32>,
    boxes: &'a [u8],
}

impl<'a> Entry<'a> {
    fn parse(body: &'a [u8], stsd_version: u8) -> Option<Entry<'a>> {
        let mut c = Cursor::new(body);
        c.skip(8)?;
        let version = c.u16_be()?;
        c.skip(6)?;
        let mut entry = Entry {
            channels: u32::from(c.u16_be()?),
            bits: u32::from(c.u16_be()?),
            // After a compression id and a packet size, in 16.16 fixed point.
            rate_hz: c.skip(4).and_then(|()| c.u32_be())? >> 16,
            flags: None,
            boxes: &[],
        };
        if stsd_version == 0 && version == 1 {
            c.skip(16)?;
        } else if version == 2 {
            // QuickTime File Format, "Sound Sample Description (Version 2)".
            c.skip(4)?;
            entry.rate_hz = f64::from_bits(c.u64_be()?).clamp(0.0, f64::from(u32::MAX)) as u32;
            entry.channels = c.u32_be()?;
            c.skip(4)?;
            entry.bits = c.u32_be()?;
            entry.flags = Some(c.u32_be()?);
            c.skip(8)?;
        }
        entry.boxes = c.rest();
        Some(entry)
    }

    /// A box of the entry, or of the `wave` box that QuickTime wraps around it.
    fn child(&self, kind: FourCc) -> Option<&'a [u8]> {
        child(self.boxes, kind).or_else(|| child(child(self.boxes, *b"wave")?, kind))
    }

    fn kind(&self) -> Kind {
        Kind::Audio(AudioFormat { rate_hz: self.rate_hz, channels: self.channels })
    }

    fn plain(&self, codec: Codec, codec_string: &str, extradata: &[u8]) -> Description {
        Description::plain(codec, codec_string, extradata.to_vec(), self.kind())
    }
}

/// Reads the entry of this format; none when it is too short.
pub(super) fn parse(format: FourCc, body: &[u8], stsd_version: u8) -> Option<Description> {
    let mut entry = Entry::parse(body, stsd_version)?;
    Some(match &format {
        b"mp4a" => mpeg4(&mut entry),
        b".mp3" | b"mp3 " | b"ms\0U" => entry.plain(Codec::Mp3, "mp3", &[]),
        b"ac-3" | b"sac3" => {
            entry.channels = entry.child(*b"dac3").and_then(ac3_channels).unwrap_or(entry.channels);
            entry.plain(Codec::Ac3, "ac-3", &[])
        }
        b"ec-3" => {
            entry.channels = entry.child(*b"dec3").and_then(eac3_channels).unwrap_or(entry.channels);
            entry.plain(Codec::Eac3, "ec-3", &[])
        }
        b"Opus" => opus(&mut entry),
        b"fLaC" => flac(&mut entry),
        b"alac" => alac(&mut entry),
        _ => pcm(format, &entry).unwrap_or_else(|| Description::other(format, entry.kind())),
    })
}

fn mpeg4(entry: &mut Entry<'_>) -> Description {
    match entry.child(*b"esds").and_then(esds) {
        // MPEG-4 audio and the three profiles of MPEG-2 AAC.
        Some((0x40 | 0x66..=0x68, config)) => {
            let parsed = aac::Config::parse(config);
            if let Some(aac) = parsed {
                entry.rate_hz = aac.rate_hz;
                if aac.channels > 0 {
                    entry.channels = aac.channels;
                }
            }
            let codec_string = parsed.map_or("mp4a.40.2".into(), |aac| aac.codec_string());
            entry.plain(Codec::Aac, &codec_string, config)
        }
        Some((0x69 | 0x6b, _)) => entry.plain(Codec::Mp3, "mp3", &[]),
        Some((0xa5, _)) => entry.plain(Codec::Ac3, "ac-3", &[]),
        Some((0xa6, _)) => entry.plain(Codec::Eac3, "ec-3", &[]),
        Some((object_type, _)) => Description {
            codec_string: format!("mp4a.{object_type:02x}"),
            ..Description::other(*b"mp4a", entry.kind())
        },
        None => Description::other(*b"mp4a", entry.kind()),
    }
}

/// Channels by `acmod`, ETSI TS 102 366, table 4.3.
const AC3_CHANNELS: [u32; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// `AC3SpecificBox`, ETSI TS 102 366, F.4.
fn ac3_channels(body: &[u8]) -> Option<u32> {
    let mut b = BitCursor::new(body);
    b.skip(2 + 5 + 3)?;
    Some(AC3_CHANNELS[b.bits(3)? as usize] + b.bits(1)? as u32)
}

/// `EC3SpecificBox`, ETSI TS 102 366, F.6: the first independent substream's.
fn eac3_channels(body: &[u8]) -> Option<u32> {
    let mut b = BitCursor::new(body);
    b.skip(13 + 3 + 2 + 5 + 1 + 1 + 3)?;
    Some(AC3_CHANNELS[b.bits(3)? as usize] + b.bits(1)? as u32)
}

/// `OpusSpecificBox` (Encapsulation of Opus in ISOBMFF, 4.3.2) to the identification header of RFC 7845, 5.1, whose
/// numbers are little-endian.
fn opus(entry: &mut Entry<'_>) -> Description {
    let head = entry.child(*b"dOps").and_then(|body| {
        let mut c = Cursor::new(body);
        let [_version, channels] = c.array()?;
        let (pre_skip, rate, gain) = (c.u16_be()?, c.u32_be()?, c.i16_be()?);
        let mapping = c.rest();
        let mut head = b"OpusHead\x01".to_vec();
        head.push(channels);
        head.extend(pre_skip.to_le_bytes());
        head.extend(rate.to_le_bytes());
        head.extend(gain.to_le_bytes());
        head.extend(mapping.get(..mapping.len().min(3 + usize::from(channels)))?);
        Some((u32::from(channels), head))
    });
    // Opus always decodes at 48 kHz.
    entry.rate_hz = 48_000;
    entry.channels = head.as_ref().map_or(entry.channels, |&(channels, _)| channels);
    entry.plain(Codec::Opus, "opus", &head.map_or(Vec::new(), |(_, head)| head))
}

/// `FLACSpecificBox` (Encapsulation of FLAC in ISO BMFF, 3.3.2): metadata blocks, of which the first is STREAMINFO.
fn flac(entry: &mut Entry<'_>) -> Description {
    let info = entry.child(*b"dfLa").and_then(full).and_then(|(_, _, mut c)| {
        let block_type = c.u8()? & 0x7f;
        let len = c.u24_be()?;
        (block_type == 0 && len >= 34).then(|| c.take(34))?
    });
    if let Some(info) = info {
        let mut b = BitCursor::new(&info[10..]);
        entry.rate_hz = b.bits(20).map_or(entry.rate_hz, |rate| rate as u32);
        entry.channels = b.bits(3).map_or(entry.channels, |n| n as u32 + 1);
    }
    entry.plain(Codec::Flac, "flac", info.unwrap_or_default())
}

/// The magic cookie (`ALACSpecificConfig`) follows the version and flags of an `alac` box.
fn alac(entry: &mut Entry<'_>) -> Description {
    let cookie = entry.child(*b"alac").and_then(|body| body.get(4..)).unwrap_or_default();
    let mut c = Cursor::new(cookie);
    if let (Some(()), Some(channels), Some(()), Some(rate)) = (c.skip(9), c.u8(), c.skip(10), c.u32_be()) {
        (entry.channels, entry.rate_hz) = (u32::from(channels), rate);
    }
    entry.plain(Codec::Alac, "alac", cookie)
}

/// How a PCM sample is stored.
#[derive(Clone, Copy)]
enum Number {
    Unsigned,
    Signed,
    Float,
}

/// QuickTime's formats and ISO/IEC 23003-5 (`ipcm`, `fpcm`); none for a format that is not PCM.
fn pcm(format: FourCc, entry: &Entry<'_>) -> Option<Description> {
    use Number::{Float, Signed, Unsigned};

    let sixteen = |eight: Number| if entry.bits <= 8 { (eight, 8) } else { (Signed, 16) };
    // `enda` says that 24 bits and more are little-endian, which the format's name does not.
    let enda = || entry.child(*b"enda").is_some_and(|body| body.get(..2) == Some(&[0, 1]));
    let ((number, bits), little) = match &format {
        b"sowt" => (sixteen(Signed), true),
        b"twos" => (sixteen(Signed), false),
        b"raw " | b"NONE" | b"\0\0\0\0" => (sixteen(Unsigned), false),
        b"in24" => ((Signed, 24), enda()),
        b"in32" => ((Signed, 32), enda()),
        b"fl32" => ((Float, 32), enda()),
        b"fl64" => ((Float, 64), enda()),
        b"alaw" => return Some(pcm_description(entry, "pcm-alaw".into(), 1, Repack::Keep)),
        b"ulaw" => return Some(pcm_description(entry, "pcm-mulaw".into(), 1, Repack::Keep)),
        b"lpcm" => {
            // Flags of Core Audio: 1 float, 2 big-endian, 4 signed.
            let flags = entry.flags.unwrap_or(0);
            let number = match flags & 5 {
                0 => Unsigned,
                4 => Signed,
                _ => Float,
            };
            ((number, entry.bits), flags & 2 == 0)
        }
        b"ipcm" | b"fpcm" => {
            let (_, _, mut c) = full(entry.child(*b"pcmC")?)?;
            let [flags, bits] = c.array()?;
            ((if format == *b"ipcm" { Signed } else { Float }, u32::from(bits)), flags & 1 != 0)
        }
        _ => return None,
    };
    let bytes = bits as usize / 8;
    let order = if little { "le" } else { "be" };
    let swap = if little { Repack::Keep } else { Repack::Swap(bytes) };
    let (codec_string, repack) = match (number, bits) {
        (Unsigned, 8) => ("pcm-u8".into(), Repack::Keep),
        (Signed, 8) => ("pcm-u8".into(), Repack::FlipSign),
        (Signed, 16 | 24 | 32) => (format!("pcm-s{bits}{order}"), Repack::Keep),
        (Float, 32 | 64) => (format!("pcm-f{bits}le"), swap),
        _ => return None,
    };
    Some(pcm_description(entry, codec_string, bytes as u32, repack))
}

fn pcm_description(entry: &Entry<'_>, codec_string: String, sample_len: u32, repack: Repack) -> Description {
    // More channels than any layout has would only serve to overflow.
    let frame_len = sample_len * entry.channels.clamp(1, 1024);
    let form = Form::Pcm(Pcm { frame_len, repack });
    Description { form, ..Description::plain(Codec::Pcm, codec_string, Vec::new(), entry.kind()) }
}
