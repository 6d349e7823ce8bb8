//! One running instance of a core: calls with a hard limit on time, memory and what crosses the boundary.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};

use crate::bindings::PlayerCore;
use crate::bindings::player::{Event, Launch, Turn as Answer};
use crate::edge::{Export, SharedEdge};
use crate::engine::Core;
use crate::trace::Tap;
use crate::turn::Turn;

/// Limits of a call and of an instance.
#[derive(Debug, Clone)]
pub struct Limits {
    /// CPU time of one `handle`.
    pub handle: Duration,
    /// CPU time of `start` and of `snapshot`.
    pub start: Duration,
    /// CPU time of each call of a build that is about to take over: nobody is served meanwhile.
    pub trial: Duration,
    /// CPU time from which on a call counts as slow: the budget it is told.
    pub slow: Duration,
    /// Wall time of any call, in case CPU time does not pass.
    pub wall: Duration,
    /// Linear memory.
    pub memory_bytes: usize,
    /// Bytes of arguments a core may pass to one import call.
    pub call_bytes: usize,
}

impl Limits {
    /// For compiled code in real time.
    pub const REAL_TIME: Limits = Limits {
        handle: Duration::from_millis(150),
        start: Duration::from_secs(1),
        trial: Duration::from_millis(100),
        slow: Duration::from_millis(8),
        wall: Duration::from_secs(10),
        memory_bytes: 256 << 20,
        call_bytes: 64 << 20,
    };

    /// For compiled code on the processor of a box, which is ten times slower than a desktop's and runs what it never ran before slower still.
    pub const BOX: Limits = Limits {
        handle: Duration::from_secs(1),
        start: Duration::from_secs(5),
        trial: Duration::from_secs(1),
        slow: Duration::from_millis(80),
        ..Limits::REAL_TIME
    };

    /// As long as a build is on trial.
    pub(crate) fn on_trial(self) -> Limits {
        Limits { handle: self.trial, start: self.trial, ..self }
    }

    /// For the virtual clock, where the speed of the machine must not change the outcome.
    pub const VIRTUAL: Limits = Limits {
        handle: Duration::from_secs(60),
        start: Duration::from_secs(60),
        trial: Duration::from_secs(60),
        slow: Duration::from_secs(60),
        wall: Duration::from_secs(120),
        ..Limits::REAL_TIME
    };
}

/// How a call ended without an answer; the instance is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The core trapped or could not be started; in words.
    Trap(String),
    /// The call exceeded its limit.
    Overlong(&'static str),
    /// Ended on purpose (`PlayerConfig::kill_calls`).
    Killed,
    /// `start` answered with a failure; in words.
    Refused(String),
    /// It took over from another build and does worse; in words that go on from "it".
    Unfit(String),
}

impl Fault {
    /// For people, in a line: without where in the core it was.
    pub(crate) fn brief(&self) -> String {
        let whole = self.to_string();
        match (self, whole.rsplit_once("wasm trap: ")) {
            (Fault::Trap(_), Some((_, cause))) => format!("the core trapped: {cause}"),
            _ => whole.lines().next().unwrap_or_default().to_owned(),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Trap(why) => write!(f, "the core trapped: {why}"),
            Fault::Overlong(call) => write!(f, "the core's `{call}` took longer than allowed"),
            Fault::Killed => f.write_str("the core was ended on request"),
            Fault::Refused(why) => write!(f, "the core refused to start: {why}"),
            Fault::Unfit(why) => write!(f, "the core {why}"),
        }
    }
}

/// What an instance's store holds.
pub(crate) struct State {
    /// The call in progress: what imports may read and what they have staged.
    pub(crate) turn: Option<Turn>,
    pub(crate) tap: Tap,
    pub(crate) edge: Option<SharedEdge>,
    memory: Memory,
    deadline: Deadline,
}

/// Caps linear memory and remembers how much is in use.
struct Memory {
    limit: usize,
    used: usize,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        let allowed = used <= self.limit;
        if allowed {
            self.used = used;
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 100_000)
    }
}

