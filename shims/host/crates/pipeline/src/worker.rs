//! The decode threads: one a stream, woken when there is something to decode and room for it.

use std::sync::Arc;

use kinora_port::{AudioDecoder, DecodeError, Failure, MediaUs, Next, PcmBlock, VideoDecoder, code};

use crate::audio::mixer::Command;
use crate::audio::process::Processor;
use crate::audio::voice::{VoiceWriter, voice};
use crate::pacer::Pacing;
use crate::queue::{Config, Entry};
use crate::shared::{Core, Shared};
use crate::stream::{Job, Stream, VoiceRef};

/// Samples in a row that may be damaged without one decoding: two seconds of pictures at 60 Hz.
const MAX_DAMAGED: u32 = 120;
/// Times in a row a decoder may be lost.
const MAX_LOST: u32 = 3;

enum Decoder {
    Video(Box<dyn VideoDecoder>),
    Audio(Box<dyn AudioDecoder>),
}

struct Worker {
    shared: Arc<Shared>,
    stream: u64,
    generation: u64,
    decoder: Option<(Decoder, Arc<Config>)>,
    sound: Option<(Processor, VoiceWriter)>,
    /// Only a key frame is of use.
    needs_key: bool,
    damaged: u32,
    lost: u32,
}

/// Starts the decode thread of a stream; it ends when the stream is gone.
pub(crate) fn spawn(shared: Arc<Shared>, stream: u64) -> std::io::Result<()> {
    let worker = Worker {
        shared,
        stream,
        generation: 0,
        decoder: None,
        sound: None,
        needs_key: true,
        damaged: 0,
        lost: 0,
    };
    std::thread::Builder::new().name(format!("decode-{stream}")).spawn(move || worker.run()).map(drop)
}

impl Worker {
    fn run(mut self) {
        let shared = self.shared.clone();
        while let Some(job) = self.wait() {
            let result = match job {
                Job::Reset => {
                    if let Some((decoder, _)) = &mut self.decoder {
                        match decoder {
                            Decoder::Video(decoder) => decoder.flush(),
                            Decoder::Audio(decoder) => decoder.flush(),
                        }
                    }
                    self.needs_key = true;
                    Ok(())
                }
                Job::Decode(entry) => self.decode(&entry),
                Job::Drain => self.drain().map(|()| self.finish()),
                Job::Pump => Ok(()),
            };
            if let Err(error) = result {
                self.fail(&error);
            }
            self.pump();
            if self.is_awaited() {
                shared.notify_activity();
            }
        }
    }

    /// Whether the media thread or the screen may be waiting for what was just done, instead of for the clock.
    fn is_awaited(&self) -> bool {
        let mut core = self.shared.lock();
        core.timeline_and_stream(self.stream).is_some_and(|(timeline, stream)| {
            let only_picture = stream.video().is_some_and(|video| video.frames.len() == 1);
            !timeline.running || stream.joining || stream.finished || stream.failed.is_some() || only_picture
        })
    }

    /// Waits for a job; none when the stream is gone.
    fn wait(&mut self) -> Option<Job> {
        let shared = self.shared.clone();
        let mut core = shared.lock();
        loop {
            let device_open = core.mixer.is_some();
            let stream = core.stream_mut(self.stream)?;
            stream.busy = false;
            if let Some(job) = stream.next_job(device_open) {
                stream.busy = true;
                match job {
                    Job::Reset => self.reset(&mut core),
                    Job::Decode(_) => stream.next += 1,
                    Job::Drain => stream.drained = true,
                    Job::Pump => {}
                }
                return Some(job);
            }
            shared.settled.notify_all();
            core = shared.wait_for_work(core)?;
        }
    }

    /// Takes over the stream's generation, with a voice of its own where it sounds.
    fn reset(&mut self, core: &mut Core) {
        let id = core.mint();
        let Some((stream, gain_permille, mixer)) = core.stream_and_mixer(self.stream) else { return };
        stream.worker_generation = stream.generation;
        self.generation = stream.generation;
        self.sound = None;
        if let (Some(audio), Some(mixer)) = (stream.audio_mut(), mixer) {
            let format = mixer.format();
            let gain = gain_permille as f32 / 1000.0;
            let (writer, voice, shared) = voice(id, format.rate_hz, format.channels, gain);
            self.sound = Some((Processor::new(format), writer));
            mixer.send(Command::Add(Box::new(voice)));
            audio.voice = Some(VoiceRef {
                id,
                shared,
                rate_hz: format.rate_hz,
                started: false,
                measured: 0,
                gain: gain_permille,
            });
        }
    }

