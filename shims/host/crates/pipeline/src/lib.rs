//! The playback pipeline that every native shim shares: buffers encoded samples, decodes them on threads of their own, keeps the
//! clock, and says which picture and which sound are due. The rules are those of `wit/{timeline,streams,video,audio}.wit`.
//!
//! ```text
//! core thread    Transaction -> commit          take_events
//! media thread   advance(now) -> next deadline
//! decode threads queue -> decoder -> frames | processing -> ring
//! device thread  mixer <- rings
//! presenting     frame_at(vsync)
//! ```
//!
//! Glossary: *position* is the media time that is audible; a stream is *dry* when all it was given is presented, *finished*
//! when it ended and all of it is decoded, *fresh* when the next picture is to be shown at once.

mod audio;
mod budget;
mod clock;
mod events;
mod pacer;
mod pipeline;
mod queue;
mod seek;
mod shared;
mod stats;
mod stream;
mod timeline;
mod transaction;
mod worker;

pub use audio::sink::VirtualSink;
pub use events::{
    Anchor, Change, Cursor, Event, Kind, Span, State, StreamStatus, TimelineStatus, Tuning, Want,
};
pub use pacer::Pacing;
pub use pipeline::{AudioTap, FrameTap, Pipeline, PipelineConfig, Shown, Taps};
pub use stats::StreamStats;
pub use transaction::Transaction;
