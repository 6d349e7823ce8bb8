//! What the engine is told: the events of the contract it takes, in plain types (`wit/player.wit`).

use kinora_time::{Anchor, HostUs, MediaUs};

use crate::shim::Failure;

/// One event. Those about keys, pointers, surfaces and images are the interface's, not the engine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something to play.
    Open(Open),
    /// News of a timeline.
    Timeline {
        /// Which one.
        id: u64,
        /// The seek or step it answers; 0 none.
        ticket: u64,
        /// What happened.
        change: TimelineChange,
    },
    /// News of a fetch.
    Net {
        /// Which one.
        ticket: u64,
        /// What happened.
        change: NetChange,
    },
    /// A storage batch is durable or failed.
    Stored {
        /// Which one.
        ticket: u64,
        /// Why it failed.
        failure: Option<Failure>,
    },
    /// The window or box changed its state.
    Lifecycle(Lifecycle),
}

/// Something to play (`player.open`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Open {
    /// In playing order.
    pub sources: Vec<SourceSpec>,
    /// Whether they follow what is queued, rather than replacing it.
    pub append: bool,
}

/// One thing to play (`player.source`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SourceSpec {
    /// Where it is.
    pub url: String,
    /// A name to show; may be empty.
    pub title: String,
    /// Caption files that belong to it.
    pub related: Vec<String>,
}

/// `timeline.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/timeline.wit")]
pub enum TimelineState {
    Initialised,
    Prerolling,
    Presenting,
    Stalled,
    Ended,
    Failed,
}

/// `timeline.want`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/timeline.wit")]
pub struct Want {
    pub stream: u64,
    pub seek: u64,
    pub restart: bool,
    pub from_us: MediaUs,
    pub room_bytes: u32,
}

/// `timeline.change`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/timeline.wit")]
pub enum TimelineChange {
    State(TimelineState),
    Anchor(Anchor),
    Seeked(MediaUs),
    Want(Want),
    Failed(Failure),
}

/// `net.head`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/net.wit")]
pub struct NetHead {
    pub status: u32,
    pub final_url: String,
    pub headers: Vec<(String, String)>,
    pub sent_us: HostUs,
    pub first_byte_us: HostUs,
}

impl NetHead {
    /// The value of a header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// `net.change`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/net.wit")]
pub enum NetChange {
    Head(NetHead),
    Chunk { host_us: HostUs, bytes: Vec<u8> },
    End(u64),
    Failed(Failure),
}

/// `player.event.lifecycle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/player.wit")]
pub enum Lifecycle {
    Focused,
    Blurred,
    Concealed,
    Frozen,
    LowMemory,
    Stop,
}