    /// Changes the stream, unless it was flushed or closed meanwhile.
    fn update<T>(&self, change: impl FnOnce(&mut Stream) -> T) -> Option<T> {
        let mut core = self.shared.lock();
        let stream = core.stream_mut(self.stream)?;
        (stream.generation == self.generation).then(|| change(stream))
    }

    fn decode(&mut self, entry: &Entry) -> Result<(), DecodeError> {
        let same = self.decoder.as_ref().is_some_and(|(_, config)| Arc::ptr_eq(config, &entry.config));
        if !same {
            // The old configuration's last pictures come before the new one's first.
            if let Err(error) = self.drain() {
                self.fail(&error);
            }
            self.open(&entry.config)?;
            self.needs_key = true;
        }
        if self.needs_key && !entry.sample.key {
            return Ok(());
        }
        self.needs_key = false;
        let discarding = self.update(|stream| stream.is_before_target(&entry.sample)).unwrap_or(true);
        match self.decoder.as_mut().map(|(decoder, _)| decoder) {
            Some(Decoder::Video(decoder)) => {
                decoder.set_discarding(discarding);
                decoder.send(&entry.sample)?;
            }
            Some(Decoder::Audio(decoder)) => decoder.send(&entry.sample)?,
            None => return Ok(()),
        }
        self.receive()
    }

    fn open(&mut self, config: &Arc<Config>) -> Result<(), DecodeError> {
        let decoders = &self.shared.decoders;
        let decoder = match &**config {
            Config::Video(config) => Decoder::Video(decoders.video(config)?),
            Config::Audio(config) => Decoder::Audio(decoders.audio(config)?),
        };
        let name = match &decoder {
            Decoder::Video(decoder) => decoder.name().to_owned(),
            Decoder::Audio(decoder) => decoder.name().to_owned(),
        };
        self.update(|stream| stream.stats.decoder = name);
        self.decoder = Some((decoder, config.clone()));
        Ok(())
    }

    fn receive(&mut self) -> Result<(), DecodeError> {
        loop {
            match self.decoder.as_mut().map(|(decoder, _)| decoder) {
                Some(Decoder::Video(decoder)) => {
                    let Some(frame) = decoder.receive()? else { return Ok(()) };
                    self.present(frame);
                }
                Some(Decoder::Audio(decoder)) => {
                    let Some(block) = decoder.receive()? else { return Ok(()) };
                    self.sound(block);
                }
                None => return Ok(()),
            }
            self.damaged = 0;
            self.lost = 0;
        }
    }

    fn present(&self, frame: kinora_port::VideoFrame) {
        let now = self.shared.now();
        let pacing = self.shared.pacing;
        let mut core = self.shared.lock();
        let Some((timeline, stream)) = core.timeline_and_stream(self.stream) else { return };
        if stream.generation != self.generation {
            return;
        }
        let late_us = timeline.media_us(now) - frame.pts_us;
        let pacer = stream.video().map(|video| &video.pacer);
        let on_time = late_us <= timeline.late_us || pacing == Pacing::EveryFrame;
        // Before a jump of the clock the other way everything seems late.
        let jumped = late_us > 10_000_000;
        if timeline.running
            && !on_time
            && !jumped
            && pacer.is_some_and(|p| !p.is_fresh() && !p.is_overdue(now))
        {
            stream.stats.decoded += 1;
            stream.stats.late += 1;
            stream.stats.dropped += 1;
            return;
        }
        stream.push_frame(frame);
    }

