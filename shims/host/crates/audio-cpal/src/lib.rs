//! kinora-audio-cpal.
