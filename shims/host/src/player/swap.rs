//! Another build of the core takes over while media plays.
//!
//! ```text
//! thread `swap`   load and instantiate the new build
//! core thread     snapshot of the old; start and first handle of the new, whose effects are held back; its own snapshot
//!                 one step: the old one's fetches end, the new one's effects land, it is the running instance
//! ```
//!
//! Until that step the old instance has noticed nothing but being asked for a snapshot, and goes on if anything fails. Timelines are the
//! shim's and play on; the old picture stays until the new list takes its place. For a while the build before is kept: a fault brings it back.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::Instant;

use kinora_port::HostUs;
use serde::Serialize;

use super::{BUDGET_US, Event, MAX_SNAPSHOT, Player, batch, is_input, is_open, understood};
use crate::bindings::timeline::Change;
use crate::convert;
use crate::engine::Core;
use crate::faults::{Faults, SWAP};
use crate::instance::{Fault, Instance, Limits, Ticker};
use crate::swaps::Phases;
use crate::trace::{Entry, Export};
use crate::turn::{Staged, Turn};

/// Until a build shows something the picture of the one before stays, for which it has so long.
const SHOWS_WITHIN_US: u64 = 1_000_000;
/// A build may take twice the memory of the one before it and so much more: fonts that are loaded on demand are the largest part.
const MEMORY_MARGIN: usize = 32 << 20;
/// A build that runs so long without a fault has proved itself.
pub(super) const PROBATION_US: u64 = 60_000_000;

/// A build on its way to be tried.
pub(super) struct Preparing(Receiver<Result<Prepared, String>>);

/// A build that can be tried.
struct Prepared {
    core: Core,
    instance: Instance,
    phases: Phases,
}

/// A build that has passed; nothing of it has landed.
struct Passed {
    core: Core,
    instance: Instance,
    staged: Staged,
    wake_us: Option<HostUs>,
    checkpoint: bool,
    snapshot: Vec<u8>,
    /// What its first call was not told yet.
    pending: VecDeque<Event>,
    /// Its first call held input.
    answered: bool,
    entries: Vec<Entry>,
    phases: Phases,
}

/// What a fault goes back to.
pub(super) struct Previous {
    core: Core,
    /// Its last.
    snapshot: Option<Vec<u8>>,
    until_us: HostUs,
    /// Until when the new build has to show something; none once it has.
    shows_by_us: Option<HostUs>,
    /// More memory than this is not taken by a build that is no worse.
    memory_bytes: usize,
    /// Whether it answered fast itself: on a slow machine the new build need not be faster.
    was_fast: bool,
}

/// Whether each of the last calls of a build took longer than `Limits::slow`, a bit a call.
#[derive(Default, Clone, Copy)]
pub(super) struct Pace(u16);

impl Pace {
    /// Calls that are looked back at.
    const CALLS: u32 = 10;

    pub(super) fn add(&mut self, slow: bool) {
        self.0 = (self.0 << 1 | u16::from(slow)) & ((1 << Self::CALLS) - 1);
    }

    fn slow_calls(self) -> u32 {
        self.0.count_ones()
    }
}

impl Player {
    /// Has the build in `path` take over as soon as it is loaded, in a later [`Player::turn`]. A second call before that is heeded in the
    /// place of the first.
    pub fn swap(&mut self, path: &Path) {
        let (engine, limits, ticker) =
            (self.engine.clone(), self.config.limits.clone(), Arc::clone(&self.ticker));
        let (path, inbox) = (path.to_path_buf(), Arc::clone(&self.inbox));
        let (done, prepared) = mpsc::channel();
        let prepare = move || {
            let prepared = prepare(&engine, &path, limits, ticker);
            // Whoever asked may have asked for another meanwhile.
            let _ = done.send(prepared);
            inbox.ring();
        };
        self.preparing = Some(Preparing(prepared));
        if let Err(error) = std::thread::Builder::new().name("swap".into()).spawn(prepare) {
            self.preparing = None;
            self.not_swapped(&format!("a thread cannot be started: {error}"));
        }
    }

