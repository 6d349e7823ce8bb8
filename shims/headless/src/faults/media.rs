//! Mistakes of decoders and of the sound device.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kinora_port::{
    AudioConfig, AudioDecoder, AudioSink, AudioSource, DecodeError, Decoders, EncodedSample, HostUs,
    PcmBlock, PcmSamples, SinkError, SinkFormat, VideoConfig, VideoDecoder, VideoFrame,
};

use super::{Fault, Shared};

pub(super) struct Mistaken {
    pub(super) inner: Arc<dyn Decoders>,
    pub(super) fault: Fault,
    pub(super) shared: Arc<Shared>,
}

impl Decoders for Mistaken {
    fn supports(&self, codec: &str) -> bool {
        self.inner.supports(codec)
    }
    fn video(&self, config: &VideoConfig) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(Video {
            inner: self.inner.video(config)?,
            fault: self.fault,
            shared: Arc::clone(&self.shared),
            first: !self.shared.video_configured.load(Ordering::Relaxed),
            drained: false,
            frames: 0,
            last: None,
        }))
    }
    fn audio(&self, config: &AudioConfig) -> Result<Box<dyn AudioDecoder>, DecodeError> {
        Ok(Box::new(Audio {
            inner: self.inner.audio(config)?,
            fault: self.fault,
            shared: Arc::clone(&self.shared),
            first: !self.shared.audio_configured.load(Ordering::Relaxed),
            blocks: 0,
        }))
    }
}

struct Video {
    inner: Box<dyn VideoDecoder>,
    fault: Fault,
    shared: Arc<Shared>,
    /// Made before the stream was configured anew.
    first: bool,
    drained: bool,
    frames: u64,
    last: Option<VideoFrame>,
}

impl VideoDecoder for Video {
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError> {
        self.inner.send(sample)
    }

    fn receive(&mut self) -> Result<Option<VideoFrame>, DecodeError> {
        if self.fault == Fault::LastFramesDropped && self.drained {
            while self.inner.receive()?.is_some() {}
            return Ok(None);
        }
        let Some(mut frame) = self.inner.receive()? else { return Ok(None) };
        self.frames += 1;
        match self.fault {
            Fault::FramesRepeat if self.frames.is_multiple_of(10) => {
                if let Some(last) = &self.last {
                    frame.planes.clone_from(&last.planes);
                }
            }
            Fault::ReconfiguredEarly
                if self.first && self.shared.video_configured.load(Ordering::Relaxed) =>
            {
                frame.rotation_deg = 180;
            }
            Fault::GroupReplayed => {
                let target = self.shared.seek_us.load(Ordering::Relaxed);
                let ahead = target - frame.pts_us;
                if (1..=200_000).contains(&ahead) && target > 0 {
                    frame.pts_us = target;
                }
            }
            _ => {}
        }
        self.last = Some(frame.clone());
        Ok(Some(frame))
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        self.drained = true;
        self.inner.drain()
    }

    fn flush(&mut self) {
        self.drained = false;
        self.inner.flush();
    }

    fn set_discarding(&mut self, on: bool) {
        self.inner.set_discarding(on);
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

struct Audio {
    inner: Box<dyn AudioDecoder>,
    fault: Fault,
    shared: Arc<Shared>,
    first: bool,
    blocks: u64,
}

impl AudioDecoder for Audio {
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError> {
        self.inner.send(sample)
    }

    fn receive(&mut self) -> Result<Option<PcmBlock>, DecodeError> {
        let Some(mut block) = self.inner.receive()? else { return Ok(None) };
        self.blocks += 1;
        if self.fault == Fault::SoundStartLost && self.blocks <= 15 {
            block.samples = PcmSamples::F32(vec![0.0; block.frames() as usize * block.channels as usize]);
        }
        let configured = self.shared.audio_configured.load(Ordering::Relaxed);
        if self.fault == Fault::SoundReconfiguredEarly && self.first && configured {
            block.rate_hz *= 2;
        }
        Ok(Some(block))
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        self.inner.drain()
    }

    fn flush(&mut self) {
        self.inner.flush();
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

pub(super) struct MistakenSink {
    pub(super) inner: Box<dyn AudioSink>,
    pub(super) fault: Fault,
    pub(super) shared: Arc<Shared>,
}

impl AudioSink for MistakenSink {
    fn open(&mut self, wanted: SinkFormat, source: Box<dyn AudioSource>) -> Result<SinkFormat, SinkError> {
        let (fault, shared) = (self.fault, Arc::clone(&self.shared));
        self.inner.open(wanted, Box::new(Source { inner: source, fault, shared }))
    }
    fn close(&mut self) {
        self.inner.close();
    }
    fn healthy(&mut self) -> bool {
        self.inner.healthy()
    }
    fn advance(&mut self, now_us: HostUs) -> Option<HostUs> {
        self.inner.advance(now_us)
    }
    fn name(&self) -> String {
        self.inner.name()
    }
}

struct Source {
    inner: Box<dyn AudioSource>,
    fault: Fault,
    shared: Arc<Shared>,
}

impl AudioSource for Source {
    fn fill(&mut self, out: &mut [f32], audible_us: HostUs) {
        self.inner.fill(out, audible_us);
        let rate = self.shared.rate_permille.load(Ordering::Relaxed);
        if self.fault == Fault::PitchFollowsRate && rate > 1000 {
            // Two channels; every second frame, twice over.
            let half: Vec<f32> = out.chunks_exact(4).flat_map(|frames| [frames[0], frames[1]]).collect();
            for (to, from) in out.iter_mut().zip(half.iter().cycle()) {
                *to = *from;
            }
        }
        let count_down = |gap: u32| gap.checked_sub(1);
        if self.shared.gap.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count_down).is_ok() {
            out.fill(0.0);
        }
    }
}
