//! What the pipeline tells the core, and what it says about itself when asked (`wit/timeline.wit`).

use std::collections::VecDeque;

use kinora_port::{Failure, HostUs, MediaUs};

/// Where a timeline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the contract")]
pub enum State {
    Initialised,
    Prerolling,
    Presenting,
    Stalled,
    Ended,
    Failed,
}

/// `media_us` is due at `host_us`, and time moves on at `rate_permille`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Position in the content.
    pub media_us: MediaUs,
    /// When.
    pub host_us: HostUs,
    /// 1000 is real time, 0 standing still.
    pub rate_permille: i32,
}

/// The pipeline asks for samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// For this stream.
    pub stream: u64,
    /// The seek it belongs to.
    pub seek: u64,
    /// From the key frame at or before `from_us`, else after the append cursor.
    pub restart: bool,
    /// Where to start.
    pub from_us: MediaUs,
    /// At most this much.
    pub room_bytes: u32,
}

/// What happened to a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is somewhere else now.
    State(State),
    /// Its clock started, stopped or was corrected.
    Anchor(Anchor),
    /// A seek or step reached this position.
    Seeked(MediaUs),
    /// A stream has room.
    Want(Want),
    /// It cannot go on.
    Failed(Failure),
}

/// A change with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The timeline.
    pub timeline: u64,
    /// The seek or step it answers; 0 none.
    pub ticket: u64,
    /// What.
    pub change: Change,
}

/// When the clock starts and what counts as late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Media buffered in every stream before the clock first starts.
    pub start_us: u32,
    /// The same after a stall.
    pub resume_us: u32,
    /// A frame later than this when decoded is dropped.
    pub late_us: u32,
    /// Later than this, feeding skips to the next key frame.
    pub skip_us: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning { start_us: 1_000_000, resume_us: 2_000_000, late_us: 30_000, skip_us: 500_000 }
    }
}

/// A half-open range of media time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First position inside.
    pub from_us: MediaUs,
    /// First position behind it.
    pub to_us: MediaUs,
}

/// Where the last accepted `append` left off, for the next core instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Its seek.
    pub seek: u64,
    /// Its tag.
    pub tag: u64,
    /// Samples accepted since that seek.
    pub count: u64,
    /// The decode timestamp of the last one.
    pub tail_dts_us: Option<MediaUs>,
}

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// A stream as `live` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStatus {
    /// Its id.
    pub id: u64,
    /// What it carries.
    pub kind: Kind,
    /// The codec it was configured with.
    pub codec: String,
    /// Whether it is presented.
    pub enabled: bool,
    /// Whether `end` was said for the current seek.
    pub ended: bool,
    /// Where appending goes on.
    pub cursor: Cursor,
    /// What is held, at most 16 spans.
    pub buffered: Vec<Span>,
    /// How much more it would take.
    pub room_bytes: u32,
}

/// A timeline as `live` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineStatus {
    /// Its id.
    pub id: u64,
    /// What `create` was given.
    pub tag: u64,
    /// Where it is.
    pub state: State,
    /// What was last asked for.
    pub playing: bool,
    /// Its clock.
    pub anchor: Anchor,
    /// The last accepted seek.
    pub seek: u64,
    /// Its streams, in order of opening.
    pub streams: Vec<StreamStatus>,
}

/// Events until the core takes them. A hung core must not make it grow: only the last anchor of a timeline and the last want of
/// a stream matter, and the rest is bounded.
#[derive(Debug, Default)]
pub(crate) struct EventQueue(VecDeque<Event>);

const QUEUE_LIMIT: usize = 1024;

impl EventQueue {
    pub(crate) fn push(&mut self, timeline: u64, ticket: u64, change: Change) {
        match &change {
            Change::Anchor(_) => {
                self.0.retain(|e| e.timeline != timeline || !matches!(e.change, Change::Anchor(_)));
            }
            Change::Want(new) => {
                self.0.retain(|e| !matches!(&e.change, Change::Want(old) if old.stream == new.stream));
            }
            _ => {}
        }
        if self.0.len() == QUEUE_LIMIT {
            self.0.pop_front();
        }
        self.0.push_back(Event { timeline, ticket, change });
    }

    pub(crate) fn take(&mut self) -> Vec<Event> {
        self.0.drain(..).collect()
    }

    /// Forgets a closed timeline.
    pub(crate) fn forget_timeline(&mut self, timeline: u64) {
        self.0.retain(|e| e.timeline != timeline);
    }

    /// Forgets the want of a stream that no longer has it.
    pub(crate) fn forget_want(&mut self, stream: u64) {
        self.0.retain(|e| !matches!(&e.change, Change::Want(want) if want.stream == stream));
    }

    /// Keeps only what is said once.
    pub(crate) fn keep_seeked(&mut self) {
        self.0.retain(|e| matches!(e.change, Change::Seeked(_)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
