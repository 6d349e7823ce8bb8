//! One stream's sound between its decode thread and the mixer: a ring of frames, marks that say which media time they are, and
//! what was measured when they were played.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};

use kinora_port::{HostUs, MediaUs};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::clock::Measurement;

/// Sound that a ring holds.
const RING_MS: usize = 400;
/// Marks that may be on their way: one for each rate change, hole or jump within a ring.
const MARKS: usize = 64;
/// Time in which gain changes, starts and stops are blended.
const RAMP_MS: f32 = 10.0;

/// From frame `frame` on, media time is `media_us` and moves on at `rate_permille`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) frame: u64,
    pub(crate) media_us: MediaUs,
    pub(crate) rate_permille: i32,
}

impl Mark {
    fn media_at(&self, frame: u64, rate_hz: u32) -> MediaUs {
        let frames = frame.saturating_sub(self.frame) as i64;
        self.media_us + frames * i64::from(self.rate_permille) * 1000 / i64::from(rate_hz)
    }
}

/// What both sides and the timeline see of a voice.
#[derive(Default)]
pub(crate) struct VoiceShared {
    written: AtomicU64,
    read: AtomicU64,
    finished: AtomicBool,
    underruns: AtomicU64,
    /// A sequence lock around the measurement: odd while it is being written.
    sequence: AtomicU64,
    media_us: AtomicI64,
    host_us: AtomicU64,
    rate_permille: AtomicI32,
}

impl VoiceShared {
    /// Frames in the ring.
    pub(crate) fn queued(&self) -> u64 {
        self.written.load(Ordering::Acquire).saturating_sub(self.read.load(Ordering::Acquire))
    }

    /// Nothing follows what is in the ring, so that running dry is no fault.
    pub(crate) fn set_finished(&self) {
        self.finished.store(true, Ordering::Release);
    }

    pub(crate) fn underruns(&self) -> u64 {
        self.underruns.load(Ordering::Relaxed)
    }

    fn write_measurement(&self, measured: Measurement) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::SeqCst);
        self.media_us.store(measured.media_us, Ordering::SeqCst);
        self.host_us.store(measured.host_us, Ordering::SeqCst);
        self.rate_permille.store(measured.rate_permille, Ordering::SeqCst);
        self.sequence.store(sequence + 2, Ordering::SeqCst);
    }

    /// The last measurement and its number; none before the first or while one is being written.
    pub(crate) fn measurement(&self) -> Option<(u64, Measurement)> {
        let before = self.sequence.load(Ordering::SeqCst);
        let measured = Measurement {
            media_us: self.media_us.load(Ordering::SeqCst),
            host_us: self.host_us.load(Ordering::SeqCst),
            rate_permille: self.rate_permille.load(Ordering::SeqCst),
        };
        let whole = before > 0 && before.is_multiple_of(2) && self.sequence.load(Ordering::SeqCst) == before;
        whole.then_some((before, measured))
    }
}

/// The decode thread's end.
pub(crate) struct VoiceWriter {
    ring: Producer<f32>,
    marks: Producer<Mark>,
    shared: Arc<VoiceShared>,
    channels: usize,
    written: u64,
}

impl VoiceWriter {
    /// Announces the media time of the next frame. `false`: too many are on their way.
    pub(crate) fn mark(&mut self, media_us: MediaUs, rate_permille: i32) -> bool {
        self.marks.push(Mark { frame: self.written, media_us, rate_permille }).is_ok()
    }

    /// Takes as much of `samples` (whole frames) as there is room for, and says how much.
    pub(crate) fn write(&mut self, samples: &[f32]) -> usize {
        let room = self.ring.slots() / self.channels * self.channels;
        let take = room.min(samples.len());
        let (written, _) = self.ring.push_partial_slice(&samples[..take]);
        self.written += (written.len() / self.channels) as u64;
        self.shared.written.store(self.written, Ordering::Release);
        written.len()
    }
}

/// Where a voice begins: its frame of media time `media_us` is due at `host_us`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) host_us: HostUs,
    pub(crate) media_us: MediaUs,
    pub(crate) rate_permille: i32,
}

#[derive(Debug, Clone, Copy)]
enum Play {
    Silent,
    /// Waiting for the moment at which the next frame is due.
    Aligning(Start),
    Running,
    /// Fading out, then silent.
    Stopping,
}

/// The mixer's end.
pub(crate) struct Voice {
    pub(crate) id: u64,
    ring: Consumer<f32>,
    marks: Consumer<Mark>,
    current: Option<Mark>,
    read: u64,
    shared: Arc<VoiceShared>,
    channels: usize,
    rate_hz: u32,
    play: Play,
    gain: f32,
    gain_target: f32,
    /// 0 silent to 1 full, for starts and stops.
    fade: f32,
    dry: bool,
    pub(crate) removed: bool,
}

