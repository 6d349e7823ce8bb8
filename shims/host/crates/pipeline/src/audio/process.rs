//! From a decoder's blocks to what the ring takes: the device's channels and rate, at the timeline's tempo.

use std::collections::VecDeque;
use std::num::{NonZeroU16, NonZeroU32};

use kinora_port::{MediaUs, PcmBlock, PcmSamples, SinkFormat};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler};
use wsola::TimeStretch;

use super::voice::VoiceWriter;

/// Timestamps are rounded and drift; below this the sound is taken as contiguous.
const JITTER_US: i64 = 20_000;
/// A jump beyond this is a discontinuity; below, a hole is filled with silence and an overlap cut.
const JUMP_US: i64 = 10_000_000;
/// Frames the resampler takes at a time.
const CHUNK: usize = 512;

struct Piece {
    mark: Option<(MediaUs, i32)>,
    samples: Vec<f32>,
    written: usize,
}

/// The processing of one voice, on the decode thread.
pub(crate) struct Processor {
    device: SinkFormat,
    rate_permille: i32,
    resampler: Option<Resample>,
    stretch: Option<TimeStretch>,
    /// Where the sound so far began, and how many frames at which rate it has been since.
    origin: Option<(MediaUs, u64, u32)>,
    pending: VecDeque<Piece>,
}

impl Processor {
    pub(crate) fn new(device: SinkFormat) -> Self {
        Processor {
            device,
            rate_permille: 1000,
            resampler: None,
            stretch: None,
            origin: None,
            pending: VecDeque::new(),
        }
    }

    /// Processes a block that is to be heard at `rate_permille`.
    pub(crate) fn push(&mut self, block: &PcmBlock, rate_permille: i32) {
        let channels = self.device.channels as usize;
        let mut samples = mixed(block, self.device.channels);
        let rate_hz = block.rate_hz.max(1);
        let expected =
            self.origin.map(|(from, frames, hz)| from + (frames * 1_000_000 / u64::from(hz)) as i64);
        let jump_us = expected.map(|expected| block.pts_us.saturating_sub(expected));
        let same_rate = self.origin.is_some_and(|(_, _, hz)| hz == rate_hz);
        match jump_us {
            Some(jump_us) if same_rate && jump_us.abs() <= JUMP_US && rate_permille == self.rate_permille => {
                let frames = (jump_us.unsigned_abs() * u64::from(rate_hz) / 1_000_000) as usize;
                if jump_us > JITTER_US {
                    samples.splice(0..0, std::iter::repeat_n(0.0, frames * channels));
                } else if jump_us < -JITTER_US {
                    samples.drain(..(frames * channels).min(samples.len()));
                }
            }
            _ => self.begin(block.pts_us, rate_hz, rate_permille),
        }
        if let Some((_, frames, _)) = &mut self.origin {
            *frames += (samples.len() / channels) as u64;
        }
        self.resample(&samples);
    }

    /// Starts a new line of media time.
    fn begin(&mut self, pts_us: MediaUs, rate_hz: u32, rate_permille: i32) {
        self.finish();
        self.rate_permille = rate_permille;
        self.resampler = (rate_hz != self.device.rate_hz)
            .then(|| Resample::new(rate_hz, self.device.rate_hz, self.device.channels))
            .flatten();
        let format = (NonZeroU32::new(self.device.rate_hz), NonZeroU16::new(self.device.channels as u16));
        if rate_permille != 1000
            && let (Some(rate), Some(channels)) = format
            && let Ok(mut stretch) = TimeStretch::new(rate, channels)
        {
            stretch.set_tempo(rate_permille as f32 / 1000.0);
            self.stretch = Some(stretch);
        }
        self.origin = Some((pts_us, 0, rate_hz));
        self.pending.push_back(Piece {
            mark: Some((pts_us, rate_permille)),
            samples: Vec::new(),
            written: 0,
        });
    }

