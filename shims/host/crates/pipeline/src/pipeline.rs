use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinora_port::{
    AudioSink, Decoders, Failure, HostUs, MediaUs, Next, PcmBlock, SinkFormat, VideoFrame, code,
};

use crate::audio::output::Output;
use crate::budget::Budget;
use crate::events::{Anchor, Event, EventQueue, TimelineStatus};
use crate::pacer::Pacing;
use crate::queue::Config;
use crate::shared::{Core, Shared};
use crate::stats::StreamStats;
use crate::stream::Stream;
use crate::timeline::{Context, Timeline};
use crate::transaction::{Command, Staged, Transaction};
use crate::worker;

/// How long after the last sound the device is let go of. Receivers swallow the first samples after a silence, so not at once.
const KEEP_DEVICE_US: u64 = 5_000_000;

/// How long a device may take until it asks for sound.
const START_US: u64 = 2_000_000;

/// Hears of each picture that is presented, with its timeline.
pub type FrameTap = Box<dyn Fn(u64, &Arc<VideoFrame>) + Send + Sync>;
/// Hears each block of sound as decoded and trimmed, with its stream.
pub type AudioTap = Box<dyn Fn(u64, &PcmBlock) + Send + Sync>;

/// Who listens in.
#[derive(Default)]
pub struct Taps {
    /// To pictures.
    pub frame: Option<FrameTap>,
    /// To sound.
    pub audio: Option<AudioTap>,
}

/// How a pipeline behaves.
#[derive(Clone)]
pub struct PipelineConfig {
    /// Budget of all encoded samples together.
    pub buffer_bytes: u64,
    /// Live timelines allowed.
    pub max_timelines: usize,
    /// How pictures are paced.
    pub pacing: Pacing,
    /// The shim's monotonic clock.
    pub clock: Arc<dyn Fn() -> HostUs + Send + Sync>,
    /// Counts ids and tickets, for everything the shim mints.
    pub ids: Arc<AtomicU64>,
}

/// What is on the screen.
#[derive(Clone, Default)]
pub struct Shown {
    /// The picture; none before the first.
    pub frame: Option<Arc<VideoFrame>>,
    /// The audible position at that vsync.
    pub media_us: MediaUs,
    /// When to ask again; none: nothing changes by itself.
    pub next_change: Option<HostUs>,
}

/// Plays timelines: takes encoded samples, gives pictures at a time and sound to the device.
///
/// Usable from three threads at once: the core's (transactions, events), the media thread's ([`Pipeline::advance`]) and the
/// presenting thread's ([`Pipeline::frame_at`]).
pub struct Pipeline {
    shared: Arc<Shared>,
    output: Mutex<Output>,
    reports: Mutex<Vec<String>>,
    buffer_bytes: u64,
    max_timelines: usize,
    ids: Arc<AtomicU64>,
}

impl Pipeline {
    /// A pipeline without timelines. `on_activity` is called from decode threads when something changed that
    /// [`Pipeline::advance`] or the screen may have waited for; it must not block.
    pub fn new(
        config: PipelineConfig,
        decoders: Arc<dyn Decoders>,
        sink: Box<dyn AudioSink>,
        taps: Taps,
        on_activity: Box<dyn Fn() + Send + Sync>,
    ) -> Arc<Pipeline> {
        let core = Core {
            timelines: Vec::new(),
            events: EventQueue::default(),
            mixer: None,
            lead_us: 0,
            start_until_us: 0,
            stopping: false,
            ids: config.ids.clone(),
        };
        Arc::new(Pipeline {
            shared: Arc::new(Shared::new(core, decoders, &config, taps, on_activity)),
            output: Mutex::new(Output::new(sink)),
            reports: Mutex::new(Vec::new()),
            buffer_bytes: config.buffer_bytes,
            max_timelines: config.max_timelines,
            ids: config.ids,
        })
    }

