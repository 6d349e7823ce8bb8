//! Sample descriptions (`stsd`): what a track's samples are and how they become those of the contract.

use crate::{Codec, Error, Kind, TextFormat};

use super::boxes::{Boxes, FourCc, full, name};
use super::{audio_entry, video_entry};

/// One sample description.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Description {
    pub(super) codec: Codec,
    pub(super) codec_string: String,
    pub(super) extradata: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) form: Form,
    /// Captions that are all forced.
    pub(super) forced: bool,
}

/// How a sample's bytes become those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Plain,
    /// NAL units with lengths of so many bytes.
    Nal(usize),
    /// PCM.
    Pcm(Pcm),
}

/// PCM frames and what is to be done to give them a format that the contract knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pcm {
    /// Bytes of all channels.
    pub(super) frame_len: u32,
    pub(super) repack: Repack,
}

/// A change of PCM samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repack {
    /// None.
    Keep,
    /// Signed bytes to unsigned.
    FlipSign,
    /// Reverse the bytes of each sample of so many.
    Swap(usize),
}

/// The media type, by the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    Video,
    Audio,
    Text,
}

impl Media {
    /// The type of a handler (`hdlr`); none for those that are not presented.
    pub(super) fn of_handler(handler: FourCc) -> Option<Media> {
        match &handler {
            b"vide" => Some(Media::Video),
            b"soun" => Some(Media::Audio),
            b"text" | b"sbtl" | b"subt" => Some(Media::Text),
            _ => None,
        }
    }
}

/// Reads `stsd`. Descriptions that are not understood are listed too, since samples refer to them by number.
/// `display` is the track's display size in pixels.
pub(super) fn parse(stsd: &[u8], media: Media, display: (u32, u32)) -> Result<Vec<Description>, Error> {
    let damaged = || Error::Damaged("sample description".into());
    let (version, _, mut c) = full(stsd).ok_or_else(damaged)?;
    let count = c.u32_be().ok_or_else(damaged)?;
    let entries = Boxes(c.rest()).take(usize::try_from(count).unwrap_or(usize::MAX));
    let mut descriptions = Vec::new();
    for (format, body) in entries {
        if matches!(&format, b"encv" | b"enca" | b"enct" | b"drmi" | b"drms") {
            return Err(Error::Unsupported("encrypted media".into()));
        }
        descriptions.extend(match media {
            Media::Video => video_entry::parse(format, body, display),
            Media::Audio => audio_entry::parse(format, body, version),
            Media::Text => text(format, body),
        });
    }
    Ok(descriptions)
}

impl Description {
    /// A description of plain samples.
    pub(super) fn plain(
        codec: Codec,
        codec_string: impl Into<String>,
        extradata: Vec<u8>,
        kind: Kind,
    ) -> Self {
        Description {
            codec,
            codec_string: codec_string.into(),
            extradata,
            kind,
            form: Form::Plain,
            forced: false,
        }
    }

    /// Listed, not playable: only its name is known.
    pub(super) fn other(format: FourCc, kind: Kind) -> Self {
        Description::plain(Codec::Other, name(format).trim(), Vec::new(), kind)
    }
}

fn text(format: FourCc, body: &[u8]) -> Option<Description> {
    let text = match &format {
        // QuickTime's `text` samples have the same form but for their encoding, which is mostly ASCII.
        b"tx3g" | b"text" => TextFormat::Tx3g,
        b"wvtt" => TextFormat::WebVttBoxes,
        _ => return None,
    };
    // 3GPP TS 26.245, 5.16: displayFlags follow the eight bytes that every sample entry starts with.
    let all_forced = format == *b"tx3g" && body.get(8).is_some_and(|flags| flags & 0x80 != 0);
    let codec_string = name(format);
    Some(Description {
        forced: all_forced,
        ..Description::plain(Codec::Text, codec_string, Vec::new(), Kind::Text(text))
    })
}

/// The `ES_Descriptor` of an `esds` box (ISO/IEC 14496-1, 7.2.6.5): object type indication and decoder specific info.
pub(super) fn esds(body: &[u8]) -> Option<(u8, &[u8])> {
    let (_, _, mut c) = full(body)?;
    let (mut tag, mut content) = descriptor(&mut c)?;
    if tag == 3 {
        let mut es = kinora_bytes::Cursor::new(content);
        es.skip(2)?;
        let flags = es.u8()?;
        es.skip(if flags & 0x80 != 0 { 2 } else { 0 })?;
        let url = if flags & 0x40 != 0 { usize::from(es.u8()?) } else { 0 };
        es.skip(url + if flags & 0x20 != 0 { 2 } else { 0 })?;
        (tag, content) = descriptor(&mut es)?;
    }
    if tag != 4 {
        return None;
    }
    let mut config = kinora_bytes::Cursor::new(content);
    let object_type = config.u8()?;
    let specific = config.skip(12).and_then(|()| descriptor(&mut config));
    Some((object_type, specific.filter(|&(tag, _)| tag == 5).map_or(&[], |(_, info)| info)))
}

/// Tag and content of the descriptor at the front, cut where its parent ends.
fn descriptor<'a>(c: &mut kinora_bytes::Cursor<'a>) -> Option<(u8, &'a [u8])> {
    let tag = c.u8()?;
    let mut len = 0;
    for _ in 0..4 {
        let byte = c.u8()?;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let content = c.take(len.min(c.remaining()))?;
    Some((tag, content))
}
