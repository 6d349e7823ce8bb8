//! HLS playlists as the field writes them.

use kinora_manifest::{
    ByteRange, KeyMethod, ManifestError, MediaPlaylist, Playlist, PlaylistKind, Presentation, RenditionKind,
    Variables, parse,
};
use proptest::prelude::*;

const BASE: &str = "https://host/show/main.m3u8?token=t";

fn media(text: &str) -> MediaPlaylist {
    match parse(text.as_bytes(), BASE, &Variables::new()) {
        Ok(Playlist::Media(playlist)) => playlist,
        other => panic!("{other:?}"),
    }
}

fn multivariant(text: &str) -> Presentation {
    match parse(text.as_bytes(), BASE, &Variables::new()) {
        Ok(Playlist::Multivariant(presentation)) => presentation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn media_playlist_with_byte_order_mark_and_crlf_is_read() {
    let playlist =
        media("\u{feff}#EXTM3U\r\n#EXT-X-TARGETDURATION:6\r\n#EXTINF:5.005,\r\na.ts\r\n#EXT-X-ENDLIST\r\n");
    assert_eq!(playlist.kind, PlaylistKind::Vod);
    assert_eq!(playlist.target_duration_us, 6_000_000);
    assert_eq!(playlist.segments[0].uri, "https://host/show/a.ts");
    assert_eq!(playlist.segments[0].duration_us, 5_005_000);
    assert_eq!(playlist.issues, []);
}

#[test]
fn text_without_any_tag_of_ours_is_refused() {
    for text in ["", "<!DOCTYPE html>\n<p>404", "a.ts\nb.ts", "#EXTREME weather\n"] {
        assert_eq!(
            parse(text.as_bytes(), BASE, &Variables::new()),
            Err(ManifestError::NotAPlaylist),
            "{text}"
        );
    }
    assert_eq!(parse(b"#EXTM3U\n#EXT-X-ENDLIST", BASE, &Variables::new()), Err(ManifestError::Empty));
}

#[test]
fn header_missing_before_hls_tags_is_an_issue() {
    let playlist = media("#EXT-X-TARGETDURATION:6\n#EXTINF:5,\na.ts\n");
    assert_eq!(playlist.segments.len(), 1);
    assert_eq!(playlist.issues.len(), 1);
}

#[test]
fn header_and_no_hls_tag_is_a_plain_list() {
    let list = parse(b"#EXTM3U\n#EXTINF:3,A song\nsong.mp3\n", BASE, &Variables::new());
    assert!(matches!(list, Ok(Playlist::List(items)) if items[0].uri == "https://host/show/song.mp3"));
}

#[test]
fn byte_range_without_offset_continues_after_the_last() {
    let playlist = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"a.mp4\",BYTERANGE=\"720@0\"\n\
         #EXTINF:6,\n#EXT-X-BYTERANGE:100@720\na.mp4\n#EXTINF:6,\n#EXT-X-BYTERANGE:50\na.mp4\n",
    );
    assert_eq!(playlist.segments[1].byte_range, Some(ByteRange { offset: 820, length: 50 }));
    let init = playlist.segments[1].init.as_ref().unwrap();
    assert_eq!(init.range.unwrap().header().as_deref(), Some("bytes=0-719"));
    assert_eq!(playlist.kind, PlaylistKind::Live);
}

#[test]
fn key_of_several_formats_prefers_the_one_without_a_key_system() {
    let playlist = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:258\n\
         #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"k.bin\"\n#EXTINF:6,\na.ts\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"k.bin\",IV=0x0A\n#EXTINF:6,\nb.ts\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:6,\nc.ts\n",
    );
    let key = playlist.segments[0].key.as_ref().unwrap();
    assert_eq!((key.method, key.uri.as_deref()), (KeyMethod::Aes128, Some("https://host/show/k.bin")));
    assert_eq!(playlist.segments[0].iv()[14..], [1, 2], "the sequence number 258");
    assert_eq!(playlist.segments[1].iv()[14..], [0, 10]);
    assert_eq!(playlist.segments[2].key, None);
}

#[test]
fn program_date_time_is_counted_on_until_stated_again() {
    let playlist = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:10Z\n#EXTINF:6,\na.ts\n#EXTINF:5,\nb.ts\n\
         #EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T01:00:00+01:00\n#EXT-X-GAP\n#EXTINF:5,\nc.ts\n",
    );
    let dates: Vec<_> = playlist.segments.iter().map(|s| s.program_date_time_us.unwrap()).collect();
    assert_eq!(dates, [10_000_000, 16_000_000, 0]);
    assert!(playlist.segments[2].gap && playlist.segments[2].discontinuity);
    assert_eq!(playlist.segments[2].discontinuity_sequence, 1);
}

#[test]
fn hold_back_is_at_least_three_target_durations() {
    let hold_back = |control: &str| {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n{control}\n#EXTINF:4,\na.ts\n");
        media(&text).hold_back_us
    };
    assert_eq!(hold_back("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24,HOLD-BACK=18.5"), Some(18_500_000));
    assert_eq!(hold_back("#EXT-X-SERVER-CONTROL:HOLD-BACK=-1"), Some(12_000_000));
    assert_eq!(hold_back("#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=1"), None);
}