    pub(crate) fn mint(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn max_timelines(&self) -> usize {
        self.max_timelines
    }

    pub(crate) fn supports(&self, codec: &str) -> bool {
        self.shared.decoders.supports(codec)
    }

    /// The shim's monotonic clock.
    pub fn now(&self) -> HostUs {
        self.shared.now()
    }

    /// Begins the commands of one call.
    pub fn begin(self: &Arc<Self>) -> Transaction {
        let mut core = self.shared.lock();
        let budget = Budget::settle(self.buffer_bytes, &mut core.timelines);
        let staged = core
            .timelines
            .iter()
            .map(|timeline| Staged {
                status: timeline.status(budget),
                wants: timeline.streams.iter().filter_map(|stream| stream.want).collect(),
            })
            .collect();
        Transaction::new(self.clone(), staged)
    }

    /// Carries out what a call did, as of `now`.
    pub fn commit(&self, transaction: Transaction, now: HostUs) {
        if transaction.commands.is_empty() {
            return;
        }
        // What was due before the commands is played before them.
        self.advance_output(now);
        let mut core = self.shared.lock();
        for command in transaction.commands {
            self.apply(&mut core, command, now);
        }
        self.advance_timelines(core, now);
    }

    fn apply(&self, core: &mut Core, command: Command, now: HostUs) {
        let (timelines, mut cx) = core.moving(now, self.shared.pacing);
        match command {
            Command::Create { id, tag } => timelines.push(Timeline::new(id, tag, now)),
            Command::Close { timeline } => {
                if let Some(index) = timelines.iter().position(|t| t.id == timeline) {
                    let mut closed = timelines.remove(index);
                    closed.streams.iter_mut().for_each(|stream| stream.flush(0, None, cx.mixer));
                    cx.events.forget_timeline(timeline);
                }
            }
            Command::Open { timeline, id, kind, config } => {
                if let Some(timeline) = timelines.iter_mut().find(|t| t.id == timeline) {
                    timeline.open(Stream::new(id, kind, config));
                    if let Err(error) = worker::spawn(self.shared.clone(), id) {
                        let message = format!("no thread to decode with: {error}");
                        timeline.fail(Failure::new(Next::Stop, code::DECODER, message), &mut cx);
                    }
                }
            }
            Command::Seek { timeline, ticket, to_us, exact } => {
                with_timeline(timelines, timeline, |t| t.seek(ticket, to_us, exact, &mut cx));
            }
            Command::Step { timeline, ticket, frames } => {
                with_timeline(timelines, timeline, |t| t.step(ticket, frames, &mut cx));
            }
            Command::Play { timeline } => with_timeline(timelines, timeline, Timeline::play),
            Command::Pause { timeline } => with_timeline(timelines, timeline, |t| t.pause(&mut cx)),
            Command::SetRate { timeline, permille } => {
                with_timeline(timelines, timeline, |t| t.set_rate(permille, &mut cx));
            }
            Command::SetGain { timeline, permille } => {
                with_timeline(timelines, timeline, |t| t.set_gain(permille));
            }
            Command::Tune { timeline, tuning } => with_timeline(timelines, timeline, |t| t.tune(tuning)),
            Command::Configure { stream, config } => {
                with_stream(timelines, stream, |_, s| s.configure(config));
            }
            Command::Append { stream, seek, tag, samples } => {
                append(timelines, stream, seek, tag, samples, &mut cx);
            }
            Command::Remove { stream, from_dts_us } => {
                with_stream(timelines, stream, |position, s| s.remove(from_dts_us, position));
                cx.events.forget_want(stream);
            }
            Command::End { stream } => {
                with_stream(timelines, stream, |_, s| {
                    s.ended = true;
                    s.want = None;
                });
                cx.events.forget_want(stream);
            }
            Command::Enable { stream, on } => {
                timelines.iter_mut().for_each(|timeline| timeline.enable(stream, on, &mut cx));
            }
            Command::CloseStream { stream } => {
                timelines.iter_mut().for_each(|timeline| timeline.close_stream(stream, &mut cx));
            }
        }
    }

    /// What happened since the last time.
    pub fn take_events(&self) -> Vec<Event> {
        self.shared.lock().events.take()
    }

    /// Whether [`Pipeline::take_events`] would give any.
    pub fn has_events(&self) -> bool {
        !self.shared.lock().events.is_empty()
    }

    /// What a new core instance needs to hear: the state and clock of each timeline and what its streams want. Nothing changes by asking.
    pub fn outstanding(&self, now: HostUs) -> Vec<Event> {
        let core = self.shared.lock();
        let told = core.timelines.iter().map(|timeline| (timeline.id, timeline.outstanding(now)));
        let event = |timeline, change| Event { timeline, ticket: 0, change };
        told.flat_map(|(id, changes)| changes.into_iter().map(move |change| event(id, change))).collect()
    }

    /// Puts [`Pipeline::outstanding`] into the next [`Pipeline::take_events`], in the place of all but what is said once.
    pub fn repeat_events(&self, now: HostUs) {
        let core = &mut *self.shared.lock();
        core.events.keep_seeked();
        for timeline in &core.timelines {
            let changes = timeline.outstanding(now).into_iter();
            changes.for_each(|change| core.events.push(timeline.id, 0, change));
        }
    }

    /// Moves what moves by itself, and says when to call again at the latest.
    pub fn advance(&self, now: HostUs) -> Option<HostUs> {
        let sound = self.advance_output(now);
        let due = self.advance_timelines(self.shared.lock(), now);
        // While nobody plays, the silence of a sink on our clock needs no company.
        let sound = sound.filter(|_| self.is_audible());
        [sound, due, self.device_release(now)].into_iter().flatten().min()
    }

    fn is_audible(&self) -> bool {
        let core = self.shared.lock();
        core.timelines.iter().any(|t| t.playing() && t.has_sound())
    }

    /// When the device will be let go of.
    fn device_release(&self, now: HostUs) -> Option<HostUs> {
        let core = self.shared.lock();
        core.mixer.as_ref()?;
        let idle = core.timelines.iter().filter(|t| t.has_sound() && !t.playing());
        idle.map(|t| t.idle_since + KEEP_DEVICE_US).filter(|&at| at > now).max()
    }

    /// The format of the sound that is or will soon be played; none: nobody needs a device.
    fn wanted_sound(&self, now: HostUs) -> Option<SinkFormat> {
        let core = self.shared.lock();
        let audible = core
            .timelines
            .iter()
            .filter(|t| t.playing() || now < t.idle_since + KEEP_DEVICE_US || t.pending.is_some());
        let config =
            audible.flat_map(|t| &t.streams).filter(|s| s.enabled).find_map(|s| match s.config() {
                Config::Audio(config) => Some(config),
                Config::Video(_) => None,
            })?;
        let rate_hz = if config.rate_hz > 0 { config.rate_hz } else { 48_000 };
        Some(SinkFormat { rate_hz, channels: config.channels.clamp(2, 8) })
    }

    fn advance_output(&self, now: HostUs) -> Option<HostUs> {
        let wanted = self.wanted_sound(now);
        let frames = self.shared.lock().mixer.as_ref().map(|mixer| mixer.shared.frames());
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let change = output.advance(now, wanted, frames);
        if let Some(report) = change.report {
            self.reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        }
        if change.opened.is_some() || change.closed {
            let mut core = self.shared.lock();
            core.lead_us = output.lead_us();
            // A sink on our clock asks when it is told to.
            core.start_until_us = if core.lead_us > 0 { now + START_US } else { now };
            core.mixer = change.opened;
            for timeline in &mut core.timelines {
                let position = timeline.clock.media_at(now);
                for stream in timeline.streams.iter_mut().filter(|stream| stream.audio().is_some()) {
                    // The ring of the old device is gone with it.
                    stream.restart_in_buffer(position, &mut None);
                }
            }
        }
        change.deadline
    }

    /// Under one lock with what was done before, so that no decode thread comes between: on a virtual clock the same calls give
    /// the same events.
    fn advance_timelines(&self, mut core: MutexGuard<'_, Core>, now: HostUs) -> Option<HostUs> {
        let budget = Budget::settle(self.buffer_bytes, &mut core.timelines);
        let (timelines, mut cx) = core.moving(now, self.shared.pacing);
        let due = timelines.iter_mut().filter_map(|timeline| timeline.advance(&mut cx, budget)).min();
        drop(core);
        self.shared.wake_workers();
        due
    }

    /// For a virtual clock, before each call that depends on what is decoded: waits until the decode threads have filled their queues or starve for data, so that a virtual clock may move on and always
    /// finds the same. `false`: they did not within `timeout`.
    pub fn wait_settled(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut core = self.shared.lock();
        loop {
            let device_open = core.mixer.is_some();
            let busy = core
                .timelines
                .iter()
                .flat_map(|timeline| &timeline.streams)
                .any(|stream| stream.busy || stream.next_job(device_open).is_some());
            if !busy {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            core = self.shared.settled.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The picture for the vsync at `host_us` in a series `period_us` apart. Called by one thread, in order of time.
    pub fn frame_at(&self, timeline: u64, host_us: HostUs, period_us: u64) -> Shown {
        let pacing = self.shared.pacing;
        let mut core = self.shared.lock();
        let Some(found) = core.timeline_mut(timeline) else { return Shown::default() };
        let (clock, position) = (found.clock, found.clock.media_at(host_us));
        let holding = found.pending.is_some();
        let stepping = found.is_stepping();
        let Some(stream) = found.picture_mut() else {
            return Shown { media_us: position, ..Shown::default() };
        };
        let mut new = None;
        let mut shown = Shown { media_us: position, ..Shown::default() };
        if let Some(video) = stream.video_mut() {
            let due = clock.running() && !holding && clock.anchor().host_us <= host_us + period_us / 2;
            // A stopped clock changes no picture but the first one of a seek or step.
            if due || (video.pacer.is_fresh() && !stepping) {
                let choice = video.pacer.choose(&mut video.frames, position, period_us, host_us, pacing);
                new = choice.new;
                let dropped = choice.dropped;
                shown.next_change = video.frames.front().and_then(|next| {
                    let due = clock.host_at(video.pacer.next_due(next, period_us, pacing))?;
                    Some(due.max(host_us))
                });
                shown.frame = video.pacer.shown().cloned();
                stream.stats.presented += u64::from(new.is_some());
                stream.stats.dropped += dropped;
            } else {
                shown.frame = video.pacer.shown().cloned();
            }
        }
        drop(core);
        if let Some(frame) = &new {
            self.shared.wake_workers();
            if let Some(tap) = &self.shared.frame_tap {
                tap(timeline, frame);
            }
        }
        shown
    }

    /// The audible position at `host_us`.
    pub fn media_at(&self, timeline: u64, host_us: HostUs) -> Option<MediaUs> {
        self.shared.lock().timeline_mut(timeline).map(|found| found.clock.media_at(host_us))
    }

    /// The line from host time to media time.
    pub fn anchor(&self, timeline: u64) -> Option<Anchor> {
        self.shared.lock().timeline_mut(timeline).map(|found| found.anchor())
    }

    /// Every live timeline.
    pub fn status(&self) -> Vec<TimelineStatus> {
        let mut core = self.shared.lock();
        let budget = Budget::settle(self.buffer_bytes, &mut core.timelines);
        core.timelines.iter().map(|timeline| timeline.status(budget)).collect()
    }

    /// What each stream did so far.
    pub fn stats(&self) -> Vec<StreamStats> {
        let core = self.shared.lock();
        let streams = core.timelines.iter().flat_map(|timeline| &timeline.streams);
        streams
            .map(|stream| {
                let voice = stream.audio().and_then(|audio| audio.voice.as_ref());
                let running = voice.map_or(0, |voice| voice.shared.underruns());
                StreamStats { underruns: stream.stats.underruns + running, ..stream.stats.clone() }
            })
            .collect()
    }

    /// What plays the sound.
    pub fn output_name(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).name()
    }

    /// What is worth a line in the log since the last time: a device that changed or does not keep time.
    pub fn take_reports(&self) -> Vec<String> {
        std::mem::take(&mut *self.reports.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.wake_workers();
    }
}

fn with_timeline(timelines: &mut [Timeline], id: u64, change: impl FnOnce(&mut Timeline)) {
    if let Some(timeline) = timelines.iter_mut().find(|timeline| timeline.id == id) {
        change(timeline);
    }
}

fn with_stream(timelines: &mut [Timeline], id: u64, change: impl FnOnce(MediaUs, &mut Stream)) {
    for timeline in timelines {
        let position = timeline.position();
        if let Some(stream) = timeline.stream_mut(id) {
            return change(position, stream);
        }
    }
}

fn append(
    timelines: &mut [Timeline],
    id: u64,
    seek: u64,
    tag: u64,
    samples: Vec<kinora_port::EncodedSample>,
    cx: &mut Context<'_>,
) {
    for timeline in timelines {
        let current = timeline.seek;
        let shown = timeline.picture().map(|stream| stream.id);
        let Some(stream) = timeline.stream_mut(id).filter(|_| current == seek) else { continue };
        let first = samples.first().map(|sample| sample.pts_us).filter(|_| stream.queue.end_us().is_none());
        stream.append(seek, tag, samples);
        if let Some(pts_us) = first.filter(|_| shown == Some(id)) {
            timeline.note_key(pts_us, cx);
        }
        return;
    }
}
