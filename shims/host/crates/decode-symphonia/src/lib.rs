//! Audio decoders in safe Rust: AAC-LC, MP3, FLAC, Vorbis, ALAC and PCM through Symphonia. What they do not do as FFmpeg does is left
//! to the decoders behind them.

mod config;

use std::collections::VecDeque;

use kinora_port::{
    AudioConfig, AudioDecoder, DecodeError, Decoders, EncodedSample, PcmBlock, PcmSamples, VideoConfig,
    VideoDecoder,
};
use symphonia_core::audio::GenericAudioBufferRef;
use symphonia_core::codecs::audio::AudioDecoder as Codec;
use symphonia_core::errors::Error;
use symphonia_core::packet::PacketRef;
use symphonia_core::units::{Duration, Timestamp};

/// Makes Symphonia decoders.
#[derive(Debug, Default, Clone, Copy)]
pub struct SymphoniaDecoders;

impl Decoders for SymphoniaDecoders {
    /// By name alone this can promise only what no configuration takes back: what is refused on opening, others must take.
    fn supports(&self, codec: &str) -> bool {
        config::always_opens(codec)
    }

    fn video(&self, config: &VideoConfig) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Err(DecodeError::Unsupported(format!("no decoder for {}", config.codec)))
    }

    fn audio(&self, config: &AudioConfig) -> Result<Box<dyn AudioDecoder>, DecodeError> {
        let (codec, bits) = config::open(config)?;
        let name = format!("{} (symphonia)", codec.codec_info().short_name);
        Ok(Box::new(SymphoniaAudio { codec, bits, skip: 0, ready: VecDeque::new(), name }))
    }
}

struct SymphoniaAudio {
    codec: Box<dyn Codec>,
    /// Of lossless codecs, which Symphonia hands out in the high bits of 32.
    bits: Option<u32>,
    /// Frames still to drop at the start: a trim may be longer than a packet.
    skip: u32,
    ready: VecDeque<PcmBlock>,
    name: String,
}

impl SymphoniaAudio {
    fn decode(&mut self, sample: &EncodedSample) -> Result<Option<PcmBlock>, DecodeError> {
        // Without a trim: that counts across packets and is done here for all codecs alike.
        let packet = PacketRef::new(
            0,
            Timestamp::new(sample.pts_us),
            Duration::new(u64::from(sample.duration_us)),
            sample.data(),
        );
        let buffer = match self.codec.decode_ref(&packet) {
            Ok(buffer) => buffer,
            Err(Error::ResetRequired) => return Err(DecodeError::Lost("the stream changed".into())),
            Err(error) => return Err(DecodeError::Damaged(error.to_string())),
        };
        let (rate_hz, channels) = (buffer.spec().rate(), buffer.spec().channels().count() as u32);
        if buffer.is_empty() || rate_hz == 0 || channels == 0 {
            return Ok(None);
        }
        let samples = pcm(&buffer, self.bits);
        Ok(Some(PcmBlock { pts_us: sample.pts_us, rate_hz, channels, samples }))
    }
}

/// The sound in the precision FFmpeg gives it: 16 bits up to 16, above that 32 with the value in the high bits.
fn pcm(buffer: &GenericAudioBufferRef<'_>, bits: Option<u32>) -> PcmSamples {
    let interleaved = || {
        let mut values = Vec::<i32>::new();
        buffer.copy_to_vec_interleaved(&mut values);
        values
    };
    match buffer {
        GenericAudioBufferRef::F32(_) | GenericAudioBufferRef::F64(_) => {
            let mut values = Vec::<f32>::new();
            buffer.copy_to_vec_interleaved(&mut values);
            PcmSamples::F32(values)
        }
        GenericAudioBufferRef::S16(_) | GenericAudioBufferRef::U8(_) => {
            let mut values = Vec::<i16>::new();
            buffer.copy_to_vec_interleaved(&mut values);
            PcmSamples::S16(values)
        }
        _ if bits.is_some_and(|bits| bits <= 16) => {
            PcmSamples::S16(interleaved().into_iter().map(|value| (value >> 16) as i16).collect())
        }
        _ => PcmSamples::S32(interleaved()),
    }
}

impl AudioDecoder for SymphoniaAudio {
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError> {
        let decoded = self.decode(sample)?;
        if sample.decode_only {
            return Ok(());
        }
        self.skip = self.skip.saturating_add(sample.trim.0);
        let Some(mut block) = decoded else { return Ok(()) };
        block.trim(0, sample.trim.1);
        let dropped = self.skip.min(block.frames());
        self.skip -= dropped;
        block.trim(dropped, 0);
        if block.frames() > 0 {
            self.ready.push_back(block);
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<PcmBlock>, DecodeError> {
        Ok(self.ready.pop_front())
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn flush(&mut self) {
        self.codec.reset();
        self.ready.clear();
        self.skip = 0;
    }

    fn name(&self) -> &str {
        &self.name
    }
}
