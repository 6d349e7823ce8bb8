//! A container for tests: a header with an index of key frames, then samples one after the other.
//!
//! `TOY1`, u8 tracks, u32 entries of the index; per track u8 kind (1 video, 2 audio, 3 text, 4 video of an unknown codec, 5 video of another profile); per entry i64 pts,
//! u64 offset; per sample u8 track, u8 key, i64 pts, i64 dts, u32 duration, u32 size and the bytes. All little-endian.

use kinora_bytes::{Cursor, Window};
use kinora_demux::{
    AudioFormat, Codec, Cue, Demux, Error, Kind, Probe, Sample, Step, TextFormat, Track, Trim, VideoFormat,
};

const MAGIC: &[u8] = b"TOY1";
const SAMPLE_HEAD: usize = 26;
const VIDEO: u8 = 1;
const AUDIO: u8 = 2;
const TEXT: u8 = 3;
const ODD_VIDEO: u8 = 4;
const HIGH_VIDEO: u8 = 5;

/// What a toy file holds.
#[derive(Clone, Debug)]
pub struct Toy {
    /// Where its times start.
    pub start_us: i64,
    /// Length.
    pub duration_us: i64,
    /// A video track of 25 frames a second with a key frame each second.
    pub video: bool,
    /// Declares the video track's codec unknown.
    pub odd_video: bool,
    /// The video track has another profile and twice the size.
    pub high: bool,
    /// Audio tracks of 50 frames a second.
    pub audio: u8,
    /// A text track with a cue each second.
    pub text: bool,
    /// Bytes of a video frame; audio frames have 100.
    pub frame_bytes: usize,
}

impl Default for Toy {
    fn default() -> Self {
        Toy {
            start_us: 0,
            duration_us: 10_000_000,
            video: true,
            odd_video: false,
            high: false,
            audio: 1,
            text: false,
            frame_bytes: 1000,
        }
    }
}

impl Toy {
    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let samples = self.samples();
        let keys: Vec<usize> =
            (0..samples.len()).filter(|&i| samples[i].track == 0 && samples[i].key).collect();
        let mut out = self.header(keys.len());
        let mut at = out.len() + keys.len() * 16;
        for (i, sample) in samples.iter().enumerate() {
            if keys.binary_search(&i).is_ok() {
                out.extend_from_slice(&sample.time_us.to_le_bytes());
                out.extend_from_slice(&(at as u64).to_le_bytes());
            }
            at += SAMPLE_HEAD + sample.size;
        }
        out.extend(self.segment());
        out
    }

    /// A file without samples and index: what segments need before them.
    pub fn init(&self) -> Vec<u8> {
        self.header(0)
    }

    /// The samples alone.
    pub fn segment(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for sample in self.samples() {
            out.extend_from_slice(&[sample.track, u8::from(sample.key)]);
            out.extend_from_slice(&sample.time_us.to_le_bytes());
            out.extend_from_slice(&sample.time_us.to_le_bytes());
            out.extend_from_slice(&sample.duration_us.to_le_bytes());
            out.extend_from_slice(&(sample.size as u32).to_le_bytes());
            out.resize(out.len() + sample.size, b'a' + sample.track);
        }
        out
    }

    fn kinds(&self) -> Vec<u8> {
        let mut kinds = Vec::new();
        if self.video {
            kinds.push(match (self.odd_video, self.high) {
                (true, _) => ODD_VIDEO,
                (_, true) => HIGH_VIDEO,
                _ => VIDEO,
            });
        }
        kinds.extend((0..self.audio).map(|_| AUDIO));
        if self.text {
            kinds.push(TEXT);
        }
        kinds
    }

    fn header(&self, entries: usize) -> Vec<u8> {
        let kinds = self.kinds();
        let mut out = MAGIC.to_vec();
        out.push(kinds.len() as u8);
        out.extend_from_slice(&(entries as u32).to_le_bytes());
        out.extend_from_slice(&self.duration_us.to_le_bytes());
        out.extend_from_slice(&self.start_us.to_le_bytes());
        out.extend(kinds);
        out
    }

    /// In file order.
    fn samples(&self) -> Vec<ToySample> {
        let mut samples = Vec::new();
        for (track, kind) in (0u8..).zip(self.kinds()) {
            let (step, size) = match kind {
                AUDIO => (20_000, 100),
                TEXT => (1_000_000, 6),
                _ => (40_000, self.frame_bytes),
            };
            for n in 0..self.duration_us / step {
                let key = matches!(kind, AUDIO | TEXT) || n % 25 == 0;
                let time_us = self.start_us + n * step;
                samples.push(ToySample { time_us, track, key, duration_us: step as u32, size });
            }
        }
        samples.sort_by_key(|sample| (sample.time_us, sample.track));
        samples
    }
}

struct ToySample {
    time_us: i64,
    track: u8,
    key: bool,
    duration_us: u32,
    size: usize,
}

