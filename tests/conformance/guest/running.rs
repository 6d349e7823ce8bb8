//! Running a check: the exports, and what a check waits for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use kinora_guests::bindings::exports::kinora::shim::player::{Event, Guest, Launch, Turn};
use kinora_guests::bindings::kinora::shim::types::Failure;

use crate::api::{device, shell};
use crate::report::{self, Stop, say};
use crate::{Check, Kit, api, film};

#[derive(Default)]
struct State {
    host_us: u64,
    /// Calls of `handle`.
    calls: u64,
    /// Not yet taken by the check.
    events: VecDeque<Event>,
    wake_us: Option<u64>,
    checkpoint: bool,
    launch: Option<Launch>,
    address: String,
    memo: String,
    /// When snapshots were asked for.
    snapshots: Vec<u64>,
    /// What went wrong outside of the check: calls in the wrong order.
    offences: Vec<String>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
    static CHECK: RefCell<Option<Check>> = const { RefCell::new(None) };
    /// A call is in progress.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

fn with<R>(f: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_borrow_mut(f)
}

impl Guest for Kit {
    fn start(launch: Launch) -> Result<Turn, Failure> {
        let host_us = launch.host_us;
        if let Some(snapshot) = launch.snapshot.clone().and_then(|bytes| String::from_utf8(bytes).ok())
            && let Some((address, memo)) = snapshot.split_once('\n')
        {
            with(|state| (state.address, state.memo) = (address.into(), memo.into()));
        }
        with(|state| {
            state.host_us = host_us;
            state.launch = Some(launch);
        });
        Ok(Turn { wake_us: Some(host_us), checkpoint: false, extras: Vec::new() })
    }

    fn handle(host_us: u64, _budget_us: u32, events: Vec<Event>) -> Turn {
        if BUSY.replace(true) {
            with(|state| state.offences.push("a call began while another was in progress".into()));
        }
        with(|state| {
            if state.launch.is_none() {
                state.offences.push("`handle` was called before `start` had returned".into());
            }
            if host_us < state.host_us {
                state.offences.push(format!("time went back from {} to {host_us}", state.host_us));
            }
            if events.len() > 256 {
                state.offences.push(format!("{} events in a call", events.len()));
            }
            state.host_us = host_us;
            state.calls += 1;
            state.wake_us = None;
            state.checkpoint = false;
        });
        for event in events {
            match &event {
                // The first says what to test, and is none of the check's events.
                Event::Open(open) if with(|state| state.address.is_empty()) => {
                    let address = open.sources.first().map(|source| source.url.clone());
                    with(|state| state.address = address.unwrap_or_default());
                    continue;
                }
                event => film::answer(event),
            }
            with(|state| state.events.push_back(event));
        }
        poll();
        BUSY.set(false);
        with(|state| Turn { wake_us: state.wake_us, checkpoint: state.checkpoint, extras: Vec::new() })
    }

    fn snapshot() -> Vec<u8> {
        with(|state| {
            if state.launch.is_none() {
                state.offences.push("`snapshot` was called before `start` had returned".into());
            }
            state.snapshots.push(state.host_us);
            format!("{}\n{}", state.address, state.memo).into_bytes()
        })
    }
}

/// Begins the check once it is known, goes on with it, and ends the run with it.
fn poll() {
    let mut check = CHECK.take();
    let address = with(|state| state.address.clone());
    if check.is_none() && !address.is_empty() {
        say(&format!("begin {} {}", name(), now()));
        check = crate::find(&name());
        if check.is_none() {
            say("failed this kit has no such check");
        }
    }
    let Some(mut running) = check else { return };
    match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => CHECK.set(Some(running)),
        Poll::Ready(verdict) => {
            let offence = with(|state| state.offences.first().cloned());
            CHECK.set(Some(Box::pin(std::future::pending())));
            let exits = device::has("shell.exit");
            if exits {
                shell::exit(0);
            }
            report::verdict(&offence.map_or(verdict, |offence| Err(Stop::Wrong(offence))));
            if !exits {
                say("stays");
            }
        }
    }
}

