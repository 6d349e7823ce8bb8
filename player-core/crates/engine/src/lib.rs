//! The playback logic of the player: a deterministic state machine over the shim contract.
//!
//! [`Engine`] is told what happened ([`Event`]) and what the person wants (its command methods), and acts through a [`Shim`], whose
//! calls return at once. It reads no clock: time comes in with every call. What it knows is in [`Status`], for the interface to show.

mod captions;
mod engine;
mod error;
mod event;
mod language;
mod queue;
mod resume;
mod session;
mod shim;
mod snapshot;
mod source;
mod status;
mod streams;

pub use kinora_captions::Cue;

pub use engine::{Config, Engine, SeekMode};
pub use error::{Error, ErrorKind};
pub use event::{
    Event, Lifecycle, NetChange, NetHead, Open, SourceSpec, TimelineChange, TimelineState, Want,
};
pub use queue::Repeat;
pub use shim::{
    AudioConfig, Failure, NextStep, Request, SampleHeader, Shim, StreamStatus, TimelineStatus, VideoConfig,
};
pub use snapshot::{add_section, section};
pub use source::OpenContainer;
pub use status::{
    AudioTrack, CaptionTrack, Clock, ErrorCard, Part, Phase, QueueView, Sound, Status, Tracks, VideoView,
};
