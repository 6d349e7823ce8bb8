//! The demuxer on files made here: two tracks, plain or fragmented, whole, in pieces and mutated.

use proptest::prelude::*;

use super::boxes::build::{boxed, words};
use super::*;
use crate::Trim;
use crate::driver::{self, Arrival, Run};

const VIDEO: u32 = 1;
const AUDIO: u32 = 2;
/// Samples of each track; the first and every fourth of the video is a key.
const COUNT: u32 = 8;

/// A `trak` with samples of constant size and duration in one chunk at `offset`.
fn trak(id: u32, offset: u32, samples: u32, edits: &[u32]) -> Vec<u8> {
    let video = id == VIDEO;
    let mut tkhd = vec![0, 0, id, 0, 0];
    tkhd.extend([0; 4]);
    // A turn of 90 degrees for the video.
    tkhd.extend(if video {
        [0, 0x1_0000, 0, 0u32.wrapping_sub(0x1_0000), 0, 0, 0, 0, 0x4000_0000]
    } else {
        [0; 9]
    });
    tkhd.extend([320 << 16, 240 << 16]);
    let timescale = if video { 100 } else { 48_000 };
    let handler: [u8; 4] = if video { *b"vide" } else { *b"soun" };
    let entry = if video {
        let of_width = |width| {
            let mut fixed = [0; 78];
            (fixed[25], fixed[27]) = (width, 120);
            boxed(b"vp09", &[&fixed])
        };
        [of_width(160), of_width(240)].concat()
    } else {
        let mut fixed = [0; 28];
        (fixed[17], fixed[19]) = (2, 16);
        fixed[24..28].copy_from_slice(&(48_000u32 << 16).to_be_bytes());
        boxed(b"ac-3", &[&fixed])
    };
    let mut stbl = vec![
        boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, if video { 2 } else { 1 }], &entry]),
        words(b"stts", 0, &[1, samples, if video { 4 } else { 1536 }]),
        words(b"stsz", 0, &[if video { 100 } else { 50 }, samples]),
        words(b"stsc", 0, &[1, 1, samples, 1]),
        words(b"stco", 0, &[1, offset]),
    ];
    if video {
        stbl.push(words(b"stss", 0, &[2, 1, 5]));
    }
    let hdlr = boxed(b"hdlr", &[&[0; 8], &handler, &[0; 12], b"VideoHandler\0"]);
    // "fra" in 15 bits.
    let mdhd = words(b"mdhd", 0, &[0, 0, timescale, 0, 0x1a41 << 16]);
    let mdia = boxed(b"mdia", &[&mdhd, &hdlr, &boxed(b"minf", &[&boxed(b"stbl", &[&stbl.concat()])])]);
    let edts = boxed(b"edts", &[&words(b"elst", 0, edits)]);
    boxed(b"trak", &[&words(b"tkhd", 1, &tkhd), if edits.is_empty() { &[] } else { &edts }, &mdia])
}

