//! Decoders made of FFmpeg's libavcodec: every codec of the contract, on the processor or, where a VAAPI device exists, on it.

mod audio;
mod av;
mod codec;
mod video;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kinora_port::{AudioConfig, AudioDecoder, DecodeError, Decoders, VideoConfig, VideoDecoder};

/// How libavcodec is to be used.
#[derive(Debug, Clone, Copy)]
pub struct FfmpegConfig {
    /// Threads of a video decoder.
    pub threads: usize,
    /// Whether a hardware device may decode.
    pub hardware: bool,
}

impl Default for FfmpegConfig {
    fn default() -> Self {
        FfmpegConfig { threads: std::thread::available_parallelism().map_or(1, usize::from), hardware: true }
    }
}

/// Makes libavcodec decoders.
pub struct FfmpegDecoders {
    threads: usize,
    device: Option<av::Device>,
    /// Cleared by a decoder whose device failed, so that its successor runs on the processor.
    device_works: Arc<AtomicBool>,
}

impl FfmpegDecoders {
    /// Looks for a hardware device once, if the configuration allows one.
    pub fn new(config: FfmpegConfig) -> Self {
        av::silence_log();
        let device = if config.hardware { av::Device::find() } else { None };
        FfmpegDecoders {
            threads: config.threads.clamp(1, 64),
            device,
            device_works: Arc::new(AtomicBool::new(true)),
        }
    }
}

impl Default for FfmpegDecoders {
    fn default() -> Self {
        FfmpegDecoders::new(FfmpegConfig::default())
    }
}

impl Decoders for FfmpegDecoders {
    fn supports(&self, codec: &str) -> bool {
        codec::video(codec)
            .or_else(|| codec::audio(codec))
            .is_some_and(|codec| av::Codec::find(codec).is_some())
    }

    fn video(&self, config: &VideoConfig) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        let device = self.device.as_ref().filter(|_| self.device_works.load(Ordering::Relaxed));
        let decoder = video::FfmpegVideo::open(config, self.threads, device, self.device_works.clone())?;
        Ok(Box::new(decoder))
    }

    fn audio(&self, config: &AudioConfig) -> Result<Box<dyn AudioDecoder>, DecodeError> {
        Ok(Box::new(audio::FfmpegAudio::open(config)?))
    }
}
