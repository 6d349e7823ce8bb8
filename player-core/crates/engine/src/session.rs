//! One item from its address to its end: source, timeline and streams, and the seeks between them.

use kinora_captions::Cue;
use kinora_demux::Track;
use kinora_time::{Anchor, HostUs, MediaUs, SECOND_US, Span};

use crate::captions::{Captions, Preference};
use crate::error::Error;
use crate::event::{NetChange, SourceSpec, TimelineChange, TimelineState, Want};
use crate::shim::{Failure, NextStep, Shim, TimelineStatus};
use crate::source::{Budget, Cx, Extent, Kept, LiveState, OpenContainer, Sniffed, Sniffer, Source};
use crate::streams::Feeds;

/// Media kept ahead. Thirty seconds hide what a disk or a home network does; a connection over the internet gets twice that.
const AHEAD_LOCAL_US: MediaUs = 30 * SECOND_US;
const AHEAD_NETWORK_US: MediaUs = 60 * SECOND_US;
/// A seek that takes longer is replaced by a newer one at once; before, the newer one waits so that dragging shows pictures.
const SEEK_PATIENCE_US: HostUs = 500_000;
/// A timeline that breaks again within this time is not rebuilt.
const REBUILD_GAP_US: HostUs = 10_000_000;

/// Said when a live stream has left behind what was being watched.
const GONE: &str = "What was to follow is no longer there. This is live.";

/// Kind of a stream of pictures (`wit/timeline.wit`).
const VIDEO: u32 = 1;

mod open;
mod seek;

/// Where an item begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// So far after its start.
    Offset(MediaUs),
    /// At a `media_time`.
    Media(MediaUs),
}

/// What was chosen outside the item and holds for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choices {
    pub(crate) playing: bool,
    pub(crate) rate_permille: i32,
    pub(crate) gain_permille: u32,
    pub(crate) audio: Option<u32>,
    pub(crate) captions: Preference,
}

enum Stage {
    Sniffing(Box<Sniffer>),
    Source(Box<dyn Source>),
}

/// A seek or step that the shim works on.
struct Pending {
    ticket: u64,
    /// None for a step.
    to: Option<(MediaUs, bool)>,
    since: HostUs,
}

/// See the [module](self).
pub(crate) struct Session {
    serial: u64,
    stage: Stage,
    start: Start,
    feeds: Feeds,
    tracks: Vec<Track>,
    /// A live timeline of an earlier instance, to be taken over once the tracks are known.
    orphan: Option<TimelineStatus>,
    early_wants: Vec<Want>,
    timeline: Option<u64>,
    state: TimelineState,
    anchor: Anchor,
    pending: Option<Pending>,
    next_seek: Option<(MediaUs, bool)>,
    rebuilt_at: Option<HostUs>,
    captions: Captions,
    error: Option<Error>,
    notice: Option<String>,
    unfinished: bool,
    /// When it was last polled.
    polled_at: HostUs,
    list: Option<Vec<SourceSpec>>,
}

impl Session {
    pub(crate) fn new(serial: u64, spec: &SourceSpec, start: Start, open: OpenContainer) -> Self {
        let local = spec.url.starts_with("file:");
        let mut feeds = Feeds::new(if local { AHEAD_LOCAL_US } else { AHEAD_NETWORK_US });
        feeds.tag = serial;
        Session {
            serial,
            stage: Stage::Sniffing(Box::new(Sniffer::new(&spec.url, open))),
            start,
            feeds,
            tracks: Vec::new(),
            orphan: None,
            early_wants: Vec::new(),
            timeline: None,
            state: TimelineState::Initialised,
            anchor: Anchor { media_us: 0, host_us: 0, rate_permille: 0 },
            pending: None,
            next_seek: None,
            rebuilt_at: None,
            captions: Captions::new(&spec.related),
            error: None,
            notice: None,
            unfinished: false,
            polled_at: 0,
            list: None,
        }
    }

    /// Takes over what an earlier instance left playing.
    pub(crate) fn adopt(&mut self, orphan: TimelineStatus) {
        self.timeline = Some(orphan.id);
        self.state = orphan.state;
        self.anchor = plausible(orphan.anchor);
        self.start = Start::Media(self.anchor.media_us);
        self.orphan = Some(orphan);
    }

