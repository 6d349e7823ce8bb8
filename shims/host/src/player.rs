//! The supervised player: gathers events, calls the core when something is due, and brings it back after a fault.

mod probation;
mod swap;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use kinora_pipeline::{Pipeline, State, TimelineStatus};
use kinora_port::{Decoders, HostUs, InputEvent, InputSource, Net, NetChange, Shell, Storage};
use wasmtime::Engine;

use crate::bindings::display::Surface;
use crate::bindings::player::{Event, Launch, Open, Source, Turn as Answer};
use crate::bindings::types::Extra;
use crate::convert;
use crate::cores::Judge;
use crate::edge::{Edge, SharedEdge};
use crate::engine::Core;
use crate::faults::Faults;
use crate::inbox::Inbox;
use crate::instance::{Fault, Instance, Limits, Ticker, thread_cpu_time};
use crate::journal::Journal;
use crate::launch::LaunchExtras;
use crate::log::Log;
use crate::stage::Stage;
use crate::stats::{CallTimes, CoreStats};
use crate::swaps::SwapStats;
use crate::trace::{Export, Recorder};
use crate::turn::{Device, Staged, Turn, World};

pub(crate) use probation::aside;
use probation::{PROBATION_US, Pace, Previous};
use swap::Preparing;

/// Soft budget given to `handle`, microseconds.
const BUDGET_US: u32 = 8_000;
/// Most events of one call.
const MAX_EVENTS: usize = 256;
/// Most payload of one call's events, bytes.
const MAX_EVENT_BYTES: usize = 256 << 10;
/// Least time between two snapshots, microseconds.
const SNAPSHOT_EVERY_US: u64 = 1_000_000;
/// Largest snapshot that is kept, bytes.
const MAX_SNAPSHOT: usize = 256 << 10;

/// The abilities of a port that a player uses.
pub struct Ports {
    /// Plays the timelines.
    pub pipeline: Arc<Pipeline>,
    /// What the pipeline decodes with.
    pub decoders: Arc<dyn Decoders>,
    /// The counter of ids the pipeline was made with.
    pub ids: Arc<AtomicU64>,
    /// What is on the screen.
    pub stage: Arc<Stage>,
    /// Where other threads leave word.
    pub inbox: Arc<Inbox>,
    /// Network and files; made with [`Inbox::net_events`].
    pub net: Box<dyn Net>,
    /// Durable values.
    pub storage: Box<dyn Storage>,
    /// What a run keeps in case its process dies; not shared with another.
    pub journal: Box<dyn Storage>,
    /// Window or box.
    pub shell: Box<dyn Shell>,
    /// People.
    pub input: Box<dyn InputSource>,
    /// Writes down what the core is told and answers.
    pub recorder: Option<Recorder>,
}

/// How a player runs.
#[derive(Debug, Clone)]
pub struct PlayerConfig {
    /// Limits of the core.
    pub limits: Limits,
    /// Seed for the core's randomness.
    pub seed: u64,
    /// UTC minus host time, if known.
    pub wall_offset_us: Option<i64>,
    /// Facts for the core.
    pub device: Device,
    /// Extras of `launch` (`wit/player.wit`).
    pub launch_extras: LaunchExtras,
    /// Whether to go on where a run left off whose process died.
    pub take_over: bool,
    /// Most detailed level of core log lines printed on stderr.
    pub log_level: u32,
    /// Calls of `handle`, counted from 1, whose instance is ended before they land, as if they had taken too long: for tests of recovery.
    pub kill_calls: BTreeSet<u64>,
}

/// A core under supervision. Lives on the core's thread.
pub struct Player {
    engine: Engine,
    core: Core,
    config: PlayerConfig,
    ticker: Arc<Ticker>,
    /// `None` while a call borrows it.
    world: Option<Box<World>>,
    input: Box<dyn InputSource>,
    inbox: Arc<Inbox>,
    instance: Option<Instance>,
    /// Staged by `start`, to land with the first `handle`.
    started: Option<Staged>,
    pending: VecDeque<Event>,
    surface: Surface,
    wake_us: Option<HostUs>,
    journal: Journal,
    snapshot: Option<Vec<u8>>,
    snapshot_us: HostUs,
    /// A snapshot is worth taking, but the last one is too fresh.
    checkpoint_owed: bool,
    faults: Faults,
    /// A build that is to take over, on its way.
    preparing: Option<Preparing>,
    /// The build before the running one, while that has to prove itself.
    previous: Option<Previous>,
    /// What to start from if the snapshot is not understood.
    fallback: Option<Vec<u8>>,
    /// Hears what becomes of an installed core, and when it will have proved itself.
    judge: Option<(Judge, HostUs)>,
    swaps: SwapStats,
    pace: Pace,
    stats: CallTimes,
    handled: u64,
    recorder: Option<Recorder>,
    edge: Option<SharedEdge>,
    exit: Option<u32>,
    given_up: Option<(Fault, Rest)>,
}

