//! What the person can ask for.

use kinora_captions::Cue;
use kinora_time::{HostUs, MediaUs, SECOND_US};

use super::{Engine, SeekMode};
use crate::queue::Repeat;
use crate::resume::{self, CaptionsChoice};
use crate::session::{Session, Start};
use crate::shim::Shim;
use crate::status::Phase;

/// Going back within this of the start leads to the item before, later to the start of this one.
const PREVIOUS_US: MediaUs = 5 * SECOND_US;

impl Engine {
    /// Plays; from the start when the item is over.
    pub fn play(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.playing = true;
        if self.ended {
            self.seek_offset(0, now, shim);
        }
        self.apply_playing(now, shim);
    }

    /// Holds.
    pub fn pause(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.playing = false;
        self.apply_playing(now, shim);
        self.remember(now, shim);
    }

    /// Plays when it holds (or is over), holds when it plays.
    pub fn toggle(&mut self, now: HostUs, shim: &mut dyn Shim) {
        if self.playing && !self.ended { self.pause(now, shim) } else { self.play(now, shim) }
    }

    fn apply_playing(&mut self, now: HostUs, shim: &mut dyn Shim) {
        let playing = self.playing;
        if let Some(session) = &mut self.session {
            session.with_timeline(shim, |shim, id| if playing { shim.play(id) } else { shim.pause(id) });
        }
        self.checkpoint = true;
        self.settle(now, shim);
    }

    /// Moves to a `media_time`, clamped to the item.
    pub fn seek_to(&mut self, to_us: MediaUs, mode: SeekMode, now: HostUs, shim: &mut dyn Shim) {
        if let Some(session) = &mut self.session {
            session.seek(to_us, mode == SeekMode::Exact, now, shim);
            self.ended &= session.seeking_to().is_none();
        }
        self.checkpoint = true;
        self.settle(now, shim);
    }

    /// Moves by so much from where it is, or from where an unfinished seek goes.
    pub fn seek_by(&mut self, by_us: MediaUs, mode: SeekMode, now: HostUs, shim: &mut dyn Shim) {
        let at = self.status.clock.media_at(now);
        self.seek_to(at.saturating_add(by_us), mode, now, shim);
    }

    /// Plays what is live, if it is a live stream.
    pub fn go_live(&mut self, now: HostUs, shim: &mut dyn Shim) {
        let extent = self.session.as_ref().map(Session::extent).filter(|extent| extent.live.is_some());
        if let Some(end_us) = extent.and_then(|extent| extent.end_us()) {
            self.play(now, shim);
            self.seek_to(end_us, SeekMode::Exact, now, shim);
        }
    }

    pub(super) fn seek_offset(&mut self, offset_us: MediaUs, now: HostUs, shim: &mut dyn Shim) {
        let start = self.session.as_ref().map_or(0, |session| session.extent().start_us);
        let seekable = self.session.as_ref().is_some_and(|session| session.extent().seekable);
        if seekable {
            self.seek_to(start.saturating_add(offset_us), SeekMode::Exact, now, shim);
        } else {
            // What cannot be moved about in is opened again.
            self.open_current(Some(Start::Offset(0)), shim);
            self.settle(now, shim);
        }
    }

    /// Holds and moves by frames.
    pub fn step(&mut self, frames: i32, now: HostUs, shim: &mut dyn Shim) {
        if self.playing {
            self.pause(now, shim);
        }
        if let Some(session) = &mut self.session {
            session.step(frames, now, shim);
        }
        self.settle(now, shim);
    }

    /// Speed, 250 to 4000 permille; kept for the items that follow.
    pub fn set_rate(&mut self, permille: i32, now: HostUs, shim: &mut dyn Shim) {
        self.rate_permille = permille.clamp(250, 4000);
        let rate = self.rate_permille;
        if let Some(session) = &mut self.session {
            session.with_timeline(shim, |shim, id| shim.set_rate(id, rate));
        }
        self.checkpoint = true;
        self.settle(now, shim);
    }

    /// Volume as felt, 0 to 1000 permille; see [`Engine::set_muted`]. Raising it ends silence.
    pub fn set_volume(&mut self, permille: u32, now: HostUs, shim: &mut dyn Shim) {
        let permille = permille.min(1000);
        self.settings.sound.muted &= permille <= self.settings.sound.volume_permille;
        self.settings.sound.volume_permille = permille;
        self.apply_sound(now, shim);
    }

