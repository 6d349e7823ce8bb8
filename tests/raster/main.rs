//! The rasters against FFmpeg and against each other.

mod colors;
mod scenes;
mod support;
