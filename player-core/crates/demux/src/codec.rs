//! What elementary streams say about themselves.

pub(crate) mod aac;
pub(crate) mod ac3;
pub(crate) mod annexb;
pub(crate) mod flac;
pub(crate) mod frame;
pub(crate) mod h264;
pub(crate) mod hevc;
pub(crate) mod mpegaudio;
pub(crate) mod nal;
mod vui;
