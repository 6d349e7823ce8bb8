use proptest::prelude::*;

use super::*;
use crate::Codec;
use crate::driver::{ARRIVALS, Arrival, fixture, java_hash, open, run};

const SIZED: Arrival = Arrival { piece: 4096, sized: true };
const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

/// Writes transport streams.
#[derive(Default)]
struct Muxer {
    bytes: Vec<u8>,
    counters: std::collections::BTreeMap<u16, u8>,
    prefix: usize,
}

impl Muxer {
    fn packets(&mut self, pid: u16, unit: &[u8]) {
        let mut rest = unit;
        let mut first = true;
        while first || !rest.is_empty() {
            let n = rest.len().min(184);
            let counter = self.counters.entry(pid).or_default();
            let control = if n < 184 { 0x30 } else { 0x10 };
            self.bytes.resize(self.bytes.len() + self.prefix, 0x55);
            self.bytes.extend([0x47, u8::from(first) << 6 | (pid >> 8) as u8, pid as u8, control | *counter]);
            *counter = (*counter + 1) & 15;
            if n < 184 {
                let stuffing = 183 - n;
                self.bytes.push(stuffing as u8);
                if stuffing > 0 {
                    self.bytes.push(0);
                    self.bytes.resize(self.bytes.len() + stuffing - 1, 0xff);
                }
            }
            self.bytes.extend(&rest[..n]);
            (rest, first) = (&rest[n..], false);
        }
    }

    fn tables(&mut self) {
        let pat = psi::tests::section(0, 1, &[0, 1, 0xf0, 0]);
        let pmt = psi::tests::section(
            2,
            1,
            &[0xe1, 0, 0xf0, 0, 0x1b, 0xe1, 0, 0xf0, 0, 0x0f, 0xe1, 1, 0xf0, 6, 10, 4, b'd', b'e', b'u', 0],
        );
        self.packets(0, &[&[0][..], &pat].concat());
        self.packets(0x1000, &[&[0][..], &pmt].concat());
    }

    fn pes(&mut self, pid: u16, pts: u64, payload: &[u8]) {
        let id = if pid == VIDEO { 0xe0 } else { 0xc0 };
        let len = if pid == VIDEO { 0 } else { payload.len() + 8 };
        let mut pes = vec![0, 0, 1, id, (len >> 8) as u8, len as u8, 0x80, 0x80, 5];
        let p = |shift: u32, mask: u64| (pts >> shift & mask) as u8;
        pes.extend([0x21 | p(30, 7) << 1, p(22, 255), 1 | p(15, 127) << 1, p(7, 255), 1 | p(0, 127) << 1]);
        pes.extend(payload);
        self.packets(pid, &pes);
    }
}

const SPS_PPS: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x64, 0x00, 0x0c, 0xac, 0xd9, 0x41, 0x41, 0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03,
    0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60, 0, 0, 0, 1, 0x68, 0xeb, 0xe3, 0xcb,
    0x22, 0xc0,
];

/// An access unit: delimiter, parameter sets before a key frame, one slice of `n` bytes.
fn picture(key: bool, n: usize) -> Vec<u8> {
    let mut au = vec![0, 0, 0, 1, 9, 0xf0];
    if key {
        au.extend(SPS_PPS);
    }
    au.extend([0, 0, 1]);
    au.extend(if key {
        &[0x65, 0x88, 0x84, 0x00, 0x9f, 0xd9][..]
    } else {
        &[0x41, 0x9a, 0x23, 0x6c, 0x49, 0xff]
    });
    au.resize(au.len() + n, 0xaa);
    au
}

/// Two AAC frames in ADTS: 48 kHz, stereo.
fn adts() -> Vec<u8> {
    [0xff, 0xf1, 0x4c, 0x80, 0x02, 0x1f, 0xfc, 1, 2, 3, 4, 5, 6, 7, 8, 9].repeat(2)
}

