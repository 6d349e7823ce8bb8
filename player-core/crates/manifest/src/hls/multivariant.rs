//! Multivariant playlists, RFC 8216 section 4.3.4 (which calls them master playlists).

use crate::ManifestError;
use crate::model::{Presentation, Rendition, RenditionKind, Variant};
use crate::text::{self, Attributes, Context, Line};

pub(super) fn parse(text: &str, mut context: Context<'_>) -> Result<Presentation, ManifestError> {
    let mut out = Presentation::default();
    // The address of a variant stands on the line after its tag.
    let mut waiting: Option<Variant> = None;
    for (number, line) in text::lines(text) {
        let Some(line) = context.enter(number, line) else { break };
        let (name, value) = match text::classify(&line) {
            Line::Tag(name, value) => (name, value),
            Line::Uri(reference) => {
                match waiting.take() {
                    Some(variant) => {
                        out.variants.extend(context.resolve(reference).map(|uri| Variant { uri, ..variant }));
                    }
                    None => context.issue("an address without EXT-X-STREAM-INF"),
                }
                continue;
            }
        };
        let attributes = Attributes::parse(value);
        match name {
            "EXT-X-STREAM-INF" => waiting = Some(variant(&attributes, &mut context)),
            "EXT-X-I-FRAME-STREAM-INF" => {
                let variant = variant(&attributes, &mut context);
                let uri = attributes.get("URI").and_then(|uri| context.resolve(uri));
                out.i_frame_streams.extend(uri.map(|uri| Variant { uri, ..variant }));
            }
            "EXT-X-MEDIA" => match rendition(&attributes, &mut context) {
                Some(rendition) => out.renditions.push(rendition),
                None => context.issue("EXT-X-MEDIA without a known TYPE, GROUP-ID and NAME"),
            },
            "EXT-X-SESSION-KEY" => out.session_keys.extend(super::key(&attributes, &mut context)),
            "EXT-X-START" => out.start = super::start(&attributes),
            "EXT-X-INDEPENDENT-SEGMENTS" => out.independent_segments = true,
            "EXT-X-DEFINE" => context.define(&attributes),
            _ => {}
        }
    }
    if out.variants.is_empty() {
        return Err(ManifestError::Empty);
    }
    out.variables = context.variables;
    out.issues = context.issues;
    Ok(out)
}

/// Sections 4.3.4.2 and 4.3.4.3, still without its address.
fn variant(attributes: &Attributes<'_>, context: &mut Context<'_>) -> Variant {
    let number = |name| attributes.get(name).and_then(|value| value.parse::<u64>().ok());
    let bandwidth_bps = number("BANDWIDTH").unwrap_or_else(|| {
        context.issue("a variant without BANDWIDTH");
        0
    });
    // NONE, without quotes, is the absence of captions; a group of that name would be indistinguishable and is not used.
    let group = |name| attributes.owned(name).filter(|group| group != "NONE");
    Variant {
        uri: String::new(),
        bandwidth_bps,
        average_bandwidth_bps: number("AVERAGE-BANDWIDTH"),
        codecs: attributes.list("CODECS"),
        resolution: attributes.get("RESOLUTION").and_then(text::resolution),
        frame_rate_milli: attributes
            .get("FRAME-RATE")
            .and_then(|rate| u32::try_from(text::decimal(rate, 1000)?).ok())
            .filter(|&rate| rate > 0),
        video_range: attributes.owned("VIDEO-RANGE"),
        audio_group: group("AUDIO"),
        video_group: group("VIDEO"),
        subtitles_group: group("SUBTITLES"),
        closed_captions_group: group("CLOSED-CAPTIONS"),
    }
}

/// Section 4.3.4.1.
fn rendition(attributes: &Attributes<'_>, context: &mut Context<'_>) -> Option<Rendition> {
    let kind = match attributes.get("TYPE")? {
        "AUDIO" => RenditionKind::Audio,
        "VIDEO" => RenditionKind::Video,
        "SUBTITLES" => RenditionKind::Subtitles,
        "CLOSED-CAPTIONS" => RenditionKind::ClosedCaptions,
        _ => return None,
    };
    let default = attributes.is_yes("DEFAULT");
    Some(Rendition {
        kind,
        group: attributes.owned("GROUP-ID")?,
        name: attributes.owned("NAME")?,
        uri: attributes.get("URI").and_then(|uri| context.resolve(uri)),
        language: attributes.owned("LANGUAGE"),
        default,
        // A default that may not be chosen automatically contradicts itself; the standard makes AUTOSELECT yes then.
        autoselect: default || attributes.is_yes("AUTOSELECT"),
        forced: attributes.is_yes("FORCED"),
        // `16/JOC`: what follows the slash describes the coding.
        channels: attributes.get("CHANNELS").and_then(|value| value.split('/').next()?.trim().parse().ok()),
        characteristics: attributes.list("CHARACTERISTICS"),
        instream_id: attributes.owned("INSTREAM-ID"),
    })
}
