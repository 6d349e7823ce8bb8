//! `timeline`, `streams`, `video` and `audio`: thin conversions to the pipeline's transaction.

use std::sync::Arc;

use kinora_port as port;

use crate::bindings::{audio, streams, timeline, types, video};
use crate::convert;
use crate::instance::State;

type Result<T> = std::result::Result<T, types::Failure>;

impl State {
    pub(super) fn timeline_create(&mut self, tag: u64) -> Result<u64> {
        self.media(|m| m.create(tag))
    }
    pub(super) fn timeline_close(&mut self, timeline: u64) -> Result<()> {
        self.media(|m| m.close(timeline))
    }
    pub(super) fn timeline_live(&mut self) -> Vec<timeline::Status> {
        let turn = self.turn.as_mut().expect("a call is in progress");
        turn.staged.media.live().into_iter().map(convert::status).collect()
    }
    pub(super) fn timeline_seek(&mut self, timeline: u64, to_us: i64, exact: bool) -> Result<u64> {
        self.media(|m| m.seek(timeline, to_us, exact))
    }
    pub(super) fn timeline_step(&mut self, timeline: u64, frames: i32) -> Result<u64> {
        self.media(|m| m.step(timeline, frames))
    }
    pub(super) fn timeline_play(&mut self, timeline: u64) -> Result<()> {
        self.media(|m| m.play(timeline))
    }
    pub(super) fn timeline_pause(&mut self, timeline: u64) -> Result<()> {
        self.media(|m| m.pause(timeline))
    }
    pub(super) fn timeline_set_rate(&mut self, timeline: u64, permille: i32) -> Result<()> {
        self.media(|m| m.set_rate(timeline, permille))
    }
    pub(super) fn timeline_set_gain(&mut self, timeline: u64, linear_permille: u32) -> Result<()> {
        self.media(|m| m.set_gain(timeline, linear_permille))
    }
    pub(super) fn timeline_tune(&mut self, timeline: u64, tuning: timeline::Tuning) -> Result<()> {
        self.media(|m| m.tune(timeline, convert::tuning(&tuning)))
    }
}

impl State {
    pub(super) fn streams_append(
        &mut self,
        stream: u64,
        seek: u64,
        tag: u64,
        samples: Vec<streams::Sample>,
        body: Vec<u8>,
    ) -> Result<u32> {
        let samples = convert::samples(&samples, Arc::from(body)).map_err(convert::failure)?;
        self.media(|m| m.append(stream, seek, tag, samples))
    }
    pub(super) fn streams_remove(&mut self, stream: u64, from_dts_us: i64) -> Result<()> {
        self.media(|m| m.remove(stream, from_dts_us))
    }
    pub(super) fn streams_end(&mut self, stream: u64, seek: u64) -> Result<()> {
        self.media(|m| m.end(stream, seek))
    }
    pub(super) fn streams_enable(&mut self, stream: u64, on: bool) -> Result<()> {
        self.media(|m| m.enable(stream, on))
    }
    pub(super) fn streams_close(&mut self, stream: u64) -> Result<()> {
        self.media(|m| m.close_stream(stream))
    }
}

impl State {
    pub(super) fn video_open(&mut self, timeline: u64, config: video::Config) -> Result<u64> {
        self.media(|m| m.open_video(timeline, convert::video_config(config)))
    }
    pub(super) fn video_configure(&mut self, stream: u64, config: video::Config) -> Result<()> {
        self.media(|m| m.configure_video(stream, convert::video_config(config)))
    }
}

impl State {
    pub(super) fn audio_open(&mut self, timeline: u64, config: audio::Config) -> Result<u64> {
        self.media(|m| m.open_audio(timeline, convert::audio_config(config)))
    }
    pub(super) fn audio_configure(&mut self, stream: u64, config: audio::Config) -> Result<()> {
        self.media(|m| m.configure_audio(stream, convert::audio_config(config)))
    }
}

impl State {
    fn media<T>(
        &mut self,
        f: impl FnOnce(&mut kinora_pipeline::Transaction) -> std::result::Result<T, port::Failure>,
    ) -> Result<T> {
        let turn = self.turn.as_mut().expect("a call is in progress");
        turn.spend().and_then(|()| f(&mut turn.staged.media)).map_err(convert::failure)
    }
}
