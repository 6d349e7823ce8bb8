use proptest::prelude::*;

use super::*;
use crate::driver::fixture;
use crate::{Codec, Sample, Trim};

/// An element with a one- or eight-byte size.
fn element(id: u32, data: &[u8]) -> Vec<u8> {
    let id: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
    let size = match data.len() {
        n @ 0..=126 => vec![0x80 | n as u8],
        n => (n as u64 | 1 << 56).to_be_bytes().to_vec(),
    };
    [id, size, data.to_vec()].concat()
}

fn master(id: u32, children: &[Vec<u8>]) -> Vec<u8> {
    element(id, &children.concat())
}

/// The same with an unknown size, as live writers do.
fn open(id: u32, children: &[Vec<u8>]) -> Vec<u8> {
    [id.to_be_bytes().to_vec(), vec![0xff], children.concat()].concat()
}

fn simple(track: u8, relative: i16, key: bool, data: &[u8]) -> Vec<u8> {
    let [hi, lo] = relative.to_be_bytes();
    element(id::SIMPLE_BLOCK, &[&[0x80 | track, hi, lo, if key { 0x80 } else { 0 }], data].concat())
}

fn header() -> Vec<u8> {
    element(id::EBML, &element(0x4282, b"matroska"))
}

/// VP9 as track 1, Opus with 312 frames of pre-skip and 6.5 ms of delay as track 2, SubRip as track 3.
fn tracks() -> Vec<u8> {
    let video = [element(0xb0, &[64]), element(0xba, &[36]), element(0x54b0, &[128]), element(0x54ba, &[36])];
    let entry = |number: u8, kind: u8, codec: &[u8], more: Vec<u8>| {
        master(0xae, &[element(0xd7, &[number]), element(0x83, &[kind]), element(0x86, codec), more])
    };
    let opus = [
        element(0x63a2, b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0"),
        element(0x56aa, &6_500_000u32.to_be_bytes()),
        element(0x0022_b59c, b"ger"),
        master(0xe1, &[element(0xb5, &48_000f64.to_be_bytes()), element(0x9f, &[1])]),
    ];
    master(
        id::TRACKS,
        &[
            entry(1, 1, b"V_VP9", master(0xe0, &video)),
            entry(2, 2, b"A_OPUS", opus.concat()),
            entry(3, 17, b"S_TEXT/UTF8", Vec::new()),
        ],
    )
}

fn cluster(seconds: u8) -> Vec<Vec<u8>> {
    let block = element(0xa1, &[&[0x83, 0, 10, 0][..], b"Hi"].concat());
    let last = element(0xa1, &[0x82, 0, 20, 0, 0xf8, seconds]);
    vec![
        element(id::TIMESTAMP, &(u16::from(seconds) * 1000).to_be_bytes()),
        simple(2, 0, true, &[0xf8, seconds]),
        simple(1, 0, true, &[1, seconds]),
        simple(1, 500, false, &[2, seconds]),
        master(id::BLOCK_GROUP, &[block, element(0x9b, &[0x07, 0xd0])]),
        master(id::BLOCK_GROUP, &[last, element(0x75a2, &6_500_000u32.to_be_bytes())]),
    ]
}

/// Ten clusters of a second each; `cues` lists them ahead.
fn file(cues: bool) -> Vec<u8> {
    let info = master(id::INFO, &[element(id::DURATION, &10_000f64.to_be_bytes())]);
    let clusters: Vec<_> = (0..10).map(|n| master(id::CLUSTER, &cluster(n))).collect();
    let cluster_of = |n: usize| cluster(n as u8);
    let points = |from: u64| {
        let mut at = from;
        let mut out = Vec::new();
        for (n, cluster) in clusters.iter().enumerate() {
            let place = master(0xb7, &[element(0xf7, &[1]), element(0xf1, &at.to_be_bytes())]);
            out.push(master(0xbb, &[element(0xb3, &(n as u32 * 1000).to_be_bytes()), place]));
            // The caption's group comes after the timestamp and three blocks, and shows for two seconds.
            let before: usize = cluster_of(n)[..4].iter().map(Vec::len).sum();
            let place = [
                element(0xf7, &[3]),
                element(0xf1, &at.to_be_bytes()),
                element(0xf0, &[before as u8]),
                element(0xb2, &[0x07, 0xd0]),
            ];
            out.push(master(
                0xbb,
                &[element(0xb3, &(n as u32 * 1000 + 10).to_be_bytes()), master(0xb7, &place)],
            ));
            at += cluster.len() as u64;
        }
        if cues { master(id::CUES, &out) } else { Vec::new() }
    };
    let head = [info, tracks()].concat();
    let index = points((head.len() + points(0).len()) as u64);
    let segment = [head, index, clusters.concat()].concat();
    [header(), element(id::SEGMENT, &segment)].concat()
}

fn live_file() -> Vec<u8> {
    let clusters: Vec<_> = (0..10).map(|n| open(id::CLUSTER, &cluster(n))).collect();
    [header(), open(id::SEGMENT, &[tracks(), clusters.concat()])].concat()
}

/// What a demuxer makes of a file.
#[derive(Debug, Default, PartialEq)]
struct Out {
    samples: Vec<Sample>,
    cues: Vec<(i64, u32, Vec<u8>)>,
    error: Option<Error>,
}

/// Answers a demuxer with pieces of at most `chunk` bytes (or what it needs), then seeks once if told to.
fn run(file: &[u8], chunk: usize, total: bool, seek: Option<i64>) -> (Out, Matroska) {
    let (mut demux, mut window, mut out) = (Matroska::new(), Window::default(), Out::default());
    window.set_total(total.then_some(file.len() as u64));
    let mut seek = seek;
    // Every step takes bytes, answers with something, or ends: no more steps than a few for each byte.
    for _ in 0..200 + 40 * file.len() {
        match demux.step(&window) {
            Ok(Step::More { at, least }) => {
                assert!(window.get(at, least).is_none(), "asks for what is there");
                if window.range().contains(&at) || window.end() == at {
                    window.drop_before(at);
                } else {
                    window.restart_at(at);
                }
                let from = (window.end() as usize).min(file.len());
                let to = (window.end() as usize).saturating_add(chunk).min(file.len());
                if from == to {
                    window.set_ended();
                }
                window.extend(&file[from..to]);
            }
            Ok(Step::Tracks) => {
                if let Some(to_us) = seek.take() {
                    demux.seek(to_us);
                }
            }
            Ok(Step::Sample(sample)) => out.samples.push(sample),
            Ok(Step::Cue(cue)) => out.cues.push((cue.start_us, cue.duration_us, cue.data)),
            Ok(Step::End) => return (out, demux),
            Err(error) => out.error = Some(error),
        }
    }
    panic!("no end in sight");
}

#[test]
fn file_with_cues_gives_tracks_samples_and_cues() {
    let (out, demux) = run(&file(true), 4096, true, None);
    assert_eq!(out.error, None);
    let [video, audio, text] = demux.tracks() else { panic!("three tracks") };
    let Kind::Video(format) = video.kind else { panic!("video") };
    assert_eq!((video.codec, format.width, format.height, format.par), (Codec::Vp9, 64, 36, (2, 1)));
    assert_eq!((audio.codec_string.as_str(), audio.language.as_str()), ("opus", "ger"));
    assert_eq!(text.kind, Kind::Text(crate::TextFormat::Subrip));
    assert_eq!((demux.start_us(), demux.duration_us()), (-7_000, Some(10_000_000)));
    assert_eq!((out.samples.len(), out.cues.len()), (40, 10));
    assert_eq!(out.cues[1], (1_010_000, 2_000_000, b"Hi".to_vec()));
    let sound: Vec<_> = out.samples.iter().filter(|s| s.track == 2).collect();
    assert_eq!((sound[0].pts_us, sound[0].trim), (-7_000, Trim { start: 312, end: 0 }));
    assert_eq!((sound[1].pts_us, sound[1].trim), (13_000, Trim { start: 0, end: 312 }));
}

#[test]
fn file_in_any_pieces_gives_the_same() {
    for file in [file(true), file(false), live_file()] {
        let (whole, _) = run(&file, 1 << 20, true, None);
        assert_eq!(whole.samples.len(), 40);
        for (chunk, total) in [(1, true), (1, false), (7, true), (4096, false)] {
            assert_eq!(run(&file, chunk, total, None).0, whole, "{chunk} bytes, total known: {total}");
        }
    }
}

#[test]
fn seek_with_and_without_index_starts_at_the_key_frame_before() {
    for (file, total) in [
        (file(true), true),
        (file(true), false),
        (file(false), true),
        (file(false), false),
        (live_file(), true),
    ] {
        let (all, _) = run(&file, 4096, true, None);
        for to_us in [-5, 0, 999_999, 1_000_000, 4_700_000, 99_000_000] {
            let (got, _) = run(&file, 64, total, Some(to_us));
            let key = to_us.clamp(0, 9_999_999) / 1_000_000 * 1_000_000;
            let video =
                |out: &Out| -> Vec<Sample> { out.samples.iter().filter(|s| s.track == 1).cloned().collect() };
            let expected: Vec<_> = video(&all).into_iter().filter(|s| s.pts_us >= key).collect();
            assert_eq!(video(&got), expected, "to {to_us}");
            let needed = |out: &Out| out.samples.iter().filter(|s| s.track == 2 && s.pts_us >= to_us).count();
            assert_eq!(needed(&got), needed(&all), "sound from {to_us}");
        }
    }
}

#[test]
fn seek_reports_captions_that_still_show() {
    let starts = |to_us: i64| -> Vec<i64> {
        let (out, _) = run(&file(true), 16, true, Some(to_us));
        out.cues.iter().map(|(start_us, ..)| *start_us).collect()
    };
    assert_eq!(starts(5_900_000), [4_010_000, 5_010_000, 6_010_000, 7_010_000, 8_010_000, 9_010_000]);
    assert_eq!(starts(8_300_000)[..2], [7_010_000, 8_010_000]);
}

#[test]
fn damage_costs_what_lies_before_the_next_cluster() {
    let mut file = file(false);
    let at = file.windows(4).position(|w| w == id::CLUSTER.to_be_bytes()).expect("a cluster") + 17;
    file[at..at + 4].fill(0);
    let (out, mut demux) = run(&file, 4096, true, None);
    assert!(out.samples.len() >= 36);
    assert_eq!(demux.take_issues().len(), 1);
}

#[test]
fn file_without_header_or_tracks_is_an_error_once() {
    assert!(matches!(run(b"RIFF....", 4, true, None).0.error, Some(Error::Unrecognised(_))));
    assert!(matches!(run(&header(), 4, true, None).0.error, Some(Error::Unrecognised(_))));
    let no_tracks = [header(), open(id::SEGMENT, &[master(id::CLUSTER, &cluster(0))])].concat();
    assert!(matches!(run(&no_tracks, 4, true, None).0.error, Some(Error::Damaged(_))));
}

#[test]
fn cut_file_gives_every_whole_block_before() {
    let file = file(true);
    for cut in 0..file.len() {
        let (out, _) = run(&file[..cut], 4096, true, Some(3_000_000).filter(|_| cut % 2 == 0));
        assert!(out.samples.len() <= 40);
    }
}

/// androidx/media's dump of a real file: time, key flag and hash of every sample.
#[test]
fn fixture_mkv_gives_what_its_dump_says() {
    let dump = String::from_utf8(fixture("androidx/dumps/mkv/sample.mkv.0.dump")).expect("text");
    let file = fixture("androidx/media/mkv/sample.mkv");
    let mut expected: Vec<(u32, i64, String)> = Vec::new();
    let mut track = 0;
    for line in dump.lines().map(str::trim) {
        if let Some(number) = line.strip_prefix("track ").and_then(|rest| rest.strip_suffix(':')) {
            track = number.parse().expect("a number");
        } else if let Some(time) = line.strip_prefix("time = ") {
            expected.push((track, time.parse().expect("a number"), String::new()));
        } else if let (Some(data), Some(last)) = (line.strip_prefix("data = "), expected.last_mut()) {
            last.2 = data.into();
        }
    }
    let (out, _) = run(&file, 4096, false, None);
    let mut got: Vec<_> = out.samples.iter().map(|s| (s.track, s.pts_us, hashed(&s.data))).collect();
    got.sort_by_key(|(track, ..)| *track);
    assert_eq!(got, expected);
}

/// Java's `Arrays.hashCode`.
fn hashed(data: &[u8]) -> String {
    let hash = data.iter().fold(1u32, |h, b| h.wrapping_mul(31).wrapping_add(i32::from(*b as i8) as u32));
    format!("length {}, hash {hash:X}", data.len())
}

proptest! {
    #[test]
    fn file_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), seek in any::<Option<i64>>()) {
        run(&[header(), bytes].concat(), 16, false, seek);
    }

    #[test]
    fn file_flipped_bits_never_panic_and_stay_bounded(
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0u8..8), 1..8),
        kind in 0usize..3, chunk in 1usize..200, total: bool, seek in proptest::option::of(-10i64..12_000_000),
    ) {
        let mut file = [file(true), file(false), live_file()][kind].clone();
        for (index, bit) in flips {
            let at = index.index(file.len());
            file[at] ^= 1 << bit;
        }
        let (out, _) = run(&file, chunk, total, seek);
        prop_assert!(out.samples.iter().map(|s| s.data.len()).sum::<usize>() <= 2 * file.len());
    }
}