    /// Silences, or restores the volume.
    pub fn set_muted(&mut self, muted: bool, now: HostUs, shim: &mut dyn Shim) {
        self.settings.sound.muted = muted;
        self.apply_sound(now, shim);
    }

    fn apply_sound(&mut self, now: HostUs, shim: &mut dyn Shim) {
        let gain = self.gain_permille();
        if let Some(session) = &mut self.session {
            session.with_timeline(shim, |shim, id| shim.set_gain(id, gain));
        }
        if self.config.resume {
            resume::keep_settings(&self.settings, shim);
        }
        self.settle(now, shim);
    }

    /// Loudness is felt about as the cube root of amplitude, so that the gain is the cube of the volume (mpv and PulseAudio do the
    /// same): half the slider is -18 dB.
    pub(super) fn gain_permille(&self) -> u32 {
        let sound = self.settings.sound;
        if sound.muted {
            return 0;
        }
        let volume = u64::from(sound.volume_permille.min(1000));
        (volume * volume * volume / 1_000_000) as u32
    }

    /// Makes an audio track the one that is heard.
    pub fn select_audio(&mut self, track: u32, now: HostUs, shim: &mut dyn Shim) {
        self.audio = Some(track);
        if let Some(session) = &mut self.session {
            session.select_audio(track, shim);
        }
        self.checkpoint = true;
        self.settle(now, shim);
    }

    /// Shows a caption track, or none. Remembered by its language for the items that follow.
    pub fn select_captions(&mut self, track: Option<u32>, now: HostUs, shim: &mut dyn Shim) {
        self.captions.item = Some(track);
        if let Some(session) = &mut self.session {
            session.select_captions(track, shim);
            self.captions.remembered = Some(match session.captions().language() {
                Some(language) => CaptionsChoice::Language(language.to_owned()),
                None => CaptionsChoice::Off,
            });
            self.settings.captions.clone_from(&self.captions.remembered);
        }
        if self.config.resume {
            resume::keep_settings(&self.settings, shim);
        }
        self.checkpoint = true;
        self.settle(now, shim);
    }

    /// The cues of the selected captions that show at some time of `from_us..to_us`, by start; see [`Status::cues`](crate::Status::cues).
    pub fn cues(&self, from_us: MediaUs, to_us: MediaUs) -> impl Iterator<Item = &Cue> {
        self.session.iter().flat_map(move |session| session.captions().cues(from_us, to_us))
    }

    /// Goes to the next item, if there is one.
    pub fn next(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.remember(now, shim);
        if self.queue.next() {
            self.switch(now, shim);
        }
    }

    /// Goes to the start of this item, or when that is near to the item before.
    pub fn previous(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.remember(now, shim);
        let clock = &self.status.clock;
        let near = clock.media_at(now).saturating_sub(clock.start_us) < PREVIOUS_US;
        if (near || clock.phase == Phase::Failed) && self.queue.previous() {
            self.switch(now, shim);
        } else {
            self.seek_offset(0, now, shim);
        }
    }

    /// Goes to item `index` of the queue.
    pub fn play_item(&mut self, index: usize, now: HostUs, shim: &mut dyn Shim) {
        self.remember(now, shim);
        if self.queue.select(index) {
            self.playing = true;
            self.switch(now, shim);
        }
    }

    /// What happens at the end of an item.
    pub fn set_repeat(&mut self, repeat: Repeat, now: HostUs, shim: &mut dyn Shim) {
        self.queue.set_repeat(repeat);
        self.checkpoint = true;
        self.settle(now, shim);
    }

    /// Closes the current item and leaves the queue as it is.
    pub fn stop(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.remember(now, shim);
        if let Some(mut session) = self.session.take() {
            session.close(shim);
        }
        self.ended = false;
        self.settle(now, shim);
    }

    /// Opens the current item again, at the position it had come to.
    pub fn retry(&mut self, now: HostUs, shim: &mut dyn Shim) {
        let start = self.session.as_ref().and_then(|session| session.position(now)).map(Start::Media);
        self.open_current(start, shim);
        self.settle(now, shim);
    }
}
