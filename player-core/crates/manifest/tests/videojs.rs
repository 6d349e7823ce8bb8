//! The fields that our model shares with that of videojs/m3u8-parser, over its own fixtures in `$KINORA_FIXTURES/m3u8`.

use std::path::Path;

use kinora_manifest::{
    Key, MediaPlaylist, Playlist, Presentation, RenditionKind, Variables, Variant, parse, resolve,
};
use serde_json::Value;

const BASE: &str = "https://host/folder/main.m3u8";

#[test]
fn fixture_models_equal_the_oracle() {
    let root = std::env::var_os("KINORA_FIXTURES").expect("KINORA_FIXTURES, or `--skip fixture_`");
    let mut compared = 0;
    for entry in std::fs::read_dir(Path::new(&root).join("m3u8")).expect("the folder of fixtures") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "m3u8") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read(&path).expect("a playlist");
        let oracle = std::fs::read_to_string(path.with_extension("json")).expect("its model");
        let oracle: Value = serde_json::from_str(&oracle).expect("JSON");
        match parse(&text, BASE, &Variables::new()).unwrap_or_else(|error| panic!("{name}: {error}")) {
            Playlist::Media(playlist) => compare_media(&name, &playlist, &oracle),
            Playlist::Multivariant(presentation) => compare_multivariant(&name, &presentation, &oracle),
            Playlist::List(_) => panic!("{name}: taken for a plain list"),
        }
        compared += 1;
    }
    assert!(compared > 0, "no fixture found");
    eprintln!("{compared} playlists compared");
}

fn absolute(reference: &Value) -> Option<String> {
    reference.as_str().and_then(|reference| resolve(BASE, reference))
}

fn microseconds(seconds: &Value) -> Option<i64> {
    seconds.as_f64().map(|seconds| (seconds * 1e6).round() as i64)
}

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

fn compare_media(name: &str, ours: &MediaPlaylist, oracle: &Value) {
    let segments = oracle["segments"].as_array().expect("segments");
    assert_eq!(ours.segments.len(), segments.len(), "{name}: segments");
    if let Some(target) = microseconds(&oracle["targetDuration"]) {
        assert_eq!(ours.target_duration_us, target, "{name}: target duration");
    }
    assert_eq!(ours.media_sequence, oracle["mediaSequence"].as_u64().unwrap_or(0), "{name}: media sequence");
    assert_eq!(ours.end_list, flag(&oracle["endList"]), "{name}: end");
    assert_eq!(ours.i_frames_only, flag(&oracle["iFramesOnly"]), "{name}: I-frames");
    assert_eq!(ours.independent_segments, flag(&oracle["independentSegments"]), "{name}: independent");
    if let Some(kind) = oracle["playlistType"].as_str() {
        assert_eq!(format!("{:?}", ours.kind).to_uppercase(), kind, "{name}: kind");
    }
    assert_eq!(
        ours.start.map(|start| start.offset_us),
        microseconds(&oracle["start"]["timeOffset"]),
        "{name}: start"
    );

    for (index, (ours, theirs)) in ours.segments.iter().zip(segments).enumerate() {
        let at = format!("{name}: segment {index}");
        assert_eq!(Some(&ours.uri), absolute(&theirs["uri"]).as_ref(), "{at}");
        assert_eq!(Some(ours.duration_us), microseconds(&theirs["duration"]), "{at}: duration");
        assert_eq!(ours.discontinuity, flag(&theirs["discontinuity"]), "{at}: discontinuity");
        assert_eq!(Some(ours.discontinuity_sequence), theirs["timeline"].as_u64(), "{at}: timeline");
        assert_eq!(ours.gap, flag(&theirs["gap"]), "{at}: gap");
        // Words in place of a number are a title to the oracle; to us they are a damaged duration.
        if !theirs["title"].as_str().unwrap_or_default().starts_with(';') {
            assert_eq!(ours.title.as_deref(), theirs["title"].as_str(), "{at}: title");
        }
        let range = ours.byte_range.map(|range| (Some(range.offset), Some(range.length)));
        assert_eq!(range, oracle_range(&theirs["byterange"]), "{at}: byte range");
        // Floating-point sums of the oracle: to the millisecond.
        let date = theirs["programDateTime"].as_f64().map(|ms| ms.floor() as i64);
        assert_eq!(ours.program_date_time_us.map(|us| us.div_euclid(1000)), date, "{at}: date");
        compare_key(&at, ours.key.as_deref(), &theirs["key"]);
        let init = ours.init.as_deref();
        assert_eq!(init.map(|init| init.uri.clone()), absolute(&theirs["map"]["uri"]), "{at}: map");
        let range = init.and_then(|init| init.range).map(|range| (Some(range.offset), Some(range.length)));
        assert_eq!(range, oracle_range(&theirs["map"]["byterange"]), "{at}: range of the map");
        compare_key(&at, init.and_then(|init| init.key.as_deref()), &theirs["map"]["key"]);
    }
}

