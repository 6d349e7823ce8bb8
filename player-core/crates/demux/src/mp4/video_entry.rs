//! Visual sample entries, ISO/IEC 14496-12, 12.1.3.

use kinora_bytes::Cursor;

use crate::codec::annexb::{Syntax, find_start_code, trim_zeros};
use crate::codec::nal;
use crate::codec::{h264::H264, hevc::Hevc};
use crate::{Codec, Kind, VideoFormat};

use super::boxes::{FourCc, child, full};
use super::sample_entry::{Description, Form, esds};

/// Bytes of the entry before its boxes.
const FIXED_LEN: usize = 78;
/// ITU-T H.273: primaries, transfer and matrix unspecified, limited range.
const UNSPECIFIED: [u8; 4] = [2, 2, 2, 0];

/// Reads the entry of this format; none when it is too short. `display` is the track's display size.
pub(super) fn parse(format: FourCc, body: &[u8], display: (u32, u32)) -> Option<Description> {
    let mut c = Cursor::new(body);
    c.skip(24)?;
    let (width, height) = (c.u16_be()?, c.u16_be()?);
    let boxes = body.get(FIXED_LEN..)?;
    let (width, height) = (u32::from(width), u32::from(height));
    let stated = child(boxes, *b"pasp")
        .and_then(pixel_aspect)
        .or_else(|| aspect_from_display((width, height), display));
    let video = VideoFormat {
        width,
        height,
        par: stated.unwrap_or((1, 1)),
        rotation_deg: 0,
        cicp: child(boxes, *b"colr").and_then(colour).unwrap_or(UNSPECIFIED),
    };
    let mut description = match &format {
        b"avc1" | b"avc3" => nal_coded(Codec::H264, format, child(boxes, *b"avcC"), nal::parse_avcc, video),
        b"hvc1" | b"hev1" => nal_coded(Codec::Hevc, format, child(boxes, *b"hvcC"), nal::parse_hvcc, video),
        b"vp08" => Description::plain(Codec::Vp8, "vp8", Vec::new(), Kind::Video(video)),
        b"vp09" => vp9(child(boxes, *b"vpcC"), video),
        b"av01" => av1(child(boxes, *b"av1C"), video),
        b"mp4v" => mpeg4(child(boxes, *b"esds").and_then(esds), video),
        _ => Description::other(format, Kind::Video(video)),
    };
    if let (Kind::Video(video), Some(coded)) =
        (&mut description.kind, coded_format(description.codec, &description.extradata))
    {
        (video.width, video.height) = (coded.width, coded.height);
        // What the container states goes before.
        if stated.is_none() {
            video.par = coded.par;
        }
        if video.cicp == UNSPECIFIED {
            video.cicp = coded.cicp;
        }
    }
    Some(description)
}

/// What the parameter sets of H.264 and HEVC say.
fn coded_format(codec: Codec, annex_b: &[u8]) -> Option<VideoFormat> {
    let mut syntax: Box<dyn Syntax> = match codec {
        Codec::H264 => Box::new(H264::default()),
        Codec::Hevc => Box::new(Hevc::default()),
        _ => return None,
    };
    let mut next = find_start_code(annex_b, 0);
    while let Some(start) = next.map(|at| at + 3) {
        next = find_start_code(annex_b, start);
        syntax.push(trim_zeros(&annex_b[start..next.unwrap_or(annex_b.len())]));
    }
    syntax.config().map(|config| config.format).filter(|format| format.width > 0 && format.height > 0)
}

/// Pixel aspect by the track's display size, where it differs from the coded size.
fn aspect_from_display(coded: (u32, u32), display: (u32, u32)) -> Option<(u32, u32)> {
    let (num, den) = (u64::from(coded.1) * u64::from(display.0), u64::from(coded.0) * u64::from(display.1));
    if num == 0 || den == 0 || num == den {
        return None;
    }
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    // Both were products of two 16-bit sizes.
    Some(((num / a) as u32, (den / a) as u32))
}

/// `pasp`: horizontal and vertical spacing.
fn pixel_aspect(body: &[u8]) -> Option<(u32, u32)> {
    let mut c = Cursor::new(body);
    let (h, v) = (c.u32_be()?, c.u32_be()?);
    (h > 0 && v > 0).then_some((h, v))
}

/// `colr` as `nclx`, or QuickTime's `nclc`, which has no range.
fn colour(body: &[u8]) -> Option<[u8; 4]> {
    let mut c = Cursor::new(body);
    let kind: FourCc = c.array()?;
    if !matches!(&kind, b"nclx" | b"nclc") {
        return None;
    }
    let mut code = || u8::try_from(c.u16_be()?).ok();
    let (primaries, transfer, matrix) = (code()?, code()?, code()?);
    let full_range = kind == *b"nclx" && c.u8().is_some_and(|b| b & 0x80 != 0);
    Some([primaries, transfer, matrix, u8::from(full_range)])
}

fn nal_coded(
    codec: Codec,
    format: FourCc,
    record: Option<&[u8]>,
    parse: fn(&[u8], &str) -> Option<nal::NalConfig>,
    video: VideoFormat,
) -> Description {
    let name = super::boxes::name(format);
    let kind = Kind::Video(video);
    match record.and_then(|record| parse(record, &name)) {
        Some(config) => Description {
            form: Form::Nal(config.length_size),
            ..Description::plain(codec, config.codec_string, config.annex_b, kind)
        },
        // Without a record the samples are taken to be Annex B, as decoders do.
        None => Description::plain(codec, name, Vec::new(), kind),
    }
}

/// VP Codec ISO Media File Format Binding, `vpcC`.
fn vp9(record: Option<&[u8]>, mut video: VideoFormat) -> Description {
    let fields =
        record.and_then(full).and_then(|(version, _, mut c)| (version == 1).then(|| c.array::<6>())?);
    let Some([profile, level, depths, primaries, transfer, matrix]) = fields else {
        return Description::plain(Codec::Vp9, "vp09.00.10.08", Vec::new(), Kind::Video(video));
    };
    if video.cicp == UNSPECIFIED {
        video.cicp = [primaries, transfer, matrix, depths & 1];
    }
    let codec_string = format!("vp09.{profile:02}.{level:02}.{:02}", depths >> 4);
    Description::plain(Codec::Vp9, codec_string, Vec::new(), Kind::Video(video))
}

/// AV1 Codec ISO Media File Format Binding, `av1C` and section 5 (codec string).
fn av1(record: Option<&[u8]>, video: VideoFormat) -> Description {
    let kind = Kind::Video(video);
    let Some((&[_, a, b, _], obus)) = record.and_then(|record| record.split_first_chunk::<4>()) else {
        return Description::plain(Codec::Av1, "av01.0.08M.08", Vec::new(), kind);
    };
    let (profile, level) = (a >> 5, a & 31);
    let tier = if b & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (b & 0x40 != 0, b & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Description::plain(Codec::Av1, format!("av01.{profile}.{level:02}{tier}.{depth:02}"), obus.to_vec(), kind)
}

/// MPEG-4 systems object types, as registered with the MP4 Registration Authority.
fn mpeg4(esds: Option<(u8, &[u8])>, video: VideoFormat) -> Description {
    let kind = Kind::Video(video);
    let Some((object_type, info)) = esds else {
        return Description::other(*b"mp4v", kind);
    };
    let codec = match object_type {
        0x20 => Codec::Mpeg4Visual,
        0x60..=0x65 => Codec::Mpeg2Video,
        _ => Codec::Other,
    };
    Description::plain(codec, format!("mp4v.{object_type:02x}"), info.to_vec(), kind)
}