#[derive(Default, Clone, Copy)]
struct Deadline {
    cpu: Duration,
    wall: Option<Instant>,
}

/// A running core.
pub(crate) struct Instance {
    store: Store<State>,
    player: PlayerCore,
    limits: Limits,
    ticker: Arc<Ticker>,
}

impl Instance {
    pub(crate) fn new(
        engine: &Engine,
        core: &Core,
        limits: Limits,
        ticker: Arc<Ticker>,
    ) -> Result<Self, Fault> {
        let trap = |e: wasmtime::Error| Fault::Trap(format!("{e:#}"));
        let mut linker = Linker::<State>::new(engine);
        PlayerCore::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(trap)?;
        let state = State {
            turn: None,
            tap: Tap::Live,
            edge: None,
            memory: Memory { limit: limits.memory_bytes, used: 0 },
            deadline: Deadline::default(),
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.call_bytes);
        store.epoch_deadline_callback(|context| {
            let deadline = context.data().deadline;
            let over =
                thread_cpu_time() > deadline.cpu || deadline.wall.is_some_and(|at| Instant::now() > at);
            Ok(if over { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
        });
        let flight = Flight::begin(&ticker, &mut store, limits.start, limits.wall);
        let player = PlayerCore::instantiate(&mut store, &core.component, &linker).map_err(trap);
        drop(flight);
        Ok(Instance { store, player: player?, limits, ticker })
    }

    /// Calls `start`; what it staged is to land with the first `handle`. Only a replay, where imports do nothing, gives no turn.
    pub(crate) fn start(
        &mut self,
        turn: Option<Turn>,
        launch: &Launch,
    ) -> (Option<Turn>, Result<Answer, Fault>) {
        let (turn, changed) = self.pass_edge(turn, || Export::Start(Box::new(launch.clone())));
        let launch = match &changed {
            Some(Export::Start(changed)) => changed,
            _ => launch,
        };
        self.call_start(turn, launch)
    }

    fn call_start(&mut self, turn: Option<Turn>, launch: &Launch) -> (Option<Turn>, Result<Answer, Fault>) {
        let limit = self.limits.start;
        let (turn, result) = self.call("start", limit, turn, |player, store| {
            player.kinora_shim_player().call_start(store, launch)
        });
        (turn, result.and_then(|answer| answer.map_err(|failure| Fault::Refused(failure.message))))
    }

    /// Calls `handle`. On a fault the caller drops what the turn has staged.
    pub(crate) fn handle(
        &mut self,
        turn: Option<Turn>,
        host_us: u64,
        budget_us: u32,
        events: &[Event],
    ) -> (Option<Turn>, Result<Answer, Fault>) {
        let call = || Export::Handle { host_us, budget_us, events: events.to_vec() };
        let (turn, changed) = self.pass_edge(turn, call);
        match &changed {
            Some(Export::Handle { host_us, budget_us, events }) => {
                self.call_handle(turn, *host_us, *budget_us, events)
            }
            _ => self.call_handle(turn, host_us, budget_us, events),
        }
    }

    fn call_handle(
        &mut self,
        turn: Option<Turn>,
        host_us: u64,
        budget_us: u32,
        events: &[Event],
    ) -> (Option<Turn>, Result<Answer, Fault>) {
        let limit = self.limits.handle;
        self.call("handle", limit, turn, |player, store| {
            player.kinora_shim_player().call_handle(store, host_us, budget_us, events)
        })
    }

    /// Calls `snapshot`, which has no effects: the caller drops what the turn has staged.
    pub(crate) fn snapshot(&mut self, turn: Option<Turn>) -> (Option<Turn>, Result<Vec<u8>, Fault>) {
        let (turn, _) = self.pass_edge(turn, || Export::Snapshot);
        self.call_snapshot(turn)
    }

    fn call_snapshot(&mut self, turn: Option<Turn>) -> (Option<Turn>, Result<Vec<u8>, Fault>) {
        let limit = self.limits.start;
        self.call("snapshot", limit, turn, |player, store| player.kinora_shim_player().call_snapshot(store))
    }

    /// Where there is an edge, the call as it is to be made; what the edge wants called before it has been called, with the same turn.
    fn pass_edge(
        &mut self,
        mut turn: Option<Turn>,
        call: impl FnOnce() -> Export,
    ) -> (Option<Turn>, Option<Export>) {
        let Some(edge) = self.store.data().edge.clone() else { return (turn, None) };
        let mut call = call();
        for early in edge.export(&mut call) {
            // How it ends is the core's own business.
            turn = match early {
                Export::Start(launch) => self.call_start(turn, &launch).0,
                Export::Handle { host_us, budget_us, events } => {
                    self.call_handle(turn, host_us, budget_us, &events).0
                }
                Export::Snapshot => self.call_snapshot(turn).0,
            };
        }
        (turn, Some(call))
    }

    /// Has all calls pass an edge.
    pub(crate) fn set_edge(&mut self, edge: Option<SharedEdge>) {
        self.store.data_mut().edge = edge;
    }

    /// Sends import calls another way from now on; the way they went.
    pub(crate) fn set_tap(&mut self, tap: Tap) -> Tap {
        std::mem::replace(&mut self.store.data_mut().tap, tap)
    }

    /// Sets other limits for the calls to come; that of memory stays.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Bytes of linear memory in use.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.data().memory.used
    }

    fn call<R>(
        &mut self,
        name: &'static str,
        limit: Duration,
        turn: Option<Turn>,
        f: impl FnOnce(&PlayerCore, &mut Store<State>) -> wasmtime::Result<R>,
    ) -> (Option<Turn>, Result<R, Fault>) {
        self.store.data_mut().turn = turn;
        let flight = Flight::begin(&self.ticker, &mut self.store, limit, self.limits.wall);
        let result = f(&self.player, &mut self.store);
        drop(flight);
        let turn = self.store.data_mut().turn.take();
        let result = result.map_err(|error| match error.downcast_ref() {
            Some(wasmtime::Trap::Interrupt) => Fault::Overlong(name),
            _ => Fault::Trap(format!("{error:#}")),
        });
        (turn, result)
    }
}

/// Processor time of the calling thread.
pub(crate) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Advances the engine's epoch every few milliseconds, only while a call is in flight, so that an idle player never wakes.
pub(crate) struct Ticker {
    in_flight: Mutex<u32>,
    changed: Condvar,
}

impl Ticker {
    /// How often a running call is looked at.
    const PERIOD: Duration = Duration::from_millis(5);