/// What is left when no core runs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// What was buffered still plays.
    Playing,
    /// The built-in card is shown.
    Card,
    /// Somebody has pressed a key at it.
    Dismissed,
}

impl Player {
    /// A player that has not started its core yet; the first [`Player::turn`] does.
    pub fn new(engine: Engine, core: Core, config: PlayerConfig, ports: Ports, surface: InputEvent) -> Self {
        let mut journal = Journal::new(ports.journal);
        let left = journal.take_over().filter(|_| config.take_over);
        let mut world = World {
            pipeline: ports.pipeline,
            decoders: ports.decoders,
            ids: ports.ids,
            stage: ports.stage,
            net: ports.net,
            storage: ports.storage,
            shell: ports.shell,
            device: config.device.clone(),
            fetches: Default::default(),
            log: Log::new(config.log_level),
            display_bytes: 0,
        };
        for source in left.iter().flat_map(|left| &left.opened) {
            // What can no longer be granted gives its error when it is fetched.
            let _ = world.net.grant(source);
        }
        Player {
            ticker: Ticker::start(&engine),
            engine,
            core,
            config,
            world: Some(Box::new(world)),
            input: ports.input,
            inbox: ports.inbox,
            instance: None,
            started: None,
            pending: VecDeque::new(),
            surface: convert::surface(&surface).expect("the caller passes a surface"),
            wake_us: None,
            journal,
            snapshot: left.map(|left| left.snapshot),
            snapshot_us: 0,
            checkpoint_owed: false,
            faults: Faults::default(),
            preparing: None,
            previous: None,
            fallback: None,
            judge: None,
            swaps: SwapStats::default(),
            pace: Pace::default(),
            stats: CallTimes::default(),
            handled: 0,
            recorder: ports.recorder,
            edge: None,
            exit: None,
            given_up: None,
        }
    }
}

impl Player {
    /// Has an installed core judged by how this run goes.
    pub(crate) fn judged(self, judge: Option<Judge>) -> Self {
        Player { judge: judge.map(|judge| (judge, PROBATION_US)), ..self }
    }

    /// Puts something between every core of this player and the shim.
    pub fn set_edge(&mut self, edge: Box<dyn Edge>) {
        self.edge = Some(SharedEdge::new(edge));
    }

    /// Gathers what has happened until `now` and calls the core once if something is due. Returns whether it did; call again
    /// with the same `now` until it did not.
    pub fn turn(&mut self, now: HostUs) -> bool {
        if self.given_up.is_some() {
            self.rest(now);
        }
        if self.exit.is_some() || self.given_up.is_some() {
            return false;
        }
        let bytes = self.gather(now);
        if let Err(fault) = self.count_waits(bytes, now) {
            self.fault(fault, now, Vec::new());
            return true;
        }
        if self.faults.recent(now) == 0
            && let Some((judge, _)) = self.judge.take_if(|(_, until)| *until <= now)
        {
            aside(|| judge.proved());
        }
        if self.swap_if_ready(now) {
            return true;
        }
        if self.instance.is_none() {
            self.start(now);
            return true;
        }
        let due = self.wake_us.is_some_and(|at| at <= now) || self.started.is_some();
        if self.pending.is_empty() && !due {
            return false;
        }
        self.handle(now);
        true
    }

