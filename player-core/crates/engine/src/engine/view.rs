//! The status from the state.

use kinora_demux::{Kind, Track};
use kinora_time::Anchor;

use super::Engine;
use crate::captions::label;
use crate::event::TimelineState;
use crate::queue::title_of;
use crate::session::Session;
use crate::status::{AudioTrack, Clock, ErrorCard, Phase, QueueView, Tracks, VideoView};

impl Engine {
    pub(super) fn refresh(&mut self) {
        let phase = self.phase();
        let session = self.session.as_ref();
        let extent = session.map(Session::extent).unwrap_or_default();
        let held = Anchor { media_us: extent.start_us, host_us: 0, rate_permille: 0 };
        self.status.clock.set(Clock {
            phase,
            wants_play: self.playing && !self.ended,
            timeline: session.and_then(Session::timeline),
            anchor: session.filter(|session| session.timeline().is_some()).map_or(held, Session::anchor),
            start_us: extent.start_us,
            duration_us: extent.duration_us,
            seekable: extent.seekable,
            live: extent.live,
            seeking_to_us: session.and_then(Session::seeking_to),
            rate_permille: self.rate_permille,
        });
        self.status.buffered.set(session.and_then(Session::buffered).into_iter().collect());
        self.status.sound.set(self.settings.sound);
        if self.queue.take_changed() {
            self.status.queue.set(QueueView {
                titles: self.queue.items().iter().map(title_of).collect(),
                index: self.queue.index(),
                repeat: self.queue.repeat(),
                can_next: self.queue.has_next(),
            });
        }
        self.status.tracks.set(session.map(tracks).unwrap_or_default());
        self.status.video.set(session.and_then(video));
        self.status.notice.set(session.and_then(Session::notice).map(str::to_owned));
        self.status.cues.set(session.map_or(0, |session| session.captions().revision()));
        let card = self.error_card();
        self.status.error.set(card);
    }

    fn phase(&self) -> Phase {
        let Some(session) = &self.session else { return Phase::Idle };
        if session.failure().is_some() {
            return Phase::Failed;
        }
        if self.ended {
            return Phase::Ended;
        }
        match session.state() {
            _ if session.timeline().is_none() => Phase::Opening,
            TimelineState::Initialised | TimelineState::Prerolling => Phase::Prerolling,
            _ if !self.playing => Phase::Paused,
            TimelineState::Stalled => Phase::Stalled,
            TimelineState::Failed => Phase::Failed,
            TimelineState::Presenting | TimelineState::Ended => Phase::Playing,
        }
    }

    fn error_card(&self) -> Option<ErrorCard> {
        let error = self.session.as_ref()?.failure()?;
        let name = self.queue.current().map(title_of).unwrap_or_default();
        Some(ErrorCard {
            title: format!("\u{201c}{name}\u{201d} cannot be played"),
            reason: error.reason.clone(),
            hint: error.hint().to_owned(),
            can_retry: error.can_retry(),
            can_skip: self.queue.has_next(),
            skips_at_us: self.skip_at,
        })
    }
}

fn tracks(session: &Session) -> Tracks {
    let heard = session.feeds().audio();
    let carried = |track: &&Track| matches!(track.kind, Kind::Audio(_)) && session.feeds().carries(track.id);
    let audio = session.tracks().iter().filter(carried).enumerate().map(|(n, track)| AudioTrack {
        id: track.id,
        label: label(track, n),
        language: track.language.clone(),
        selected: heard == Some(track.id),
    });
    Tracks { audio: audio.collect(), captions: session.captions().views() }
}

fn video(session: &Session) -> Option<VideoView> {
    // What an earlier instance left on the screen stays there until its tracks are known again.
    let unknown = VideoView { width_px: 0, height_px: 0, par: (1, 1), rotation_deg: 0 };
    let adopting = session.adopts_video().then_some(unknown);
    let known =
        session.tracks().iter().filter(|track| session.feeds().carries(track.id)).find_map(
            |track| match track.kind {
                Kind::Video(format) => Some(VideoView {
                    width_px: format.width,
                    height_px: format.height,
                    par: format.par,
                    rotation_deg: format.rotation_deg,
                }),
                _ => None,
            },
        );
    known.or(adopting)
}
