//! What else the machine does: a control loop that shows when somebody else had the processors, and their load.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A sleep of a millisecond that takes longer than this shows that somebody else had the processors.
pub const MAX_GAP: Duration = Duration::from_millis(10);
/// Share of the processors that others may use before a run, and after it.
const MAX_LOAD: f64 = 0.1;
/// For how long the load is looked at, and how often at most before a run.
const LOOK: Duration = Duration::from_millis(300);
const LOOKS: u32 = 10;
/// What happens so long after a gap of a long run may be due to it, and so long before, as it is seen at its end.
const AFTER_GAP: Duration = Duration::from_secs(1);
const BEFORE_GAP: Duration = Duration::from_millis(100);

/// When the control loop was kept waiting.
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    /// The longest that a sleep of a millisecond took.
    pub longest: Duration,
    /// Begin and end of those longer than [`MAX_GAP`].
    pub too_long: Vec<(Instant, Instant)>,
}

impl Gaps {
    /// Whether what was seen then may be due to a gap.
    pub fn touch(&self, at: Instant) -> bool {
        self.too_long.iter().any(|(begin, end)| at + BEFORE_GAP >= *begin && at <= *end + AFTER_GAP)
    }

    /// How much time they touch, at most.
    pub fn touched(&self) -> Duration {
        self.too_long.iter().map(|(begin, end)| (*end - *begin) + BEFORE_GAP + AFTER_GAP).sum()
    }
}

/// What the machine did while something ran.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// How long that took.
    pub lasted: Duration,
    /// Share of the processors that others used before it or after it.
    pub load: f64,
    /// Longest gap of the control loop.
    pub gap: Duration,
}

impl Watched {
    /// Runs something and watches the machine.
    pub fn run<T>(run: impl FnOnce() -> T) -> (T, Watched) {
        let before = quietest_load();
        let (began, control) = (Instant::now(), Control::start());
        let result = run();
        let (lasted, gap) = (began.elapsed(), control.gaps().longest);
        (result, Watched { lasted, load: before.max(quietest_load()), gap })
    }

    /// Why what was measured meanwhile proves nothing, if it does not.
    pub fn disturbed(&self) -> Option<String> {
        if self.load > MAX_LOAD {
            let percent = self.load * 100.0;
            return Some(format!("{percent:.0} % of the processors were busy before or after"));
        }
        (self.gap > MAX_GAP).then(|| format!("a gap of {} ms", self.gap.as_millis()))
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
pub struct Control {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Gaps>,
}

impl Control {
    /// Starts it, on a thread of its own.
    pub fn start() -> Self {
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

    /// Ends it; what it has seen.
    pub fn gaps(self) -> Gaps {
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
    fn busy_processors_and_long_gaps_disturb() {
        let calm = Watched { lasted: Duration::from_secs(1), load: MAX_LOAD, gap: MAX_GAP };
        assert_eq!(calm.disturbed(), None);
        let why = |watched: Watched| watched.disturbed().unwrap_or_default();
        assert!(why(Watched { load: 0.25, ..calm }).starts_with("25 %"));
        assert_eq!(why(Watched { gap: Duration::from_millis(11), ..calm }), "a gap of 11 ms");
    }
}