    /// Whether a build is on its way; the virtual clock waits for it.
    pub fn is_swapping(&self) -> bool {
        self.preparing.is_some() && self.given_up.is_none()
    }

    /// The build that runs.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Swaps if a build is ready and the running one is between two calls. Returns whether anything was tried.
    pub(super) fn swap_if_ready(&mut self, now: HostUs) -> bool {
        if self.previous.as_ref().is_some_and(|previous| previous.until_us <= now) {
            self.previous = None;
        }
        if self.shows_by_us().is_some_and(|by| by <= now) {
            self.fault(Fault::Unfit("shows nothing".into()), now, Vec::new());
            return true;
        }
        let Some(Preparing(prepared)) = &self.preparing else { return false };
        if self.instance.is_none() || self.started.is_some() {
            return false;
        }
        let prepared = match prepared.try_recv() {
            Ok(prepared) => prepared,
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => Err("loading it failed".into()),
        };
        self.preparing = None;
        if let Err(why) = prepared.and_then(|prepared| self.try_out(prepared, now)) {
            self.not_swapped(&why);
        }
        true
    }

    fn not_swapped(&mut self, why: &str) {
        eprintln!("kinora: another core was to take over, and did not: {why}");
        self.swaps.failed(why);
    }

    /// Tries a build with the state of the running one, which it replaces if it passes. The error is why it did not.
    fn try_out(&mut self, mut prepared: Prepared, now: HostUs) -> Result<(), String> {
        let began = Instant::now();
        self.checkpoint(now);
        if self.instance.is_none() {
            return Err("the running core failed when it was asked for its state".into());
        }
        prepared.phases.snapshot = began.elapsed();
        let handover = self.snapshot.clone();
        // The new build is to find the world as it will be when it runs: without the old one's fetches.
        let fetches = std::mem::take(&mut self.world_mut().fetches);
        // A build that ran before understands at least what it has written itself.
        let own = self.previous.as_ref().filter(|previous| previous.core.sha256 == prepared.core.sha256);
        let offers = [Some(handover.clone()), own.map(|previous| previous.snapshot.clone())];
        match self.trial(prepared, offers.into_iter().flatten(), now) {
            Ok(passed) => {
                for ticket in fetches {
                    self.world_mut().net.cancel(ticket);
                }
                self.take_over(passed, handover, now);
                Ok(())
            }
            Err(why) => {
                self.world_mut().fetches = fetches;
                Err(why)
            }
        }
    }

    /// `start`, the first `handle` and `snapshot` of a build that is to take over. What it does is held back.
    fn trial(
        &mut self,
        prepared: Prepared,
        offers: impl Iterator<Item = Option<Vec<u8>>>,
        now: HostUs,
    ) -> Result<Passed, String> {
        let failed = |fault: Fault| fault.brief();
        let mut entries = Vec::new();
        let began = Instant::now();
        let (Prepared { core, mut instance, mut phases }, staged) =
            self.begin(prepared, offers, now, &mut entries)?;
        phases.start = began.elapsed();

        let began = Instant::now();
        let mut pending = self.told_anew(now);
        let events = batch(&mut pending);
        let answered = events.iter().any(is_input);
        let turn = Turn { staged, ..self.lend(now) };
        let (turn, handled) = instance.handle(Some(turn), now, BUDGET_US, &events);
        let staged = self.take_back(turn);
        let export = Export::Handle { host_us: now, budget_us: BUDGET_US, events };
        self.note(&mut instance, export, &handled, &mut entries);
        let answer = handled.map_err(failed)?;
        phases.handle = began.elapsed();

        let began = Instant::now();
        self.look_at(&staged, now).map_err(failed)?;
        let (turn, snapshot) = instance.snapshot(Some(self.lend(now)));
        drop(self.take_back(turn));
        self.note(&mut instance, Export::Snapshot, &snapshot, &mut entries);
        let snapshot = snapshot.map_err(failed)?;
        if snapshot.len() > MAX_SNAPSHOT {
            return Err(format!("its snapshot has {} bytes, more than are kept", snapshot.len()));
        }
        phases.land = began.elapsed();
        let (wake_us, checkpoint) = (answer.wake_us, answer.checkpoint);
        Ok(Passed {
            core,
            instance,
            staged,
            wake_us,
            checkpoint,
            snapshot,
            pending,
            answered,
            entries,
            phases,
        })
    }