fn moov(parts: &[&[u8]]) -> Vec<u8> {
    let mut mvhd = vec![0, 0, 1000, 0, 0x1_0000, 0, 0, 0];
    mvhd.extend([0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
    boxed(b"moov", &[&words(b"mvhd", 0, &mvhd), &parts.concat()])
}

fn media() -> Vec<u8> {
    (0..COUNT * 150).map(|i| (i / 50) as u8).collect()
}

/// Media first, movie box last.
fn plain(video_edits: &[u32], audio_edits: &[u32]) -> Vec<u8> {
    let mdat = boxed(b"mdat", &[&media()]);
    let tracks = [trak(VIDEO, 8, COUNT, video_edits), trak(AUDIO, 8 + COUNT * 100, COUNT, audio_edits)];
    [mdat, moov(&[&tracks[0], &tracks[1]])].concat()
}

fn initialisation() -> Vec<u8> {
    let trex = |id| words(b"trex", 0, &[id, 1, 0, 0, 0]);
    let mvex = boxed(b"mvex", &[&trex(VIDEO), &trex(AUDIO)]);
    moov(&[&trak(VIDEO, 0, 0, &[]), &trak(AUDIO, 0, 0, &[]), &mvex])
}

/// A fragment of `COUNT` samples a track that starts at this video sample.
fn segment(first: u32) -> Vec<u8> {
    let traf = |id, unit: u32, duration, size, offset| {
        let flags = if id == VIDEO { 0x101_0000 } else { 0 };
        let tfhd = words(b"tfhd", 0x2_0038, &[id, duration, size, flags]);
        let tfdt = words(b"tfdt", 0, &[first * unit]);
        boxed(b"traf", &[&tfhd, &tfdt, &words(b"trun", 5, &[COUNT, offset, 0x200_0000])])
    };
    let of_len = |len: u32| {
        let trafs = [traf(VIDEO, 4, 4, 100, len + 8), traf(AUDIO, 1536, 1536, 50, len + 8 + COUNT * 100)];
        boxed(b"moof", &[&trafs.concat()])
    };
    let moof = of_len(of_len(0).len() as u32);
    [moof, boxed(b"mdat", &[&media()])].concat()
}

fn times(run: &Run, track: u32) -> Vec<i64> {
    run.samples.iter().filter(|s| s.track == track).map(|s| s.pts_us).collect()
}

fn run_in(demuxer: &mut Mp4, bytes: &[u8], piece: usize) -> Run {
    driver::run(demuxer, bytes, Arrival { piece, sized: true })
}

/// Runs to the end, then again from a time.
fn run_and_seek(bytes: &[u8], piece: usize, to_us: i64) -> Run {
    let mut demuxer = Mp4::new();
    let run = run_in(&mut demuxer, bytes, piece);
    if run.error.is_some() || demuxer.tracks().is_empty() {
        return run;
    }
    demuxer.seek(to_us);
    let mut window = Window::at(0);
    window.set_total(Some(bytes.len() as u64));
    driver::resume(&mut demuxer, bytes, Arrival { piece, sized: true }, &mut window)
}

fn run_whole(bytes: &[u8]) -> Run {
    run_in(&mut Mp4::new(), bytes, usize::MAX)
}

#[test]
fn plain_file_gives_tracks_and_samples_of_its_tables() {
    let mut demuxer = Mp4::new();
    let out = run_in(&mut demuxer, &plain(&[], &[]), usize::MAX);
    assert_eq!(times(&out, VIDEO), (0..8).map(|i| i * 40_000).collect::<Vec<_>>());
    assert_eq!(times(&out, AUDIO), (0..8).map(|i| i * 32_000).collect::<Vec<_>>());
    let keys: Vec<bool> = out.samples.iter().filter(|s| s.track == VIDEO).map(|s| s.key).collect();
    assert_eq!(keys, [true, false, false, false, true, false, false, false]);
    assert_eq!(out.samples[1].data, media()[100..200]);
    assert_eq!((demuxer.start_us(), demuxer.duration_us()), (0, Some(320_000)));
    let [video, audio] = demuxer.tracks() else { panic!("two tracks") };
    let Kind::Video(format) = video.kind else { panic!("a video track") };
    assert_eq!((format.width, format.height, format.par, format.rotation_deg), (160, 120, (1, 1), 90));
    assert_eq!((audio.language.as_str(), audio.label.as_str(), audio.default), ("fra", "", true));
    assert_eq!(audio.kind, Kind::Audio(crate::AudioFormat { rate_hz: 48_000, channels: 2 }));
}

#[test]
fn files_in_pieces_of_any_size_give_the_same_samples() {
    let fragmented = [initialisation(), segment(0), segment(8)].concat();
    for file in [plain(&[], &[]), plain(&[1, 200, 8, 0x1_0000], &[2, 44, u32::MAX, 0, 100, 0, 0]), fragmented]
    {
        let whole = run_whole(&file);
        assert!(whole.samples.len() > 10 && whole.error.is_none());
        for arrival in driver::ARRIVALS {
            assert_eq!(driver::run(&mut Mp4::new(), &file, arrival), whole);
        }
    }
}

#[test]
fn edit_that_starts_between_keys_hides_the_pictures_before_it() {
    // From 200 ms for 80 ms, in the movie's thousandths and the track's hundredths.
    let out = run_whole(&plain(&[1, 80, 20, 0x1_0000], &[]));
    let video: Vec<_> =
        out.samples.iter().filter(|s| s.track == VIDEO).map(|s| (s.pts_us, s.decode_only)).collect();
    // The key sample is at 160 ms. There is none after the edit, so that decoding goes on to the end.
    assert_eq!(video, [(-40_000, true), (0, false), (40_000, false), (80_000, true)]);
}

#[test]
fn edit_that_starts_inside_an_audio_frame_trims_it() {
    let out = run_whole(&plain(&[], &[1, 200, 2000, 0x1_0000]));
    let audio: Vec<_> =
        out.samples.iter().filter(|s| s.track == AUDIO).map(|s| (s.decode_only, s.trim)).collect();
    assert_eq!(
        audio[..3],
        [(true, Trim::default()), (false, Trim { start: 464, end: 0 }), (false, Trim::default())]
    );
    assert_eq!(times(&out, AUDIO)[1..3], [-9667, 22_333]);
}

#[test]
fn empty_edit_delays_the_track() {
    let out = run_whole(&plain(&[], &[2, 44, u32::MAX, 0x1_0000, 300, 0, 0x1_0000]));
    assert_eq!(times(&out, AUDIO)[..2], [44_000, 76_000]);
}

#[test]
fn fragments_go_on_where_their_decode_time_says() {
    let file = [initialisation(), segment(0), segment(100)].concat();
    let out = run_whole(&file);
    assert_eq!(times(&out, VIDEO)[7..9], [280_000, 4_000_000]);
    assert_eq!(out.samples.iter().filter(|s| s.track == VIDEO && s.key).count(), 2);
}

#[test]
fn segments_after_a_restart_use_the_tracks_that_are_known() {
    let mut demuxer = Mp4::segments();
    let first = run_in(&mut demuxer, &[initialisation(), segment(0)].concat(), 7);
    demuxer.restart_segment(0);
    let second = run_in(&mut demuxer, &segment(50), 7);
    assert_eq!((first.samples.len(), times(&second, VIDEO)[0]), (16, 2_000_000));
}

#[test]
fn overlapping_fragment_is_decoded_but_not_shown_again() {
    let out = run_whole(&[initialisation(), segment(0), segment(4)].concat());
    let hidden = out.samples.iter().filter(|s| s.track == VIDEO && s.decode_only).count();
    assert_eq!(hidden, 4);
}

#[test]
fn seek_goes_to_the_key_at_or_before_the_target() {
    let fragmented = [initialisation(), segment(0), segment(8), segment(16)].concat();
    for (file, to_us, key_us) in [
        (plain(&[], &[]), 200_000, 160_000),
        (plain(&[], &[]), -5, 0),
        (fragmented.clone(), 400_000, 320_000),
        (fragmented, 0, 0),
    ] {
        let out = run_and_seek(&file, 64, to_us);
        assert_eq!(times(&out, VIDEO)[0], key_us);
        assert!(times(&out, AUDIO)[0] <= key_us.max(0));
    }
}

#[test]
fn samples_of_another_description_change_the_track() {
    let mut file = plain(&[], &[]);
    let at = file.windows(4).position(|w| w == b"stsc").unwrap();
    file[at + 23] = 2;
    let mut demuxer = Mp4::new();
    let out = run_in(&mut demuxer, &file, 4096);
    let Kind::Video(format) = demuxer.tracks()[0].kind else { panic!("a video track") };
    assert_eq!((out.tracks, format.width, format.rotation_deg), (2, 240, 90));
}

#[test]
fn encrypted_track_is_unsupported() {
    let mut file = plain(&[], &[]);
    let at = file.windows(4).position(|w| w == b"vp09").unwrap();
    file[at..at + 4].copy_from_slice(b"encv");
    assert_eq!(run_whole(&file).error, Some(Error::Unsupported("encrypted media".into())));
}

#[test]
fn file_cut_inside_its_media_gives_what_is_there() {
    let [video, audio] = [trak(VIDEO, 3000, COUNT, &[]), trak(AUDIO, 3100, COUNT, &[])];
    let mut file = moov(&[&video, &audio]);
    file.resize(3120, 0);
    let mut demuxer = Mp4::new();
    let out = run_in(&mut demuxer, &file, 1);
    assert_eq!((out.samples.len(), out.error, out.issues.len()), (1, None, 2));
}

#[test]
fn constant_sizes_beyond_the_file_are_not_expanded() {
    let mut file = plain(&[], &[]);
    let at = file.windows(4).position(|w| w == b"stsz").unwrap();
    file[at + 12..at + 16].fill(0xff);
    let at = file.windows(4).position(|w| w == b"stsc").unwrap();
    file[at + 16..at + 20].fill(0xff);
    assert!(times(&run_whole(&file), VIDEO).len() <= file.len() / 100);
}

#[test]
fn resource_without_a_movie_box_is_damaged() {
    assert!(matches!(run_whole(&boxed(b"mdat", &[&[0; 9]])).error, Some(Error::Damaged(_))));
    assert!(matches!(run_whole(&segment(0)).error, Some(Error::Damaged(_))));
}

/// Presentation time, key, length and hash of a sample.
type Line = (i64, bool, usize, u32);
type Lines = Vec<(u32, Vec<Line>)>;

/// Lines by track id, of a dump of androidx/media.
fn parse_dump(dump: &str) -> Lines {
    let mut tracks: Lines = Vec::new();
    let mut sample: Option<(i64, bool)> = None;
    for line in dump.lines().map(str::trim) {
        let number = |prefix: &str| line.strip_prefix(prefix).and_then(|v| v.parse::<i64>().ok());
        if line.starts_with("sample ") && line.ends_with(':') {
            sample = Some((0, false));
        } else if let Some(id) = number("id = ") {
            tracks.push((id as u32, Vec::new()));
        } else if let (Some(time), Some(s)) = (number("time = "), &mut sample) {
            s.0 = time;
        } else if let (Some(flags), Some(s)) = (number("flags = "), &mut sample) {
            s.1 = flags & 1 != 0;
        } else if let (Some(data), Some((time, key))) = (line.strip_prefix("data = length "), sample) {
            let (len, hash) = data.split_once(", hash ").unwrap();
            let line = (time, key, len.parse().unwrap(), u32::from_str_radix(hash, 16).unwrap());
            tracks.last_mut().unwrap().1.push(line);
            sample = None;
        }
    }
    tracks
}

#[test]
fn fixture_files_by_any_way_of_reading_give_the_samples_of_their_dumps() {
    for name in ["sample.mp4", "sample_fragmented.mp4"] {
        let file = driver::fixture(&format!("androidx/media/mp4/{name}"));
        let dump = driver::fixture(&format!("androidx/dumps/mp4/{name}.0.dump"));
        let expected = parse_dump(std::str::from_utf8(&dump).unwrap());
        for arrival in driver::ARRIVALS {
            let mut demuxer = Mp4::new();
            let out = driver::run(&mut demuxer, &file, arrival);
            let line = |s: &Sample| (s.pts_us, s.key, s.data.len(), driver::java_hash(&s.data));
            let of_track = |id| out.samples.iter().filter(|s| s.track == id).map(line).collect();
            let lines: Lines = demuxer.tracks().iter().map(|track| (track.id, of_track(track.id))).collect();
            assert!(lines == expected && out.issues.is_empty(), "{name} {arrival:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        run_whole(&bytes);
        run_whole(&boxed(b"moov", &[&bytes]));
    }

    #[test]
    fn mutated_file_never_panics(
        kind in 0..3usize, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        seek_us in any::<i64>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut file = match kind {
            0 => plain(&[1, 80, 20, 0x1_0000], &[2, 44, u32::MAX, 0, 200, 2000, 0]),
            1 => [initialisation(), segment(0), segment(8)].concat(),
            _ => [moov(&[&trak(VIDEO, 900, 2, &[]), &boxed(b"mvex", &[])]), segment(2)].concat(),
        };
        for (index, byte) in changes {
            let at = index.index(file.len());
            file[at] = byte;
        }
        let whole = run_and_seek(&file, usize::MAX, seek_us);
        prop_assert!(whole.samples.iter().map(|s| s.data.len()).sum::<usize>() <= 64 * file.len());
        file.truncate(cut.index(file.len() + 1));
        run_and_seek(&file, 128, seek_us % 1_000_000);
    }
}
