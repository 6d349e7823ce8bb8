//! WAVE files (Microsoft's RIFF multimedia standard; RF64 with `ds64` as in EBU Tech 3306).

use kinora_bytes::{Cursor, Window};
use kinora_time::{mul_div_floor, ticks_to_us};

use crate::issues::Issues;
use crate::{AudioFormat, Codec, Demux, Error, Kind, Sample, Step, Track, Trim};

/// Samples hold this part of a second.
const SAMPLES_PER_SECOND: u32 = 25;
/// Chunks passed over before the sound.
const MAX_CHUNKS: u32 = 1000;
/// A longer `fmt ` chunk is damaged: the longest known has 40 bytes and a codec's own.
const MAX_FORMAT: u32 = 4096;

/// Whether `head` begins a WAVE file.
pub(crate) fn sniff(head: &[u8]) -> bool {
    matches!(head.get(..4), Some(b"RIFF" | b"RF64" | b"BW64")) && head.get(8..12) == Some(b"WAVE")
}

/// Demuxes a WAVE file.
pub struct Wav {
    pos: u64,
    chunks: u32,
    /// Length of the sound by the `ds64` chunk.
    long_len: Option<u64>,
    format: Option<Format>,
    data: Option<Data>,
    tracks: Vec<Track>,
    done: bool,
    issues: Issues,
}

/// What `fmt ` says.
#[derive(Debug, Clone, Copy)]
struct Format {
    codec_string: &'static str,
    rate_hz: u32,
    channels: u16,
    /// Bytes of one audio frame.
    block: u64,
}

/// Where the sound is.
#[derive(Debug, Clone, Copy)]
struct Data {
    start: u64,
    /// `None`: up to the end of the resource, wherever that is.
    end: Option<u64>,
}

impl Default for Wav {
    fn default() -> Self {
        Wav::new()
    }
}

impl Wav {
    /// A demuxer at the start of a file.
    pub fn new() -> Self {
        Wav {
            pos: 0,
            chunks: 0,
            long_len: None,
            format: None,
            data: None,
            tracks: Vec::new(),
            done: false,
            issues: Issues::default(),
        }
    }

