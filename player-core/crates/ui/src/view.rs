use kinora_captions::Cue;
use kinora_time::{Anchor, HostUs, LiveEdge, MediaUs, Span};

/// What the screen is to show, assembled by the glue from the engine's state for each turn.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// What the player does.
    pub phase: Phase,
    /// The timeline on the screen; 0 none.
    pub timeline: u64,
    /// Its clock.
    pub clock: Anchor,
    /// Media time of the beginning.
    pub start_us: MediaUs,
    /// Length, if known; of a live stream the part that can be gone to.
    pub duration_us: Option<MediaUs>,
    /// Whether positions can be chosen.
    pub seekable: bool,
    /// It goes on while it is watched, and has come so far.
    pub live: Option<LiveEdge>,
    /// What is buffered, ascending.
    pub buffered: &'a [Span],
    /// Target of a seek that has not landed.
    pub seek_target_us: Option<MediaUs>,
    /// Perceived loudness, 0 to 1000.
    pub volume_permille: u32,
    /// Silenced without losing the volume.
    pub muted: bool,
    /// Chosen speed.
    pub rate_permille: i32,
    /// Starts over at the end.
    pub looping: bool,
    /// The surface fills the screen.
    pub fullscreen: bool,
    /// The shim can change that.
    pub can_fullscreen: bool,
    /// The shim has a file chooser.
    pub can_open: bool,
    /// Name of what plays, may be empty.
    pub title: &'a str,
    /// Position in the queue, from 0.
    pub queue_index: usize,
    /// Items in the queue.
    pub queue_len: usize,
    /// Audio tracks to choose from.
    pub audio_tracks: &'a [TrackLabel],
    /// Caption tracks to choose from; none selected means off.
    pub caption_tracks: &'a [TrackLabel],
    /// Cues of now and of the next five seconds.
    pub cues: &'a [Cue],
    /// Whether there is a picture.
    pub has_video: bool,
    /// Width and height of the displayed picture in any unit; (0, 0) unknown.
    pub video_aspect: (u32, u32),
    /// Set in [`Phase::Failed`].
    pub error: Option<ErrorCard<'a>>,
    /// Builds of the core to choose from.
    pub builds: &'a [BuildLabel],
    /// A short message; shown for three seconds each time it changes.
    pub notice: Option<&'a str>,
}

impl View<'_> {
    /// Nothing open.
    pub fn idle() -> View<'static> {
        View {
            phase: Phase::Idle,
            timeline: 0,
            clock: Anchor { media_us: 0, host_us: 0, rate_permille: 0 },
            start_us: 0,
            duration_us: None,
            seekable: false,
            live: None,
            buffered: &[],
            seek_target_us: None,
            volume_permille: 1000,
            muted: false,
            rate_permille: 1000,
            looping: false,
            fullscreen: false,
            can_fullscreen: false,
            can_open: false,
            title: "",
            queue_index: 0,
            queue_len: 0,
            audio_tracks: &[],
            caption_tracks: &[],
            cues: &[],
            has_video: false,
            video_aspect: (0, 0),
            error: None,
            builds: &[],
            notice: None,
        }
    }

    /// The position to show: where a pending seek goes, else the clock's.
    pub(crate) fn position_us(&self, now: HostUs) -> MediaUs {
        let at = self.seek_target_us.unwrap_or_else(|| self.clock.media_at(now));
        if self.live.is_some() {
            // What plays may have left what can be gone to.
            return at;
        }
        at.clamp(self.start_us, self.end_us().unwrap_or(MediaUs::MAX).max(self.start_us))
    }

    /// Media time of the end.
    pub(crate) fn end_us(&self) -> Option<MediaUs> {
        self.duration_us.map(|duration| self.start_us.saturating_add(duration.max(0)))
    }

    /// How far behind live `media_us` is; 0 also when nothing is live.
    pub(crate) fn behind_us(&self, media_us: MediaUs, now: HostUs) -> MediaUs {
        self.live.map_or(0, |live| live.behind_us(media_us, now))
    }

    /// Length of a bar that has an end.
    pub(crate) fn bar_us(&self) -> Option<MediaUs> {
        let end = self.end_us()?;
        Some(end.saturating_sub(self.start_us)).filter(|length| *length > 0)
    }

    /// Whether the seek bar works.
    pub(crate) fn can_seek(&self) -> bool {
        self.seekable && self.bar_us().is_some()
    }

    pub(crate) fn waiting(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Stalled) || self.seek_target_us.is_some()
    }
}

/// What the player does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is open.
    Idle,
    /// Something is being opened.
    Opening,
    /// Playing.
    Playing,
    /// Paused by the person.
    Paused,
    /// Wants to play and waits for data.
    Stalled,
    /// Played to the end.
    Ended,
    /// Cannot go on.
    Failed,
}

/// A track as menus show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackLabel {
    /// The engine's id.
    pub id: u64,
    /// Text to show; empty: the language.
    pub label: String,
    /// BCP 47, may be empty.
    pub language: String,
    /// In use.
    pub selected: bool,
}

/// A build of the core as menus show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLabel {
    /// Its name and version.
    pub title: String,
    /// It was chosen to run.
    pub chosen: bool,
}

/// What failed, why, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCard<'a> {
    /// Names the thing that failed.
    pub title: &'a str,
    /// Why.
    pub reason: &'a str,
    /// What the person can do.
    pub hint: &'a str,
    /// Trying again may help.
    pub can_retry: bool,
    /// There is a next item.
    pub can_skip: bool,
}

/// The drawable area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surface {
    /// Physical pixels.
    pub width_px: u32,
    /// Physical pixels.
    pub height_px: u32,
    /// Physical pixels a logical one, in thousandths.
    pub scale_permille: u32,
}

/// What does not change while the player runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiConfig {
    /// There is a pointer.
    pub pointer: bool,
    /// Seen from three metres and driven by a remote: arrows move the focus.
    pub tv: bool,
    /// Only fades.
    pub reduced_motion: bool,
    /// BCP 47; chooses glyph variants of CJK.
    pub locale: String,
}