    /// Starts a build from the first of the snapshots that it understands, each time as a new instance.
    fn begin(
        &mut self,
        mut prepared: Prepared,
        offers: impl Iterator<Item = Option<Vec<u8>>>,
        now: HostUs,
        entries: &mut Vec<Entry>,
    ) -> Result<(Prepared, Staged), String> {
        let failed = |fault: Fault| fault.brief();
        for (n, offer) in offers.enumerate() {
            let Prepared { core, instance, .. } = &mut prepared;
            if n > 0 {
                let limits = self.config.limits.clone().on_trial();
                *instance =
                    Instance::new(&self.engine, core, limits, Arc::clone(&self.ticker)).map_err(failed)?;
            }
            entries.extend(self.recorder.as_ref().map(|recorder| recorder.instance(core, instance)));
            instance.set_edge(self.edge.clone());
            let launch = self.launch(now, SWAP, offer);
            let (turn, started) = instance.start(Some(self.lend(now)), &launch);
            let staged = self.take_back(turn);
            self.note(instance, Export::Start(Box::new(launch)), &started, entries);
            if understood(&started.map_err(failed)?) {
                return Ok((prepared, staged));
            }
        }
        Err("it does not understand the state of the running core".into())
    }

    /// Keeps a call of a build on trial for the record, in which only builds that take over stand.
    fn note<R: Serialize>(
        &self,
        instance: &mut Instance,
        export: Export,
        result: &Result<R, Fault>,
        entries: &mut Vec<Entry>,
    ) {
        entries.extend(self.recorder.as_ref().map(|recorder| recorder.call(instance, export, result)));
    }

    /// What the new build is told first: what is said only once and the old one has not heard, then how timelines stand.
    fn told_anew(&self, now: HostUs) -> VecDeque<Event> {
        let seeked = |event: &&Event| matches!(event, Event::Timeline((_, _, Change::Seeked(_))));
        let lasting = |event: &&Event| {
            is_open(event)
                || is_input(event)
                || matches!(event, Event::Surface(_) | Event::Lifecycle(_) | Event::WallOffsetUs(_))
        };
        let outstanding = self.world().pipeline.outstanding(now).into_iter().map(convert::timeline_event);
        let mut told: VecDeque<Event> = self.pending.iter().filter(seeked).cloned().collect();
        told.extend(outstanding);
        told.extend(self.pending.iter().filter(lasting).cloned());
        told
    }

    /// When [`Player::turn`] wants to know whether the new build has shown something.
    pub(super) fn shows_by_us(&self) -> Option<HostUs> {
        self.previous.as_ref().and_then(|previous| previous.shows_by_us)
    }

    /// Measures a call of a build that has not proved itself against the build before it.
    pub(super) fn measure(&mut self) -> Result<(), Fault> {
        let (Some(previous), Some(instance)) = (&self.previous, &self.instance) else { return Ok(()) };
        if previous.was_fast && self.pace.slow_calls() > Pace::CALLS / 2 {
            let most = self.config.limits.slow.as_millis();
            return Err(Fault::Unfit(format!("takes longer than {most} ms for most calls")));
        }
        if instance.memory_bytes() > previous.memory_bytes {
            let (takes, may) = (instance.memory_bytes() >> 20, previous.memory_bytes >> 20);
            return Err(Fault::Unfit(format!("takes {takes} MiB of memory; {may} were to be enough")));
        }
        Ok(())
    }

    /// Looks at the first list of a new build, before it takes the place of the old one's.
    pub(super) fn look_at_first(&mut self, staged: &Staged, now: HostUs) -> Result<(), Fault> {
        if self.shows_by_us().is_some() && staged.list.is_some() {
            self.look_at(staged, now)?;
            self.previous = self.previous.take().map(|previous| Previous { shows_by_us: None, ..previous });
        }
        Ok(())
    }