/// `pictures` at 25 a second, a key frame each `gop`, from `start` on; a PES packet of audio beside each.
fn stream(prefix: usize, start: u64, pictures: u64, gop: u64) -> Vec<u8> {
    let mut muxer = Muxer { prefix, ..Muxer::default() };
    for n in 0..pictures {
        if n % 10 == 0 {
            muxer.tables();
        }
        let pts = (start + n * 3600) & ((1 << 33) - 1);
        muxer.pes(VIDEO, pts, &picture(n % gop == 0, 700));
        muxer.pes(AUDIO, pts, &adts());
    }
    muxer.bytes
}

fn pts_of(run: &crate::driver::Run, pid: u16) -> Vec<i64> {
    run.samples.iter().filter(|s| s.track == u32::from(pid)).map(|s| s.pts_us).collect()
}

#[test]
fn stream_of_sound_and_picture_gives_whole_access_units() {
    let mut ts = Ts::new();
    let result = run(&mut ts, &stream(0, 126_000, 12, 5), SIZED);
    assert_eq!((&result.issues, &result.error, result.tracks), (&vec![], &None, 1));
    let codecs: Vec<_> =
        ts.tracks().iter().map(|t| (t.id, t.codec, &t.codec_string[..], &t.language[..])).collect();
    assert_eq!(codecs, [(256, Codec::H264, "avc1.64000c", ""), (257, Codec::Aac, "mp4a.40.2", "deu")]);
    assert_eq!(ts.tracks()[0].extradata, SPS_PPS);
    assert_eq!((ts.start_us(), ts.duration_us()), (1_400_000, Some(482_666)));
    let video: Vec<_> = result.samples.iter().filter(|s| s.track == 256).collect();
    assert_eq!(video.len(), 12);
    assert_eq!((video[5].pts_us, video[5].key, &video[5].data), (1_600_000, true, &picture(true, 700)));
    assert_eq!(pts_of(&result, AUDIO)[..3], [1_400_000, 1_421_333, 1_440_000]);
}

#[test]
fn every_way_of_arriving_gives_the_same() {
    for prefix in [0, 4, 16] {
        let bytes = stream(prefix, 0, 12, 5);
        let whole = run(&mut Ts::new(), &bytes, SIZED);
        assert_eq!((whole.samples.len(), &whole.error), (36, &None));
        for arrival in ARRIVALS {
            assert_eq!(run(&mut Ts::new(), &bytes, arrival), whole, "{arrival:?}");
        }
    }
}

#[test]
fn timestamps_go_on_over_the_wrap() {
    let result = run(&mut Ts::new(), &stream(0, (1 << 33) - 7200, 5, 5), SIZED);
    assert_eq!(pts_of(&result, VIDEO), [-80_000, -40_000, 0, 40_000, 80_000]);
}

#[test]
fn garbage_between_packets_is_passed_over_with_an_issue() {
    let mut bytes = stream(0, 0, 20, 5);
    let at = 188 * 20;
    bytes.splice(at..at, [0x47; 77]);
    let result = run(&mut Ts::new(), &bytes, SIZED);
    assert!(result.issues.iter().any(|issue| issue.contains("no packet at byte")), "{:?}", result.issues);
    assert_eq!(pts_of(&result, VIDEO).len(), 20);
}

#[test]
fn missing_packet_is_an_issue_and_the_rest_plays() {
    let mut bytes = stream(0, 0, 20, 5);
    // The second packet of the second picture.
    let second = bytes.chunks(188).enumerate().filter(|(_, p)| p[1] == 0x41 && p[2] == 0).nth(1).unwrap().0;
    bytes.drain(188 * (second + 1)..188 * (second + 2));
    let result = run(&mut Ts::new(), &bytes, SIZED);
    assert_eq!(result.issues.len(), 1, "{:?}", result.issues);
    assert_eq!(pts_of(&result, VIDEO).len(), 20);
}

#[test]
fn seek_goes_to_the_key_frame_before_the_target() {
    let bytes = stream(0, 90_000, 2000, 50);
    for to_us in [1_000_000, 30_990_000, 31_000_000, 80_999_999, 900_000_000] {
        let mut ts = Ts::new();
        let mut window = open(&mut ts, &bytes);
        ts.seek(to_us);
        let result = crate::driver::resume(&mut ts, &bytes, SIZED, &mut window);
        let first = result.samples.iter().find(|s| s.track == 256).unwrap();
        let last_key = 1_000_000 + (to_us.min(80_960_000) - 1_000_000) / 2_000_000 * 2_000_000;
        assert_eq!((first.pts_us, first.key), (last_key, true), "seek to {to_us}");
        assert!(pts_of(&result, AUDIO)[0] <= last_key);
        assert_eq!(pts_of(&result, VIDEO).len() as i64, (81_000_000 - last_key) / 40_000);
    }
}

