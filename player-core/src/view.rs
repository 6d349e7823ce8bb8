//! The engine's status as the interface's view. What needs building is kept, and built anew only when its part changed.

use kinora_captions::Cue;
use kinora_engine::{Engine, Phase, Status, VideoView};
use kinora_time::HostUs;
use kinora_ui::{BuildLabel, ErrorCard, TrackLabel, View};

/// The kept parts of the view.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) fullscreen: bool,
    can_fullscreen: bool,
    can_open: bool,
    /// Builds of the core to choose from.
    pub(crate) builds: Vec<BuildLabel>,
    audio: Vec<TrackLabel>,
    captions: Vec<TrackLabel>,
    tracks_revision: Option<u64>,
    cues: Vec<Cue>,
}

impl Model {
    pub(crate) fn new(can_fullscreen: bool, can_open: bool) -> Self {
        Model { can_fullscreen, can_open, ..Model::default() }
    }

    /// Follows the engine; cues until `ahead_us` from now.
    pub(crate) fn update(&mut self, engine: &Engine, now: HostUs, ahead_us: i64) {
        let status = engine.status();
        if self.tracks_revision != Some(status.tracks.revision()) {
            self.tracks_revision = Some(status.tracks.revision());
            self.audio =
                status.tracks.audio.iter().map(|t| label(t.id, &t.label, &t.language, t.selected)).collect();
            self.captions = status
                .tracks
                .captions
                .iter()
                .map(|t| label(t.id, &t.label, &t.language, t.selected))
                .collect();
        }
        let at = status.clock.media_at(now);
        self.cues.clear();
        self.cues.extend(engine.cues(at, at.saturating_add(ahead_us)).cloned());
    }

    pub(crate) fn view<'a>(&'a self, status: &'a Status) -> View<'a> {
        let (clock, queue) = (&*status.clock, &*status.queue);
        View {
            phase: match clock.phase {
                Phase::Idle => kinora_ui::Phase::Idle,
                Phase::Opening | Phase::Prerolling => kinora_ui::Phase::Opening,
                Phase::Playing => kinora_ui::Phase::Playing,
                Phase::Paused => kinora_ui::Phase::Paused,
                Phase::Stalled => kinora_ui::Phase::Stalled,
                Phase::Ended => kinora_ui::Phase::Ended,
                Phase::Failed => kinora_ui::Phase::Failed,
            },
            timeline: clock.timeline.unwrap_or(0),
            clock: clock.anchor,
            start_us: clock.start_us,
            duration_us: clock.duration_us,
            seekable: clock.seekable,
            live: clock.live,
            buffered: &status.buffered,
            seek_target_us: clock.seeking_to_us,
            volume_permille: status.sound.volume_permille,
            muted: status.sound.muted,
            rate_permille: clock.rate_permille,
            looping: queue.repeat != kinora_engine::Repeat::Off,
            fullscreen: self.fullscreen,
            can_fullscreen: self.can_fullscreen,
            can_open: self.can_open,
            title: queue.titles.get(queue.index).map_or("", String::as_str),
            queue_index: queue.index,
            queue_len: queue.titles.len(),
            audio_tracks: &self.audio,
            caption_tracks: &self.captions,
            cues: &self.cues,
            has_video: status.video.is_some(),
            video_aspect: status.video.as_ref().map_or((0, 0), aspect),
            error: status.error.as_ref().map(|card| ErrorCard {
                title: &card.title,
                reason: &card.reason,
                hint: &card.hint,
                can_retry: card.can_retry,
                can_skip: card.can_skip,
            }),
            builds: &self.builds,
            notice: status.notice.as_deref(),
        }
    }

    /// The audio track after the selected one, around; none when there is no choice.
    pub(crate) fn next_audio(&self) -> Option<u32> {
        let selected = self.audio.iter().position(|t| t.selected)?;
        (self.audio.len() > 1).then(|| self.audio[(selected + 1) % self.audio.len()].id as u32)
    }

    /// The caption track after the selected one; none after the last.
    pub(crate) fn next_captions(&self) -> Option<u32> {
        let next = self.captions.iter().position(|t| t.selected).map_or(0, |selected| selected + 1);
        self.captions.get(next).map(|t| t.id as u32)
    }
}

fn label(id: u32, label: &str, language: &str, selected: bool) -> TrackLabel {
    TrackLabel { id: u64::from(id), label: label.to_owned(), language: language.to_owned(), selected }
}

/// Width to height as displayed: pixels may not be square, and the picture may lie on its side.
fn aspect(video: &VideoView) -> (u32, u32) {
    let width = video.width_px.saturating_mul(video.par.0.max(1));
    let height = video.height_px.saturating_mul(video.par.1.max(1));
    if video.rotation_deg % 180 == 90 { (height, width) } else { (width, height) }
}
