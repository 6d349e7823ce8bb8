//! Playlists, read whole and over the network.

use kinora_manifest::{MediaPlaylist, Playlist, Presentation, Variables, parse, parse_list};

use crate::network;

/// The longest address the model may hold (`kinora_manifest::resolve`).
const MOST_URI: usize = 16 << 10;
const MOST_ISSUES: usize = 65;

pub(crate) fn hls(data: &[u8]) {
    let with_head = [b"#EXTM3U\n", data].concat();
    // The signature is the first thing a mutation breaks, and then nothing else would be read.
    let data = if data.len().is_multiple_of(8) { data } else { &with_head };
    let variables = Variables::from([("v".to_owned(), "value".to_owned())]);
    let parsed = parse(data, "https://example.org/a/b.m3u8?v=1", &variables);
    match &parsed {
        Ok(Playlist::Media(playlist)) => check_media(playlist, data),
        Ok(Playlist::Multivariant(presentation)) => check_presentation(presentation),
        Ok(Playlist::List(items)) => assert!(items.len() <= lines(data)),
        Err(_) => {}
    }
    if let Ok(text) = std::str::from_utf8(data)
        && !text.contains('\r')
    {
        let dos =
            parse(text.replace('\n', "\r\n").as_bytes(), "https://example.org/a/b.m3u8?v=1", &variables);
        assert!(dos == parsed, "line ends make a difference: {parsed:?}, or {dos:?}");
    }
    network::playlist(data);
}

pub(crate) fn list(data: &[u8]) {
    for base in ["file:///a/b.m3u", "https://example.org/a/b.m3u?c", "odd", ""] {
        let Ok(items) = parse_list(data, base) else { continue };
        assert!(items.len() <= lines(data));
        for item in items {
            check_uri(&item.uri);
            assert!(item.duration_us.is_none_or(|us| us >= 0));
        }
    }
}

fn lines(data: &[u8]) -> usize {
    data.split(|&byte| byte == b'\n').count()
}

fn check_media(playlist: &MediaPlaylist, data: &[u8]) {
    assert!(playlist.segments.len() <= lines(data), "{} segments", playlist.segments.len());
    assert!(playlist.issues.len() <= MOST_ISSUES, "{} issues", playlist.issues.len());
    assert!(playlist.target_duration_us >= 0);
    for pair in playlist.segments.windows(2) {
        assert!(pair[0].sequence < pair[1].sequence, "segments count up");
        assert!(pair[0].discontinuity_sequence <= pair[1].discontinuity_sequence);
    }
    for segment in &playlist.segments {
        check_uri(&segment.uri);
        assert!(segment.duration_us >= 0, "a segment of {} us", segment.duration_us);
        let ranges = [segment.byte_range, segment.init.as_ref().and_then(|init| init.range)];
        for range in ranges.into_iter().flatten() {
            assert!(range.offset.checked_add(range.length).is_some(), "{range:?}");
        }
        for key in segment.key.iter() {
            key.uri.iter().for_each(|uri| check_uri(uri));
        }
    }
}

fn check_presentation(presentation: &Presentation) {
    assert!(presentation.issues.len() <= MOST_ISSUES, "{} issues", presentation.issues.len());
    let variants =
        presentation.variants.iter().chain(&presentation.i_frame_streams).map(|variant| &variant.uri);
    variants
        .chain(presentation.renditions.iter().filter_map(|r| r.uri.as_ref()))
        .for_each(|uri| check_uri(uri));
}

/// Absolute, without spaces or control characters, and not too long.
fn check_uri(uri: &str) {
    assert!(uri.len() <= MOST_URI, "an address of {} bytes", uri.len());
    assert!(uri.contains(':') && uri.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{uri:?}");
}