    /// Lets go of what the resampler and the stretcher hold back.
    pub(crate) fn finish(&mut self) {
        if let Some(mut resampler) = self.resampler.take() {
            let tail = resampler.finish();
            self.stretch(tail);
        }
        if let Some(mut stretch) = self.stretch.take() {
            stretch.set_draining();
            let samples = pull(&mut stretch);
            self.pending.push_back(Piece { mark: None, samples, written: 0 });
        }
    }

    fn resample(&mut self, samples: &[f32]) {
        let resampled = match &mut self.resampler {
            Some(resampler) => resampler.push(samples),
            None => samples.to_vec(),
        };
        self.stretch(resampled);
    }

    fn stretch(&mut self, samples: Vec<f32>) {
        let samples = match &mut self.stretch {
            Some(stretch) => {
                stretch.push(&samples);
                pull(stretch)
            }
            None => samples,
        };
        if !samples.is_empty() {
            self.pending.push_back(Piece { mark: None, samples, written: 0 });
        }
    }

    /// Writes what the ring takes. `true`: nothing is left.
    pub(crate) fn pump(&mut self, writer: &mut VoiceWriter) -> bool {
        while let Some(piece) = self.pending.front_mut() {
            if let Some((media_us, rate_permille)) = piece.mark {
                if !writer.mark(media_us, rate_permille) {
                    return false;
                }
                piece.mark = None;
            }
            piece.written += writer.write(&piece.samples[piece.written..]);
            if piece.written < piece.samples.len() {
                return false;
            }
            self.pending.pop_front();
        }
        true
    }
}

fn pull(stretch: &mut TimeStretch) -> Vec<f32> {
    let step = stretch.min_output_buff_size();
    let mut out = Vec::new();
    loop {
        let from = out.len();
        out.resize(from + step, 0.0);
        match stretch.pull(&mut out[from..]) {
            Ok(written) => out.truncate(from + written),
            Err(_) => {
                out.truncate(from);
                return out;
            }
        }
    }
}

/// A resampler fed with any amount, without the delay of its filter.
struct Resample {
    fft: Fft<f32>,
    channels: usize,
    input: Vec<f32>,
    taken: u64,
    given: u64,
    delay: usize,
    ratio: (u64, u64),
}

impl Resample {
    fn new(from_hz: u32, to_hz: u32, channels: u32) -> Option<Self> {
        let channels = channels as usize;
        let fft = Fft::new(from_hz as usize, to_hz as usize, CHUNK, channels, FixedSync::Input).ok()?;
        let delay = fft.output_delay();
        let ratio = (u64::from(to_hz), u64::from(from_hz));
        Some(Resample { fft, channels, input: Vec::new(), taken: 0, given: 0, delay, ratio })
    }

    fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        self.taken += (samples.len() / self.channels) as u64;
        self.input.extend_from_slice(samples);
        let mut out = Vec::new();
        let mut used = 0;
        loop {
            let needed = self.fft.input_frames_next() * self.channels;
            if self.input.len() - used < needed {
                break;
            }
            let chunk = self.input[used..used + needed].to_vec();
            used += needed;
            self.chunk(&chunk, &mut out);
        }
        self.input.drain(..used);
        out
    }

    fn chunk(&mut self, chunk: &[f32], out: &mut Vec<f32>) {
        let frames = chunk.len() / self.channels;
        let room = self.fft.output_frames_next();
        let mut buffer = vec![0.0; room * self.channels];
        let short = (frames < self.fft.input_frames_next()).then(|| Indexing::new().partial_len(frames));
        let padded;
        let input = if short.is_some() {
            padded = {
                let mut padded = chunk.to_vec();
                padded.resize(self.fft.input_frames_next() * self.channels, 0.0);
                padded
            };
            &padded
        } else {
            chunk
        };
        let Ok(source) = InterleavedSlice::new(input, self.channels, input.len() / self.channels) else {
            return;
        };
        let Ok(mut target) = InterleavedSlice::new_mut(&mut buffer, self.channels, room) else { return };
        let Ok((_, written)) = self.fft.process_into_buffer(&source, &mut target, short.as_ref()) else {
            return;
        };
        let skip = self.delay.min(written);
        self.delay -= skip;
        out.extend_from_slice(&buffer[skip * self.channels..written * self.channels]);
        self.given += (written - skip) as u64;
    }

    /// The rest: as many frames in all as the input was long.
    fn finish(&mut self) -> Vec<f32> {
        let due = self.taken * self.ratio.0 / self.ratio.1;
        let mut out = Vec::new();
        let mut rest = std::mem::take(&mut self.input);
        let before = self.given;
        // The filter's delay is below two chunks.
        for _ in 0..4 {
            if self.given >= due {
                break;
            }
            self.chunk(&std::mem::take(&mut rest), &mut out);
        }
        out.truncate(due.saturating_sub(before) as usize * self.channels);
        out
    }
}