/// Opens a toy file; fits `kinora_engine::Config`.
pub fn open(window: &Window, _name: &str) -> Result<Probe, Error> {
    match window.get(0, MAGIC.len()) {
        Some(MAGIC) => Ok(Probe::Demuxer(Box::new(ToyDemux::default()))),
        None if !window.ended() => Ok(Probe::More { at: 0, least: MAGIC.len() }),
        _ => Err(Error::Unrecognised("no toy".to_owned())),
    }
}

#[derive(Default)]
struct ToyDemux {
    at: u64,
    tracks: Vec<Track>,
    index: Vec<(i64, u64)>,
    start_us: i64,
    duration_us: i64,
}

impl ToyDemux {
    fn header(&mut self, window: &Window) -> Result<Step, Error> {
        const HEAD: usize = 25;
        let Some(head) = window.get(0, HEAD) else { return self.more(window, 0, HEAD) };
        let (tracks, mut c) = (usize::from(head[4]), Cursor::new(&head[5..]));
        let entries = c.u32_le().unwrap_or(0) as usize;
        self.duration_us = c.i64_le().unwrap_or(0);
        self.start_us = c.i64_le().unwrap_or(0);
        let len = HEAD + tracks + entries * 16;
        let Some(bytes) = window.get(0, len) else { return self.more(window, 0, len) };
        self.tracks =
            bytes[HEAD..HEAD + tracks].iter().enumerate().map(|(id, kind)| track(id, *kind)).collect();
        let mut c = Cursor::new(&bytes[HEAD + tracks..]);
        while let (Some(pts), Some(offset)) = (c.i64_le(), c.u64_le()) {
            self.index.push((pts, offset));
        }
        self.at = len as u64;
        Ok(Step::Tracks)
    }

    fn more(&self, window: &Window, at: u64, least: usize) -> Result<Step, Error> {
        if window.ended() { Err(Error::Damaged("cut".to_owned())) } else { Ok(Step::More { at, least }) }
    }
}

impl Demux for ToyDemux {
    fn step(&mut self, window: &Window) -> Result<Step, Error> {
        if self.tracks.is_empty() {
            return self.header(window);
        }
        if window.ended() && self.at >= window.end() {
            return Ok(Step::End);
        }
        let Some(head) = window.get(self.at, SAMPLE_HEAD) else {
            return self.more(window, self.at, SAMPLE_HEAD);
        };
        let mut c = Cursor::new(&head[2..]);
        let pts_us = c.i64_le().unwrap_or(0);
        let dts_us = c.i64_le().unwrap_or(0);
        let duration_us = c.u32_le().unwrap_or(0);
        let size = c.u32_le().unwrap_or(0) as usize;
        let (id, key) = (u32::from(head[0]), head[1] == 1);
        let Some(bytes) = window.get(self.at, SAMPLE_HEAD + size) else {
            return self.more(window, self.at, SAMPLE_HEAD + size);
        };
        let data = bytes[SAMPLE_HEAD..].to_vec();
        self.at += bytes.len() as u64;
        let text = self.tracks.get(id as usize).is_some_and(|track| matches!(track.kind, Kind::Text(_)));
        Ok(if text {
            Step::Cue(Cue { track: id, start_us: pts_us, duration_us, data })
        } else {
            let trim = Trim::default();
            Step::Sample(Sample {
                track: id,
                pts_us,
                dts_us,
                duration_us,
                key,
                decode_only: false,
                trim,
                data,
            })
        })
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn start_us(&self) -> i64 {
        self.start_us
    }

    fn duration_us(&self) -> Option<i64> {
        Some(self.duration_us)
    }

    fn seekable(&self) -> bool {
        true
    }

    fn seek(&mut self, to_us: i64) {
        let n = self.index.partition_point(|(pts, _)| *pts <= to_us).saturating_sub(1);
        self.at = self.index.get(n).map_or(self.at, |(_, offset)| *offset);
    }

    fn take_issues(&mut self) -> Vec<String> {
        Vec::new()
    }
}

fn track(id: usize, kind: u8) -> Track {
    let (codec, codec_string, kind) = match kind {
        AUDIO => (Codec::Aac, "mp4a.40.2", Kind::Audio(AudioFormat { rate_hz: 48_000, channels: 2 })),
        TEXT => (Codec::Text, "text", Kind::Text(TextFormat::Subrip)),
        _ => {
            let (width, height) = if kind == HIGH_VIDEO { (640, 360) } else { (320, 180) };
            let format = VideoFormat { width, height, par: (1, 1), rotation_deg: 0, cicp: [2, 2, 2, 0] };
            let codec = if kind == ODD_VIDEO { Codec::Other } else { Codec::H264 };
            let name = match kind {
                ODD_VIDEO => "odd1",
                HIGH_VIDEO => "avc1.640028",
                _ => "avc1.64001f",
            };
            (codec, name, Kind::Video(format))
        }
    };
    Track {
        id: id as u32,
        codec,
        codec_string: codec_string.to_owned(),
        extradata: Vec::new(),
        kind,
        language: String::new(),
        label: String::new(),
        default: false,
        forced: false,
    }
}
