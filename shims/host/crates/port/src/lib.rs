//! The seam between the shared host and what a port or adapter provides: one trait an ability, its contract as the trait's
//! documentation, and a Null beside it. Nothing here knows WebAssembly, and nothing here blocks unless its documentation says so.
//!
//! Time is `host_time` in microseconds of the shim's monotonic clock unless a name says otherwise.

mod audio;
mod decode;
mod failure;
mod image;
mod input;
mod media;
mod net;
mod picture;
mod shell;
mod storage;

pub use audio::{AudioSink, AudioSource, NullSink, SinkError, SinkFormat};
pub use decode::{AudioDecoder, Chain, DecodeError, Decoders, NullDecoders, VideoDecoder};
pub use failure::{Failure, Next, code};
pub use image::{ImageFormat, ImageStore, MAX_IMAGE_SIDE, StoredImage};
pub use input::{InputEvent, InputSource, Key, NullInput, Pointer, meaning, phase};
pub use media::{
    AudioConfig, Cicp, EncodedSample, PcmBlock, PcmSamples, PixelFormat, Plane, VideoConfig, VideoFrame,
};
pub use net::{Grant, Net, NetChange, NetEvents, NetHead, NetRequest, NullNet};
pub use picture::{NullOutput, NullRaster, Picture, PixelRect, UiRaster, VideoOutput, Vsync};
pub use shell::{Build, NowPlaying, NullShell, Shell};
pub use storage::{MemoryStorage, NullStorage, STORAGE_LIMIT_BYTES, Storage};

/// The shim's monotonic clock, microseconds.
pub type HostUs = u64;
/// A position in the content, microseconds.
pub type MediaUs = i64;
