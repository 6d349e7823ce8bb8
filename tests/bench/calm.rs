//! A machine that does something else measures nothing: runs that were disturbed are void and repeated.

use std::time::{Duration, Instant};

use kinora_tests::{Control, Gaps, Watched};

use crate::RUNS;

/// Times a run is tried, unless it is so long that it would have a gap each time.
const ATTEMPTS: u32 = 5;
const SHORT: Duration = Duration::from_secs(45);
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
            let (result, watched) = Watched::run(&mut run);
            let result = result?;
            let Some(disturbed) = watched.disturbed() else {
                self.load = self.load.max(watched.load);
                self.gap = self.gap.max(watched.gap);
                return Ok(result);
            };
            if attempt == ATTEMPTS || watched.lasted >= SHORT || self.tries {
                self.void.push(disturbed);
                return Ok(result);
            }
            eprintln!("disturbed ({disturbed}): once more");
            attempt += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use kinora_tests::MAX_GAP;

    use super::*;

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