/// The block as floats in the device's channels.
fn mixed(block: &PcmBlock, to: u32) -> Vec<f32> {
    let from = block.channels.max(1) as usize;
    let to = to as usize;
    let values: Vec<f32> = match &block.samples {
        PcmSamples::S16(values) => values.iter().map(|&x| f32::from(x) / 32_768.0).collect(),
        PcmSamples::S32(values) => values.iter().map(|&x| x as f32 / 2_147_483_648.0).collect(),
        PcmSamples::F32(values) => values.clone(),
    };
    if from == to {
        return values;
    }
    let matrix = matrix(from, to);
    let mut out = Vec::with_capacity(values.len() / from * to);
    for frame in values.chunks_exact(from) {
        for row in matrix.chunks_exact(from) {
            out.push(row.iter().zip(frame).map(|(weight, value)| weight * value).sum());
        }
    }
    out
}

/// Where a channel is: front left and right, centre, low frequencies, back or side left and right, back centre.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Left,
    Right,
    Centre,
    Low,
    BackLeft,
    BackRight,
    SideLeft,
    SideRight,
    BackCentre,
}

/// FFmpeg's default layouts by number of channels.
fn places(channels: usize) -> &'static [Place] {
    use Place::*;
    match channels {
        1 => &[Centre],
        2 => &[Left, Right],
        3 => &[Left, Right, Low],
        4 => &[Left, Right, Centre, BackCentre],
        5 => &[Left, Right, Centre, BackLeft, BackRight],
        6 => &[Left, Right, Centre, Low, BackLeft, BackRight],
        7 => &[Left, Right, Centre, Low, BackCentre, SideLeft, SideRight],
        _ => &[Left, Right, Centre, Low, BackLeft, BackRight, SideLeft, SideRight],
    }
}

