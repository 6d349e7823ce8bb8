//! For a minute after a build has taken over, the one before it is kept ready to come back at once.

use kinora_pipeline::{State, TimelineStatus};
use kinora_port::HostUs;

use super::Player;
use crate::engine::Core;
use crate::instance::Fault;
use crate::turn::Staged;

/// Until a build shows something the picture of the one before stays, for which it has so long.
const SHOWS_WITHIN_US: u64 = 1_000_000;
/// For so long the build before is kept, and an installed one that runs so long without a fault has come up.
pub(super) const PROBATION_US: u64 = 60_000_000;

/// Playback may wait so long altogether without need, before a build that has not proved itself is blamed for it...
const WAITS_US: u64 = 3_000_000;
/// ...and so long where it waited already when that build took over.
const WAITS_ON_US: u64 = 10_000_000;
/// Two seconds of a film of 64 Mbit/s: when so much has come during a wait, it is not the network that playback waits for.
const ENOUGH_BYTES: usize = 16 << 20;
/// Who has asked for something within this time waits for it: a live stream whose server has nothing new is asked again, at least so often
/// (RFC 8216 section 6.3.4, with segments of ten seconds).
const ASKS_WITHIN_US: u64 = 12_000_000;
/// How often a wait is looked at.
const LOOK_EVERY_US: u64 = 1_000_000;

/// What a fault goes back to.
pub(super) struct Previous {
    pub(super) core: Core,
    /// Its last.
    pub(super) snapshot: Option<Vec<u8>>,
    until_us: HostUs,
    /// Until when the new build has to show something; none once it has.
    shows_by_us: Option<HostUs>,
    /// Whether it answered fast itself: on a slow machine the new build need not be faster.
    was_fast: bool,
    waits: Waits,
}

/// For how long playback has waited for a build that asked for nothing, or got enough.
#[derive(Default)]
struct Waits {
    seen_us: HostUs,
    total_us: u64,
    may_us: u64,
    /// Bytes that came since this wait began.
    heard_bytes: usize,
    /// When a fetch last ran.
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
    /// The build before and its last snapshot.
    pub(super) fn new(core: Core, snapshot: Option<Vec<u8>>) -> Self {
        Previous { core, snapshot, until_us: 0, shows_by_us: None, was_fast: false, waits: Waits::default() }
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
            waits: Waits { seen_us: now, may_us, asked_us: now, ..Waits::default() },
            ..previous
        });
    }

    /// Forgets the build before once the running one has proved itself.
    pub(super) fn end_probation(&mut self, now: HostUs) {
        if self.previous.take_if(|previous| previous.until_us <= now).is_some() && self.judged.is_none() {
            // There is nothing any more that could come back.
            self.comparison = None;
        }
    }

    /// When [`Player::turn`] wants to know whether the new build has shown something.
    pub(super) fn shows_by_us(&self) -> Option<HostUs> {
        self.previous.as_ref().and_then(|previous| previous.shows_by_us)
    }

    /// When [`Player::turn`] is to look again whether playback waits.
    pub(super) fn waits_until_us(&self) -> Option<HostUs> {
        let waits = self.previous.as_ref().map(|previous| &previous.waits)?;
        self.is_waiting().then_some(waits.seen_us + LOOK_EVERY_US)
    }

    /// Whether something that is to play cannot.
    pub(super) fn is_waiting(&self) -> bool {
        let waits = |timeline: &TimelineStatus| timeline.playing && timeline.state == State::Stalled;
        self.world().pipeline.status().iter().any(waits)
    }

    /// Counts how long playback has waited for a build that has not proved itself. `heard_bytes` have come.
    pub(super) fn count_waits(&mut self, heard_bytes: usize, now: HostUs) -> Result<(), Fault> {
        if self.previous.is_none() {
            return Ok(());
        }
        let waiting = self.is_waiting();
        let asked = !self.world().fetches.is_empty();
        let Some(Previous { waits, .. }) = &mut self.previous else { return Ok(()) };
        let since = now - std::mem::replace(&mut waits.seen_us, now);
        waits.heard_bytes = if waiting { waits.heard_bytes + heard_bytes } else { 0 };
        if asked {
            waits.asked_us = now;
        }
        let idle = now >= waits.asked_us + ASKS_WITHIN_US;
        if waiting && (idle || waits.heard_bytes > ENOUGH_BYTES) {
            waits.total_us += since;
        }
        if waits.total_us <= waits.may_us {
            return Ok(());
        }
        Err(Fault::Unfit("lets playback wait without need".into()))
    }

    /// Whether a build that has not proved itself answers about as fast as the one before it.
    pub(super) fn keeps_pace(&self) -> Result<(), Fault> {
        let was_fast = self.previous.as_ref().is_some_and(|previous| previous.was_fast);
        if was_fast && self.pace.slow_calls() > Pace::CALLS / 2 {
            let most = self.config.limits.slow.as_millis();
            return Err(Fault::Unfit(format!("takes longer than {most} ms for most calls")));
        }
        Ok(())
    }

    /// Looks at the first list of a new build, before it takes the place of the old one's.
    pub(super) fn look_at_first(&mut self, staged: &Staged, now: HostUs) -> Result<(), Fault> {
        if self.shows_by_us().is_some() && staged.list.is_some() {
            self.look_at(staged, now)?;
            self.previous = self.previous.take().map(|previous| Previous { shows_by_us: None, ..previous });
            self.tell("shows its first picture");
        }
        Ok(())
    }

    /// Tells of the running build, for its developers among others: `cargo xtask dev` waits for it.
    pub(super) fn tell(&mut self, what: &str) {
        let told = format!("core {} {what}", self.core.sha256);
        self.world_mut().log.write(3, &told);
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
}
