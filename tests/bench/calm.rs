//! A machine that does something else measures nothing: runs that were disturbed are void and repeated.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::RUNS;

/// A sleep of a millisecond that takes longer than this shows that somebody else had the processors.
const MAX_GAP: Duration = Duration::from_millis(10);
/// Share of the processors that others may use before a run, and after it.
const MAX_LOAD: f64 = 0.1;
/// For how long the load is looked at, and how often at most before a run.
const LOOK: Duration = Duration::from_millis(300);
const LOOKS: u32 = 10;
/// Times a run is tried, unless it is so long that it would have a gap each time.
const ATTEMPTS: u32 = 5;
const SHORT: Duration = Duration::from_secs(45);
/// What happens so long after a gap of a long run may be due to it, and so long before, as it is seen at its end.
const AFTER_GAP: Duration = Duration::from_secs(1);
const BEFORE_GAP: Duration = Duration::from_millis(100);
/// Share of a long run that may be left out.
const MAX_LEFT_OUT: f64 = 0.1;

/// What was seen of the machine during a bench.
#[derive(Default)]
pub(crate) struct Machine {
    /// Whether benches are only tried out: everything once and short, with no verdict.
    pub(crate) tries: bool,
    /// Runs that counted.
    pub(crate) runs: u32,
    /// Runs that were disturbed each time, with the reason.
    pub(crate) void: Vec<String>,
    /// Share of the processors in use before and after the runs, at most.
    pub(crate) load: f64,
    /// Longest gap of an undisturbed run, or of a long one.
    pub(crate) gap: Duration,
    /// Share of each long run that is left out because of gaps.
    pub(crate) left_out: Vec<f64>,
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

    /// Runs once for many minutes, in which hardly any machine leaves a loop alone: gaps do not make the run void, but whoever asked leaves out
    /// what they touch. The load before does not matter, as what is judged is when things happen and not what they cost.
    pub(crate) fn long<T>(&mut self, run: impl FnOnce() -> Result<T, String>) -> Result<(T, Gaps), String> {
        self.runs += 1;
        let (began, control) = (Instant::now(), Control::start());
        let result = run()?;
        let gaps = control.gaps();
        self.judge(began.elapsed(), &gaps);
        Ok((result, gaps))
    }

    /// Takes note of a long run.
    fn judge(&mut self, lasted: Duration, gaps: &Gaps) {
        self.gap = self.gap.max(gaps.longest);
        let share = gaps.touched().as_secs_f64() / lasted.as_secs_f64();
        self.left_out.push(share);
        if share > MAX_LEFT_OUT {
            self.void.push(format!("{} gaps in {:.0} s", gaps.too_long.len(), lasted.as_secs_f64()));
        }
    }

    /// Runs once undisturbed, or as often as is worth trying; what comes of the last time.
    pub(crate) fn run<T>(&mut self, mut run: impl FnMut() -> Result<T, String>) -> Result<T, String> {
        self.runs += 1;
        let mut attempt = 1;
        loop {
            let load = quietest_load();
            let (began, control) = (Instant::now(), Control::start());
            let result = run()?;
            let short = began.elapsed() < SHORT;
            let gap = control.gaps().longest;
            let load = load.max(quietest_load());
            let disturbed = if load > MAX_LOAD {
                format!("{:.0} % of the processors were busy before or after", load * 100.0)
            } else if gap > MAX_GAP {
                format!("a gap of {} ms", gap.as_millis())
            } else {
                self.load = self.load.max(load);
                self.gap = self.gap.max(gap);
                return Ok(result);
            };
            if attempt == ATTEMPTS || !short || self.tries {
                self.void.push(disturbed);
                return Ok(result);
            }
            eprintln!("disturbed ({disturbed}): once more");
            attempt += 1;
        }
    }
}

/// When the control loop was kept waiting.
#[derive(Default)]
pub(crate) struct Gaps {
    longest: Duration,
    /// Begin and end of those that were too long.
    too_long: Vec<(Instant, Instant)>,
}

impl Gaps {
    /// Whether what was seen then may be due to a gap.
    pub(crate) fn touch(&self, at: Instant) -> bool {
        self.too_long.iter().any(|(begin, end)| at + BEFORE_GAP >= *begin && at <= *end + AFTER_GAP)
    }

    /// How much time they touch, at most.
    fn touched(&self) -> Duration {
        self.too_long.iter().map(|(begin, end)| (*end - *begin) + BEFORE_GAP + AFTER_GAP).sum()
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

/// The control loop: sleeps a millisecond at a time, as something that must not be late does. Where it may, it comes before all other
/// programs, so that what it waits for is the machine and not the player that is measured.
struct Control {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Gaps>,
}

impl Control {
    fn start() -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            come_first();
            let mut gaps = Gaps::default();
            while !end.load(Ordering::Relaxed) {
                let before = Instant::now();
                std::thread::sleep(Duration::from_millis(1));
                let after = Instant::now();
                gaps.longest = gaps.longest.max(after - before);
                if after - before > MAX_GAP {
                    gaps.too_long.push((before, after));
                }
            }
            gaps
        });
        Control { ends, thread }
    }

    fn gaps(self) -> Gaps {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().expect("the control loop does not panic")
    }
}

/// Gives this thread a real-time priority, if this user may (sched(7), `SCHED_FIFO`).
fn come_first() {
    let Ok(thread) = std::fs::read_link("/proc/thread-self") else { return };
    let Some(id) = thread.file_name() else { return };
    // Without it the loop sees more gaps, and more runs are void.
    let _ = Command::new("chrt").args(["--fifo", "--pid", "1"]).arg(id).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_a_gap_is_touched_by_it() {
        let (begin, ms) = (Instant::now() + Duration::from_secs(9), Duration::from_millis);
        let gaps = Gaps { longest: ms(20), too_long: vec![(begin, begin + ms(20))] };
        assert!(gaps.touch(begin - ms(100)) && gaps.touch(begin + ms(1020)));
        assert!(!gaps.touch(begin - ms(101)) && !gaps.touch(begin + ms(1021)));
        assert_eq!(gaps.touched(), ms(1120));
    }

    #[test]
    fn long_run_with_many_gaps_is_void() {
        let mut machine = Machine::default();
        let hour = Duration::from_secs(3600);
        let gap = (Instant::now(), Instant::now());
        machine.judge(hour, &Gaps { longest: MAX_GAP, too_long: vec![gap; 10] });
        assert!(machine.void.is_empty());
        machine.judge(hour, &Gaps { longest: MAX_GAP, too_long: vec![gap; 400] });
        assert_eq!(machine.void.len(), 1);
    }
}
