//! The state machine: queue, commands, choices and what is remembered. One item's affairs are its [`Session`]'s.

use kinora_time::{HostUs, MediaUs, SECOND_US};

use crate::captions::Preference;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Lifecycle, Open, TimelineChange, TimelineState};
use crate::queue::{Queue, Repeat};
use crate::resume;
use crate::session::{Choices, Session, Start};
use crate::shim::Shim;
use crate::snapshot::{self, Snapshot};
use crate::source::OpenContainer;
use crate::status::{Phase, Status};

mod commands;
mod view;

/// How often the position is remembered while playing: what a power cut may cost.
const REMEMBER_US: HostUs = 10_000_000;
/// An item that fails in a queue is passed over after this: long enough to read the card, short enough when nobody is there.
const SKIP_US: HostUs = 5_000_000;

/// Captions of the time ahead that a snapshot holds: what is read ahead of the network, and more than a restart takes.
const KEPT_CUES_US: MediaUs = 60 * SECOND_US;

/// Lists that name lists, one in the other; more are taken for a circle.
const MAX_LISTS: usize = 4;

/// What the engine is made with.
#[derive(Clone, Copy)]
pub struct Config {
    /// Whether items start where they were left, and choices are remembered. Off where a run must not depend on earlier ones.
    pub resume: bool,
    /// Whether the snapshot's item made the core fail again and again: it is shown as failed instead of being opened.
    pub leave_out: bool,
    /// Tells and opens containers. Tests play one whose samples can be read in a dump.
    pub open_container: OpenContainer,
}

impl Config {
    /// For every container the player knows.
    pub fn new(resume: bool) -> Self {
        Config { resume, leave_out: false, open_container: kinora_demux::open }
    }
}

/// Where a seek ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekMode {
    /// At the key frame at or before the target, which shows soonest: while dragging.
    Key,
    /// At the target: on release.
    Exact,
}

/// See the [crate](crate). Its methods must be called with a `now_us` that never decreases.
pub struct Engine {
    config: Config,
    queue: Queue,
    session: Option<Session>,
    settings: resume::Settings,
    /// Items opened so far: the tag of the next timeline.
    serial: u64,
    /// Lists opened since an item last played.
    lists: usize,
    playing: bool,
    rate_permille: i32,
    audio: Option<u32>,
    captions: Preference,
    ended: bool,
    remember_at: Option<HostUs>,
    skip_at: Option<HostUs>,
    checkpoint: bool,
    understood: bool,
    status: Status,
}

impl Engine {
    /// A new instance. With a snapshot it goes on where that was taken, and with what still plays in the shim.
    pub fn new(config: Config, now: HostUs, snapshot: Option<&[u8]>, shim: &mut dyn Shim) -> Self {
        let facts = shim.facts();
        let settings = if config.resume { resume::settings(shim) } else { resume::Settings::default() };
        let captions = Preference {
            item: None,
            remembered: settings.captions.clone(),
            device_on: fact(&facts, "captions") == "on",
            device_language: fact(&facts, "captions-language").to_owned(),
        };
        let mut engine = Engine {
            config,
            queue: Queue::default(),
            session: None,
            settings,
            serial: 0,
            lists: 0,
            playing: true,
            rate_permille: 1000,
            audio: None,
            captions,
            ended: false,
            remember_at: None,
            skip_at: None,
            checkpoint: false,
            understood: true,
            status: Status::default(),
        };
        for ticket in shim.live_fetches() {
            shim.cancel(ticket);
        }
        let decoded = snapshot.and_then(Snapshot::decode);
        engine.understood = snapshot.is_none() || decoded.is_some();
        if let Some(decoded) = decoded {
            engine.settings.sound = decoded.sound;
            engine.restore(decoded, shim);
            if let (Some(session), Some(snapshot)) = (&mut engine.session, snapshot) {
                session.keep_cues(snapshot::cues(snapshot));
                if let Some(state) = snapshot::live(snapshot) {
                    session.keep_live(state);
                }
            }
        } else {
            engine.restore(Snapshot::default(), shim);
        }
        engine.settle(now, shim);
        engine
    }

