//! What swaps of the core came to.

use std::time::{Duration, Instant};

use kinora_port::HostUs;

/// Most reasons and figures kept: a run of weeks must not grow by them.
const MAX_KEPT: usize = 1000;

/// What became of the builds that were to take over.
#[derive(Debug, Clone, Default)]
pub struct SwapStats {
    /// Those that did.
    pub count: u64,
    /// Those that did not, and those that did and had to give way again.
    pub failed: u64,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Those that took over and had to give way.
    pub gave_way: Vec<GaveWay>,
    /// How long each step took, of those that took over.
    pub phases: Vec<Phases>,
    /// From the last input that the old build answered to the first that the new one did.
    pub gaps: Vec<Duration>,
    answered: Option<Instant>,
    /// A build has taken over and answered no input yet.
    awaited: bool,
    /// Since when the build that is to come back has not drawn.
    away_us: Option<HostUs>,
}

/// What became of a build that took over and was not fit to.
#[derive(Debug, Clone)]
pub struct GaveWay {
    /// Why, in words.
    pub why: String,
    /// Host time from its taking over to the call that showed it, microseconds.
    pub after_us: u64,
    /// From that call to the first picture of the build before it; none as long as there is none.
    pub back_us: Option<u64>,
}

/// How long the steps of one swap took. Nobody is served from `snapshot` on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Phases {
    /// Reading, hashing and mapping or compiling the component, on a thread of its own.
    pub load: Duration,
    /// Making an instance, there too.
    pub instantiate: Duration,
    /// `snapshot` of the old build.
    pub snapshot: Duration,
    /// `start` of the new one.
    pub start: Duration,
    /// Its first `handle`.
    pub handle: Duration,
    /// Its own `snapshot`, looking at what it shows, and the step that makes it the running one.
    pub land: Duration,
}

impl SwapStats {
    pub(crate) fn done(&mut self, phases: Phases) {
        self.count += 1;
        self.awaited = true;
        if self.phases.len() < MAX_KEPT {
            self.phases.push(phases);
        }
    }

    pub(crate) fn failed(&mut self, why: &str) {
        self.failed += 1;
        if self.reasons.len() < MAX_KEPT {
            self.reasons.push(why.to_owned());
        }
    }

    /// A build that took over gives way for what it did at `now`.
    pub(crate) fn gave_way(&mut self, why: &str, after_us: u64, now: HostUs) {
        self.failed(why);
        if self.gave_way.len() < MAX_KEPT {
            self.gave_way.push(GaveWay { why: why.to_owned(), after_us, back_us: None });
            self.away_us = Some(now);
        }
    }

    /// A picture has landed at `now`.
    pub(crate) fn drew(&mut self, now: HostUs) {
        if let (Some(away_us), Some(last)) = (self.away_us.take(), self.gave_way.last_mut()) {
            last.back_us = Some(now.saturating_sub(away_us));
        }
    }

    /// The running build has just answered input.
    pub(crate) fn answered(&mut self) {
        let now = Instant::now();
        let before = self.answered.replace(now);
        if std::mem::take(&mut self.awaited)
            && self.gaps.len() < MAX_KEPT
            && let Some(before) = before
        {
            self.gaps.push(now - before);
        }
    }
}
