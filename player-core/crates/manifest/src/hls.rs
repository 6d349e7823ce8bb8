//! HLS playlists: RFC 8216 with the additions of draft-pantos-hls-rfc8216bis that concern whole segments. Partial segments, delta
//! updates and content steering are passed over, which the standard allows: such a playlist plays by its whole segments.

mod media;
mod multivariant;

use crate::list::parse_list;
use crate::model::{Key, KeyMethod, Start, Variables};
use crate::text::{self, Attributes, Context, Line};
use crate::{ManifestError, Playlist};

/// Reads a playlist that was fetched from `base` (after redirects). `variables` are those of the multivariant playlist that named
/// this one.
///
/// Every playlist begins with `#EXTM3U` (section 4.3.1.1); one where it is missing or late is taken, with an issue, if it has an
/// `#EXT-X-` tag: nothing else looks like that. One without any such tag is a plain list of files.
pub fn parse(bytes: &[u8], base: &str, variables: &Variables) -> Result<Playlist, ManifestError> {
    let text = text::decode(bytes)?;
    let mut marked = false;
    let (mut hls, mut multivariant) = (false, false);
    for (_, line) in text::lines(&text) {
        if let Line::Tag(name, _) = text::classify(line) {
            marked |= name == "EXTM3U";
            hls |= name.starts_with("EXT-X-");
            multivariant |= name == "EXT-X-STREAM-INF";
        }
    }
    if !hls {
        return if marked {
            parse_list(bytes, base).map(Playlist::List)
        } else {
            Err(ManifestError::NotAPlaylist)
        };
    }

    let mut context = Context::new(base, variables);
    if !text.trim_start().starts_with("#EXTM3U") {
        context.issue("#EXTM3U is not the first line");
    }
    if multivariant {
        multivariant::parse(&text, context).map(Playlist::Multivariant)
    } else {
        media::parse(&text, context).map(Playlist::Media)
    }
}

/// `EXT-X-START`, section 4.3.5.2.
fn start(attributes: &Attributes<'_>) -> Option<Start> {
    let offset_us = text::seconds(attributes.get("TIME-OFFSET")?)?;
    Some(Start { offset_us, precise: attributes.is_yes("PRECISE") })
}

/// `EXT-X-KEY` and `EXT-X-SESSION-KEY`, sections 4.3.2.4 and 4.3.4.5; none for the method NONE.
fn key(attributes: &Attributes<'_>, context: &mut Context<'_>) -> Option<Key> {
    let method = match attributes.get("METHOD").unwrap_or("NONE") {
        "NONE" => return None,
        "AES-128" => KeyMethod::Aes128,
        "SAMPLE-AES" => KeyMethod::SampleAes,
        "SAMPLE-AES-CTR" => KeyMethod::SampleAesCtr,
        _ => KeyMethod::Unknown,
    };
    let uri = attributes.get("URI").and_then(|uri| context.resolve(uri));
    if uri.is_none() {
        context.issue("a key has no address");
    }
    let iv = attributes.get("IV").and_then(text::initialisation_vector);
    if iv.is_none() && attributes.get("IV").is_some() {
        context.issue("an initialisation vector is not a number of 128 bits");
    }
    let format = attributes.owned("KEYFORMAT").unwrap_or_else(|| "identity".to_owned());
    Some(Key { method, uri, iv, format })
}
