//! One media clock with its streams: the states of `wit/timeline.wit` and what moves between them.

use kinora_port::{Failure, HostUs, MediaUs};

use crate::audio::mixer::{Command, MixerHandle};
use crate::audio::voice::Start;
use crate::budget::Budget;
use crate::clock::Clock;
use crate::events::{Anchor, Change, EventQueue, Kind, State, TimelineStatus, Tuning, Want};
use crate::pacer::Pacing;
use crate::seek::Pending;
use crate::stream::Stream;

/// A clock that strays this far from the last announced anchor is announced anew.
const ANNOUNCE_US: i64 = 15_000;
/// How often the clock is compared with the sound.
const FOLLOW_US: u64 = 50_000;
/// How often a device that is starting is looked at.
const STARTING_US: u64 = 10_000;
/// A pts jump beyond this that nobody declared is a discontinuity: the clock goes with it.
const JUMP_US: i64 = 10_000_000;
/// While the first picture is still being decoded, no more than this is asked for beyond what must be buffered: reading it would take time
/// from the decoders.
const PREROLL_US: MediaUs = 1_000_000;
/// A stream this far ahead of another leaves the room to it.
const LEAD_US: i64 = 10_000_000;

/// What a timeline needs of the pipeline while it moves.
pub(crate) struct Context<'a> {
    pub(crate) now: HostUs,
    pub(crate) events: &'a mut EventQueue,
    pub(crate) mixer: &'a mut Option<MixerHandle>,
    /// How long after now a voice can begin.
    pub(crate) lead_us: u64,
    /// The device is open but has not asked for sound yet: a server may take a second, and what is due before would be lost.
    pub(crate) device_starting: bool,
    pub(crate) pacing: Pacing,
}

pub(crate) struct Timeline {
    pub(crate) id: u64,
    tag: u64,
    state: State,
    playing: bool,
    rate_permille: i32,
    gain_permille: u32,
    tuning: Tuning,
    pub(crate) clock: Clock,
    /// The anchor the core knows.
    announced: Option<Anchor>,
    /// Where the clock was when last looked at.
    position: MediaUs,
    /// The last accepted seek.
    pub(crate) seek: u64,
    pub(crate) pending: Option<Pending>,
    pub(crate) streams: Vec<Stream>,
    /// Buffered media that the clock waits for.
    need_us: u32,
    /// When the clock last stopped: sound is kept ready for a while after that.
    pub(crate) idle_since: HostUs,
}

impl Timeline {
    pub(crate) fn new(id: u64, tag: u64, now: HostUs) -> Self {
        let tuning = Tuning::default();
        Timeline {
            id,
            tag,
            state: State::Initialised,
            playing: false,
            rate_permille: 1000,
            gain_permille: 1000,
            tuning,
            clock: Clock::stopped_at(0),
            announced: None,
            position: 0,
            seek: 0,
            pending: None,
            streams: Vec::new(),
            need_us: tuning.start_us,
            idle_since: now,
        }
    }

    pub(crate) fn position(&self) -> MediaUs {
        self.position
    }

    pub(crate) fn playing(&self) -> bool {
        self.playing
    }

    pub(crate) fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    pub(crate) fn rate_permille(&self) -> i32 {
        self.rate_permille
    }

    pub(crate) fn gain_permille(&self) -> u32 {
        self.gain_permille
    }