    fn sound(&mut self, mut block: PcmBlock) {
        let found = {
            let mut core = self.shared.lock();
            core.timeline_and_stream(self.stream).and_then(|(timeline, stream)| {
                (stream.generation == self.generation).then_some((stream.target, timeline.rate_permille))
            })
        };
        let Some((target, rate_permille)) = found else { return };
        if let Some(target) = target
            && !cut(&mut block, target)
        {
            return;
        }
        if let Some(tap) = &self.shared.audio_tap {
            tap(self.stream, &block);
        }
        let frames = u64::from(block.frames());
        if let Some((processor, _)) = &mut self.sound {
            processor.push(&block, rate_permille);
        }
        self.update(|stream| {
            stream.target = None;
            stream.first_out = true;
            stream.stats.decoded += 1;
            stream.stats.samples += frames;
        });
    }

    /// Hands on sound as far as the ring takes it.
    fn pump(&mut self) {
        let Some((processor, writer)) = &mut self.sound else { return };
        let pending = !processor.pump(writer);
        self.update(|stream| {
            let finished = stream.finished;
            if let Some(audio) = stream.audio_mut() {
                audio.pending = pending;
                if let Some(voice) = audio.voice.as_ref().filter(|_| finished && !pending) {
                    voice.shared.set_finished();
                }
            }
        });
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        match self.decoder.as_mut().map(|(decoder, _)| decoder) {
            Some(Decoder::Video(decoder)) => decoder.drain()?,
            Some(Decoder::Audio(decoder)) => decoder.drain()?,
            None => return Ok(()),
        }
        self.receive()
    }

    fn finish(&mut self) {
        if let Some((processor, _)) = &mut self.sound {
            processor.finish();
        }
        self.update(Stream::finish);
    }

    fn fail(&mut self, error: &DecodeError) {
        let failed = match error {
            DecodeError::Damaged(_) => {
                self.damaged += 1;
                self.damaged > MAX_DAMAGED
            }
            DecodeError::Lost(_) => {
                self.lost += 1;
                self.decoder = None;
                self.needs_key = true;
                self.lost > MAX_LOST
            }
            DecodeError::Unsupported(_) => true,
        };
        let code = match error {
            DecodeError::Unsupported(_) => code::CODEC,
            DecodeError::Damaged(_) | DecodeError::Lost(_) => code::DECODER,
        };
        let mut core = self.shared.lock();
        let Some((stream, _, mixer)) = core.stream_and_mixer(self.stream) else { return };
        if stream.generation == self.generation {
            match error {
                DecodeError::Lost(_) => stream.stats.rebuilt += 1,
                _ => stream.stats.damaged += 1,
            }
            if failed {
                let message = format!("{} cannot be decoded: {error}", stream.stats.codec);
                stream.failed = Some(Failure::new(Next::Rebuild, code, message));
            } else if stream.drained {
                stream.finish();
            } else if matches!(error, DecodeError::Lost(_)) {
                stream.decode_again(mixer);
            }
        }
    }
}

/// Drops what lies before `target`. `false`: nothing is left.
fn cut(block: &mut PcmBlock, target: MediaUs) -> bool {
    let before_us = target.saturating_sub(block.pts_us);
    if before_us <= 0 {
        return true;
    }
    let before = (before_us as u64).saturating_mul(u64::from(block.rate_hz)) / 1_000_000;
    block.trim(u32::try_from(before).unwrap_or(u32::MAX), 0);
    block.frames() > 0
}

/// Of a timeline, what a decoded picture is judged by.
pub(crate) struct Pace {
    pub(crate) running: bool,
    pub(crate) rate_permille: i32,
    pub(crate) late_us: i64,
    pub(crate) clock: crate::clock::Clock,
}

impl Pace {
    fn media_us(&self, now: kinora_port::HostUs) -> MediaUs {
        self.clock.media_at(now)
    }
}

#[cfg(test)]
mod tests {
    use kinora_port::PcmSamples;

    use super::*;

    #[test]
    fn block_across_the_target_loses_what_is_before() {
        let samples = PcmSamples::S16((0..20).collect());
        let mut block = PcmBlock { pts_us: 1_000_000, rate_hz: 1_000, channels: 2, samples };
        assert!(cut(&mut block, 1_004_000));
        assert_eq!((block.pts_us, &block.samples), (1_004_000, &PcmSamples::S16((8..20).collect())));
        assert!(!cut(&mut block, 2_000_000));
    }
}