/// `to x from` weights. Channels both sides have pass; the others fold into the front by ITU-R BS.775-4 annex 4 (centre and
/// surround at -3 dB, low frequencies left out), and no output may clip that did not before.
fn matrix(from: usize, to: usize) -> Vec<f32> {
    use Place::*;
    let (sources, targets) = (places(from), places(to));
    let mut matrix = vec![0.0f32; from * to];
    for (column, &source) in sources.iter().enumerate().take(from) {
        if let Some(row) = targets.iter().take(to).position(|&target| target == source) {
            matrix[row * from + column] = 1.0;
            continue;
        }
        let half = std::f32::consts::FRAC_1_SQRT_2;
        let fold = |to_left: f32, to_right: f32, matrix: &mut Vec<f32>| {
            for (row, target) in targets.iter().enumerate().take(to) {
                let weight = match target {
                    Left => to_left,
                    Right => to_right,
                    Centre if to == 1 => (to_left + to_right) / 2.0,
                    _ => 0.0,
                };
                matrix[row * from + column] = weight;
            }
        };
        match source {
            // A mono source is as loud on two speakers as its file says.
            Centre if from == 1 => fold(1.0, 1.0, &mut matrix),
            Centre => fold(half, half, &mut matrix),
            Left => fold(1.0, 0.0, &mut matrix),
            Right => fold(0.0, 1.0, &mut matrix),
            BackLeft | SideLeft => fold(half, 0.0, &mut matrix),
            BackRight | SideRight => fold(0.0, half, &mut matrix),
            BackCentre => fold(0.5, 0.5, &mut matrix),
            Low => {}
        }
    }
    let loudest = matrix.chunks_exact(from).map(|row| row.iter().sum::<f32>()).fold(1.0, f32::max);
    matrix.iter_mut().for_each(|weight| *weight /= loudest);
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::voice::voice;

    fn sine(pts_us: i64, frames: usize, rate_hz: u32) -> PcmBlock {
        let at = pts_us as f64 * 1e-6;
        let value = |i: usize| {
            ((at + i as f64 / f64::from(rate_hz)) * 440.0 * std::f64::consts::TAU).sin() as f32 * 0.5
        };
        PcmBlock { pts_us, rate_hz, channels: 1, samples: PcmSamples::F32((0..frames).map(value).collect()) }
    }

    fn all(processor: &mut Processor) -> Vec<f32> {
        processor.pending.drain(..).flat_map(|piece| piece.samples).collect()
    }

    #[test]
    fn surround_folds_to_stereo_without_clipping() {
        let stereo = matrix(6, 2);
        let left: f32 = stereo[..6].iter().sum();
        assert!((left - 1.0).abs() < 1e-6);
        assert!(
            (stereo[2] / stereo[0] - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-6
                && stereo[3] == 0.0
                && stereo[1] == 0.0
        );
    }

    #[test]
    fn resampled_sine_keeps_length_and_phase() {
        let mut processor = Processor::new(SinkFormat { rate_hz: 48_000, channels: 1 });
        for i in 0..10 {
            processor.push(&sine(i * 100_000, 4_410, 44_100), 1000);
        }
        processor.finish();
        let heard = all(&mut processor);
        assert_eq!(heard.len(), 48_000);
        let PcmSamples::F32(wanted) = sine(0, 48_000, 48_000).samples else { unreachable!() };
        let middle = 2_000..46_000;
        let worst = middle.map(|i| (heard[i] - wanted[i]).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{worst}");
    }

    #[test]
    fn stretched_sine_is_shorter_with_the_same_pitch() {
        let mut processor = Processor::new(SinkFormat { rate_hz: 48_000, channels: 1 });
        for i in 0..20 {
            processor.push(&sine(i * 100_000, 4_800, 48_000), 2000);
        }
        processor.finish();
        let heard = all(&mut processor);
        assert!((heard.len() as i64 - 48_000).abs() < 2_400, "{}", heard.len());
        let part = &heard[4_800..43_200];
        let crossings = part.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        assert!((350..=354).contains(&crossings), "440 Hz for 0.8 s: {crossings}");
    }

    #[test]
    fn hole_becomes_silence_and_jump_a_new_line() {
        let mut processor = Processor::new(SinkFormat { rate_hz: 1_000, channels: 1 });
        let block =
            |pts_us| PcmBlock { pts_us, rate_hz: 1_000, channels: 1, samples: PcmSamples::S16(vec![1; 100]) };
        processor.push(&block(0), 1000);
        processor.push(&block(150_000), 1000);
        processor.push(&block(60_000_000), 1000);
        let marks: Vec<_> = processor.pending.iter().filter_map(|piece| piece.mark).collect();
        assert_eq!(marks, [(0, 1000), (60_000_000, 1000)]);
        assert_eq!(all(&mut processor).len(), 350);
    }

    #[test]
    fn ring_that_is_full_takes_the_rest_later() {
        let (mut writer, _voice, shared) = voice(1, 1_000, 1, 1.0);
        let mut processor = Processor::new(SinkFormat { rate_hz: 1_000, channels: 1 });
        let samples = PcmSamples::S16(vec![1; 500]);
        processor.push(&PcmBlock { pts_us: 0, rate_hz: 1_000, channels: 1, samples }, 1000);
        assert!(!processor.pump(&mut writer));
        assert_eq!(shared.queued(), 400);
    }
}
