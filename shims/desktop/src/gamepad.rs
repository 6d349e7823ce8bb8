//! Gamepads as keys, in the layout of the W3C standard gamepad.
//!
//! Codes are those of the kernel's gamepad specification, which its drivers keep to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gilrs_core::native_ev_codes as codes;
use gilrs_core::{EvCode, EventType, Gilrs};
use kinora_host::realtime::{Input, spawn};
use kinora_port::{InputEvent, Key};

use crate::keys::{meaning, phase};

/// Codes of buttons begin here (`wit/player.wit`).
const CODES: u32 = 0x10000;

/// Code of the kernel, index in the standard gamepad (W3C Gamepad, section 7), what it means everywhere.
const BUTTONS: [(EvCode, u32, u32); 17] = [
    (codes::BTN_SOUTH, 0, meaning::OK),
    (codes::BTN_EAST, 1, meaning::BACK),
    (codes::BTN_WEST, 2, 0),
    (codes::BTN_NORTH, 3, 0),
    (codes::BTN_LT, 4, 0),
    (codes::BTN_RT, 5, 0),
    (codes::BTN_LT2, 6, 0),
    (codes::BTN_RT2, 7, 0),
    (codes::BTN_SELECT, 8, 0),
    (codes::BTN_START, 9, 0),
    (codes::BTN_LTHUMB, 10, 0),
    (codes::BTN_RTHUMB, 11, 0),
    (codes::BTN_DPAD_UP, 12, meaning::UP),
    (codes::BTN_DPAD_DOWN, 13, meaning::DOWN),
    (codes::BTN_DPAD_LEFT, 14, meaning::LEFT),
    (codes::BTN_DPAD_RIGHT, 15, meaning::RIGHT),
    (codes::BTN_MODE, 16, 0),
];

/// Listens on a thread of its own. A system without gamepads, or without access to them, is none to report.
pub(crate) fn start(input: Arc<Input>) {
    let listen = move || {
        let Ok(mut gamepads) = Gilrs::new() else { return };
        let mut hats = Hats::default();
        loop {
            let Some(event) = gamepads.next_event_blocking(None) else {
                // Interrupted, or the kernel's interface is broken for good: not in a tight loop.
                std::thread::sleep(Duration::from_secs(1));
                continue;
            };
            for (phase, button) in hats.presses(event.id, event.event) {
                if let Some((_, index, meaning)) = BUTTONS.iter().find(|(code, ..)| *code == button) {
                    let (code, meaning) = (CODES + index, *meaning);
                    let key = Key { code, meaning, phase, host_us: input.now(), ..Key::default() };
                    input.send(InputEvent::Key(key));
                }
            }
        }
    };
    // Without the thread there are no gamepads; everything else works.
    let _ = spawn("gamepads", listen);
}

/// Where directional pads that are axes stand: what they held must be released.
#[derive(Default)]
struct Hats(BTreeMap<(usize, bool), EvCode>);

impl Hats {
    /// The buttons that an event presses and releases.
    fn presses(&mut self, gamepad: usize, event: EventType) -> Vec<(u32, EvCode)> {
        let (vertical, value) = match event {
            EventType::ButtonPressed(button) => return vec![(phase::DOWN, button)],
            EventType::ButtonReleased(button) => return vec![(phase::UP, button)],
            EventType::AxisValueChanged(value, codes::AXIS_DPADX) => (false, value),
            EventType::AxisValueChanged(value, codes::AXIS_DPADY) => (true, value),
            _ => return Vec::new(),
        };
        let button = match (vertical, value.signum()) {
            (true, -1) => Some(codes::BTN_DPAD_UP),
            (true, 1) => Some(codes::BTN_DPAD_DOWN),
            (false, -1) => Some(codes::BTN_DPAD_LEFT),
            (false, 1) => Some(codes::BTN_DPAD_RIGHT),
            _ => None,
        };
        let held = match button {
            Some(button) => self.0.insert((gamepad, vertical), button),
            None => self.0.remove(&(gamepad, vertical)),
        };
        let released = held.filter(|held| Some(*held) != button).map(|held| (phase::UP, held));
        let pressed = button.filter(|button| Some(*button) != held).map(|button| (phase::DOWN, button));
        released.into_iter().chain(pressed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hat_moved_across_releases_one_side_and_presses_the_other() {
        let mut hats = Hats::default();
        let mut turn = |value| hats.presses(0, EventType::AxisValueChanged(value, codes::AXIS_DPADY));
        assert_eq!(turn(-1), [(phase::DOWN, codes::BTN_DPAD_UP)]);
        assert_eq!(turn(1), [(phase::UP, codes::BTN_DPAD_UP), (phase::DOWN, codes::BTN_DPAD_DOWN)]);
        assert_eq!(turn(1), []);
        assert_eq!(turn(0), [(phase::UP, codes::BTN_DPAD_DOWN)]);
    }

    #[test]
    fn buttons_stand_in_the_order_of_the_standard_gamepad() {
        assert!(BUTTONS.iter().zip(0..).all(|((_, index, _), at)| *index == at));
    }
}