#[test]
fn pictures_that_share_a_pes_packet_get_their_own_times() {
    let mut muxer = Muxer::default();
    muxer.tables();
    // The order of x264's first three pictures is 0, 6, ... in half frames.
    muxer.pes(VIDEO, 90_000, &[picture(true, 10), picture(false, 10)].concat());
    muxer.pes(AUDIO, 90_000, &adts());
    let result = run(&mut Ts::new(), &muxer.bytes, SIZED);
    let video: Vec<_> =
        result.samples.iter().filter(|s| s.track == 256).map(|s| (s.pts_us, s.dts_us)).collect();
    assert_eq!(video, [(1_000_000, 1_000_000), (1_120_000, 1_040_000)]);
}

#[test]
fn resource_without_a_program_map_is_an_error() {
    let mut muxer = Muxer::default();
    for _ in 0..10 {
        muxer.packets(0x1fff, &[0; 184]);
    }
    assert!(matches!(run(&mut Ts::new(), &muxer.bytes, SIZED).error, Some(Error::Damaged(_))));
    assert!(sniff(&muxer.bytes) && !sniff(b"\x47 a text that begins with a G"));
}

#[test]
fn fixture_dump_is_met_sample_by_sample() {
    let bytes = fixture("androidx/media/ts/sample_h264_mpeg_audio.ts");
    let dump = fixture("androidx/dumps/ts/sample_h264_mpeg_audio.ts.0.dump");
    let dump = String::from_utf8(dump).unwrap();
    let mut expected = Vec::new();
    let (mut track, mut time, mut key) = (0, 0, false);
    for line in dump.lines().map(str::trim) {
        if let Some(id) = line.strip_prefix("track ").and_then(|l| l.strip_suffix(':')) {
            track = id.parse().unwrap();
        } else if let Some(us) = line.strip_prefix("time = ") {
            time = us.parse().unwrap();
        } else if let Some(flags) = line.strip_prefix("flags = ") {
            key = flags == "1";
        } else if let Some((len, hash)) =
            line.strip_prefix("data = length ").and_then(|l| l.split_once(", hash "))
        {
            expected.push((track, time, len.parse().unwrap(), u32::from_str_radix(hash, 16).unwrap(), key));
        }
    }
    // Lines before the first sample of a track describe its parameter sets.
    expected.retain(|&(_, time, ..)| time > 0);
    for arrival in ARRIVALS {
        let mut samples: Vec<_> = run(&mut Ts::new(), &bytes, arrival).samples;
        samples.sort_by_key(|s| s.track);
        // The dump counts from the first timestamp of all.
        let seen =
            samples.iter().map(|s| (s.track, s.pts_us - 1_400_000, s.data.len(), java_hash(&s.data), s.key));
        let expected: Vec<_> = expected.iter().copied().filter(|e| e.2 != 28 && e.2 != 9).collect();
        assert_eq!(seen.collect::<Vec<(u32, i64, usize, u32, bool)>>(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_streams_end_without_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in any::<prop::sample::Index>(),
        seek in prop::option::of(-1_000_000i64..5_000_000),
    ) {
        let mut bytes = stream(0, 0, 30, 7);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let mut ts = Ts::new();
        let result = run(&mut ts, &bytes, SIZED);
        let size: usize = result.samples.iter().map(|s| s.data.len()).sum();
        prop_assert!(size <= bytes.len());
        if let Some(to_us) = seek {
            ts.seek(to_us);
            run(&mut ts, &bytes, SIZED);
        }
    }

    #[test]
    fn arbitrary_bytes_end_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let result = run(&mut Ts::new(), &bytes, SIZED);
        prop_assert!(result.error.is_some() || result.samples.is_empty());
    }
}