    /// Exactly `len` bytes at `pos`; else what to answer.
    fn need<'w>(&self, window: &'w Window, len: usize) -> Result<&'w [u8], Result<Step, Error>> {
        window.get(self.pos, len).ok_or_else(|| {
            if window.ended() && window.start() <= self.pos {
                Err(Error::Damaged("a WAVE file that ends before its sound".into()))
            } else {
                Ok(Step::More { at: self.pos, least: len })
            }
        })
    }

    /// Reads a chunk's header, and what of the chunk matters.
    fn read_chunk(&mut self, window: &Window) -> Result<(), Result<Step, Error>> {
        if self.pos == 0 {
            if !sniff(self.need(window, 12)?) {
                return Err(Err(Error::Unrecognised("no WAVE file".into())));
            }
            self.pos = 12;
        }
        self.chunks += 1;
        if self.chunks > MAX_CHUNKS {
            return Err(Err(Error::Limit("chunks before the sound".into())));
        }
        let mut c = Cursor::new(self.need(window, 8)?);
        let (Some(id), Some(len)) = (c.array::<4>(), c.u32_le()) else { return Ok(()) };
        match &id {
            b"data" => return self.take_data(window, len).map_err(Err),
            b"fmt " if len <= MAX_FORMAT => {
                let chunk = &self.need(window, 8 + len as usize)?[8..];
                self.format = Some(Format::parse(chunk).map_err(Err)?);
            }
            b"ds64" => {
                let mut c = Cursor::new(&self.need(window, 24)?[16..]);
                self.long_len = c.u64_le();
            }
            _ => {}
        }
        // Chunks are padded to even lengths.
        self.pos += 8 + u64::from(len) + u64::from(len & 1);
        Ok(())
    }

    fn take_data(&mut self, window: &Window, len: u32) -> Result<(), Error> {
        let Some(format) = self.format else {
            return Err(Error::Damaged("a WAVE file without a format".into()));
        };
        let start = self.pos + 8;
        let stated = match len {
            // Written while recording, or to a pipe.
            0 | u32::MAX => self.long_len.filter(|&len| len > 0 && len < u64::MAX),
            len => Some(len.into()),
        };
        let stated = stated.and_then(|len| start.checked_add(len));
        let end = match (stated, window.total()) {
            (Some(end), Some(total)) if end > total => {
                self.issues.push(|| format!("the file ends {} bytes before its sound", end - total));
                Some(total)
            }
            (Some(end), _) => Some(end),
            (None, total) => total,
        };
        self.pos = start;
        self.data = Some(Data { start, end });
        self.tracks = vec![Track {
            id: 1,
            codec: Codec::Pcm,
            codec_string: format.codec_string.into(),
            extradata: Vec::new(),
            kind: Kind::Audio(AudioFormat { rate_hz: format.rate_hz, channels: format.channels.into() }),
            language: String::new(),
            label: String::new(),
            default: true,
            forced: false,
        }];
        Ok(())
    }

    fn next_sample(&mut self, window: &Window, format: Format, data: Data) -> Step {
        let whole = u64::from((format.rate_hz / SAMPLES_PER_SECOND).max(1)) * format.block;
        let left = data.end.map_or(u64::MAX, |end| end.saturating_sub(self.pos));
        let wanted = whole.min(left);
        let there = window.from(self.pos).unwrap_or_default();
        let ended = window.ended() && window.start() <= self.pos;
        if (there.len() as u64) < wanted && !ended {
            return Step::More { at: self.pos, least: wanted as usize };
        }
        let len = wanted.min(there.len() as u64);
        let len = len - len % format.block;
        if len == 0 {
            self.done = true;
            return Step::End;
        }
        let time = |pos: u64| ticks_to_us(((pos - data.start) / format.block) as i64, format.rate_hz);
        let pts_us = time(self.pos);
        self.pos += len;
        Step::Sample(Sample {
            track: 1,
            pts_us,
            dts_us: pts_us,
            duration_us: u32::try_from(time(self.pos) - pts_us).unwrap_or(0),
            key: true,
            decode_only: false,
            trim: Trim::default(),
            data: there[..len as usize].to_vec(),
        })
    }

    fn advance(&mut self, window: &Window) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::End);
        }
        loop {
            if let (Some(format), Some(data)) = (self.format, self.data) {
                return Ok(self.next_sample(window, format, data));
            }
            match self.read_chunk(window) {
                Ok(()) if self.data.is_some() => return Ok(Step::Tracks),
                Ok(()) => {}
                Err(answer) => return answer,
            }
        }
    }
}

impl Format {
    fn parse(chunk: &[u8]) -> Result<Format, Error> {
        let damaged = || Error::Damaged("the format of a WAVE file".into());
        let mut c = Cursor::new(chunk);
        let mut read = || Some((c.u16_le()?, c.u16_le()?, c.u32_le()?));
        let (mut tag, channels, rate_hz) = read().ok_or_else(damaged)?;
        // nAvgBytesPerSec and nBlockAlign follow from the rest, and some writers get them wrong.
        c.skip(6).ok_or_else(damaged)?;
        let bits = c.u16_le().unwrap_or(8);
        // WAVE_FORMAT_EXTENSIBLE: the tag is the beginning of the sub-format.
        if tag == 0xfffe {
            c.skip(8).ok_or_else(damaged)?;
            tag = c.u16_le().ok_or_else(damaged)?;
        }
        let codec_string = match (tag, bits.div_ceil(8)) {
            (1, 1) => "pcm-u8",
            (1, 2) => "pcm-s16le",
            (1, 3) => "pcm-s24le",
            (1, 4) => "pcm-s32le",
            (3, 4) => "pcm-f32le",
            (3, 8) => "pcm-f64le",
            (6, _) => "pcm-alaw",
            (7, _) => "pcm-mulaw",
            _ => return Err(Error::Unsupported(format!("WAVE sound in format {tag:#x} with {bits} bits"))),
        };
        if channels == 0 || rate_hz == 0 {
            return Err(damaged());
        }
        let bytes = if matches!(tag, 6 | 7) { 1 } else { u64::from(bits.div_ceil(8)) };
        Ok(Format { codec_string, rate_hz, channels, block: bytes * u64::from(channels) })
    }
}

