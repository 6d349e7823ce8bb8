//! The film: H.264 from a file, and a tone that is worked out.

use crate::bindings::kinora::shim::streams::{self, Sample};
use crate::bindings::kinora::shim::timeline::{self, Tuning, Want};
use crate::bindings::kinora::shim::{audio, video};

/// Annex B; each access unit begins with a delimiter (ITU-T H.264 7.3.2.4).
const VIDEO: &[u8] = include_bytes!("../film.h264");
const DELIMITER: &[u8] = &[0, 0, 0, 1, 9];
const FRAME_US: i64 = 40_000;
const SECONDS: i64 = 3;
const RATE_HZ: i64 = 8000;
/// Sound samples in one sample of the stream.
const BLOCK: i64 = 160;
const BLOCK_US: i64 = 1_000_000 * BLOCK / RATE_HZ;
const KEY: u32 = 1;

/// The film on its timeline.
#[derive(Debug)]
pub struct Film {
    /// Its id.
    pub timeline: u64,
    /// Id of the video stream.
    pub video: u64,
    audio: u64,
    /// Access units and blocks appended.
    sent: (usize, usize),
}

impl Film {
    /// Opens the film and plays it.
    pub fn open() -> Film {
        let timeline = timeline::create(1).expect("the first timeline");
        let config = video::Config {
            codec: "avc1.64000a".into(),
            extradata: Vec::new(),
            width_px: 128,
            height_px: 72,
            par: (1, 1),
            rotation_deg: 0,
            cicp: 0x0002_0202,
            extras: Vec::new(),
        };
        let video = video::open(timeline, &config).expect("H.264 is decoded everywhere");
        let config = audio::Config {
            codec: "pcm-s16le".into(),
            extradata: Vec::new(),
            rate_hz: RATE_HZ as u32,
            channels: 1,
            extras: Vec::new(),
        };
        let audio = audio::open(timeline, &config).expect("PCM is decoded everywhere");
        // Every frame counts here, however slow the machine.
        let tuning = Tuning {
            start_us: 500_000,
            resume_us: 500_000,
            late_us: 60_000_000,
            skip_us: 60_000_000,
            extras: Vec::new(),
        };
        timeline::tune(timeline, &tuning).expect("numbers within their ranges");
        timeline::play(timeline).expect("it was just made");
        Film { timeline, video, audio, sent: (0, 0) }
    }

    /// The film of an earlier instance, which has appended it whole.
    pub fn adopt() -> Film {
        let live = timeline::live();
        let status = live.first().expect("timelines outlive instances");
        let stream = |kind| status.streams.iter().find(|s| s.kind == kind).map_or(0, |s| s.id);
        Film { timeline: status.id, video: stream(1), audio: stream(2), sent: (usize::MAX, usize::MAX) }
    }

    /// Answers a want with as much as there is.
    pub fn answer(&mut self, want: &Want) {
        let is_video = want.stream == self.video;
        let sent = match want.stream {
            stream if stream == self.video => &mut self.sent.0,
            stream if stream == self.audio => &mut self.sent.1,
            _ => return,
        };
        if *sent == usize::MAX {
            return;
        }
        let parts: Vec<(Sample, Vec<u8>)> =
            if is_video { pictures().skip(*sent).collect() } else { tone().skip(*sent).collect() };
        if parts.is_empty() {
            *sent = usize::MAX;
            streams::end(want.stream, want.seek).expect("the stream lives");
            return;
        }
        let body = parts.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect::<Vec<u8>>();
        let samples: Vec<Sample> = parts.into_iter().map(|(sample, _)| sample).collect();
        let taken = streams::append(want.stream, want.seek, 1, &samples, &body).expect("a want was answered");
        *sent += taken as usize;
    }
}

fn sample(index: usize, duration_us: i64, key: bool, size: usize) -> Sample {
    let at = index as i64 * duration_us;
    Sample {
        pts_us: at,
        dts_us: at,
        duration_us: duration_us as u32,
        bits: if key { KEY } else { 0 },
        size: size as u32,
        side_size: 0,
    }
}

fn pictures() -> impl Iterator<Item = (Sample, Vec<u8>)> {
    let starts: Vec<usize> = VIDEO
        .windows(DELIMITER.len())
        .enumerate()
        .filter(|(_, w)| *w == DELIMITER)
        .map(|(at, _)| at)
        .collect();
    let ends: Vec<usize> = starts.iter().copied().skip(1).chain([VIDEO.len()]).collect();
    starts.into_iter().zip(ends).enumerate().map(|(n, (start, end))| {
        let unit = &VIDEO[start..end];
        // NAL unit type 5: a picture that decoding can start at.
        let key = unit.windows(4).any(|w| w[..3] == [0, 0, 1] && w[3] & 31 == 5);
        (sample(n, FRAME_US, key, unit.len()), unit.to_vec())
    })
}

/// A square wave of 400 Hz.
fn tone() -> impl Iterator<Item = (Sample, Vec<u8>)> {
    (0..(SECONDS * RATE_HZ / BLOCK) as usize).map(|n| {
        let level = |i: i64| if i / 10 % 2 == 0 { 6000_i16 } else { -6000 };
        let bytes: Vec<u8> = (0..BLOCK).flat_map(|i| level(i).to_le_bytes()).collect();
        (sample(n, BLOCK_US, true, bytes.len()), bytes)
    })
}