    fn restore(&mut self, snapshot: Snapshot, shim: &mut dyn Shim) {
        self.queue.open(Open { sources: snapshot.sources, append: false });
        self.queue.set_repeat(snapshot.repeat);
        let there = self.queue.select(snapshot.current);
        // The item keeps its number, which is the tag of its timeline.
        self.serial = snapshot.serial.saturating_sub(1);
        if there {
            self.playing = snapshot.playing;
            self.rate_permille = snapshot.rate_permille;
            self.audio = snapshot.audio;
            self.captions.item = snapshot.captions;
        }
        let mut orphan = None;
        for status in shim.live_timelines() {
            let own = status.tag == snapshot.serial && status.state != TimelineState::Failed;
            if there && own && orphan.is_none() {
                orphan = Some(status);
            } else {
                let _gone = shim.close_timeline(status.id);
            }
        }
        if let Some(position_us) = snapshot.position_us.filter(|_| there) {
            let start = (position_us != snapshot::OPENING).then_some(Start::Media(position_us));
            self.open_current(start, shim);
            if let (Some(session), Some(orphan)) = (&mut self.session, orphan) {
                // The shim knows what was asked of it last, also after the snapshot.
                self.playing = orphan.playing;
                self.ended = orphan.state == TimelineState::Ended;
                session.adopt(orphan);
            }
            if let Some(session) = self.session.as_mut().filter(|_| self.config.leave_out) {
                session
                    .fail(Error::new(ErrorKind::Content, "The player failed twice while playing it."), shim);
            }
        }
    }

    /// Whether it could read the snapshot it was made with, if there was one.
    pub fn understood(&self) -> bool {
        self.understood
    }

    /// Whether it knows again what an earlier instance knew of what plays: tracks, duration, captions.
    pub fn is_caught_up(&self) -> bool {
        self.session.as_ref().is_none_or(Session::is_caught_up)
    }

    /// What the interface shows.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// When [`Engine::poll`] is due if no event comes before.
    pub fn wake_us(&self, now: HostUs) -> Option<HostUs> {
        let session = self.session.as_ref().and_then(|session| session.wake_us(now));
        [session, self.remember_at, self.skip_at].into_iter().flatten().min()
    }

    /// Whether the state worth keeping changed since the last call.
    pub fn take_checkpoint(&mut self) -> bool {
        std::mem::take(&mut self.checkpoint)
    }

    /// The state worth keeping, at most 256 KiB.
    pub fn snapshot(&self, now: HostUs) -> Vec<u8> {
        let session = self.session.as_ref();
        let mut snapshot = Snapshot {
            serial: self.serial,
            position_us: session.map(|session| session.position(now).unwrap_or(snapshot::OPENING)),
            rate_permille: self.rate_permille,
            playing: self.playing,
            sound: self.settings.sound,
            repeat: self.queue.repeat(),
            audio: self.audio,
            captions: self.captions.item,
            current: self.queue.index(),
            sources: self.queue.items().to_vec(),
        }
        .encode();
        if let Some(session) = session
            && let Some(from) = session.position(now)
        {
            let ahead = session.captions().read_ahead(from, from.saturating_add(KEPT_CUES_US));
            snapshot::add_cues(&mut snapshot, &ahead);
        }
        if let Some(state) = session.and_then(Session::live_state) {
            snapshot::add_live(&mut snapshot, &state);
        }
        snapshot
    }

    // ---- events

    /// Takes one event. Follow a batch with one [`Engine::poll`].
    pub fn handle(&mut self, now: HostUs, event: Event, shim: &mut dyn Shim) {
        match event {
            Event::Open(open) => {
                if !open.append {
                    self.remember(now, shim);
                }
                if self.queue.open(open) {
                    self.playing = true;
                    self.switch(now, shim);
                }
            }
            Event::Timeline { id, ticket, change } => {
                let choices = self.choices();
                let Some(session) = self.session.as_mut().filter(|session| session.timeline() == Some(id))
                else {
                    return;
                };
                let ended = change == TimelineChange::State(TimelineState::Ended);
                session.timeline_changed(ticket, change, now, &choices, shim);
                if ended {
                    self.item_ended(now, shim);
                }
            }
            Event::Net { ticket, change } => {
                if let Some(session) = &mut self.session {
                    session.net(ticket, &change, now, shim);
                }
            }
            Event::Stored { failure, .. } => {
                if let Some(failure) = failure {
                    shim.log(2, &format!("not stored: {}", failure.message));
                }
            }
            Event::Lifecycle(Lifecycle::Concealed | Lifecycle::Frozen | Lifecycle::Stop) => {
                self.remember(now, shim);
            }
            Event::Lifecycle(_) => {}
        }
    }

    /// Does what is due: timers, and slices of work that did not fit into the turn before.
    pub fn poll(&mut self, now: HostUs, shim: &mut dyn Shim) {
        if self.remember_at.is_some_and(|at| now >= at) {
            self.remember_at = None;
            self.remember(now, shim);
        }
        if self.skip_at.is_some_and(|at| now >= at) {
            self.next(now, shim);
        }
        self.settle(now, shim);
    }

