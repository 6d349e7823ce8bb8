//! An installed build is compared with the one before it until it has played long enough, over as many starts as that takes.

use std::thread::JoinHandle;

use kinora_cores::Figures;
use kinora_port::HostUs;

use super::gates::unfit;
use super::{PROBATION_US, Player};
use crate::instance::Fault;
use crate::judge::{Judge, keep};

/// A build that has played for so long and was no worse than the one before it is accepted.
const ACCEPTED_US: u64 = 600_000_000;
/// Figures are kept so often while something plays: boxes are not switched off, they lose their power.
const KEEP_EVERY_US: u64 = 600_000_000;

/// What the running build is compared with, and what it came to before.
pub(super) struct Comparison {
    /// Figures of the build before it: of late, and in this run.
    before: [Figures; 2],
    /// What this one came to, without the meter's latest.
    earlier: Figures,
}

/// An installed core that runs.
pub(super) struct Judged {
    pub(super) judge: Judge,
    /// When it will have come up; none once it has.
    pub(super) comes_up_us: Option<HostUs>,
}

impl Judged {
    /// From `now` on it is to run until it has come up.
    pub(super) fn from(judge: Judge, now: HostUs) -> Self {
        Judged { judge, comes_up_us: Some(now + PROBATION_US) }
    }
}

impl Player {
    /// From now on the running build is compared with the one before it, which came to `before` in this run.
    pub(super) fn compare(&mut self, before: Figures) {
        let known = self.judged.as_ref().map(|judged| judged.judge.known());
        self.comparison = match known {
            Some(Some(known)) => {
                Some(Comparison { before: [known.before.clone(), before], earlier: known.earlier.clone() })
            }
            // It has been accepted.
            Some(None) => None,
            None => Some(Comparison { before: [Figures::default(), before], earlier: Figures::default() }),
        };
        if let Some(comparison) = &self.comparison {
            self.meter.expect(&comparison.before[0].keys);
        }
    }

    /// Whether the running build does no worse than the one before it.
    pub(super) fn is_fit(&self) -> Result<(), Fault> {
        let Some(Comparison { before: [of_late, just_now], earlier }) = &self.comparison else {
            return Ok(());
        };
        let mut own = earlier.clone();
        own += self.meter.figures();
        match unfit(&own, &[of_late, just_now], &self.config.limits) {
            Some(why) => Err(Fault::Unfit(why)),
            None => Ok(()),
        }
    }

    /// Notes that an installed build has come up, and at last that it is accepted; keeps figures now and then.
    pub(super) fn prove(&mut self, now: HostUs) {
        let steady = self.faults.recent(now) == 0;
        if let Some(judged) = self.judged.as_mut().filter(|_| steady)
            && judged.comes_up_us.take_if(|at| *at <= now).is_some()
        {
            let judge = judged.judge.clone();
            self.note_aside(move || judge.came_up());
        }
        let playing = self.meter.figures().played_us;
        let earlier = self.comparison.as_ref().map_or(0, |comparison| comparison.earlier.played_us);
        let accepted = self.judged.is_some() && self.comparison.is_some() && earlier + playing >= ACCEPTED_US;
        if accepted {
            self.comparison = None;
        }
        if accepted || playing >= KEEP_EVERY_US {
            let figures = self.meter.take();
            if let Some(comparison) = &mut self.comparison {
                comparison.earlier += &figures;
            }
            self.keep(figures, accepted);
        }
    }

    /// Keeps figures of the running build, in the background.
    pub(super) fn keep(&mut self, figures: Figures, accepted: bool) {
        if self.remembers() && figures.played_us > 0 {
            let id = self.core.sha256.clone();
            self.note_aside(move || keep(&id, &figures, accepted));
        }
    }

    /// Writes into the store aside; [`Player::note_the_end`] waits for it.
    pub(super) fn note_aside(&mut self, work: impl FnOnce() + Send + 'static) {
        self.notes.retain(|note| !note.is_finished());
        self.notes.extend(aside(work));
    }

    /// The run ends as it should: what is still to be noted is, before this returns.
    pub(super) fn note_the_end(&mut self) {
        if let Some(judged) = self.judged.take().filter(|judged| judged.comes_up_us.is_some()) {
            judged.judge.came_up();
        }
        let figures = self.meter.take();
        if self.remembers() && figures.played_us > 0 {
            keep(&self.core.sha256, &figures, false);
        }
        for note in self.notes.drain(..) {
            // What was not noted is found again.
            let _ = note.join();
        }
    }

    fn remembers(&self) -> bool {
        !self.config.launch_extras.forgetful
    }
}

/// Does something with a disk, which can take longer than a call may.
pub(crate) fn aside(work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    // Without a thread it is not noted, and found again.
    std::thread::Builder::new().name("cores".into()).spawn(work).ok()
}