/// The last part of the address: `CHECK@HOST:PORT?run=N`, with where this device finds the driver's server.
fn part() -> String {
    with(|state| state.address.rsplit('/').next().unwrap_or_default().to_owned())
}

/// What is tested.
pub(crate) fn name() -> String {
    part().split('@').next().unwrap_or_default().to_owned()
}

/// Which run of the check this is, from 1.
pub(crate) fn run() -> u32 {
    part().split_once("run=").and_then(|(_, n)| n.parse().ok()).unwrap_or(1)
}

/// An address on the driver's server.
pub(crate) fn served(path: &str) -> String {
    let part = part();
    let server = part.split_once('@').map_or("", |(_, rest)| rest.split('?').next().unwrap_or_default());
    format!("http://{server}/{path}")
}

/// Whether this is the first instance of the process.
pub(crate) fn first() -> bool {
    with(|state| state.launch.as_ref().is_none_or(|launch| launch.reason == 1))
}

/// Host time of the call.
pub(crate) fn now() -> u64 {
    with(|state| state.host_us)
}

/// How often `handle` was called.
pub(crate) fn calls() -> u64 {
    with(|state| state.calls)
}

/// How often the screen shows a new picture, in thousandths of a hertz, as the shim knew when it started the core; 0 unknown.
pub(crate) fn refresh_mhz() -> u32 {
    with(|state| state.launch.as_ref().map_or(0, |launch| launch.surface.refresh_mhz))
}

/// What the instance before left to this one.
pub(crate) fn memo() -> String {
    with(|state| state.memo.clone())
}

/// When snapshots were asked for.
pub(crate) fn snapshots() -> Vec<u64> {
    with(|state| state.snapshots.clone())
}

/// Asks for a snapshot at the end of this call.
pub(crate) fn ask_snapshot() {
    with(|state| state.checkpoint = true);
}

/// Waits for the next call; it is asked for at once.
pub(crate) async fn next_call() {
    let mut waited = false;
    poll_fn(|_| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        wake(now());
        Poll::Pending
    })
    .await;
}

/// Waits for so long.
pub(crate) async fn sleep(us: u64) {
    let end = now() + us;
    poll_fn(|_| {
        if now() >= end {
            return Poll::Ready(());
        }
        wake(end);
        Poll::Pending
    })
    .await;
}

fn wake(at: u64) {
    with(|state| state.wake_us = Some(state.wake_us.map_or(at, |wake| wake.min(at))));
}

/// Waits for the first event that `pick` takes; those before it are dropped. `None` after so long.
pub(crate) async fn event<T>(limit_us: u64, mut pick: impl FnMut(&Event) -> Option<T>) -> Option<T> {
    let end = now() + limit_us;
    poll_fn(|_| {
        while let Some(event) = with(|state| state.events.pop_front()) {
            if let Some(picked) = pick(&event) {
                return Poll::Ready(Some(picked));
            }
        }
        if now() >= end {
            return Poll::Ready(None);
        }
        wake(end);
        Poll::Pending
    })
    .await
}

/// Every event of the next `us` microseconds.
pub(crate) async fn events(us: u64) -> Vec<Event> {
    let mut all = Vec::new();
    event::<()>(us, |event| {
        all.push(event.clone());
        None
    })
    .await;
    all
}

/// Forgets the events that have come so far.
pub(crate) fn forget_events() {
    with(|state| state.events.clear());
}

/// Leaves a memo to the next instance and ends this one by a trap.
pub(crate) async fn trap(memo: &str) -> ! {
    leave(memo).await;
    say(&format!("calls {}", api::take_calls()));
    panic!("on purpose")
}

/// Leaves a memo to the next instance: waits until a snapshot holds it.
pub(crate) async fn leave(memo: &str) {
    with(|state| state.memo = memo.to_owned());
    let before = snapshots().len();
    while snapshots().len() == before {
        ask_snapshot();
        sleep(20_000).await;
    }
}
