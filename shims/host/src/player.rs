//! The supervised player: gathers events, calls the core when something is due, and brings it back after a fault.

mod config;
mod events;
mod failing;
mod gates;
mod meter;
mod probation;
mod quality;
mod swap;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use kinora_cores::Figures;
use kinora_port::{HostUs, InputEvent, InputSource};
use wasmtime::Engine;

use crate::bindings::display::Surface;
use crate::bindings::player::{Event, Launch, Turn as Answer};
use crate::bindings::types::Extra;
use crate::convert;
use crate::edge::{Edge, SharedEdge};
use crate::engine::Core;
use crate::faults::Faults;
use crate::inbox::Inbox;
use crate::instance::{Fault, Instance, Ticker, thread_cpu_time};
use crate::journal::Journal;
use crate::judge::Judge;
use crate::log::Log;
use crate::stats::{CallTimes, CoreStats};
use crate::swaps::SwapStats;
use crate::trace::{Export, Recorder};
use crate::turn::{Staged, Turn, World};

pub use config::{PlayerConfig, Ports, Rest};
use events::{batch, is_input, is_open};
use failing::Accused;
use meter::Meter;
use probation::{PROBATION_US, Pace, Previous};
pub(crate) use quality::aside;
use quality::{Comparison, Judged};
use swap::Preparing;

/// Soft budget given to `handle`, microseconds.
const BUDGET_US: u32 = 8_000;
/// Least time between two snapshots, microseconds.
const SNAPSHOT_EVERY_US: u64 = 1_000_000;
/// Largest snapshot that is kept, bytes.
const MAX_SNAPSHOT: usize = 256 << 10;

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
    /// The running build, if it is an installed one.
    judged: Option<Judged>,
    /// An installed build that failed, while it is not known whether others do as well.
    accused: Option<Accused>,
    /// What the running build is compared with, while that is not decided.
    comparison: Option<Comparison>,
    swaps: SwapStats,
    pace: Pace,
    meter: Meter,
    /// What is being noted in the store.
    notes: Vec<JoinHandle<()>>,
    stats: CallTimes,
    handled: u64,
    recorder: Option<Recorder>,
    edge: Option<SharedEdge>,
    /// Where what is compiled is kept.
    cache: Option<PathBuf>,
    exit: Option<u32>,
    given_up: Option<(Fault, Rest)>,
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
        let mut meter = Meter::default();
        for source in left.iter().flat_map(|left| &left.opened) {
            // What can no longer be granted gives its error when it is fetched.
            let granted = world.net.grant(source);
            meter.opened([granted.url.as_str()].into_iter(), true, 0);
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
            judged: None,
            accused: None,
            comparison: None,
            swaps: SwapStats::default(),
            pace: Pace::default(),
            meter,
            notes: Vec::new(),
            stats: CallTimes::default(),
            handled: 0,
            recorder: ports.recorder,
            edge: None,
            cache: crate::cache_folder(),
            exit: None,
            given_up: None,
        }
    }
}

impl Player {
    /// Has an installed core judged by how this run goes.
    pub fn judged(mut self, judge: Option<Judge>) -> Self {
        self.judged = judge.map(|judge| Judged::from(judge, 0));
        if self.judged.is_some() {
            self.compare(Figures::default());
        }
        self
    }

    /// Keeps nothing of what is compiled of builds that take over: those of a developer run once.
    pub(crate) fn uncached(mut self) -> Self {
        self.cache = None;
        self
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
        let heard_bytes = self.gather(now);
        if let Err(fault) = self.count_waits(heard_bytes, now) {
            self.fault(fault, now, Vec::new());
            return true;
        }
        self.prove(now);
        self.blame(now);
        if self.swap_if_ready(now) {
            return true;
        }
        if self.instance.is_none() {
            self.start(now);
            return true;
        }
        let wakes = [self.wake_us, self.shows_by_us()];
        let due = wakes.into_iter().flatten().any(|at| at <= now) || self.started.is_some();
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
        let due = [self.wake_us, self.input.next_us()];
        let judging = [self.shows_by_us(), self.waits_until_us(), self.blames_us()];
        due.into_iter().chain(judging).flatten().min()
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
        self.note_the_end();
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
        self.meter.called(took, instance.memory_bytes());
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
                let fit = self.keeps_pace().and_then(|()| self.is_fit());
                if let Err(fault) = fit.and_then(|()| self.look_at_first(&staged, now)) {
                    return self.fault(fault, now, opened);
                }
                self.fallback = None;
                self.land(staged, now);
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

    /// Lets what a call has done land, and measures what that means for a person.
    fn land(&mut self, staged: Staged, now: HostUs) {
        let asked = !self.world().fetches.is_empty();
        self.meter.fetched(staged.fetched_urls());
        self.meter.look(staged.media.timelines(), asked, now);
        let drawn = staged.list.is_some();
        let landed = staged.land(self.world_mut(), now);
        let world = self.world();
        let (landed_us, error_lines) = (world.pipeline.now(), world.log.error_lines);
        self.meter.logged(error_lines);
        self.meter.drew(drawn, landed_us);
        if drawn {
            self.swaps.drew(landed_us);
        }
        self.pending.extend(landed.events);
        self.exit = landed.exit;
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

/// Whether an instance could read the snapshot it was started with; one that does not say could (`wit/player.wit`).
fn understood(started: &Answer) -> bool {
    !started.extras.iter().any(|extra| extra.key == 1 && extra.value == [0])
}
