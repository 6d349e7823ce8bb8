use proptest::prelude::*;

use super::*;
use crate::Codec;
use crate::driver::{ARRIVALS, Arrival, Run, fixture, open, resume, run};

const SIZED: Arrival = Arrival { piece: 4096, sized: true };

/// Frame `n` of 128 kbit/s at 44.1 kHz: 417 bytes, or 418 padded to keep the rate.
fn mp3_frame(n: usize) -> Vec<u8> {
    let until = |n: usize| n * 144 * 128_000 / 44_100;
    let padded = until(n + 1) - until(n) == 418;
    let mut frame = vec![0xff, 0xfb, if padded { 0x92 } else { 0x90 }, 0x64];
    frame.resize(if padded { 418 } else { 417 }, n as u8 & 0x7f);
    frame
}

fn mp3(frames: usize) -> Vec<u8> {
    (0..frames).flat_map(mp3_frame).collect()
}

fn id3(len: u8) -> Vec<u8> {
    let mut tag = b"ID3\x04\0\0\0\0\0".to_vec();
    tag.push(len);
    // What looks like a frame in a tag is none.
    tag.extend(std::iter::repeat_n(0xff, len.into()));
    tag
}

/// A frame of 16 bytes at 48 kHz.
fn adts(frames: usize) -> Vec<u8> {
    [0xff, 0xf1, 0x4c, 0x80, 0x02, 0x1f, 0xfc, 1, 2, 3, 4, 5, 6, 7, 8, 9].repeat(frames)
}

fn times(run: &Run) -> Vec<i64> {
    run.samples.iter().map(|s| s.pts_us).collect()
}

#[test]
fn mp3_between_tags_gives_its_frames() {
    let bytes = [id3(100), id3(3), mp3(40), vec![b'T', b'A', b'G'], vec![0xff; 125]].concat();
    let mut demux = Elementary::mp3();
    let whole = run(&mut demux, &bytes, SIZED);
    assert_eq!((whole.samples.len(), &whole.error, &whole.issues[..]), (40, &None, &[][..]));
    assert_eq!(whole.samples[3].data, mp3_frame(3));
    assert_eq!(times(&whole)[..3], [0, 26_122, 52_244]);
    assert_eq!((demux.tracks()[0].codec, &demux.tracks()[0].codec_string[..]), (Codec::Mp3, "mp3"));
    for arrival in ARRIVALS {
        assert_eq!(run(&mut Elementary::mp3(), &bytes, arrival), whole, "{arrival:?}");
    }
}

#[test]
fn adts_is_delivered_raw_with_its_configuration() {
    // A tag between joined segments.
    let bytes = [adts(5), id3(20), adts(5)].concat();
    for arrival in ARRIVALS {
        let mut demux = Elementary::adts();
        let result = run(&mut demux, &bytes, arrival);
        assert_eq!((result.samples.len(), result.error, &result.issues[..]), (10, None, &[][..]));
        assert_eq!(result.samples[0].data, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(demux.tracks()[0].extradata, [0x11, 0x90]);
        assert_eq!(result.samples[9].pts_us, 192_000);
    }
}

#[test]
fn dependent_substream_goes_with_the_frame_before_it() {
    let frame = |kind: u8| vec![0x0b, 0x77, kind << 6, 7, 0x3f, 0x87, 0, 0, kind, 0, 0, 0, 0, 0, 0, 0];
    let bytes: Vec<u8> = (0..8).flat_map(|n| frame(n % 2)).collect();
    for arrival in ARRIVALS {
        let result = run(&mut Elementary::ac3(), &bytes, arrival);
        assert_eq!(result.samples.len(), 4);
        assert!(result.samples.iter().all(|s| s.data == [frame(0), frame(1)].concat()));
    }
}

#[test]
fn garbage_between_frames_is_an_issue() {
    let bytes = [mp3(10), vec![0xff; 1000], mp3(10)].concat();
    let result = run(&mut Elementary::mp3(), &bytes, SIZED);
    assert_eq!(result.samples.len(), 20);
    assert_eq!(result.issues, ["bytes 4179 to 5179 are no audio frames"]);
}

#[test]
fn seek_in_constant_rate_gives_exact_times() {
    let bytes = [id3(50), mp3(2000)].concat();
    for to_us in [-1, 0, 1_000_000, 30_000_000, 52_000_000, 99_000_000] {
        let mut demux = Elementary::mp3();
        let mut window = open(&mut demux, &bytes);
        assert!(demux.seekable());
        demux.seek(to_us);
        let result = resume(&mut demux, &bytes, SIZED, &mut window);
        let first = &result.samples[0];
        let near = to_us.clamp(0, 52_244_000);
        assert!(first.pts_us <= near && first.pts_us > near - 200_000, "{} for {to_us}", first.pts_us);
        let number = result.samples.len();
        assert_eq!(first.pts_us, (2000 - number as i64) * 1152 * 1_000_000 / 44_100);
    }
}

#[test]
fn frames_are_recognised_and_text_is_not() {
    assert!(sniff_mp3(&mp3(4)) && sniff_mp3(&mp3(4)[100..]) && !sniff_adts(&mp3(4)));
    assert!(sniff_adts(&adts(4)) && sniff_adts(&adts(1)) && !sniff_mp3(&adts(4)));
    assert!(!sniff_mp3(b"once upon a time") && !sniff_ac3(&[]) && !sniff_adts(&[0xff; 400]));
}

#[test]
fn resource_without_frames_is_an_error() {
    for bytes in [&[][..], &[0; 5000], b"ID3\x04\0\0\0\0\0\x02xx"] {
        let result = run(&mut Elementary::mp3(), bytes, SIZED);
        assert!(matches!(result.error, Some(Error::Unrecognised(_))));
    }
}

#[test]
fn fixture_mp3_with_leading_zeros_and_no_index_is_read_whole() {
    let bytes = fixture("androidx/media/mp3/bear-cbr-variable-frame-size-no-seek-table.mp3");
    for arrival in ARRIVALS {
        let result = run(&mut Elementary::mp3(), &bytes, arrival);
        let size: usize = result.samples.iter().map(|s| s.data.len()).sum();
        assert_eq!((size + 240, result.samples[0].data.len()), (bytes.len(), 417));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_streams_end_without_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in any::<prop::sample::Index>(),
        seek in prop::option::of(-1_000_000i64..5_000_000),
        kind in 0..2,
    ) {
        let mut bytes = if kind == 0 { mp3(30) } else { adts(100) };
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let mut demux = if kind == 0 { Elementary::mp3() } else { Elementary::adts() };
        let result = run(&mut demux, &bytes, SIZED);
        let size: usize = result.samples.iter().map(|s| s.data.len()).sum();
        prop_assert!(size <= bytes.len());
        if let (Some(to_us), None) = (seek, result.error) {
            demux.seek(to_us);
            run(&mut demux, &bytes, SIZED);
        }
    }

    #[test]
    fn arbitrary_bytes_end_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for mut demux in [Elementary::mp3(), Elementary::adts(), Elementary::ac3()] {
            run(&mut demux, &bytes, SIZED);
        }
    }
}
