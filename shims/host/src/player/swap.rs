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

use super::events::{batch, is_input};
use super::probation::Previous;
use super::quality::Judged;
use super::{BUDGET_US, Event, MAX_SNAPSHOT, Player, understood};
use crate::engine::Core;
use crate::faults::{Faults, SWAP};
use crate::instance::{Fault, Instance, Limits, Ticker};
use crate::judge::Judge;
use crate::swaps::Phases;
use crate::trace::{Entry, Export};
use crate::turn::{Staged, Turn};

/// A build on its way to be tried.
pub(super) struct Preparing(Receiver<Result<Prepared, String>>);

/// A build that can be tried.
struct Prepared {
    core: Core,
    instance: Instance,
    phases: Phases,
    /// Hears what becomes of it, if it is an installed one.
    judge: Option<Judge>,
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

impl Player {
    /// Has the build in `path` take over as soon as it is loaded, in a later [`Player::turn`]. A second call before that is heeded in the
    /// place of the first.
    pub fn swap(&mut self, path: &Path) {
        let (engine, limits, ticker) =
            (self.engine.clone(), self.config.limits.clone(), Arc::clone(&self.ticker));
        let (path, cache, inbox) = (path.to_path_buf(), self.cache.clone(), Arc::clone(&self.inbox));
        let (done, prepared) = mpsc::channel();
        let prepare = move || {
            let prepared = prepare(&engine, &path, cache.as_deref(), limits, ticker);
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
        self.end_probation(now);
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
        let judge = prepared.judge.take();
        let own = self.previous.as_ref().and_then(|previous| previous.snapshot_of(&prepared.core));
        let offers = [Some(handover.clone()), own];
        match self.trial(prepared, offers.into_iter().flatten(), now) {
            Ok(passed) => {
                for ticket in fetches {
                    self.world_mut().net.cancel(ticket);
                }
                self.take_over(passed, judge, handover, now);
                Ok(())
            }
            Err(why) => {
                self.world_mut().fetches = fetches;
                if let Some(judge) = judge {
                    self.condemn(judge, why.clone());
                }
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
        let (Prepared { core, mut instance, mut phases, .. }, staged) =
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

    /// The one step: from here on the new build is the running one.
    fn take_over(&mut self, passed: Passed, judge: Option<Judge>, handover: Option<Vec<u8>>, now: HostUs) {
        let began = Instant::now();
        let waiting = self.is_waiting();
        let mut phases = passed.phases;
        if let Some(recorder) = &self.recorder {
            passed.entries.into_iter().for_each(|entry| recorder.add(entry));
        }
        let before = self.meter.hand_over();
        self.keep(before.clone(), false);
        let shows = passed.staged.list.is_some();
        // The wish of the build before; what this one wants lands with its effects.
        let _ = self.world_mut().shell.set_awake(false);
        self.pending = passed.pending;
        self.land(passed.staged, now);
        self.wake_us = passed.wake_us;
        let old = self.instance.replace(passed.instance);
        let core = std::mem::replace(&mut self.core, passed.core);
        self.put_on_probation(Previous::new(core, handover), shows, waiting, now);
        self.judged = judge.map(|judge| Judged::from(judge, now));
        self.compare(before);
        self.fallback = None;
        self.faults = Faults::of_another_build();
        self.checkpoint_owed = passed.checkpoint;
        self.journal.keep(&passed.snapshot);
        (self.snapshot, self.snapshot_us) = (Some(passed.snapshot), now);
        if let Some(instance) = &mut self.instance {
            instance.set_limits(self.config.limits.clone());
        }
        phases.land += began.elapsed();
        self.tell("has taken over");
        if shows {
            self.tell("shows its first picture");
        }
        self.swaps.done(phases);
        if passed.answered {
            self.swaps.answered();
        }
        // Giving back its memory can take as long as a call.
        drop(old);
    }
}

/// Loads and instantiates, off the core's thread.
fn prepare(
    engine: &wasmtime::Engine,
    path: &Path,
    cache: Option<&Path>,
    limits: Limits,
    ticker: Arc<Ticker>,
) -> Result<Prepared, String> {
    // Counted before it is tried: power may go.
    let judge = Judge::of(path);
    let began = Instant::now();
    let made = || {
        let core = crate::load(engine, path, cache).map_err(|e| e.to_string())?;
        let load = began.elapsed();
        let made = Instance::new(engine, &core, limits.on_trial(), ticker);
        Ok::<_, String>((core, made.map_err(|fault| fault.brief())?, load))
    };
    match made() {
        Ok((core, instance, load)) => {
            let instantiate = began.elapsed().saturating_sub(load);
            let phases = Phases { load, instantiate, ..Phases::default() };
            Ok(Prepared { core, instance, phases, judge })
        }
        Err(why) => {
            judge.map(|judge| judge.condemn(&why));
            Err(why)
        }
    }
}
