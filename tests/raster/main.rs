//! The rasters against FFmpeg and against each other.

mod colors;
mod gpu;
mod scenes;
mod support;