fn oracle_range(range: &Value) -> Option<(Option<u64>, Option<u64>)> {
    range.as_object().map(|range| (range["offset"].as_u64(), range["length"].as_u64()))
}

fn compare_key(at: &str, ours: Option<&Key>, theirs: &Value) {
    assert_eq!(ours.and_then(|key| key.uri.clone()), absolute(&theirs["uri"]), "{at}: key");
    let words = |iv: [u8; 16]| -> Vec<u32> {
        iv.chunks(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]])).collect()
    };
    let iv = theirs["iv"].as_array().map(|iv| iv.iter().map(|word| word.as_u64().unwrap() as u32).collect());
    assert_eq!(ours.and_then(|key| key.iv).map(words), iv, "{at}: initialisation vector");
}

fn compare_multivariant(name: &str, ours: &Presentation, oracle: &Value) {
    let variants = oracle["playlists"].as_array().expect("playlists");
    assert_eq!(ours.variants.len(), variants.len(), "{name}: variants");
    for (ours, theirs) in ours.variants.iter().zip(variants) {
        compare_variant(name, ours, theirs);
    }
    let i_frames = oracle["iFramePlaylists"].as_array().expect("I-frame playlists");
    assert_eq!(ours.i_frame_streams.len(), i_frames.len(), "{name}: I-frame streams");
    for (ours, theirs) in ours.i_frame_streams.iter().zip(i_frames) {
        compare_variant(name, ours, theirs);
    }

    let mut renditions = 0;
    for (kind, type_name) in [
        (RenditionKind::Audio, "AUDIO"),
        (RenditionKind::Video, "VIDEO"),
        (RenditionKind::Subtitles, "SUBTITLES"),
        (RenditionKind::ClosedCaptions, "CLOSED-CAPTIONS"),
    ] {
        for (group, members) in oracle["mediaGroups"][type_name].as_object().expect("groups") {
            for (label, theirs) in members.as_object().expect("members") {
                let at = format!("{name}: {type_name} {group} {label}");
                let ours =
                    ours.renditions.iter().find(|r| r.kind == kind && &r.group == group && &r.name == label);
                let ours = ours.unwrap_or_else(|| panic!("{at} is missing"));
                assert_eq!(ours.default, flag(&theirs["default"]), "{at}: default");
                assert_eq!(ours.autoselect, flag(&theirs["autoselect"]), "{at}: autoselect");
                assert_eq!(ours.forced, flag(&theirs["forced"]), "{at}: forced");
                assert_eq!(ours.language.as_deref(), theirs["language"].as_str(), "{at}: language");
                assert_eq!(ours.instream_id.as_deref(), theirs["instreamId"].as_str(), "{at}: in-stream id");
                assert_eq!(ours.uri, absolute(&theirs["uri"]), "{at}");
                renditions += 1;
            }
        }
    }
    assert_eq!(ours.renditions.len(), renditions, "{name}: renditions");
}

fn compare_variant(name: &str, ours: &Variant, theirs: &Value) {
    let attributes = &theirs["attributes"];
    let at = format!("{name}: {}", ours.uri);
    let uri = absolute(&theirs["uri"]).or_else(|| absolute(&attributes["URI"]));
    assert_eq!(Some(ours.uri.clone()), uri, "{at}");
    assert_eq!(Some(ours.bandwidth_bps), attributes["BANDWIDTH"].as_u64(), "{at}: bandwidth");
    let average = &attributes["AVERAGE-BANDWIDTH"];
    let average = average.as_u64().or_else(|| average.as_str()?.parse().ok());
    assert_eq!(ours.average_bandwidth_bps, average, "{at}: average bandwidth");
    let size = ours.resolution.map(|size| (Some(u64::from(size.width)), Some(u64::from(size.height))));
    let expected =
        attributes["RESOLUTION"].as_object().map(|size| (size["width"].as_u64(), size["height"].as_u64()));
    assert_eq!(size, expected, "{at}: resolution");
    let codecs = attributes["CODECS"].as_str().unwrap_or_default().split(',').map(str::trim);
    assert_eq!(ours.codecs, codecs.filter(|codec| !codec.is_empty()).collect::<Vec<_>>(), "{at}: codecs");
    let rate = attributes["FRAME-RATE"].as_f64().map(|rate| (rate * 1000.0).round() as u32);
    assert_eq!(ours.frame_rate_milli, rate, "{at}: frame rate");
    assert_eq!(ours.audio_group.as_deref(), attributes["AUDIO"].as_str(), "{at}: audio");
    assert_eq!(ours.subtitles_group.as_deref(), attributes["SUBTITLES"].as_str(), "{at}: subtitles");
}
