//! After a fault: the build before the running one comes back, another instance is started, or what is buffered plays to its end.

use kinora_pipeline::{State, TimelineStatus};
use kinora_port::{HostUs, InputEvent};

use super::events::is_open;
use super::probation::Pace;
use super::quality::Judged;
use super::{Event, Player, Rest};
use crate::faults::{Faults, WINDOW_US};
use crate::instance::Fault;
use crate::judge::Judge;

/// An installed build that has given way, as long as it may be something else's fault.
pub(super) struct Accused {
    judge: Judge,
    why: String,
    /// If the build before it does not fail either by then, this one is to blame.
    until_us: HostUs,
}

impl Player {
    /// The instance is dead. Its fetches end; the next turn starts another from the last snapshot, unless it has died too often.
    /// `opened`: what the call was told that has to be told again.
    pub(super) fn fault(&mut self, fault: Fault, now: HostUs, opened: Vec<Event>) {
        eprintln!("kinora: {fault}");
        self.stats.faulted(&fault);
        self.meter.failed();
        self.instance = None;
        self.started = None;
        self.wake_us = Some(now);
        let world = self.world.as_mut().expect("the world is lent only during a call");
        for ticket in std::mem::take(&mut world.fetches) {
            world.net.cancel(ticket);
        }
        // The next instance asks again if it still needs it.
        let _ = world.shell.set_awake(false);
        self.pending.retain(is_open);
        opened.into_iter().rev().for_each(|event| self.pending.push_front(event));

        if let Some(Accused { judge, why, .. }) = self.accused.take() {
            self.note_aside(move || {
                judge.excuse(&format!("{why}; but the core before it failed at the same"))
            });
        }
        let unfit = matches!(fault, Fault::Unfit(_));
        if self.roll_back(&fault, now) || unfit && self.fall_back(&fault, now) {
            return;
        }
        if self.faults.add(&fault, now) && !self.fall_back(&fault, now) {
            self.given_up = Some((fault, Rest::Playing));
        }
    }

    /// After a fault of a build that has not proved itself: the one before it is the next to start. Returns whether there is one.
    fn roll_back(&mut self, fault: &Fault, now: HostUs) -> bool {
        let Some(previous) = self.previous.take() else { return false };
        let why = fault.brief();
        if let Some(Judged { judge, .. }) = self.judged.take() {
            // What makes one build fail may make any: that shows when the one before it takes its place.
            if matches!(fault, Fault::Unfit(_)) {
                self.condemn(judge, why.clone());
            } else {
                self.accused = Some(Accused { judge, why: why.clone(), until_us: now + WINDOW_US });
            }
        }
        let why = format!("{why}; the core before it is back");
        eprintln!("kinora: {why}");
        self.swaps.failed(&why);
        self.core = previous.core;
        self.fallback = previous.snapshot;
        self.begin_anew();
        true
    }

    /// An installed core is given up, and another takes its place: the one before it, or the factory's. Whether there is one.
    fn fall_back(&mut self, fault: &Fault, now: HostUs) -> bool {
        let Some(Judged { judge, .. }) = self.judged.take() else { return false };
        let Some(instead) = judge.condemn(&fault.brief()) else { return false };
        match crate::load(&self.engine, &instead, crate::cache_folder().as_deref()) {
            Ok(core) => {
                eprintln!("kinora: the core {} takes its place", instead.display());
                self.judged = Judge::of(&instead).map(|judge| Judged::from(judge, now));
                self.core = core;
                self.begin_anew();
                true
            }
            Err(error) => {
                eprintln!("kinora: {error}");
                false
            }
        }
    }

    /// Another build is the next to start: what was said of the one before it is none of its own.
    fn begin_anew(&mut self) {
        self.pace = Pace::default();
        self.faults = Faults::of_another_build();
        self.comparison = None;
        drop(self.meter.hand_over());
    }

    /// Blames a build that gave way once the one before it has run for a while in its place.
    pub(super) fn blame(&mut self, now: HostUs) {
        if let Some(Accused { judge, why, .. }) = self.accused.take_if(|accused| accused.until_us <= now) {
            self.condemn(judge, why);
        }
    }

    /// When [`Player::blame`] has something to do.
    pub(super) fn blames_us(&self) -> Option<HostUs> {
        self.accused.as_ref().map(|accused| accused.until_us)
    }

    /// Without a core: what is buffered plays to its end, then the card comes, and waits for a key.
    pub(super) fn rest(&mut self, now: HostUs) {
        let pressed = |event: &InputEvent| matches!(event, InputEvent::Key(key) if key.phase == 1);
        let pressed = self.input.poll(now).iter().any(pressed);
        drop(self.inbox.take());
        let world = self.world.as_ref().expect("the world is lent only during a call");
        drop(world.pipeline.take_events());
        let plays = |timeline: &TimelineStatus| timeline.playing && timeline.state == State::Presenting;
        let Some((_, rest)) = &mut self.given_up else { return };
        match rest {
            Rest::Playing if !world.pipeline.status().iter().any(plays) => {
                crate::card::show(&world.stage, self.surface.width_px, self.surface.height_px);
                *rest = Rest::Card;
            }
            Rest::Card if pressed => *rest = Rest::Dismissed,
            _ => {}
        }
    }

    /// Notes that an installed build is bad.
    pub(super) fn condemn(&mut self, judge: Judge, why: String) {
        self.note_aside(move || drop(judge.condemn(&why)));
    }
}
