//! A build that has taken over has to prove itself against the one before it, which is kept meanwhile and comes back at a fault.

use kinora_pipeline::{State, TimelineStatus};
use kinora_port::HostUs;

use super::Player;
use crate::cores::Judge;
use crate::engine::Core;
use crate::faults::Faults;
use crate::instance::{Fault, Instance};
use crate::turn::Staged;

/// Until a build shows something the picture of the one before stays, for which it has so long.
const SHOWS_WITHIN_US: u64 = 1_000_000;
/// A build may take twice the memory of the one before it and so much more: fonts that are loaded on demand are the largest part.
const MEMORY_MARGIN: usize = 32 << 20;
/// A build that runs so long without a fault has proved itself.
pub(super) const PROBATION_US: u64 = 60_000_000;

/// Playback may wait so long altogether while the network answers, before a build that has not proved itself is blamed for it...
const WAITS_US: u64 = 3_000_000;
/// ...and so long where it waited already when that build took over.
const WAITS_ON_US: u64 = 10_000_000;
/// A network that has been silent for so long is to blame itself.
const SILENCE_US: u64 = 1_000_000;
/// Less at a time is no media: a live stream whose server has nothing new is asked again and again for its playlist...
const ANSWER_BYTES: usize = 16 << 10;
/// ...at least so often (RFC 8216 section 6.3.4, with segments of ten seconds). Who does not ask at all waits for nothing.
const ASKS_WITHIN_US: u64 = 12_000_000;

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
    waits: Waits,
}

/// For how long playback has waited for a build, though the network answered or was not asked.
#[derive(Default)]
struct Waits {
    seen_us: HostUs,
    total_us: u64,
    may_us: u64,
    /// When media last came, and when a fetch last ran.
    heard_us: HostUs,
    asked_us: HostUs,
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

impl Previous {
    /// The build before, its last instance and its last snapshot.
    pub(super) fn new(core: Core, instance: Option<&Instance>, snapshot: Option<Vec<u8>>) -> Self {
        Previous {
            core,
            snapshot,
            until_us: 0,
            shows_by_us: None,
            memory_bytes: 2 * instance.map_or(0, Instance::memory_bytes) + MEMORY_MARGIN,
            was_fast: false,
            waits: Waits::default(),
        }
    }

    /// Its snapshot, if it is this build.
    pub(super) fn snapshot_of(&self, core: &Core) -> Option<Option<Vec<u8>>> {
        (self.core.sha256 == core.sha256).then(|| self.snapshot.clone())
    }
}

impl Player {
    /// From `now` on the running build has to prove itself. `shows`: its first picture is there; `waiting`: playback waited already.
    pub(super) fn put_on_probation(&mut self, previous: Previous, shows: bool, waiting: bool, now: HostUs) {
        let may_us = if waiting { WAITS_ON_US } else { WAITS_US };
        self.previous = Some(Previous {
            until_us: now + PROBATION_US,
            shows_by_us: (!shows).then_some(now + SHOWS_WITHIN_US),
            was_fast: std::mem::take(&mut self.pace).slow_calls() <= Pace::CALLS / 5,
            waits: Waits { seen_us: now, total_us: 0, may_us, heard_us: now, asked_us: now },
            ..previous
        });
    }

    /// Forgets the build before once the running one has proved itself.
    pub(super) fn end_probation(&mut self, now: HostUs) {
        self.previous = self.previous.take().filter(|previous| now < previous.until_us);
    }

    /// When [`Player::turn`] wants to know whether the new build has shown something.
    pub(super) fn shows_by_us(&self) -> Option<HostUs> {
        self.previous.as_ref().and_then(|previous| previous.shows_by_us)
    }

    /// When [`Player::turn`] is to look again whether playback waits.
    pub(super) fn waits_until_us(&self) -> Option<HostUs> {
        let waits = self.previous.as_ref().map(|previous| &previous.waits)?;
        self.is_waiting().then_some(waits.seen_us + SILENCE_US)
    }

    /// Whether something that is to play cannot.
    pub(super) fn is_waiting(&self) -> bool {
        let waits = |timeline: &TimelineStatus| timeline.playing && timeline.state == State::Stalled;
        self.world().pipeline.status().iter().any(waits)
    }

    /// Counts how long playback has waited for a build that has not proved itself. So many `bytes` have come.
    pub(super) fn count_waits(&mut self, bytes: usize, now: HostUs) -> Result<(), Fault> {
        if self.previous.is_none() {
            return Ok(());
        }
        let waiting = self.is_waiting();
        let asked = !self.world().fetches.is_empty();
        let Some(Previous { waits, .. }) = &mut self.previous else { return Ok(()) };
        if bytes >= ANSWER_BYTES {
            waits.heard_us = now;
        }
        if asked {
            waits.asked_us = now;
        }
        let since = now - std::mem::replace(&mut waits.seen_us, now);
        let idle = now >= waits.asked_us + ASKS_WITHIN_US;
        if waiting && (idle || now < waits.heard_us + SILENCE_US) {
            waits.total_us += since;
        }
        if waits.total_us <= waits.may_us {
            return Ok(());
        }
        Err(Fault::Unfit("lets playback wait though the network answers".into()))
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
    pub(super) fn look_at(&self, staged: &Staged, now: HostUs) -> Result<(), Fault> {
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

    /// After a fault of a build that has not proved itself: the one before it is the next to start. Returns whether there is one.
    pub(super) fn roll_back(&mut self, fault: &Fault) -> bool {
        let Some(previous) = self.previous.take() else { return false };
        if let Some((judge, _)) = self.judge.take() {
            condemn(judge, fault.brief());
        }
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

/// Notes that an installed build is bad.
pub(super) fn condemn(judge: Judge, why: String) {
    aside(move || drop(judge.condemn(&why)));
}

/// Does something with a disk, which can take longer than a call may.
pub(crate) fn aside(work: impl FnOnce() + Send + 'static) {
    // Without a thread it is not noted, and found again.
    let _ = std::thread::Builder::new().name("cores".into()).spawn(work);
}