impl Demux for Wav {
    fn step(&mut self, window: &Window) -> Result<Step, Error> {
        self.advance(window).inspect_err(|_| self.done = true)
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn start_us(&self) -> i64 {
        0
    }

    fn duration_us(&self) -> Option<i64> {
        let (format, data) = (self.format?, self.data?);
        let frames = data.end?.saturating_sub(data.start) / format.block;
        Some(ticks_to_us(i64::try_from(frames).unwrap_or(i64::MAX), format.rate_hz))
    }

    fn seekable(&self) -> bool {
        self.data.is_some()
    }

    fn seek(&mut self, to_us: i64) {
        let (Some(format), Some(data)) = (self.format, self.data) else { return };
        let frame = mul_div_floor(to_us.max(0), format.rate_hz.into(), 1_000_000) as u64;
        let last = data.end.map_or(u64::MAX, |end| end.saturating_sub(data.start)) / format.block;
        self.pos = data.start.saturating_add(frame.min(last).saturating_mul(format.block));
        self.done = false;
    }

    fn take_issues(&mut self) -> Vec<String> {
        self.issues.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{ARRIVALS, Arrival, open, resume, run};
    use proptest::prelude::*;

    const SIZED: Arrival = Arrival { piece: 4096, sized: true };

    /// 16-bit stereo at 8 kHz: `frames` counted up, with a chunk of odd length before; `len` as the data chunk states it.
    fn wav(frames: u32, len: u32) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x02\0".to_vec();
        bytes.extend(8000u32.to_le_bytes());
        bytes.extend(32_000u32.to_le_bytes());
        bytes.extend([4, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(len.to_le_bytes());
        bytes.extend((0..frames).flat_map(u32::to_le_bytes));
        bytes
    }

    #[test]
    fn sound_is_cut_into_even_parts_in_every_arrival() {
        for arrival in ARRIVALS {
            let mut demux = Wav::new();
            let result = run(&mut demux, &[wav(1000, 4000), b"LIST".to_vec()].concat(), arrival);
            let seen: Vec<_> = result.samples.iter().map(|s| (s.pts_us, s.data.len())).collect();
            assert_eq!(seen, [(0, 1280), (40_000, 1280), (80_000, 1280), (120_000, 160)]);
            assert_eq!(
                (demux.duration_us(), &demux.tracks()[0].codec_string[..]),
                (Some(125_000), "pcm-s16le")
            );
        }
    }

    #[test]
    fn unknown_length_reads_to_the_end() {
        for len in [0, u32::MAX, 5000] {
            let result = run(&mut Wav::new(), &wav(1000, len), SIZED);
            assert_eq!(result.samples.iter().map(|s| s.data.len()).sum::<usize>(), 4000);
            assert_eq!(result.issues.len(), usize::from(len == 5000));
        }
    }

    #[test]
    fn seek_is_exact() {
        let bytes = wav(8000, 32_000);
        let mut demux = Wav::new();
        let mut window = open(&mut demux, &bytes);
        demux.seek(500_125);
        let result = resume(&mut demux, &bytes, SIZED, &mut window);
        assert_eq!(
            (result.samples[0].pts_us, &result.samples[0].data[..4]),
            (500_125, &4001u32.to_le_bytes()[..])
        );
    }

    #[test]
    fn compressed_sound_is_unsupported() {
        let mut bytes = wav(10, 40);
        bytes[32] = 2;
        assert!(matches!(run(&mut Wav::new(), &bytes, SIZED).error, Some(Error::Unsupported(_))));
    }

    proptest! {
        #[test]
        fn damaged_files_end_without_panic(
            flips in prop::collection::vec((0usize..80, any::<u8>()), 0..20), cut in 0usize..400, to_us: i64,
        ) {
            let mut bytes = wav(100, 400);
            for (at, value) in flips {
                bytes[at] = value;
            }
            bytes.truncate(cut);
            let mut demux = Wav::new();
            let result = run(&mut demux, &bytes, SIZED);
            prop_assert!(result.samples.iter().map(|s| s.data.len()).sum::<usize>() <= bytes.len());
            demux.seek(to_us);
            run(&mut demux, &bytes, SIZED);
        }
    }
}
