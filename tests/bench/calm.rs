//! A machine that does something else measures nothing: runs that were disturbed are void and repeated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::RUNS;

/// A sleep of a millisecond that takes longer than this shows that somebody else had the processors.
const MAX_GAP: Duration = Duration::from_millis(10);
/// Share of the processors that others may use before a run.
const MAX_LOAD: f64 = 0.1;
/// For how long the load is looked at, and how often at most before a run.
const LOOK: Duration = Duration::from_millis(300);
const LOOKS: u32 = 10;
/// Times a run is tried.
const ATTEMPTS: u32 = 3;

/// What was seen of the machine during a bench.
#[derive(Default)]
pub(crate) struct Machine {
    /// Whether benches are only tried out: everything once and short, with no verdict.
    pub(crate) tries: bool,
    /// Runs that counted.
    pub(crate) runs: u32,
    /// Runs that were disturbed each time, with the reason.
    pub(crate) void: Vec<String>,
    /// Share of the processors in use before the runs, at most.
    pub(crate) load: f64,
    /// Longest gap of an undisturbed run.
    pub(crate) gap: Duration,
}

impl Machine {
    /// How long something takes that is shorter when it is only tried.
    pub(crate) fn length(&self, full: Duration, tried: Duration) -> Duration {
        if self.tries { tried } else { full }
    }

    fn rounds(&self) -> u32 {
        if self.tries { 1 } else { RUNS }
    }

    /// Runs ours and the peer in turn, [`RUNS`] times.
    pub(crate) fn paired<T>(
        &mut self,
        mut ours: impl FnMut() -> Result<T, String>,
        mut peer: impl FnMut() -> Result<T, String>,
    ) -> Result<Vec<(T, T)>, String> {
        (0..self.rounds()).map(|_| Ok((self.run(&mut ours)?, self.run(&mut peer)?))).collect()
    }

    /// Runs ours alone, [`RUNS`] times.
    pub(crate) fn alone<T>(&mut self, mut ours: impl FnMut() -> Result<T, String>) -> Result<Vec<T>, String> {
        (0..self.rounds()).map(|_| self.run(&mut ours)).collect()
    }

    /// Runs once undisturbed, or as often as is worth trying; what comes of the last time.
    pub(crate) fn run<T>(&mut self, mut run: impl FnMut() -> Result<T, String>) -> Result<T, String> {
        self.runs += 1;
        let mut attempt = 1;
        loop {
            let load = quietest_load();
            let control = Control::start();
            let result = run()?;
            let gap = control.longest_gap();
            let disturbed = if load > MAX_LOAD {
                format!("{:.0} % of the processors were busy before", load * 100.0)
            } else if gap > MAX_GAP {
                format!("a gap of {} ms", gap.as_millis())
            } else {
                self.load = self.load.max(load);
                self.gap = self.gap.max(gap);
                return Ok(result);
            };
            if attempt == ATTEMPTS || self.tries {
                self.void.push(disturbed);
                return Ok(result);
            }
            eprintln!("disturbed ({disturbed}): once more");
            attempt += 1;
        }
    }
}

/// Share of the processors others use, waiting a little for them to come to an end.
fn quietest_load() -> f64 {
    let mut least = 1.0_f64;
    for _ in 0..LOOKS {
        let before = processor_ticks();
        std::thread::sleep(LOOK);
        let after = processor_ticks();
        let (busy, all) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
        least = least.min(busy as f64 / all.max(1) as f64);
        if least <= MAX_LOAD {
            break;
        }
    }
    least
}

/// Busy and all ticks of all processors since the system's start (proc(5), `/proc/stat`).
fn processor_ticks() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().skip(1).take(8).filter_map(|n| n.parse().ok()).collect();
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    let all: u64 = ticks.iter().sum();
    (all - idle, all)
}

/// The control loop: sleeps a millisecond at a time, as something that must not be late does.
struct Control {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Control {
    fn start() -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !end.load(Ordering::Relaxed) {
                let before = Instant::now();
                std::thread::sleep(Duration::from_millis(1));
                longest = longest.max(before.elapsed());
            }
            longest
        });
        Control { ends, thread }
    }

    fn longest_gap(self) -> Duration {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or(Duration::MAX)
    }
}