/// Makes both ends of a voice.
pub(crate) fn voice(
    id: u64,
    rate_hz: u32,
    channels: u32,
    gain: f32,
) -> (VoiceWriter, Voice, Arc<VoiceShared>) {
    let shared = Arc::new(VoiceShared::default());
    let channels = channels as usize;
    let (producer, consumer) = RingBuffer::new(rate_hz as usize * RING_MS / 1000 * channels);
    let (mark_producer, mark_consumer) = RingBuffer::new(MARKS);
    let writer =
        VoiceWriter { ring: producer, marks: mark_producer, shared: shared.clone(), channels, written: 0 };
    let voice = Voice {
        id,
        ring: consumer,
        marks: mark_consumer,
        current: None,
        read: 0,
        shared: shared.clone(),
        channels,
        rate_hz,
        play: Play::Silent,
        gain,
        gain_target: gain,
        fade: 0.0,
        dry: false,
        removed: false,
    };
    (writer, voice, shared)
}

impl Voice {
    pub(crate) fn start(&mut self, start: Start) {
        self.play = Play::Aligning(start);
        self.fade = 0.0;
    }

    pub(crate) fn stop(&mut self) {
        self.play = match self.play {
            Play::Running => Play::Stopping,
            _ => Play::Silent,
        };
    }

    pub(crate) fn set_gain(&mut self, gain: f32) {
        self.gain_target = gain;
    }

    /// Whether it may be let go of: removed and faded out.
    pub(crate) fn is_over(&self) -> bool {
        self.removed && matches!(self.play, Play::Silent | Play::Aligning(_))
    }

    fn queued(&self) -> usize {
        self.ring.slots() / self.channels
    }

    fn next_media(&mut self) -> Option<MediaUs> {
        while let Ok(&mark) = self.marks.peek() {
            if mark.frame > self.read {
                break;
            }
            self.current = Some(mark);
            let _ = self.marks.pop();
        }
        self.current.map(|mark| mark.media_at(self.read, self.rate_hz))
    }

    fn consume(&mut self, frames: usize) {
        self.read += frames as u64;
        self.shared.read.store(self.read, Ordering::Release);
    }

    fn skip(&mut self, frames: usize) {
        if let Ok(chunk) = self.ring.read_chunk(frames * self.channels) {
            chunk.commit_all();
            self.consume(frames);
        }
    }

    /// Adds its sound to `out`, whose first frame becomes audible at `audible_us`.
    pub(crate) fn mix(&mut self, out: &mut [f32], audible_us: HostUs) {
        let frames = out.len() / self.channels;
        let at = match self.play {
            Play::Silent => return,
            Play::Aligning(start) => match self.align(start, frames, audible_us) {
                Some(at) => {
                    self.play = Play::Running;
                    at
                }
                None => return,
            },
            Play::Running | Play::Stopping => 0,
        };
        let queued = self.queued();
        if queued > 0
            && let (Some(media_us), Some(mark)) = (self.next_media(), self.current)
        {
            let host_us = audible_us + at as u64 * 1_000_000 / u64::from(self.rate_hz);
            let rate_permille = mark.rate_permille;
            self.shared.write_measurement(Measurement { media_us, host_us, rate_permille });
        }
        let count = queued.min(frames - at);
        let done = self.add(&mut out[at * self.channels..(at + count) * self.channels]);
        self.consume(done);
        let ran_dry = count < frames - at && !self.shared.finished.load(Ordering::Acquire);
        if ran_dry && !self.dry && matches!(self.play, Play::Running) {
            self.shared.underruns.fetch_add(1, Ordering::Relaxed);
        }
        self.dry = ran_dry;
        if matches!(self.play, Play::Stopping) && (self.fade <= 0.0 || queued == 0) {
            self.play = Play::Silent;
        }
    }

    /// The frame of this buffer in which it starts, after dropping what is too late; none if not in this buffer.
    fn align(&mut self, start: Start, frames: usize, audible_us: HostUs) -> Option<usize> {
        let rate_hz = i64::from(self.rate_hz);
        loop {
            let queued = self.queued();
            if queued == 0 {
                return None;
            }
            let ahead_us = self.next_media()? - start.media_us;
            let due_us = start.host_us as i64 + ahead_us * 1000 / i64::from(start.rate_permille.max(1));
            let early = (due_us - audible_us as i64).saturating_mul(rate_hz) / 1_000_000;
            if early >= 0 {
                return usize::try_from(early).ok().filter(|&at| at < frames);
            }
            // One mark's frames at a time, since the next may jump.
            let until_mark = self.marks.peek().map_or(u64::MAX, |mark| mark.frame - self.read);
            let late = early.unsigned_abs().min(queued as u64).min(until_mark.max(1));
            self.skip(late as usize);
        }
    }

    /// Adds frames with gain and fade applied; says how many.
    fn add(&mut self, out: &mut [f32]) -> usize {
        let Ok(chunk) = self.ring.read_chunk(out.len()) else { return 0 };
        let step = 1000.0 / (RAMP_MS * self.rate_hz as f32);
        let fade_step = if matches!(self.play, Play::Stopping) { -step } else { step };
        let mut done = 0;
        let (first, second) = chunk.as_slices();
        let mut samples = first.iter().chain(second);
        for frame in out.chunks_exact_mut(self.channels) {
            if self.fade <= 0.0 && fade_step < 0.0 {
                break;
            }
            self.fade = (self.fade + fade_step).clamp(0.0, 1.0);
            self.gain += (self.gain_target - self.gain).clamp(-step, step);
            let factor = self.fade * self.gain;
            for (value, sample) in frame.iter_mut().zip(&mut samples) {
                *value += sample * factor;
            }
            done += 1;
        }
        chunk.commit(done * self.channels);
        done
    }
}