    /// Whether the list a build has made is a picture, with every film in it that was to be seen and still plays.
    fn look_at(&self, staged: &Staged, now: HostUs) -> Result<(), Fault> {
        let Some(list) = &staged.list else { return Ok(()) };
        let stage = &self.world().stage;
        let before = stage.list().clone();
        let ((something, films), (anything, shown)) = (stage.shown(&before, now), stage.shown(list, now));
        if something && !anything {
            return Err(Fault::Unfit("shows nothing".into()));
        }
        let live = staged.media.live();
        match films.iter().find(|film| !shown.contains(film) && live.iter().any(|t| t.id == **film)) {
            Some(_) => Err(Fault::Unfit("hides the film that plays".into())),
            None => Ok(()),
        }
    }

    /// The one step: from here on the new build is the running one.
    fn take_over(&mut self, passed: Passed, handover: Option<Vec<u8>>, now: HostUs) {
        let began = Instant::now();
        let mut phases = passed.phases;
        if let Some(recorder) = &self.recorder {
            passed.entries.into_iter().for_each(|entry| recorder.add(entry));
        }
        let shows_by_us = passed.staged.list.is_none().then_some(now + SHOWS_WITHIN_US);
        let world = self.world_mut();
        // The wish of the build before; what this one wants lands with its effects.
        let _ = world.shell.set_awake(false);
        let landed = passed.staged.land(world, now);
        self.pending = passed.pending;
        self.pending.extend(landed.events);
        self.exit = landed.exit;
        self.wake_us = passed.wake_us;
        let old = self.instance.replace(passed.instance);
        let memory_bytes = 2 * old.as_ref().map_or(0, Instance::memory_bytes) + MEMORY_MARGIN;
        let was_fast = std::mem::take(&mut self.pace).slow_calls() <= Pace::CALLS / 5;
        let core = std::mem::replace(&mut self.core, passed.core);
        self.previous = Some(Previous {
            core,
            snapshot: handover,
            until_us: now + PROBATION_US,
            shows_by_us,
            memory_bytes,
            was_fast,
        });
        self.fallback = None;
        self.faults = Faults::of_another_build();
        self.checkpoint_owed = passed.checkpoint;
        self.journal.keep(&passed.snapshot);
        (self.snapshot, self.snapshot_us) = (Some(passed.snapshot), now);
        if let Some(instance) = &mut self.instance {
            instance.set_limits(self.config.limits.clone());
        }
        phases.land += began.elapsed();
        self.swaps.done(phases);
        if passed.answered {
            self.swaps.answered();
        }
        // Giving back its memory can take as long as a call.
        drop(old);
    }

    /// After a fault of a build that has not proved itself: the one before it is the next to start. Returns whether there is one.
    pub(super) fn roll_back(&mut self, fault: &Fault) -> bool {
        let Some(previous) = self.previous.take() else { return false };
        let why = format!("{}; the core before it is back", fault.brief());
        eprintln!("kinora: {why}");
        self.swaps.failed(&why);
        self.core = previous.core;
        self.pace = Pace::default();
        self.fallback = previous.snapshot;
        self.faults = Faults::of_another_build();
        true
    }
}

/// Loads and instantiates, off the core's thread.
fn prepare(
    engine: &wasmtime::Engine,
    path: &Path,
    limits: Limits,
    ticker: Arc<Ticker>,
) -> Result<Prepared, String> {
    let began = Instant::now();
    let core = crate::load(engine, path, crate::cache_folder().as_deref()).map_err(|e| e.to_string())?;
    let load = began.elapsed();
    let instance = Instance::new(engine, &core, limits.on_trial(), ticker).map_err(|fault| fault.brief())?;
    let phases = Phases { load, instantiate: began.elapsed().saturating_sub(load), ..Phases::default() };
    Ok(Prepared { core, instance, phases })
}
