use proptest::prelude::*;

use super::*;
use crate::Trim;
use crate::driver::{ARRIVALS, Arrival, open, resume, run};

const SIZED: Arrival = Arrival { piece: 4096, sized: true };

/// A page; `flags`: 1 continued, 2 begins, 4 ends.
pub(super) fn page(
    flags: u8,
    granule: i64,
    serial: u32,
    sequence: u32,
    lacing: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend(granule.to_le_bytes());
    page.extend(serial.to_le_bytes());
    page.extend(sequence.to_le_bytes());
    page.extend([0; 4]);
    page.push(lacing.len() as u8);
    page.extend(lacing);
    page.extend(payload);
    let crc = page::checksum(&page);
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

/// Opus in packets of 20 ms, four a page: `pages` of them, the last ending 100 audio frames early, behind a pre-skip of 312.
fn opus(serial: u32, pages: u32) -> Vec<u8> {
    let mut head = b"OpusHead\x01\x02\x38\x01".to_vec();
    head.resize(19, 0);
    let mut bytes = page(2, 0, serial, 0, &[19], &head);
    bytes.extend(page(0, 0, serial, 1, &[16], b"OpusTags\0\0\0\0\0\0\0\0"));
    for n in 0..pages {
        let last = n + 1 == pages;
        let granule = i64::from(n + 1) * 3840 - if last { 100 } else { 0 };
        let packets: Vec<u8> = (0..4).flat_map(|i| [&[0xfc, n as u8, i][..], &[7; 97]].concat()).collect();
        bytes.extend(page(if last { 4 } else { 0 }, granule, serial, n + 2, &[100; 4], &packets));
    }
    bytes
}

#[test]
fn opus_is_trimmed_at_both_ends_in_every_arrival() {
    let bytes = opus(9, 3);
    for arrival in ARRIVALS {
        let mut demux = Ogg::new();
        let result = run(&mut demux, &bytes, arrival);
        assert_eq!(
            (result.samples.len(), result.tracks, result.error, &result.issues[..]),
            (12, 1, None, &[][..])
        );
        assert_eq!((result.samples[0].pts_us, result.samples[0].trim), (-6500, Trim { start: 312, end: 0 }));
        assert_eq!((result.samples[1].pts_us, result.samples[1].trim), (13_500, Trim::default()));
        assert_eq!(result.samples[11].trim, Trim { start: 0, end: 100 });
        assert_eq!(demux.start_us(), 0);
        assert_eq!(demux.duration_us(), arrival.sized.then_some((3 * 3840 - 412) * 1000 / 48));
        assert_eq!((demux.tracks()[0].codec, demux.tracks()[0].extradata.len()), (Codec::Opus, 19));
    }
}

#[test]
fn single_page_that_ends_early_starts_at_zero() {
    let result = run(&mut Ogg::new(), &opus(9, 1), SIZED);
    assert_eq!((result.samples[0].pts_us, result.samples[3].trim.end), (-6500, 100));
}

#[test]
fn chained_streams_go_on_in_time() {
    let result = run(&mut Ogg::new(), &[opus(1, 3), opus(2, 3)].concat(), SIZED);
    assert_eq!((result.samples.len(), result.tracks), (24, 2));
    let end = result.samples[11].pts_us + i64::from(result.samples[11].duration_us);
    assert_eq!((result.samples[12].pts_us, result.samples[12].trim.start), (end - 6500, 312));
}

#[test]
fn video_beside_is_listed_and_left_out() {
    let theora = page(2, 0, 5, 0, &[9], b"\x80theora\x03\x02");
    let mut bytes = opus(1, 3);
    bytes.splice(0..0, theora);
    let mut demux = Ogg::new();
    let result = run(&mut demux, &bytes, SIZED);
    let tracks: Vec<_> = demux.tracks().iter().map(|t| (t.id, t.codec, t.default)).collect();
    assert_eq!(tracks, [(1, Codec::Other, false), (2, Codec::Opus, true)]);
    assert!(result.samples.len() == 12 && result.samples.iter().all(|s| s.track == 2));
}

#[test]
fn packet_over_two_pages_is_joined_and_its_rest_alone_dropped() {
    let packet = [&[0xfc][..], &[3; 299]].concat();
    let mut bytes = opus(1, 1);
    let sound = bytes.len() - (27 + 4 + 400);
    bytes.truncate(sound);
    let first = page(0, -1, 1, 2, &[255], &packet[..255]);
    let second = page(1, 960, 1, 3, &[45, 100], &[&packet[255..], &[0xfc; 100]].concat());
    let whole = run(&mut Ogg::new(), &[&bytes[..], &first, &second].concat(), SIZED);
    assert_eq!((whole.samples.len(), &whole.samples[0].data), (2, &packet));
    let cut = run(&mut Ogg::new(), &[&bytes[..], &second].concat(), SIZED);
    assert_eq!((cut.samples.len(), cut.issues.len()), (1, 1));
}

#[test]
fn seek_lands_before_the_target_with_preroll() {
    let bytes = opus(1, 2000);
    for to_us in [0, 50_000, 10_000_000, 100_000_000, 159_990_000, 900_000_000] {
        let mut demux = Ogg::new();
        let mut window = open(&mut demux, &bytes);
        demux.seek(to_us);
        let result = resume(&mut demux, &bytes, SIZED, &mut window);
        let first = &result.samples[0];
        let near = to_us.min(159_991_416);
        assert!(first.pts_us <= (near - 80_000).max(0), "{} for {to_us}", first.pts_us);
        assert!(first.pts_us > near - 30_000_000);
        // Counted from the beginning, so that the time is right.
        let packets = 8000 - result.samples.len() as i64;
        assert_eq!(
            first.pts_us,
            (packets * 960 - 312) * 125 / 6 - i64::from((packets * 960 - 312) * 125 % 6 < 0)
        );
        assert_eq!(first.trim.start, if packets == 0 { 312 } else { 0 });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_end_without_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        to_us: i64,
    ) {
        let mut bytes = [opus(1, 5), opus(2, 5)].concat();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let mut demux = Ogg::new();
        let result = run(&mut demux, &bytes, SIZED);
        prop_assert!(result.samples.iter().map(|s| s.data.len()).sum::<usize>() <= bytes.len());
        if result.error.is_none() {
            demux.seek(to_us);
            run(&mut demux, &bytes, SIZED);
        }
    }

    #[test]
    fn senseless_granules_and_lacing_never_panic(
        pages in prop::collection::vec((0u8..8, any::<i64>(), 1u32..3, prop::collection::vec(any::<u8>(), 0..6)), 0..12),
    ) {
        let mut bytes = opus(1, 1);
        for (flags, granule, serial, lacing) in pages {
            let len: usize = lacing.iter().map(|&n| usize::from(n)).sum();
            bytes.extend(page(flags, granule, serial, 3, &lacing, &vec![0xfc; len]));
        }
        run(&mut Ogg::new(), &bytes, SIZED);
    }
}
