//! What changes because time passes or because the view did.

use kinora_time::HostUs;

use super::{Screen, Ui};
use crate::focus::Control;
use crate::strings;
use crate::theme;
use crate::view::{Phase, View};

/// While captions are on, how often the view is asked for the cues of the next seconds.
const CAPTIONS_AHEAD_US: u64 = 2_000_000;

/// How often the distance to what is live is shown anew while it changes.
const BEHIND_EVERY_US: u64 = 1_000_000;

/// What the last view said, to notice changes whatever caused them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    volume: Option<(u32, bool)>,
    rate_permille: i32,
    looping: bool,
    captions: Option<u64>,
    audio: Option<u64>,
    timeline: u64,
    notice: Option<String>,
}

impl Ui {
    /// Follows the view to another screen.
    pub(super) fn enter(&mut self, now: HostUs, view: &View<'_>) {
        let screen = Screen::of(view.phase);
        let first = self.seen.volume.is_none();
        if screen != self.screen || first {
            self.screen = screen;
            self.menu = None;
            self.drag = None;
            self.ring = None;
            self.focus_visible = self.config.tv;
            self.focus = match screen {
                Screen::Player => Control::Play,
                Screen::Idle => Control::Open,
                Screen::Failed => match &view.error {
                    Some(error) if error.can_retry => Control::Retry,
                    Some(error) if error.can_skip => Control::Skip,
                    _ => Control::Open,
                },
            };
            // A dialogue waits for an answer: what Enter would do is shown from the start.
            self.focus_visible |= screen == Screen::Failed;
            self.controls.set(false, now);
            self.poke(now);
        }
        if view.phase != self.phase {
            let was = std::mem::replace(&mut self.phase, view.phase);
            let buffering = matches!(was, Phase::Stalled | Phase::Playing)
                && matches!(view.phase, Phase::Stalled | Phase::Playing);
            if !buffering {
                self.poke(now);
            }
        }
        self.card.set(screen == Screen::Failed, now);
    }

    /// Whether the controls stay although nothing happens.
    fn pinned(&self, view: &View<'_>) -> bool {
        matches!(view.phase, Phase::Ended | Phase::Opening)
            || self.menu.is_some()
            || self.drag.is_some()
            || (view.phase == Phase::Paused && self.hover.is_some())
    }

    pub(super) fn run_timers(&mut self, now: HostUs, view: &View<'_>) {
        if self.controls.shown() {
            if self.pinned(view) {
                self.poke(now);
            } else if now >= self.hide_at_us {
                self.hide_controls(now);
            }
        }
        self.notice_changes(now, view);
        if now >= self.volume.until_us {
            self.volume.fade.set(false, now);
        }
        if now >= self.notice.until_us {
            self.notice.fade.set(false, now);
        }
        let waits = view.waiting() && self.screen == Screen::Player;
        self.waiting_since_us = if waits { self.waiting_since_us.or(Some(now)) } else { None };
    }

    pub(super) fn hide_controls(&mut self, now: HostUs) {
        self.controls.set(false, now);
        self.menu = None;
        self.hover = None;
        self.focus = Control::Play;
        self.focus_visible = self.config.tv;
        self.ring = None;
    }

    /// Says what changed: volume as a bar, choices in words.
    fn notice_changes(&mut self, now: HostUs, view: &View<'_>) {
        let selected = |tracks: &[crate::view::TrackLabel]| {
            tracks.iter().find(|track| track.selected).map(|track| track.id)
        };
        let seen = Seen {
            volume: Some((view.volume_permille, view.muted)),
            rate_permille: view.rate_permille,
            looping: view.looping,
            captions: selected(view.caption_tracks),
            audio: selected(view.audio_tracks),
            timeline: view.timeline,
            notice: view.notice.map(str::to_owned),
        };
        if seen == self.seen {
            return;
        }
        let was = std::mem::replace(&mut self.seen, seen);
        let dragging = self.drag.is_some_and(|drag| drag.control == Control::Volume);
        if was.volume.is_some() && was.volume != self.seen.volume && !dragging {
            self.volume.what = (view.volume_permille, view.muted);
            self.volume.fade.set(true, now);
            self.volume.until_us = now.saturating_add(theme::VOLUME_SHOWN_US);
        }
        let same_item = was.timeline == self.seen.timeline && was.timeline != 0;
        let name = |tracks: &[crate::view::TrackLabel]| {
            tracks
                .iter()
                .enumerate()
                .find(|(_, track)| track.selected)
                .map(|(i, track)| strings::track(track, i))
        };
        let message = if was.notice != self.seen.notice && self.seen.notice.is_some() {
            self.seen.notice.clone()
        } else if was.rate_permille != view.rate_permille && same_item {
            Some(strings::speed(view.rate_permille))
        } else if was.looping != view.looping && same_item {
            Some(if view.looping { strings::LOOP_ON } else { strings::LOOP_OFF }.to_owned())
        } else if was.captions != self.seen.captions && same_item {
            Some(name(view.caption_tracks).unwrap_or_else(|| strings::CAPTIONS_OFF.to_owned()))
        } else if was.audio != self.seen.audio && was.audio.is_some() && same_item {
            name(view.audio_tracks)
        } else {
            None
        };
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            self.notice.what = message;
            self.notice.fade.set(true, now);
            self.notice.until_us = now.saturating_add(theme::NOTICE_SHOWN_US);
        }
    }

    /// The next instant at which something changes that the shim does not do by itself.
    pub(super) fn wake(&self, now: HostUs, view: &View<'_>) -> Option<HostUs> {
        let mut wake: Option<HostUs> = None;
        let mut at = |when: Option<HostUs>| {
            if let Some(when) = when {
                wake = Some(wake.map_or(when, |wake| wake.min(when)));
            }
        };
        if self.controls.shown() && !self.pinned(view) {
            at(Some(self.hide_at_us));
        }
        at(self.controls.gone_at(now));
        at(self.card.gone_at(now));
        for (fade, until) in
            [(&self.volume.fade, self.volume.until_us), (&self.notice.fade, self.notice.until_us)]
        {
            at(fade.shown().then_some(until));
            at(fade.gone_at(now));
        }
        if self.screen == Screen::Player
            && self.controls.shown()
            && view.live.is_some()
            && view.clock.rate_permille != 1000
        {
            // What is live gets away.
            at(Some(now.saturating_add(BEHIND_EVERY_US)));
        }
        if self.screen == Screen::Player && view.clock.rate_permille > 0 {
            let runs = self.drag.is_none() && view.seek_target_us.is_none() && view.live.is_none();
            if self.controls.shown() && runs {
                at(self.time_wake(view));
            }
            if view.caption_tracks.iter().any(|track| track.selected) {
                at(Some(now.saturating_add(CAPTIONS_AHEAD_US)));
            }
        }
        wake.map(|wake| wake.max(now + 1))
    }
}