    /// How an earlier instance made the times of a live stream, which goes on where that one stood.
    pub(crate) fn keep_live(&mut self, state: LiveState) {
        let fed = |orphan: &TimelineStatus| {
            let tails = orphan.streams.iter().filter(|stream| stream.enabled && !stream.ended);
            tails.filter_map(|stream| stream.tail_dts_us).min()
        };
        let left_us = match self.start {
            Start::Media(at_us) => Some(at_us),
            Start::Offset(_) => None,
        };
        let at_us = self.orphan.as_ref().and_then(fed).or(left_us);
        if let Stage::Sniffing(sniffer) = &mut self.stage {
            sniffer.keep(Kept { state, at_us });
        }
    }

    /// Captions that an earlier instance had read ahead of what plays.
    pub(crate) fn keep_cues(&mut self, cues: Vec<(u32, Cue)>) {
        self.captions.keep(cues);
    }

    /// Whether all is known again of what an earlier instance left playing.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.error.is_some() || self.orphan.is_none() && !self.captions.is_loading()
    }

    /// Whether it is about to take over a picture that shows.
    pub(crate) fn adopts_video(&self) -> bool {
        let video = |orphan: &TimelineStatus| orphan.streams.iter().any(|stream| stream.kind == VIDEO);
        self.orphan.as_ref().is_some_and(video)
    }

    // ---- facts

    pub(crate) fn timeline(&self) -> Option<u64> {
        self.timeline
    }

    pub(crate) fn state(&self) -> TimelineState {
        self.state
    }

    pub(crate) fn anchor(&self) -> Anchor {
        self.anchor
    }

    pub(crate) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    pub(crate) fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    pub(crate) fn notice(&self) -> Option<&str> {
        self.captions.notice().or(self.notice.as_deref())
    }

    pub(crate) fn captions(&self) -> &Captions {
        &self.captions
    }

    pub(crate) fn extent(&self) -> Extent {
        match &self.stage {
            Stage::Source(source) if !self.tracks.is_empty() => source.extent(),
            _ => Extent::default(),
        }
    }

    /// What the next instance must know to go on with a live stream.
    pub(crate) fn live_state(&self) -> Option<LiveState> {
        match &self.stage {
            Stage::Source(source) => source.live_state(),
            Stage::Sniffing(sniffer) => sniffer.live_state(),
        }
    }

    pub(crate) fn buffered(&self) -> Option<Span> {
        self.feeds.buffered()
    }

    /// The files to play in the place of this item, which turned out to be a list of them.
    pub(crate) fn take_list(&mut self) -> Option<Vec<SourceSpec>> {
        self.list.take()
    }

    /// Where an unfinished seek goes.
    pub(crate) fn seeking_to(&self) -> Option<MediaUs> {
        self.next_seek.or(self.pending.as_ref().and_then(|pending| pending.to)).map(|(to_us, _)| to_us)
    }

    /// `media_time` at `now`; none before it has any.
    pub(crate) fn position(&self, now: HostUs) -> Option<MediaUs> {
        match self.start {
            Start::Media(at) if self.timeline.is_none() => Some(at),
            _ => self.timeline.map(|_| self.seeking_to().unwrap_or_else(|| self.anchor.media_at(now))),
        }
    }

    /// Why it does not go on. An error of the source counts only once what is buffered has been played.
    pub(crate) fn failure(&self) -> Option<&Error> {
        let dry =
            self.timeline.is_none() || self.state != TimelineState::Presenting || self.pending.is_some();
        self.error.as_ref().filter(|_| dry)
    }

    /// When the session is due without an event.
    pub(crate) fn wake_us(&self, now: HostUs) -> Option<HostUs> {
        // What was due in the last poll and is still due waits for an event: asking again at once would not help.
        let after = self.polled_at;
        let captions = self.captions.wake_us(after);
        if self.error.is_some() {
            return captions;
        }
        let source = match &self.stage {
            Stage::Sniffing(sniffer) => sniffer.wake_us(after),
            Stage::Source(source) => source.wake_us(after),
        };
        let refill = self.feeds.wake_us(self.anchor, after);
        let waiting = self.next_seek.and(self.pending.as_ref());
        let waiting = waiting.map(|pending| pending.since + SEEK_PATIENCE_US).filter(|at| *at > after);
        let slice = self.unfinished.then_some(now);
        [captions, source, refill, waiting, slice].into_iter().flatten().min()
    }

    // ---- events

    pub(crate) fn net(&mut self, ticket: u64, change: &NetChange, now: HostUs, shim: &mut dyn Shim) -> bool {
        if self.captions.net(ticket, change, now, shim) {
            return true;
        }
        if self.error.is_some() {
            return false;
        }
        let taken = match &mut self.stage {
            Stage::Sniffing(sniffer) => sniffer.net(ticket, change, now, shim),
            Stage::Source(source) => {
                let budget = &mut Budget::turn();
                source.net(ticket, change, &mut Cx { now, shim, feeds: &mut self.feeds, budget })
            }
        };
        match taken {
            Ok(taken) => taken,
            Err(error) => {
                self.fail(error, shim);
                true
            }
        }
    }

    /// News of this session's timeline.
    pub(crate) fn timeline_changed(
        &mut self,
        ticket: u64,
        change: TimelineChange,
        now: HostUs,
        choices: &Choices,
        shim: &mut dyn Shim,
    ) {
        match change {
            TimelineChange::State(state) => self.state = state,
            TimelineChange::Anchor(anchor) => self.anchor = plausible(anchor),
            TimelineChange::Seeked(media_us) => {
                if self.pending.as_ref().is_some_and(|pending| pending.ticket == ticket) {
                    self.pending = None;
                    if self.anchor.rate_permille == 0 {
                        self.anchor.media_us = media_us;
                    }
                    if let Some((to_us, exact)) = self.next_seek.take() {
                        self.issue_seek(to_us, exact, now, shim);
                    }
                }
            }
            TimelineChange::Want(want) if self.orphan.is_some() => self.early_wants.push(want),
            TimelineChange::Want(want) => {
                if let Err(error) = self.want(want, now, shim) {
                    self.fail(error, shim);
                }
            }
            TimelineChange::Failed(failure) => self.timeline_failed(failure, now, choices, shim),
        }
    }

    fn want(&mut self, want: Want, now: HostUs, shim: &mut dyn Shim) -> Result<(), Error> {
        let Some(refill) = self.feeds.want(want) else { return Ok(()) };
        match &mut self.stage {
            Stage::Source(source) => {
                let budget = &mut Budget::turn();
                source.seek(refill, &mut Cx { now, shim, feeds: &mut self.feeds, budget })
            }
            Stage::Sniffing(_) => Ok(()),
        }
    }

    fn timeline_failed(&mut self, failure: Failure, now: HostUs, choices: &Choices, shim: &mut dyn Shim) {
        let again = self.rebuilt_at.is_some_and(|at| now.saturating_sub(at) < REBUILD_GAP_US);
        let rebuild = matches!(failure.next, NextStep::Rebuild | NextStep::Retry | NextStep::Gone) && !again;
        if !rebuild || self.tracks.is_empty() {
            self.state = TimelineState::Failed;
            return self.fail(Error::timeline(&failure), shim);
        }
        shim.log(2, &format!("timeline rebuilt: {}", failure.message));
        self.rebuilt_at = Some(now);
        self.start = self.position(now).map_or(self.start, Start::Media);
        self.close_timeline(shim);
        if let Err(error) = self.open_timeline(now, choices, shim) {
            self.fail(error, shim);
        }
    }

    // ---- work

    /// Does what can be done now, within a turn's budget.
    pub(crate) fn poll(&mut self, now: HostUs, choices: &Choices, shim: &mut dyn Shim) {
        (self.unfinished, self.polled_at) = (false, now);
        if !self.tracks.is_empty() {
            self.captions.poll(now, shim);
        }
        if self.error.is_some() {
            self.drain(now, shim);
            return;
        }
        if self.pending.as_ref().is_some_and(|pending| now >= pending.since + SEEK_PATIENCE_US)
            && let Some((to_us, exact)) = self.next_seek.take()
        {
            self.issue_seek(to_us, exact, now, shim);
        }
        match self.work(now, choices, shim) {
            Ok(()) => {}
            Err(error) => self.fail(error, shim),
        }
    }

    /// Hands over what was read before the source failed, to be played before the error shows.
    fn drain(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.feeds.draining = true;
        let Some(position) = self.position(now).filter(|_| self.state != TimelineState::Failed) else {
            return;
        };
        self.feeds.set_position(position);
        if let Err(failure) = self.feeds.answer(shim) {
            shim.log(4, &format!("drain: {}", failure.message));
        }
    }

    fn work(&mut self, now: HostUs, choices: &Choices, shim: &mut dyn Shim) -> Result<(), Error> {
        let mut budget = Budget::turn();
        loop {
            self.feeds.set_position(self.position(now).unwrap_or(0));
            let source = match &mut self.stage {
                Stage::Source(source) => source,
                Stage::Sniffing(sniffer) => match sniffer.poll(now, shim)? {
                    Some(Sniffed::Media(source)) => {
                        self.stage = Stage::Source(source);
                        continue;
                    }
                    Some(Sniffed::List(items)) => {
                        self.list = Some(items);
                        return Ok(());
                    }
                    None => return Ok(()),
                },
            };
            source.poll(&mut Cx { now, shim, feeds: &mut self.feeds, budget: &mut budget })?;
            if let Some(notice) = source.take_notice() {
                shim.log(2, &notice);
                self.notice = Some(notice);
            }
            let jump = source.take_jump().filter(|_| self.timeline.is_some() && self.pending.is_none());
            let mut taken_over = false;
            if let Some(tracks) = self.feeds.take_tracks() {
                let first = self.tracks.is_empty();
                self.tracks = tracks;
                if first {
                    taken_over = self.orphan.is_some();
                    self.tracks_known(now, choices, shim)?;
                }
            }
            for cue in self.feeds.take_cues() {
                self.captions.push(cue);
            }
            if let Some(to_us) = jump {
                shim.log(2, GONE);
                self.notice = Some(GONE.to_owned());
                self.issue_seek(to_us, true, now, shim);
            }
            self.feeds.set_position(self.position(now).unwrap_or(0));
            let worked = match self.feeds.answer(shim) {
                Ok(worked) => worked,
                Err(failure) => {
                    self.timeline_failed(failure, now, choices, shim);
                    return Ok(());
                }
            };
            if budget.is_spent() {
                self.unfinished = true;
                return Ok(());
            }
            // Streams that were taken over may want what the source has read already; nothing else would wake it.
            if !worked && !taken_over {
                return Ok(());
            }
        }
    }

    /// Shows a caption track, or none.
    pub(crate) fn select_captions(&mut self, id: Option<u32>, shim: &mut dyn Shim) {
        self.captions.select(id);
        self.choose(shim);
    }

    /// Tells the source what is wanted of what it fetches on demand.
    fn choose(&mut self, shim: &mut dyn Shim) {
        let (audio, captions) = (self.feeds.audio(), self.captions.selected());
        if let Stage::Source(source) = &mut self.stage {
            source.choose(audio, captions, shim);
        }
    }

    // ---- commands

    /// Makes an audio track the one that is heard.
    pub(crate) fn select_audio(&mut self, track: u32, shim: &mut dyn Shim) {
        if !self.feeds.carries(track) {
            return;
        }
        match self.feeds.choose_audio(track, shim) {
            Ok(()) => self.choose(shim),
            Err(failure) => self.fail(Error::timeline(&failure), shim),
        }
    }

    /// Makes a call on the timeline, if there is one; a failure is the timeline's.
    pub(crate) fn with_timeline(
        &mut self,
        shim: &mut dyn Shim,
        call: impl FnOnce(&mut dyn Shim, u64) -> Result<(), Failure>,
    ) {
        if let Some(timeline) = self.timeline
            && let Err(failure) = call(shim, timeline)
        {
            self.fail(Error::timeline(&failure), shim);
        }
    }

    /// Gives the item up.
    pub(crate) fn fail(&mut self, error: Error, shim: &mut dyn Shim) {
        self.close_source(shim);
        self.error.get_or_insert(error);
    }

    fn close_source(&mut self, shim: &mut dyn Shim) {
        match &mut self.stage {
            Stage::Sniffing(sniffer) => sniffer.close(shim),
            Stage::Source(source) => source.close(shim),
        }
    }

    fn close_timeline(&mut self, shim: &mut dyn Shim) {
        if let Some(timeline) = self.timeline.take()
            && let Err(failure) = shim.close_timeline(timeline)
        {
            shim.log(4, &format!("close: {}", failure.message));
        }
        self.feeds.close();
        self.pending = None;
        self.next_seek = None;
        self.early_wants.clear();
    }

    /// Ends everything it has under way.
    pub(crate) fn close(&mut self, shim: &mut dyn Shim) {
        self.captions.close(shim);
        self.close_source(shim);
        self.close_timeline(shim);
    }
}

/// An anchor within the range that sums and products of times can hold, whatever the shim says.
fn plausible(anchor: Anchor) -> Anchor {
    const FAR_US: i64 = 1 << 53;
    Anchor {
        media_us: anchor.media_us.clamp(-FAR_US, FAR_US),
        host_us: anchor.host_us.min(FAR_US as u64),
        rate_permille: anchor.rate_permille.clamp(0, 4000),
    }
}
