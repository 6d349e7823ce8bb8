//! The contract's imports as the engine's [`Shim`].

use kinora_engine as engine;
use kinora_engine::{Failure, NextStep, TimelineState};
use kinora_time::{Anchor, MediaUs, Span};

use crate::bindings::kinora::shim::{audio, device, log, net, storage, streams, timeline, types, video};

/// Calls straight through to the imports.
pub(crate) struct Imports;

impl engine::Shim for Imports {
    fn create_timeline(&mut self, tag: u64) -> Result<u64, Failure> {
        timeline::create(tag).map_err(failure)
    }
    fn close_timeline(&mut self, timeline: u64) -> Result<(), Failure> {
        timeline::close(timeline).map_err(failure)
    }
    fn live_timelines(&mut self) -> Vec<engine::TimelineStatus> {
        timeline::live().into_iter().map(status).collect()
    }
    fn seek(&mut self, timeline: u64, to_us: MediaUs, exact: bool) -> Result<u64, Failure> {
        timeline::seek(timeline, to_us, exact).map_err(failure)
    }
    fn step(&mut self, timeline: u64, frames: i32) -> Result<u64, Failure> {
        timeline::step(timeline, frames).map_err(failure)
    }
    fn play(&mut self, timeline: u64) -> Result<(), Failure> {
        timeline::play(timeline).map_err(failure)
    }
    fn pause(&mut self, timeline: u64) -> Result<(), Failure> {
        timeline::pause(timeline).map_err(failure)
    }
    fn set_rate(&mut self, timeline: u64, permille: i32) -> Result<(), Failure> {
        timeline::set_rate(timeline, permille).map_err(failure)
    }
    fn set_gain(&mut self, timeline: u64, linear_permille: u32) -> Result<(), Failure> {
        timeline::set_gain(timeline, linear_permille).map_err(failure)
    }

    fn open_video(&mut self, timeline: u64, config: &engine::VideoConfig) -> Result<u64, Failure> {
        video::open(timeline, &video_config(config)).map_err(failure)
    }
    fn configure_video(&mut self, stream: u64, config: &engine::VideoConfig) -> Result<(), Failure> {
        video::configure(stream, &video_config(config)).map_err(failure)
    }
    fn open_audio(&mut self, timeline: u64, config: &engine::AudioConfig) -> Result<u64, Failure> {
        audio::open(timeline, &audio_config(config)).map_err(failure)
    }
    fn configure_audio(&mut self, stream: u64, config: &engine::AudioConfig) -> Result<(), Failure> {
        audio::configure(stream, &audio_config(config)).map_err(failure)
    }

    fn append(
        &mut self,
        stream: u64,
        seek: u64,
        tag: u64,
        samples: &[engine::SampleHeader],
        body: &[u8],
    ) -> Result<u32, Failure> {
        let samples: Vec<streams::Sample> = samples
            .iter()
            .map(|s| streams::Sample {
                pts_us: s.pts_us,
                dts_us: s.dts_us,
                duration_us: s.duration_us,
                bits: s.bits,
                size: s.size,
                side_size: s.side_size,
            })
            .collect();
        streams::append(stream, seek, tag, &samples, body).map_err(failure)
    }
    fn end(&mut self, stream: u64, seek: u64) -> Result<(), Failure> {
        streams::end(stream, seek).map_err(failure)
    }
    fn enable(&mut self, stream: u64, on: bool) -> Result<(), Failure> {
        streams::enable(stream, on).map_err(failure)
    }

    fn fetch(&mut self, request: &engine::Request) -> Result<u64, Failure> {
        net::fetch(&net::Request {
            method: "GET".into(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: Vec::new(),
            window_bytes: request.window_bytes,
            extras: Vec::new(),
        })
        .map_err(failure)
    }
    fn credit(&mut self, ticket: u64, bytes: u32) {
        net::credit(ticket, bytes);
    }
    fn cancel(&mut self, ticket: u64) {
        net::cancel(ticket);
    }
    fn live_fetches(&mut self) -> Vec<u64> {
        net::live()
    }

    fn stored_value(&mut self, key: &str) -> Option<Vec<u8>> {
        storage::get(key)
    }
    fn stored_keys(&mut self, prefix: &str) -> Vec<String> {
        storage::keys(prefix)
    }
    fn store(&mut self, batch: &[(String, Option<Vec<u8>>)]) -> Result<u64, Failure> {
        storage::apply(batch).map_err(failure)
    }

    fn facts(&mut self) -> Vec<(String, String)> {
        device::facts()
    }
    fn log(&mut self, level: u32, message: &str) {
        log::write(level, message);
    }
}

pub(crate) fn failure(f: types::Failure) -> Failure {
    let next = match f.next {
        types::NextStep::Retry => NextStep::Retry,
        types::NextStep::Wait => NextStep::Wait,
        types::NextStep::Rebuild => NextStep::Rebuild,
        types::NextStep::Skip => NextStep::Skip,
        types::NextStep::TellUser => NextStep::TellUser,
        types::NextStep::Stop => NextStep::Stop,
        types::NextStep::Gone => NextStep::Gone,
        types::NextStep::Unsupported => NextStep::Unsupported,
    };
    Failure { next, code: f.code, message: f.message }
}

pub(crate) fn state(s: timeline::State) -> TimelineState {
    match s {
        timeline::State::Initialised => TimelineState::Initialised,
        timeline::State::Prerolling => TimelineState::Prerolling,
        timeline::State::Presenting => TimelineState::Presenting,
        timeline::State::Stalled => TimelineState::Stalled,
        timeline::State::Ended => TimelineState::Ended,
        timeline::State::Failed => TimelineState::Failed,
    }
}

pub(crate) fn anchor(a: timeline::Anchor) -> Anchor {
    Anchor { media_us: a.media_us, host_us: a.host_us, rate_permille: a.rate_permille }
}

fn status(s: timeline::Status) -> engine::TimelineStatus {
    engine::TimelineStatus {
        id: s.id,
        tag: s.tag,
        state: state(s.state),
        playing: s.playing,
        anchor: anchor(s.anchor),
        seek: s.seek,
        streams: s.streams.into_iter().map(stream_status).collect(),
    }
}

fn stream_status(s: timeline::StreamStatus) -> engine::StreamStatus {
    engine::StreamStatus {
        id: s.id,
        kind: s.kind,
        codec: s.codec,
        enabled: s.enabled,
        ended: s.ended,
        cursor_seek: s.cursor_seek,
        cursor_tag: s.cursor_tag,
        cursor_count: s.cursor_count,
        tail_dts_us: s.tail_dts_us,
        buffered: s.buffered.into_iter().map(|b| Span { from_us: b.from_us, to_us: b.to_us }).collect(),
        room_bytes: s.room_bytes,
    }
}

fn video_config(c: &engine::VideoConfig) -> video::Config {
    video::Config {
        codec: c.codec.clone(),
        extradata: c.extradata.clone(),
        width_px: c.width_px,
        height_px: c.height_px,
        par: c.par,
        rotation_deg: c.rotation_deg,
        cicp: c.cicp,
        extras: Vec::new(),
    }
}

fn audio_config(c: &engine::AudioConfig) -> audio::Config {
    audio::Config {
        codec: c.codec.clone(),
        extradata: c.extradata.clone(),
        rate_hz: c.rate_hz,
        channels: c.channels,
        extras: Vec::new(),
    }
}
