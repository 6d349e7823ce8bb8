//! What the interface shows.

use kinora_time::{Anchor, LiveEdge, MediaUs, Span};

use crate::queue::Repeat;

/// A value with a count of its changes, so that the interface redraws only what changed.
#[derive(Clone, Debug, Default)]
pub struct Part<T> {
    value: T,
    revision: u64,
}

impl<T: PartialEq> Part<T> {
    /// Grows by one with every change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn set(&mut self, value: T) {
        if self.value != value {
            self.value = value;
            self.revision += 1;
        }
    }
}

impl<T> std::ops::Deref for Part<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Everything the engine tells. Each part has its own revision.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Phase, position and extent.
    pub clock: Part<Clock>,
    /// Buffered spans in `media_time`, in order. Apart from the clock because it changes often.
    pub buffered: Part<Vec<Span>>,
    /// Volume.
    pub sound: Part<Sound>,
    /// Queue.
    pub queue: Part<QueueView>,
    /// Audio and caption tracks.
    pub tracks: Part<Tracks>,
    /// The picture; none without one.
    pub video: Part<Option<VideoView>>,
    /// Why the current item does not play.
    pub error: Part<Option<ErrorCard>>,
    /// Something worth a passing line, such as a track that cannot be played.
    pub notice: Part<Option<String>>,
    /// The cues of the chosen captions changed ([`Engine::cues`](crate::Engine::cues)).
    pub cues: Part<u64>,
}

/// What the player is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Nothing is open.
    #[default]
    Idle,
    /// The item's head is being read.
    Opening,
    /// The first data is on its way to the screen.
    Prerolling,
    /// Playing.
    Playing,
    /// Held by the person.
    Paused,
    /// Waiting for data.
    Stalled,
    /// The last item is over.
    Ended,
    /// The item cannot be played; see [`Status::error`].
    Failed,
}

/// Phase, position and extent of the current item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What the player is doing.
    pub phase: Phase,
    /// Whether it plays as soon as it can: what a play button toggles, also while stalled or opening.
    pub wants_play: bool,
    /// The live timeline; none before there is one.
    pub timeline: Option<u64>,
    /// `media_time` against `host_time`.
    pub anchor: Anchor,
    /// `media_time` of the start: the container's own, often not 0. What is shown is `media - start`.
    pub start_us: MediaUs,
    /// Length; none when unknown. Of a live stream what can be gone to: from the start, which moves, to the live position.
    pub duration_us: Option<MediaUs>,
    /// Whether it can be moved about in.
    pub seekable: bool,
    /// It goes on while it is watched, and has come so far.
    pub live: Option<LiveEdge>,
    /// Where an unfinished seek goes.
    pub seeking_to_us: Option<MediaUs>,
    /// Speed.
    pub rate_permille: i32,
}

impl Default for Clock {
    fn default() -> Self {
        Clock {
            phase: Phase::Idle,
            wants_play: false,
            timeline: None,
            anchor: Anchor { media_us: 0, host_us: 0, rate_permille: 0 },
            start_us: 0,
            duration_us: None,
            seekable: false,
            live: None,
            seeking_to_us: None,
            rate_permille: 1000,
        }
    }
}

impl Clock {
    /// `media_time` at `host_us`: where a seek goes while there is one, and never outside the item. What plays of a live stream may have
    /// left what can be gone to.
    pub fn media_at(&self, host_us: u64) -> MediaUs {
        let at = self.seeking_to_us.unwrap_or_else(|| self.anchor.media_at(host_us));
        if self.live.is_some() {
            return at;
        }
        let end = self.duration_us.map_or(i64::MAX, |duration| self.start_us.saturating_add(duration));
        at.clamp(self.start_us, end.max(self.start_us))
    }
}

/// Volume as the person sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// 0 to 1000, as loudness is felt.
    pub volume_permille: u32,
    /// Silenced without losing the volume.
    pub muted: bool,
}

impl Default for Sound {
    fn default() -> Self {
        Sound { volume_permille: 1000, muted: false }
    }
}

/// The queue.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct QueueView {
    /// In playing order.
    pub titles: Vec<String>,
    /// Which of them is current.
    pub index: usize,
    /// What happens at the end.
    pub repeat: Repeat,
    /// Whether [`Engine::next`](crate::Engine::next) leads anywhere.
    pub can_next: bool,
}

/// Tracks to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tracks {
    /// Sound.
    pub audio: Vec<AudioTrack>,
    /// Captions; none may be selected.
    pub captions: Vec<CaptionTrack>,
}

/// An audio track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioTrack {
    /// For [`Engine::select_audio`](crate::Engine::select_audio).
    pub id: u32,
    /// A name; never empty.
    pub label: String,
    /// BCP 47 or ISO 639; may be empty.
    pub language: String,
    /// Whether it is heard.
    pub selected: bool,
}

/// A caption track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionTrack {
    /// For [`Engine::select_captions`](crate::Engine::select_captions).
    pub id: u32,
    /// A name; never empty.
    pub label: String,
    /// BCP 47 or ISO 639; may be empty.
    pub language: String,
    /// Whether it is shown.
    pub selected: bool,
    /// Only what must be read to follow: signs, foreign speech.
    pub forced: bool,
}

/// The picture's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoView {
    /// Coded width, pixels.
    pub width_px: u32,
    /// Coded height, pixels.
    pub height_px: u32,
    /// Pixel aspect, width to height.
    pub par: (u32, u32),
    /// Clockwise turn for display.
    pub rotation_deg: u32,
}

/// An error as the person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCard {
    /// What failed.
    pub title: String,
    /// Why.
    pub reason: String,
    /// What to do.
    pub hint: String,
    /// Whether [`Engine::retry`](crate::Engine::retry) may help.
    pub can_retry: bool,
    /// Whether another item follows.
    pub can_skip: bool,
    /// `host_time` at which the next item starts by itself.
    pub skips_at_us: Option<u64>,
}