    pub(crate) fn stream_mut(&mut self, id: u64) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }

    /// The stream whose pictures are shown.
    pub(crate) fn picture(&self) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.enabled && stream.kind() == Kind::Video)
    }

    pub(crate) fn picture_mut(&mut self) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.enabled && stream.kind() == Kind::Video)
    }

    pub(crate) fn has_sound(&self) -> bool {
        self.streams.iter().any(|stream| stream.enabled && stream.kind() == Kind::Audio)
    }

    pub(crate) fn anchor(&self) -> Anchor {
        self.clock.anchor()
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn play(&mut self) {
        self.playing = true;
    }

    pub(crate) fn pause(&mut self, cx: &mut Context<'_>) {
        self.playing = false;
        self.stop(cx);
    }

    pub(crate) fn set_rate(&mut self, permille: i32, cx: &mut Context<'_>) {
        self.rate_permille = permille.clamp(250, 4000);
        // With sound the clock changes when the sound made for the new rate is heard (`Clock::follow`).
        if self.clock.running() && !self.sounds() {
            self.clock.set_rate(self.rate_permille, cx.now);
            self.announce(cx);
        }
    }

    pub(crate) fn set_gain(&mut self, permille: u32) {
        self.gain_permille = permille.min(2000);
    }

    pub(crate) fn tune(&mut self, tuning: Tuning) {
        self.tuning = tuning;
    }

    /// Adds or joins a stream.
    pub(crate) fn open(&mut self, mut stream: Stream) {
        stream.restart_from = Some(self.position);
        stream.joining = self.clock.running();
        self.streams.push(stream);
    }

    pub(crate) fn enable(&mut self, id: u64, on: bool, cx: &mut Context<'_>) {
        let (position, running) = (self.clock.media_at(cx.now), self.clock.running());
        let Some(stream) = self.stream_mut(id).filter(|stream| stream.enabled != on) else { return };
        stream.enabled = on;
        if !on {
            stream.want = None;
            cx.events.forget_want(id);
            stream.flush(stream.next, None, cx.mixer);
            return;
        }
        stream.joining = running;
        if stream.holds(position) {
            stream.restart_in_buffer(position, cx.mixer);
        } else {
            stream.restart(Some(position), cx.mixer);
        }
    }

    pub(crate) fn close_stream(&mut self, id: u64, cx: &mut Context<'_>) {
        if let Some(index) = self.streams.iter().position(|stream| stream.id == id) {
            let mut stream = self.streams.remove(index);
            stream.flush(0, None, cx.mixer);
            cx.events.forget_want(id);
        }
    }

    pub(crate) fn fail(&mut self, failure: Failure, cx: &mut Context<'_>) {
        if self.state != State::Failed {
            self.stop(cx);
            self.set_state(State::Failed, cx);
            cx.events.push(self.id, 0, Change::Failed(failure));
        }
    }

    pub(crate) fn set_state(&mut self, state: State, cx: &mut Context<'_>) {
        if self.state != state {
            self.state = state;
            cx.events.push(self.id, 0, Change::State(state));
        }
    }

    /// Tells the core the clock, if what it knows no longer says the same.
    pub(crate) fn announce(&mut self, cx: &mut Context<'_>) {
        let anchor = self.anchor_at(cx.now);
        if self.announced != Some(anchor) {
            self.announced = Some(anchor);
            cx.events.push(self.id, 0, Change::Anchor(anchor));
        }
    }

    fn anchor_at(&self, now: HostUs) -> Anchor {
        if self.clock.running() && self.clock.anchor().host_us <= now {
            let media_us = self.clock.media_at(now);
            Anchor { media_us, host_us: now, rate_permille: self.clock.rate_permille() }
        } else {
            self.clock.anchor()
        }
    }

    fn announce_drift(&mut self, cx: &mut Context<'_>) {
        let Some(known) = self.announced.filter(|_| self.clock.running()) else { return };
        let elapsed = cx.now.saturating_sub(known.host_us) as i64;
        let believed = known.media_us + elapsed * i64::from(known.rate_permille) / 1000;
        if (self.clock.media_at(cx.now) - believed).abs() > ANNOUNCE_US {
            self.announce(cx);
        }
    }

    /// Stops the clock where it is.
    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) {
        if !self.clock.running() {
            return;
        }
        self.clock.stop(cx.now);
        self.position = self.clock.media_at(cx.now);
        self.idle_since = cx.now;
        for stream in &mut self.streams {
            if let Some(voice) = stream.audio_mut().and_then(|audio| audio.voice.as_mut())
                && let Some(mixer) = cx.mixer
                && std::mem::take(&mut voice.started)
            {
                mixer.send(Command::Stop(voice.id));
            }
        }
        self.announce(cx);
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        let audible = cx.mixer.as_ref().filter(|_| self.has_sound()).and_then(|m| m.shared.next_audible_us());
        let lead = if self.has_sound() { cx.lead_us } else { 0 };
        let at = audible.unwrap_or(cx.now).max(cx.now) + lead;
        self.clock.start(at, self.rate_permille);
        self.announce(cx);
    }

    /// Whether sound that plays sets the pace.
    fn sounds(&self) -> bool {
        self.streams.iter().filter_map(|stream| stream.audio()?.voice.as_ref()).any(|voice| voice.started)
    }

    /// Starts the voices that are ready, in step with the clock, and passes on the gain.
    fn start_voices(&mut self, cx: &mut Context<'_>) {
        let anchor = self.clock.anchor();
        let start =
            Start { host_us: anchor.host_us, media_us: anchor.media_us, rate_permille: anchor.rate_permille };
        let (running, gain_permille, gain) =
            (self.clock.running(), self.gain_permille, self.gain_permille as f32 / 1000.0);
        let Some(mixer) = cx.mixer else { return };
        for stream in self.streams.iter_mut().filter(|stream| stream.enabled) {
            let Some(voice) = stream.audio_mut().and_then(|audio| audio.voice.as_mut()) else { continue };
            if voice.gain != gain_permille {
                voice.gain = gain_permille;
                mixer.send(Command::Gain(voice.id, gain));
            }
            if running && !voice.started && voice.shared.queued() > 0 {
                voice.started = true;
                mixer.send(Command::Start(voice.id, start));
            }
        }
    }

    fn follow_sound(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        if !self.clock.running() {
            return;
        }
        let measured = self
            .streams
            .iter_mut()
            .filter(|stream| stream.enabled)
            .filter_map(|stream| stream.audio_mut()?.voice.as_mut())
            .find(|voice| voice.started)
            .and_then(|voice| {
                let (number, measured) = voice.shared.measurement()?;
                (std::mem::replace(&mut voice.measured, number) != number).then_some(measured)
            });
        if let Some(measured) = measured
            && self.clock.follow(measured, now)
        {
            self.announce(cx);
        }
    }

    /// Moves everything that moves by itself. Returns when to come back.
    pub(crate) fn advance(&mut self, cx: &mut Context<'_>, budget: Budget) -> Option<HostUs> {
        self.follow_sound(cx);
        self.position = self.clock.media_at(cx.now);
        self.note_failure(cx);
        self.finish_pending(cx);
        // Each step may make the next possible, none the one before.
        self.leave_waiting(cx, budget);
        self.run(cx, budget);
        self.start_voices(cx);
        self.give_up_unshown(cx);
        self.follow_jump(cx);
        self.announce_drift(cx);
        self.update_wants(cx, budget);
        self.deadline(cx)
    }

    fn note_failure(&mut self, cx: &mut Context<'_>) {
        let failed = self.streams.iter().filter(|stream| stream.enabled).find_map(|s| s.failed.clone());
        if let Some(failure) = failed {
            self.fail(failure, cx);
        }
    }

    fn leave_waiting(&mut self, cx: &mut Context<'_>, budget: Budget) {
        // A file that is cut off before its first sample ends all the same.
        if self.state == State::Initialised
            && self.streams.iter().any(|stream| stream.queue.end_us().is_some() || stream.ended)
        {
            self.need_us = self.tuning.start_us;
            self.set_state(State::Prerolling, cx);
        }
        if matches!(self.state, State::Prerolling | State::Stalled)
            && self.pending.is_none()
            && self.streams.iter().any(|stream| stream.enabled)
            && self.ready(self.need_us, cx, budget)
        {
            self.set_state(State::Presenting, cx);
        }
    }

    fn ready(&self, need_us: u32, cx: &Context<'_>, budget: Budget) -> bool {
        let (position, open) = (self.position, cx.mixer.is_some());
        self.streams
            .iter()
            .filter(|stream| stream.enabled && !stream.joining)
            .all(|stream| stream.is_ready(position, need_us, open, budget.room(stream) == 0))
    }

    fn run(&mut self, cx: &mut Context<'_>, budget: Budget) {
        if self.state != State::Presenting {
            return;
        }
        for stream in self.streams.iter_mut().filter(|stream| stream.joining && stream.enabled) {
            stream.joining = !stream.is_ready(self.position, 0, cx.mixer.is_some(), true);
        }
        if self.playing && !self.clock.running() && self.pending.is_none() {
            let sound_open = !self.has_sound() || (cx.mixer.is_some() && !cx.device_starting);
            if sound_open && self.ready(0, cx, budget) {
                self.start(cx);
            }
        }
        if !self.clock.running() {
            return;
        }
        let position = self.position;
        let dry = |stream: &&Stream| stream.enabled && !stream.joining && stream.is_dry(position);
        let all_dry = self.streams.iter().filter(|s| s.enabled).all(|s| s.is_dry(position) && s.ended);
        if all_dry {
            self.end(cx);
        } else if self.streams.iter().filter(dry).any(|stream| !stream.ended) {
            self.need_us = self.tuning.resume_us;
            self.stop(cx);
            self.set_state(State::Stalled, cx);
        }
    }

    fn end(&mut self, cx: &mut Context<'_>) {
        let end = self.streams.iter().filter(|s| s.enabled).filter_map(|s| s.queue.end_us()).max();
        self.clock.set(end.unwrap_or(self.position), cx.now);
        self.stop(cx);
        self.set_state(State::Ended, cx);
    }

    /// Pictures that nobody took (the window is hidden) must not hold up decoding.
    fn give_up_unshown(&mut self, cx: &mut Context<'_>) {
        if cx.pacing == Pacing::EveryFrame || !self.clock.running() {
            return;
        }
        let (position, tuning) = (self.position, self.tuning);
        for stream in self.streams.iter_mut().filter(|stream| stream.enabled) {
            if let Some(video) = stream.video_mut() {
                let mut given_up = 0;
                while video.frames.get(1).is_some_and(|next| {
                    let late = position - next.pts_us;
                    late > i64::from(tuning.late_us) && late < JUMP_US
                }) {
                    video.frames.pop_front();
                    given_up += 1;
                }
                stream.stats.dropped += given_up;
                stream.skip_to_key(position - i64::from(tuning.skip_us), cx.mixer);
            }
        }
    }

    /// Without sound to follow, the clock goes with pictures whose time jumps.
    fn follow_jump(&mut self, cx: &mut Context<'_>) {
        if !self.clock.running() || self.sounds() {
            return;
        }
        let Some(video) = self.picture().and_then(Stream::video) else { return };
        let (Some(next), Some(shown)) = (video.frames.front(), video.pacer.shown()) else { return };
        let jumped = (next.pts_us - shown.pts_us).abs() > JUMP_US;
        let over = video.pacer.shown_until().is_some_and(|until| self.position >= until);
        if jumped && over && (next.pts_us - self.position).abs() > JUMP_US {
            let to = next.pts_us;
            self.clock.set(to, cx.now);
            self.position = to;
            self.announce(cx);
        }
    }

    fn update_wants(&mut self, cx: &mut Context<'_>, budget: Budget) {
        if self.state == State::Failed {
            return;
        }
        let ahead = |stream: &Stream| stream.queue.end_us().unwrap_or(i64::MIN);
        let slowest =
            self.streams.iter().filter(|s| s.enabled && !s.ended).map(ahead).min().unwrap_or(i64::MIN);
        let (seek, position) = (self.seek, self.position);
        let starts = matches!(self.state, State::Prerolling | State::Stalled);
        let enough = i64::from(self.need_us) + PREROLL_US;
        for stream in self.streams.iter_mut().filter(|s| s.enabled && !s.ended && s.want.is_none()) {
            let far_ahead = ahead(stream) > slowest.saturating_add(LEAD_US);
            let from_us = match stream.restart_from {
                Some(from_us) => from_us,
                None if starts && stream.has_ahead(position, enough) => continue,
                None if stream.cursor.tail_dts_us.is_some() && !far_ahead => position,
                None => continue,
            };
            let room_bytes = budget.room(stream);
            if room_bytes == 0 {
                continue;
            }
            let restart = stream.restart_from.take().is_some();
            let want = Want { stream: stream.id, seek, restart, from_us, room_bytes };
            stream.want = Some(want);
            cx.events.push(self.id, 0, Change::Want(want));
        }
    }

    fn deadline(&self, cx: &Context<'_>) -> Option<HostUs> {
        if !self.clock.running() {
            let waits_for_device = cx.device_starting && self.playing && self.has_sound();
            return waits_for_device.then_some(cx.now + STARTING_US);
        }
        let late_us = if cx.pacing == Pacing::EveryFrame { 0 } else { self.tuning.late_us };
        let due = self
            .streams
            .iter()
            .filter(|stream| stream.enabled)
            .filter_map(|stream| stream.next_due(|media_us| self.clock.host_at(media_us), late_us))
            .filter(|&at| at > cx.now)
            .min();
        let follow = self.sounds().then_some(cx.now + FOLLOW_US);
        [due, follow].into_iter().flatten().min()
    }

    /// What a core instance that knows nothing yet has to hear.
    pub(crate) fn outstanding(&self, now: HostUs) -> Vec<Change> {
        let mut changes = vec![Change::State(self.state), Change::Anchor(self.anchor_at(now))];
        changes.extend(self.streams.iter().filter_map(|stream| stream.want).map(Change::Want));
        changes.extend(self.streams.iter().find_map(|stream| stream.failed.clone()).map(Change::Failed));
        changes
    }

    pub(crate) fn status(&self, budget: Budget) -> TimelineStatus {
        TimelineStatus {
            id: self.id,
            tag: self.tag,
            state: self.state,
            playing: self.playing,
            anchor: self.clock.anchor(),
            seek: self.seek,
            streams: self.streams.iter().map(|stream| stream.status(budget.room(stream))).collect(),
        }
    }
}