    pub(crate) fn start(engine: &Engine) -> Arc<Ticker> {
        let ticker = Arc::new(Ticker { in_flight: Mutex::new(0), changed: Condvar::new() });
        let (weak, engine) = (Arc::downgrade(&ticker), engine.weak());
        std::thread::Builder::new()
            .name("epoch".into())
            .spawn(move || {
                while let (Some(ticker), Some(engine)) = (weak.upgrade(), engine.upgrade()) {
                    ticker.wait_for_call();
                    std::thread::sleep(Self::PERIOD);
                    engine.increment_epoch();
                }
            })
            .expect("a thread can be started");
        ticker
    }

    fn wait_for_call(&self) {
        let guard = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        // The time-out lets the thread see that the engine is gone.
        let _ = self.changed.wait_timeout_while(guard, Duration::from_secs(60), |n| *n == 0);
    }

    fn add(&self, delta: i32) {
        let mut n = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        *n = n.saturating_add_signed(delta);
        self.changed.notify_one();
    }
}

/// A call in flight: the ticker runs and the deadline is set.
struct Flight<'a>(&'a Ticker);

impl<'a> Flight<'a> {
    fn begin(ticker: &'a Ticker, store: &mut Store<State>, cpu: Duration, wall: Duration) -> Self {
        store.data_mut().deadline =
            Deadline { cpu: thread_cpu_time() + cpu, wall: Some(Instant::now() + wall) };
        store.set_epoch_deadline(1);
        ticker.add(1);
        Flight(ticker)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}