#[test]
fn variables_are_defined_imported_and_taken_from_the_query() {
    let imports = Variables::from([("auth".to_owned(), "xyz".to_owned())]);
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-DEFINE:NAME=\"cdn\",VALUE=\"https://cdn/p\"\n\
                #EXT-X-DEFINE:IMPORT=\"auth\"\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n\
                #EXT-X-MAP:URI=\"{$cdn}/init.mp4\"\n#EXTINF:6,{$cdn}\n{$cdn}/a.ts?{$auth}&{$token}&{$none}\n";
    let Ok(Playlist::Media(playlist)) = parse(text.as_bytes(), BASE, &imports) else { panic!() };
    let segment = &playlist.segments[0];
    assert_eq!(segment.uri, "https://cdn/p/a.ts?xyz&t&%7B$none%7D");
    assert_eq!(segment.init.as_ref().unwrap().uri, "https://cdn/p/init.mp4");
    assert_eq!(segment.title.as_deref(), Some("{$cdn}"), "titles are words, not attributes");
    assert_eq!(playlist.issues.len(), 1);
}

#[test]
fn multivariant_playlist_groups_and_attributes_are_read() {
    let presentation = multivariant(
        "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=YES,CHANNELS=\"16/JOC\",URI=\"de.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Signs\",FORCED=YES,CHARACTERISTICS=\"x, y\",URI=\"s.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"CC\",INSTREAM-ID=\"CC1\"\n\
         #EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-START:TIME-OFFSET=-12.5,PRECISE=YES\n\
         #EXT-X-STREAM-INF:BANDWIDTH=5000000, AVERAGE-BANDWIDTH=4000000,CODECS=\"avc1.64001f, mp4a.40.2\",RESOLUTION=1280x720,\
         FRAME-RATE=29.970,AUDIO=\"a\",SUBTITLES=\"s\",CLOSED-CAPTIONS=NONE\nhd/index.m3u8\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,URI=\"iframes.m3u8\"\n",
    );
    let variant = &presentation.variants[0];
    assert_eq!(variant.uri, "https://host/show/hd/index.m3u8");
    assert_eq!((variant.bandwidth_bps, variant.average_bandwidth_bps), (5_000_000, Some(4_000_000)));
    assert_eq!(variant.codecs, ["avc1.64001f", "mp4a.40.2"]);
    assert_eq!(variant.frame_rate_milli, Some(29_970));
    assert_eq!(variant.closed_captions_group, None);
    let [audio, subtitles, captions] = &presentation.renditions[..] else { panic!() };
    assert!(audio.default && audio.autoselect);
    assert_eq!(audio.channels, Some(16));
    assert!(subtitles.forced && subtitles.kind == RenditionKind::Subtitles);
    assert_eq!(subtitles.characteristics, ["x", "y"]);
    assert_eq!((captions.uri.as_ref(), captions.instream_id.as_deref()), (None, Some("CC1")));
    assert_eq!(presentation.start.unwrap().offset_us, -12_500_000);
    assert_eq!(presentation.session_keys.len(), 1);
    assert_eq!(presentation.i_frame_streams[0].uri, "https://host/show/iframes.m3u8");
    assert_eq!(presentation.variables["a"], "b");
    assert_eq!(presentation.issues, []);
}

#[test]
fn output_of_a_hostile_text_is_bounded() {
    let value = "x".repeat(10_000);
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{value}\"\n");
    text.push_str(&"{$a}\n".repeat(100_000));
    let playlist = media(&text);
    let total: usize = playlist.segments.iter().map(|s| s.uri.len()).sum();
    assert!(total <= 48 << 20, "{total}");
    assert!(playlist.issues.len() <= 64);
}

const SEED: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:18446744073709551610\n\
    #EXT-X-DEFINE:NAME=\"v\",VALUE=\"w\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k{$v}\",IV=0x01\n#EXT-X-MAP:URI=\"i\",BYTERANGE=\"7@1\"\n\
    #EXT-X-PROGRAM-DATE-TIME:2016-06-22T09:20:16.166-04:00\n#EXTINF:5.9,t\n#EXT-X-BYTERANGE:9@18446744073709551600\na.ts\n\
    #EXT-X-DISCONTINUITY\n#EXTINF:-1\n../b.ts\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1x1,FRAME-RATE=1.5\nc.m3u8\n";

proptest! {
    #[test]
    fn parse_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&bytes, BASE, &Variables::new());
    }

    #[test]
    fn parse_mutated_playlist_output_is_bounded_by_its_lines(
        cuts in proptest::collection::vec((0..SEED.len(), any::<u8>(), 0..40_usize), 0..12),
        drop_variant in any::<bool>(),
    ) {
        let mut bytes = SEED.as_bytes().to_vec();
        if drop_variant {
            bytes.truncate(SEED.find("#EXT-X-STREAM-INF").unwrap());
        }
        for (at, byte, length) in cuts {
            let at = at.min(bytes.len().saturating_sub(1));
            if length == 0 {
                bytes[at] = byte;
            } else {
                let again: Vec<u8> = bytes[at..].iter().take(length).copied().collect();
                bytes.splice(at..at, again);
            }
        }
        let lines = bytes.split(|&b| b == b'\n').count();
        match parse(&bytes, BASE, &Variables::new()) {
            Ok(Playlist::Media(playlist)) => {
                prop_assert!(playlist.segments.len() <= lines);
                prop_assert!(playlist.segments.iter().all(|s| s.duration_us >= 0));
                prop_assert!(playlist.target_duration_us >= 0);
            }
            Ok(Playlist::Multivariant(presentation)) => prop_assert!(presentation.variants.len() <= lines),
            Ok(Playlist::List(items)) => prop_assert!(items.len() <= lines),
            Err(_) => {}
        }
    }
}