    /// When [`Player::turn`] has something to do even if nothing happens.
    pub fn next_wake(&self) -> Option<HostUs> {
        if self.exit.is_some() || self.given_up.is_some() {
            return None;
        }
        [self.wake_us, self.input.next_us(), self.shows_by_us(), self.waits_until_us()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether nothing plays.
    pub(crate) fn is_idle(&self) -> bool {
        !self.world().pipeline.status().iter().any(|timeline| timeline.playing)
    }

    /// The status the core asked to exit with.
    pub fn exit_status(&self) -> Option<u32> {
        self.exit
    }

    /// Why no core runs any more, after too many faults, and what is left.
    pub fn given_up(&self) -> Option<&(Fault, Rest)> {
        self.given_up.as_ref()
    }

    /// Whether fetches could still deliver something; the virtual clock waits for them.
    pub fn net_busy(&self) -> bool {
        self.world().net.busy()
    }

    /// What the core has cost so far.
    pub fn stats(&self) -> CoreStats {
        let world = self.world();
        CoreStats {
            calls: self.stats.summary(),
            memory_bytes: self.instance.as_ref().map_or(0, Instance::memory_bytes),
            display_bytes: world.display_bytes,
            faults: self.stats.faults(),
            swaps: self.swaps.clone(),
            errors: world.log.errors.clone(),
            measures: world.log.measures.clone(),
        }
    }

    /// Waits until everything stored is durable and the trace is whole; before the process ends as it should.
    pub fn flush(&mut self) {
        if let Some((judge, _)) = self.judge.take() {
            judge.proved();
        }
        self.journal.close();
        self.world_mut().storage.flush();
        self.world().log.end();
        if let Some(Err(error)) = self.recorder.take().map(Recorder::finish) {
            eprintln!("kinora: the trace is not whole: {error}");
        }
    }

    fn world(&self) -> &World {
        self.world.as_ref().expect("the world is lent only during a call")
    }

    fn world_mut(&mut self) -> &mut World {
        self.world.as_mut().expect("the world is lent only during a call")
    }

    /// Takes what has happened; how many bytes have come from the network.
    fn gather(&mut self, now: HostUs) -> usize {
        for event in self.input.poll(now) {
            self.input_event(event, now);
        }
        let world = self.world.as_mut().expect("the world is lent only during a call");
        let mut bytes = 0;
        for (ticket, change) in self.inbox.take() {
            if let NetChange::Chunk(_, chunk) = &change {
                bytes += chunk.len();
            }
            let last = matches!(change, NetChange::End(_) | NetChange::Failed(_));
            let known = if last { world.fetches.remove(&ticket) } else { world.fetches.contains(&ticket) };
            if known {
                self.pending.push_back(convert::net_event(ticket, change));
            }
        }
        for (ticket, failure) in world.storage.poll() {
            self.pending.push_back(Event::Stored((ticket, failure.map(convert::failure))));
        }
        self.pending.extend(world.pipeline.take_events().into_iter().map(convert::timeline_event));
        bytes
    }

    fn input_event(&mut self, event: InputEvent, now: HostUs) {
        let event = match event {
            InputEvent::Key(key) => convert::key(key),
            InputEvent::Pointer(pointer) => {
                let node = self.world().stage.hit(pointer.x_milli_px, pointer.y_milli_px, now);
                // Moves are merged: only the last position counts.
                if pointer.phase == 2
                    && let Some(Event::Pointer(last)) = self.pending.back()
                    && last.phase == 2
                    && last.buttons == pointer.buttons
                {
                    self.pending.pop_back();
                }
                convert::pointer(pointer, node)
            }
            InputEvent::Surface { .. } => {
                let surface = convert::surface(&event).expect("it is one");
                self.surface = surface.clone();
                Event::Surface(surface)
            }
            InputEvent::Open { sources, append } => self.open(&sources, append),
            InputEvent::Lifecycle(state) => Event::Lifecycle(state),
        };
        self.pending.push_back(event);
    }

    /// Grants what a person opened and names it, with its captions, to the core. A source that cannot be granted is opened all
    /// the same: fetching it gives the error that the person should see.
    fn open(&mut self, sources: &[String], append: bool) -> Event {
        self.journal.opened(sources, append);
        let net = &mut self.world_mut().net;
        let sources = sources
            .iter()
            .map(|source| {
                let granted = net.grant(source);
                Source { url: granted.url, title: granted.title, related: granted.related }
            })
            .collect();
        Event::Open(Open { sources, mode: u32::from(append), extras: Vec::new() })
    }

    fn start(&mut self, now: HostUs) {
        let reason = self.faults.reason();
        let launch = self.launch(now, reason, self.snapshot.clone());
        let began = std::time::Instant::now();
        let created =
            Instance::new(&self.engine, &self.core, self.config.limits.clone(), Arc::clone(&self.ticker));
        let mut instance = match created {
            Ok(instance) => instance,
            Err(fault) => return self.fault(fault, now, Vec::new()),
        };
        if let Some(recorder) = &self.recorder {
            recorder.add(recorder.instance(&self.core, &mut instance));
        }
        instance.set_edge(self.edge.clone());
        let (turn, result) = instance.start(Some(self.lend(now)), &launch);
        let staged = self.take_back(turn);
        if let Some(recorder) = &self.recorder {
            recorder.add(recorder.call(&mut instance, Export::Start(Box::new(launch)), &result));
        }
        match result {
            // The next turn starts another instance, from what this build or the one before it has written itself.
            Ok(answer) if !understood(&answer) && self.fallback.is_some() => {
                self.snapshot = self.fallback.take();
            }
            Ok(answer) => {
                self.fallback = None;
                self.instance = Some(instance);
                self.started = Some(staged);
                self.wake_us = answer.wake_us;
                self.stats.started(began.elapsed());
                if reason != 1 {
                    self.world().pipeline.repeat_events(now);
                }
            }
            Err(fault) => self.fault(fault, now, Vec::new()),
        }
    }

    fn launch(&mut self, now: HostUs, reason: u32, snapshot: Option<Vec<u8>>) -> Launch {
        let faults = u8::try_from(self.faults.recent(now)).unwrap_or(u8::MAX);
        let extras = self.config.launch_extras.pairs(faults);
        Launch {
            seed: self.config.seed,
            host_us: now,
            wall_offset_us: self.config.wall_offset_us,
            surface: self.surface.clone(),
            reason,
            snapshot,
            extras: extras.map(|(key, value)| Extra { key, value: vec![value] }).into(),
        }
    }

    fn handle(&mut self, now: HostUs) {
        let batch = batch(&mut self.pending);
        // What was opened must not be lost; everything else is sent again or has no one to care for it.
        let opened: Vec<Event> = batch.iter().filter(|event| is_open(event)).cloned().collect();
        let mut turn = self.lend(now);
        if let Some(started) = self.started.take() {
            turn.staged = started;
        }
        let instance = self.instance.as_mut().expect("checked by the caller");
        let began = thread_cpu_time();
        let (turn, mut result) = instance.handle(Some(turn), now, BUDGET_US, &batch);
        let took = thread_cpu_time().saturating_sub(began);
        self.stats.handled(took);
        self.pace.add(took > self.config.limits.slow);
        self.handled += 1;
        if self.config.kill_calls.contains(&self.handled) {
            result = Err(Fault::Killed);
        }
        if batch.iter().any(is_input) {
            self.swaps.answered();
        }
        if let Some(recorder) = &self.recorder {
            let export = Export::Handle { host_us: now, budget_us: BUDGET_US, events: batch };
            recorder.add(recorder.call(instance, export, &result));
        }
        let staged = self.take_back(turn);
        match result {
            Ok(answer) => {
                if let Err(fault) = self.measure().and_then(|()| self.look_at_first(&staged, now)) {
                    return self.fault(fault, now, opened);
                }
                let landed = staged.land(self.world_mut(), now);
                self.pending.extend(landed.events);
                self.exit = landed.exit;
                self.wake_us = answer.wake_us;
                // What was opened is lost with the next fault unless a snapshot holds it.
                self.checkpoint_owed |= answer.checkpoint;
                if self.checkpoint_owed && (!opened.is_empty() || self.may_checkpoint(now)) {
                    self.checkpoint(now);
                }
            }
            Err(fault) => self.fault(fault, now, opened),
        }
    }

    fn may_checkpoint(&self, now: HostUs) -> bool {
        self.snapshot.is_none() || now >= self.snapshot_us + SNAPSHOT_EVERY_US
    }

    fn checkpoint(&mut self, now: HostUs) {
        self.checkpoint_owed = false;
        let turn = self.lend(now);
        let instance = self.instance.as_mut().expect("a call has just returned");
        let (turn, result) = instance.snapshot(Some(turn));
        if let Some(recorder) = &self.recorder {
            recorder.add(recorder.call(instance, Export::Snapshot, &result));
        }
        // What a snapshot stages is dropped: it has no effects.
        drop(self.take_back(turn));
        match result {
            Ok(bytes) if bytes.len() <= MAX_SNAPSHOT => {
                self.journal.keep(&bytes);
                (self.snapshot, self.snapshot_us) = (Some(bytes), now);
            }
            Ok(bytes) => self.world_mut().log.write(2, &format!("snapshot of {} bytes ignored", bytes.len())),
            Err(fault) => self.fault(fault, now, Vec::new()),
        }
    }

    /// The instance is dead. Its fetches end; the next turn starts another from the last snapshot, unless it has died too often.
    /// `opened`: what the call was told that has to be told again.
    fn fault(&mut self, fault: Fault, now: HostUs, opened: Vec<Event>) {
        eprintln!("kinora: {fault}");
        self.stats.faulted(&fault);
        self.instance = None;
        self.started = None;
        self.wake_us = Some(now);
        let world = self.world.as_mut().expect("the world is lent only during a call");
        for ticket in std::mem::take(&mut world.fetches) {
            world.net.cancel(ticket);
        }
        // The next instance asks again if it still needs it.
        let _ = world.shell.set_awake(false);
        self.pending.retain(is_open);
        opened.into_iter().rev().for_each(|event| self.pending.push_front(event));

        if self.roll_back(&fault) {
            return;
        }
        if self.faults.add(&fault, now) && !self.fall_back(&fault) {
            self.given_up = Some((fault, Rest::Playing));
        }
    }

    /// An installed core is given up, and another takes its place: the one before it, or the factory's. Whether there is one.
    fn fall_back(&mut self, fault: &Fault) -> bool {
        let Some((judge, _)) = self.judge.take() else { return false };
        let Some(instead) = judge.condemn(&fault.brief()) else { return false };
        match crate::load(&self.engine, &instead, crate::cache_folder().as_deref()) {
            Ok(core) => {
                eprintln!("kinora: the core {} takes its place", instead.display());
                self.judge = Judge::of(&instead).map(|judge| (judge, PROBATION_US));
                self.core = core;
                self.faults = Faults::of_another_build();
                true
            }
            Err(error) => {
                eprintln!("kinora: {error}");
                false
            }
        }
    }

    /// Without a core: what is buffered plays to its end, then the card comes, and waits for a key.
    fn rest(&mut self, now: HostUs) {
        let pressed = |event: &InputEvent| matches!(event, InputEvent::Key(key) if key.phase == 1);
        let pressed = self.input.poll(now).iter().any(pressed);
        drop(self.inbox.take());
        let world = self.world.as_ref().expect("the world is lent only during a call");
        drop(world.pipeline.take_events());
        let plays = |timeline: &TimelineStatus| timeline.playing && timeline.state == State::Presenting;
        let Some((_, rest)) = &mut self.given_up else { return };
        match rest {
            Rest::Playing if !world.pipeline.status().iter().any(plays) => {
                crate::card::show(&world.stage, self.surface.width_px, self.surface.height_px);
                *rest = Rest::Card;
            }
            Rest::Card if pressed => *rest = Rest::Dismissed,
            _ => {}
        }
    }

    fn lend(&mut self, now: HostUs) -> Turn {
        let mut world = self.world.take().expect("the world is lent only during a call");
        world.log.at(now);
        Turn::new(world)
    }

    fn take_back(&mut self, turn: Option<Turn>) -> Staged {
        let turn = turn.expect("a call leaves its turn in place");
        self.world = Some(turn.world);
        turn.staged
    }
}

/// The next events in order, within the limits of a call; always at least one if there is any.
fn batch(pending: &mut VecDeque<Event>) -> Vec<Event> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < MAX_EVENTS
        && let Some(event) = pending.front()
    {
        bytes += convert::payload_bytes(event);
        if bytes > MAX_EVENT_BYTES && !batch.is_empty() {
            break;
        }
        batch.extend(pending.pop_front());
    }
    batch
}

fn is_open(event: &Event) -> bool {
    matches!(event, Event::Open(_))
}

fn is_input(event: &Event) -> bool {
    matches!(event, Event::Key(_) | Event::Pointer(_))
}

/// Whether an instance could read the snapshot it was started with; one that does not say could (`wit/player.wit`).
fn understood(started: &Answer) -> bool {
    !started.extras.iter().any(|extra| extra.key == 1 && extra.value == [0])
}