    /// Lets the session work and brings the status up to date.
    fn settle(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.work(now, shim);
        let failed = self.session.as_ref().is_some_and(|session| session.failure().is_some());
        // The queue may have lost its next item while the card was shown.
        if !failed || !self.queue.has_next() {
            self.skip_at = None;
        } else {
            self.skip_at.get_or_insert(now.saturating_add(SKIP_US));
        }
        self.keep_pace(now, shim);
        self.refresh();
        match self.status.clock.phase {
            Phase::Playing if self.remember_at.is_none() => self.remember_at = Some(now + REMEMBER_US),
            Phase::Playing => {}
            _ => self.remember_at = None,
        }
    }

    /// Who has caught up with what is live goes on with it.
    fn keep_pace(&mut self, now: HostUs, shim: &mut dyn Shim) {
        let Some(session) = self.session.as_mut().filter(|_| self.rate_permille > 1000) else { return };
        let (live, position) = (session.extent().live, session.position(now));
        if live.zip(position).is_some_and(|(live, position)| position >= live.anchor.media_at(now)) {
            self.rate_permille = 1000;
            session.with_timeline(shim, |shim, id| shim.set_rate(id, 1000));
        }
    }

    fn work(&mut self, now: HostUs, shim: &mut dyn Shim) {
        let choices = self.choices();
        loop {
            let Some(session) = &mut self.session else { return };
            session.poll(now, &choices, shim);
            if session.timeline().is_some() {
                self.lists = 0;
            }
            let Some(items) = session.take_list() else { return };
            self.lists += 1;
            if self.lists > MAX_LISTS {
                return session
                    .fail(Error::new(ErrorKind::Content, "It is a list of lists without end."), shim);
            }
            self.queue.expand_current(items);
            self.open_current(None, shim);
        }
    }

    fn item_ended(&mut self, now: HostUs, shim: &mut dyn Shim) {
        if let Some(item) = self.queue.current().filter(|_| self.config.resume) {
            resume::forget(&item.url, shim);
        }
        self.checkpoint = true;
        let alone = self.queue.items().len() == 1;
        match self.queue.repeat() {
            Repeat::One => self.seek_offset(0, now, shim),
            // A queue of one that repeats needs no new timeline.
            Repeat::All if alone => self.seek_offset(0, now, shim),
            _ => {
                self.ended = !self.queue.next();
                if !self.ended {
                    self.forget_item_choices();
                    self.open_current(None, shim);
                }
            }
        }
    }

    /// Opens the current item in the place of what plays.
    fn open_current(&mut self, start: Option<Start>, shim: &mut dyn Shim) {
        if let Some(mut session) = self.session.take() {
            session.close(shim);
        }
        self.ended = false;
        self.skip_at = None;
        self.checkpoint = true;
        let Some(item) = self.queue.current() else { return };
        let start = start.unwrap_or_else(|| {
            let left = self.config.resume.then(|| resume::position(&item.url, shim)).flatten();
            Start::Offset(left.unwrap_or(0))
        });
        // It only has to differ; a snapshot or a shim may have told the last number there is.
        self.serial = self.serial.wrapping_add(1);
        self.session = Some(Session::new(self.serial, item, start, self.config.open_container));
    }

    /// Leaves what plays, remembering where, and opens the current item.
    fn switch(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.forget_item_choices();
        self.open_current(None, shim);
        self.settle(now, shim);
    }

    /// Remembers where the current item is. Call before the queue moves on.
    fn remember(&mut self, now: HostUs, shim: &mut dyn Shim) {
        self.checkpoint = true;
        let (Some(session), Some(item)) = (&self.session, self.queue.current()) else { return };
        let Some(position) = session.position(now).filter(|_| self.config.resume && !self.ended) else {
            return;
        };
        let extent = session.extent();
        if extent.live.is_some() {
            // Whoever comes back wants to see what is on.
            return resume::forget(&item.url, shim);
        }
        resume::remember(&item.url, position.saturating_sub(extent.start_us), extent.duration_us, shim);
    }

    /// Track numbers mean nothing in another item.
    fn forget_item_choices(&mut self) {
        self.audio = None;
        self.captions.item = None;
    }

    fn choices(&self) -> Choices {
        Choices {
            playing: self.playing,
            rate_permille: self.rate_permille,
            gain_permille: self.gain_permille(),
            audio: self.audio,
            captions: self.captions.clone(),
        }
    }
}

/// The value of a fact of the device; empty when it does not state it.
fn fact<'a>(facts: &'a [(String, String)], name: &str) -> &'a str {
    facts.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}
