use std::sync::Arc;

use crate::{AudioConfig, EncodedSample, PcmBlock, VideoConfig, VideoFrame};

/// Why decoding failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// The codec or profile cannot be decoded here; not a matter of this sample.
    Unsupported(String),
    /// This sample is damaged; the next may decode.
    Damaged(String),
    /// The decoder is lost (device reset, out of memory): make a new one and start from a key frame.
    Lost(String),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (DecodeError::Unsupported(m) | DecodeError::Damaged(m) | DecodeError::Lost(m)) = self;
        f.write_str(m)
    }
}

impl std::error::Error for DecodeError {}

/// Decodes access units to pictures.
///
/// Owned by one decode thread. `send` takes samples in decode order; pictures come out of `receive` in presentation order, some
/// samples later. `send` may be called again only after `receive` has returned `None`.
/// After `drain`, `receive` gives the remaining pictures and then `None`; then `flush` makes it ready for a key frame. May block while decoding.
///
/// Platform: MediaCodec, VideoDecoder, libavcodec, V4L2 M2M.
pub trait VideoDecoder: Send {
    /// Feeds one sample. The picture carries the sample's timestamps. `decode_only` samples produce no picture.
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError>;
    /// The next finished picture.
    fn receive(&mut self) -> Result<Option<VideoFrame>, DecodeError>;
    /// States that nothing follows until `flush`.
    fn drain(&mut self) -> Result<(), DecodeError>;
    /// Forgets everything; a key frame follows.
    fn flush(&mut self);
    /// Pictures nobody will see are being decoded (an exact seek): the decoder may spare what only display needs.
    fn set_discarding(&mut self, _on: bool) {}
    /// What decodes, for `doctor` and reports: `h264 (libavcodec, 2 threads)`.
    fn name(&self) -> &str;
}

/// Decodes audio frames to PCM. The same calling rules as [`VideoDecoder`]. Trimming by `EncodedSample::trim` is done here.
pub trait AudioDecoder: Send {
    /// Feeds one sample.
    fn send(&mut self, sample: &EncodedSample) -> Result<(), DecodeError>;
    /// The next block of sound.
    fn receive(&mut self) -> Result<Option<PcmBlock>, DecodeError>;
    /// States that nothing follows until `flush`.
    fn drain(&mut self) -> Result<(), DecodeError>;
    /// Forgets everything.
    fn flush(&mut self);
    /// What decodes, for `doctor` and reports.
    fn name(&self) -> &str;
}

/// Makes decoders. `supports` must be honest: what it says yes to opens.
pub trait Decoders: Send + Sync {
    /// Whether a codec string (`avc1.64001f`, `opus`, or just `avc1`) can be decoded.
    fn supports(&self, codec: &str) -> bool;
    /// A decoder for the configuration.
    fn video(&self, config: &VideoConfig) -> Result<Box<dyn VideoDecoder>, DecodeError>;
    /// A decoder for the configuration.
    fn audio(&self, config: &AudioConfig) -> Result<Box<dyn AudioDecoder>, DecodeError>;
}

/// Decodes nothing: the start of a port.
#[derive(Debug, Default, Clone, Copy)]
pub struct NullDecoders;

impl Decoders for NullDecoders {
    fn supports(&self, _codec: &str) -> bool {
        false
    }
    fn video(&self, config: &VideoConfig) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Err(DecodeError::Unsupported(format!("no decoder for {}", config.codec)))
    }
    fn audio(&self, config: &AudioConfig) -> Result<Box<dyn AudioDecoder>, DecodeError> {
        Err(DecodeError::Unsupported(format!("no decoder for {}", config.codec)))
    }
}

/// Several decoders in order of preference: each configuration goes to the first that takes it.
pub struct Chain(pub Vec<Arc<dyn Decoders>>);

impl Chain {
    fn first<T>(
        &self,
        codec: &str,
        open: impl Fn(&dyn Decoders) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let mut refused = DecodeError::Unsupported(format!("no decoder for {codec}"));
        for decoders in &self.0 {
            match open(&**decoders) {
                Err(error @ DecodeError::Unsupported(_)) => refused = error,
                result => return result,
            }
        }
        Err(refused)
    }
}

impl Decoders for Chain {
    fn supports(&self, codec: &str) -> bool {
        self.0.iter().any(|decoders| decoders.supports(codec))
    }
    fn video(&self, config: &VideoConfig) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        self.first(&config.codec, |decoders| decoders.video(config))
    }
    fn audio(&self, config: &AudioConfig) -> Result<Box<dyn AudioDecoder>, DecodeError> {
        self.first(&config.codec, |decoders| decoders.audio(config))
    }
}
