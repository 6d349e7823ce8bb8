//! A core that fails when told to, so that tests and benches know the moment: F7 traps, F8 never returns, and from F9 on each item gives an
//! error, from F10 on the network seems slow, from F11 on keys are answered late.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};

use crate::bindings::exports::kinora::shim::player::{Event, Turn};
use crate::bindings::kinora::shim::log;
use crate::bindings::kinora::shim::timeline::{Change, State};

/// USB HID usages of the keyboard page (HID Usage Tables 1.5, section 10).
const F7: u32 = 0x40;
const F8: u32 = 0x41;
const F9: u32 = 0x42;
const F10: u32 = 0x43;
const F11: u32 = 0x44;
const DOWN: u32 = 1;

const NET_LATE_US: u64 = 3_000_000;
const KEYS_LATE_US: u64 = 500_000;

#[derive(Default)]
struct Faults {
    /// Keys that were pressed.
    told: BTreeSet<u32>,
    /// Timelines that have given an error.
    failed: BTreeSet<u64>,
    /// What comes late, with when.
    late: VecDeque<(u64, Event)>,
}

thread_local! {
    static FAULTS: RefCell<Faults> = RefCell::default();
}

/// Makes a call of what is to be heard of these events by now. Fails if one of the keys was pressed.
pub(crate) fn pass(now: u64, events: Vec<Event>, call: impl FnOnce(Vec<Event>) -> Turn) -> Turn {
    let (heard, late_us) = FAULTS.with_borrow_mut(|faults| {
        let mut heard: Vec<Event> = events.into_iter().filter_map(|event| faults.hold(now, event)).collect();
        let (due, late): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut faults.late).into_iter().partition(|(at, _)| *at <= now);
        faults.late = late;
        heard.extend(due.into_iter().map(|(_, event)| event));
        (heard, faults.late.iter().map(|(at, _)| *at).min())
    });
    let turn = call(heard);
    Turn { wake_us: [turn.wake_us, late_us].into_iter().flatten().min(), ..turn }
}

impl Faults {
    /// The event, unless it is to be late.
    fn hold(&mut self, now: u64, event: Event) -> Option<Event> {
        let late_us = match &event {
            Event::Key(key) if key.phase == DOWN && key.code == F7 => panic!("on purpose"),
            Event::Key(key) if key.phase == DOWN && key.code == F8 => loop {
                std::hint::black_box(());
            },
            Event::Key(key) if key.phase == DOWN && (F9..=F11).contains(&key.code) => {
                self.told.insert(key.code);
                0
            }
            Event::Key(_) if self.told.contains(&F11) => KEYS_LATE_US,
            Event::Net(_) if self.told.contains(&F10) => NET_LATE_US,
            Event::Timeline((id, _, Change::State(State::Presenting)))
                if self.told.contains(&F9) && self.failed.insert(*id) =>
            {
                log::write(1, "on purpose");
                0
            }
            _ => 0,
        };
        if late_us == 0 {
            return Some(event);
        }
        self.late.push_back((now + late_us, event));
        None
    }
}
