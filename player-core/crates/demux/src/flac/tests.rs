use proptest::prelude::*;

use super::*;
use crate::codec::flac::tests::{frame, stream_info};
use crate::driver::{ARRIVALS, Arrival, fixture, open, resume, run};

const SIZED: Arrival = Arrival { piece: 4096, sized: true };

/// The body of frame `n`: with what looks like a header's beginning in it.
fn body(n: u8) -> Vec<u8> {
    [&[0xff, 0xf8, 0x19, 0x18, n][..], &[n; 40]].concat()
}

fn flac(frames: u8) -> Vec<u8> {
    let mut bytes = b"fLaC\x01\0\0\x03abc\x80\0\0\x22".to_vec();
    bytes.extend(stream_info(u64::from(frames) * 192));
    bytes.extend((0..frames).flat_map(|n| frame(n, &body(n))));
    bytes
}

#[test]
fn frames_are_found_in_every_arrival() {
    let bytes = flac(30);
    for arrival in ARRIVALS {
        let mut demux = Flac::new();
        let result = run(&mut demux, &bytes, arrival);
        assert_eq!((result.samples.len(), result.error, &result.issues[..]), (30, None, &[][..]));
        assert!(result.samples.iter().zip(0..).all(|(s, n)| s.data == frame(n, &body(n))));
        assert_eq!((result.samples[2].pts_us, demux.duration_us()), (8707, Some(130_612)));
        assert_eq!(demux.tracks()[0].extradata, stream_info(30 * 192));
    }
}

#[test]
fn damaged_frame_is_left_out_with_an_issue() {
    let mut bytes = flac(30);
    let at = bytes.len() - 53 * 10;
    bytes[at + 20] ^= 1;
    let result = run(&mut Flac::new(), &bytes, SIZED);
    assert_eq!((result.samples.len(), result.issues.len()), (29, 1));
}

#[test]
fn seek_gives_the_frame_around_the_target() {
    // Long enough for the search to look in several places.
    let mut bytes = flac(0);
    let at = bytes.len() - STREAMINFO_LEN;
    bytes[at..].copy_from_slice(&stream_info(120 * 192));
    bytes.extend((0..120).flat_map(|n| frame(n, &[n; 9000])));
    for to_us in [0, 4353, 4354, 100_000, 520_000, 900_000_000] {
        let mut demux = Flac::new();
        let mut window = open(&mut demux, &bytes);
        demux.seek(to_us);
        let result = resume(&mut demux, &bytes, SIZED, &mut window);
        let number = (to_us * 44_100 / 1_000_000 / 192).min(119);
        assert_eq!(result.samples[0].pts_us, number * 192 * 1_000_000 / 44_100, "to {to_us}");
        assert_eq!(result.samples.len() as i64, 120 - number);
    }
}

#[test]
fn fixture_files_are_read_to_the_last_audio_frame() {
    for name in [
        "01 - blocksize 4096",
        "11 - partition order 8",
        "14 - wasted bits",
        "22 - 12 bit per sample",
        "23 - 8 bit per sample",
    ] {
        let bytes = fixture(&format!("flac/{name}.flac"));
        let mut demux = Flac::new();
        let result = run(&mut demux, &bytes, SIZED);
        assert_eq!((result.error, &result.issues[..]), (None, &[][..]), "{name}");
        let size: usize = result.samples.iter().map(|s| s.data.len()).sum();
        assert_eq!(size as u64 + demux.first, bytes.len() as u64, "{name}");
        let last = result.samples.last().unwrap();
        assert_eq!(Some(last.pts_us + i64::from(last.duration_us)), demux.duration_us(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_end_without_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
        to_us: i64,
    ) {
        let mut bytes = flac(20);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let mut demux = Flac::new();
        let result = run(&mut demux, &bytes, SIZED);
        prop_assert!(result.samples.iter().map(|s| s.data.len()).sum::<usize>() <= bytes.len());
        if result.error.is_none() {
            demux.seek(to_us);
            run(&mut demux, &bytes, SIZED);
        }
    }
}
