//! From the tracks to a timeline with streams: a new one, or one that an earlier instance left playing.

use kinora_demux::{Codec, Kind, Track};
use kinora_time::{Anchor, HostUs};

use super::seek::clamp;
use super::{Choices, Session, Stage, Start, VIDEO};
use crate::error::{Error, ErrorKind};
use crate::event::TimelineState;
use crate::shim::{NextStep, Shim, TimelineStatus};
use crate::source::{Budget, Cx};
use crate::streams::Refill;

/// Audio streams of a timeline; every one costs buffer and, on some boxes, a decoder.
const MAX_AUDIO: usize = 8;

impl Session {
    pub(super) fn tracks_known(
        &mut self,
        now: HostUs,
        choices: &Choices,
        shim: &mut dyn Shim,
    ) -> Result<(), Error> {
        let orphan = self.orphan.take();
        let taken = match &orphan {
            Some(orphan) => self.take_over(orphan, now, shim)?,
            None => false,
        };
        if !taken {
            self.close_timeline(shim);
            self.open_timeline(now, choices, shim)?;
        }
        let heard = self.tracks.iter().find(|track| Some(track.id) == self.feeds.audio());
        let language = heard.map(|track| track.language.clone()).unwrap_or_default();
        self.captions.set_tracks(&self.tracks, self.extent().start_us, &language, &choices.captions);
        self.choose(shim);
        Ok(())
    }

    /// Feeds the orphan's streams from their append cursors on; whether its streams are those of the source.
    fn take_over(
        &mut self,
        orphan: &TimelineStatus,
        now: HostUs,
        shim: &mut dyn Shim,
    ) -> Result<bool, Error> {
        let mut free: Vec<&Track> = self.tracks.iter().collect();
        for stream in &orphan.streams {
            let fits = |track: &&Track| {
                track.codec_string == stream.codec
                    && matches!(track.kind, Kind::Video(_)) == (stream.kind == VIDEO)
            };
            let Some(at) = free.iter().position(fits) else { return Ok(false) };
            self.feeds.adopt(free.remove(at).id, stream.kind == VIDEO, orphan.seek, stream);
        }
        if self.feeds.is_empty() {
            return Ok(false);
        }
        let wants = std::mem::take(&mut self.early_wants);
        let restarts = wants.iter().any(|want| want.restart);
        if let (false, Some(from_us), Stage::Source(source)) =
            (restarts, self.feeds.adopted_from(), &mut self.stage)
            && source.extent().seekable
        {
            let budget = &mut Budget::turn();
            source.seek(
                Refill { from_us, track: None },
                &mut Cx { now, shim, feeds: &mut self.feeds, budget },
            )?;
        }
        for want in wants {
            self.want(want, now, shim)?;
        }
        Ok(true)
    }

    pub(super) fn open_timeline(
        &mut self,
        now: HostUs,
        choices: &Choices,
        shim: &mut dyn Shim,
    ) -> Result<(), Error> {
        let extent = self.extent();
        let timeline = shim.create_timeline(self.serial).map_err(|failure| Error::timeline(&failure))?;
        self.timeline = Some(timeline);
        self.state = TimelineState::Initialised;
        self.anchor = Anchor { media_us: 0, host_us: now, rate_permille: 0 };
        self.open_streams(timeline, choices, shim)?;
        let offset = match self.start {
            Start::Offset(_) if extent.live.is_some() => extent.begin_us,
            // Where a live stream was left may be gone.
            Start::Media(at) if extent.live.is_some() && clamp(at, extent) != at => {
                extent.end_us().unwrap_or(extent.begin_us)
            }
            Start::Offset(offset) => extent.start_us.saturating_add(offset),
            Start::Media(at) => at,
        };
        let at = if extent.seekable { clamp(offset, extent) } else { extent.start_us };
        let setup = |shim: &mut dyn Shim| {
            shim.set_gain(timeline, choices.gain_permille)?;
            if choices.rate_permille != 1000 {
                shim.set_rate(timeline, choices.rate_permille)?;
            }
            if choices.playing { shim.play(timeline) } else { Ok(()) }
        };
        setup(shim).map_err(|failure| Error::timeline(&failure))?;
        // A new timeline stands at 0, where many a container does not begin.
        if at != 0 {
            self.issue_seek(at, true, now, shim);
        }
        Ok(())
    }

    /// The first video track that can be played and up to [`MAX_AUDIO`] audio tracks, of which one is heard.
    fn open_streams(&mut self, timeline: u64, choices: &Choices, shim: &mut dyn Shim) -> Result<(), Error> {
        let mut refused = Vec::new();
        let tracks = std::mem::take(&mut self.tracks);
        let kinds = |video: bool| {
            let mut list: Vec<&Track> =
                tracks.iter().filter(|track| is_media(track) == Some(video)).collect();
            list.sort_by_key(|track| !track.default);
            list
        };
        let mut failed = None;
        for (video, most) in [(true, 1), (false, MAX_AUDIO)] {
            let mut opened = 0;
            for track in kinds(video) {
                if opened == most {
                    break;
                }
                if track.codec == Codec::Other {
                    refused.push((video, track.codec_string.clone()));
                    continue;
                }
                match self.feeds.open(timeline, track, shim) {
                    Ok(()) => opened += 1,
                    Err(failure) if failure.next == NextStep::Unsupported || failure.code == 10 => {
                        refused.push((video, track.codec_string.clone()));
                    }
                    Err(failure) => failed = Some(failure),
                }
            }
        }
        self.tracks = tracks;
        if self.feeds.is_empty() {
            return Err(match failed {
                Some(failure) => Error::timeline(&failure),
                None => nothing_playable(&refused),
            });
        }
        let missing_video = !self.feeds.has_video() && refused.iter().any(|(video, _)| *video);
        if let Some((video, codec)) = refused.iter().find(|(video, _)| *video == missing_video) {
            let what = if *video { "picture" } else { "sound track" };
            self.notice = Some(format!("A {what} cannot be played here ({codec})."));
        }
        let heard = choices.audio.filter(|track| self.feeds.carries(*track)).or(self.feeds.audio());
        if let Some(track) = heard {
            let chosen = self.feeds.choose_audio(track, shim);
            chosen.map_err(|failure| Error::timeline(&failure))?;
        }
        Ok(())
    }
}

/// Whether it is a video track (else audio); none for text.
fn is_media(track: &Track) -> Option<bool> {
    match track.kind {
        Kind::Video(_) => Some(true),
        Kind::Audio(_) => Some(false),
        Kind::Text(_) => None,
    }
}

fn nothing_playable(refused: &[(bool, String)]) -> Error {
    if refused.is_empty() {
        return Error::new(ErrorKind::Content, "There is neither picture nor sound in it.");
    }
    let names: Vec<&str> = refused.iter().map(|(_, codec)| codec.as_str()).collect();
    Error::new(ErrorKind::Unsupported, format!("This device cannot play its format ({}).", names.join(", ")))
}
