//! Events of one device as keys of the contract.

use std::collections::{BTreeMap, BTreeSet};

use evdev::{AbsoluteAxisCode, EventSummary, InputEvent, KeyCode};
use kinora_port::{HostUs, Key, phase};

use crate::keymap::{Bound, Keymap};

/// What one device holds down, so that nothing stays held when it goes away.
#[derive(Default)]
pub(crate) struct Translator {
    held: BTreeSet<KeyCode>,
    /// The buttons that directional pads stand for which are axes, by axis.
    hats: BTreeMap<u16, KeyCode>,
}

impl Translator {
    /// The keys that an event presses, repeats and releases.
    pub(crate) fn keys(&mut self, event: InputEvent, keymap: &Keymap, host_us: HostUs) -> Vec<Key> {
        let mut keys = Vec::new();
        match event.destructure() {
            EventSummary::Key(_, key, value) => {
                let phase = match value {
                    0 => phase::UP,
                    1 => phase::DOWN,
                    _ => phase::REPEAT,
                };
                keys.extend(self.key(key, phase, keymap, host_us));
            }
            EventSummary::AbsoluteAxis(_, axis, value) => {
                let button = hat(axis, value);
                let held = match button {
                    Some(button) => self.hats.insert(axis.0, button),
                    None => self.hats.remove(&axis.0),
                };
                if held != button {
                    keys.extend(held.and_then(|key| self.key(key, phase::UP, keymap, host_us)));
                    keys.extend(button.and_then(|key| self.key(key, phase::DOWN, keymap, host_us)));
                }
            }
            _ => {}
        }
        keys
    }

    /// Releases whatever is held.
    pub(crate) fn release(&mut self, keymap: &Keymap, host_us: HostUs) -> Vec<Key> {
        let held = std::mem::take(&mut self.held);
        self.hats.clear();
        held.into_iter().filter_map(|key| self.key(key, phase::UP, keymap, host_us)).collect()
    }

    /// Bits of the modifiers that are held (`key.modifiers` of `wit/player.wit`).
    pub(crate) fn modifiers(&self, keymap: &Keymap) -> u32 {
        let bound = self.held.iter().filter_map(|key| keymap.get(key.code()));
        bound.map(modifier).fold(0, |held, bit| held | bit)
    }

    fn key(&mut self, key: KeyCode, phase: u32, keymap: &Keymap, host_us: HostUs) -> Option<Key> {
        let bound = keymap.get(key.code())?;
        match phase {
            phase::UP => self.held.remove(&key),
            _ => self.held.insert(key),
        };
        Some(Key { code: bound.code, meaning: bound.meaning, phase, host_us, ..Key::default() })
    }
}

/// Bit of a key that is a modifier, 0 for others.
fn modifier(bound: Bound) -> u32 {
    match bound.code {
        0xe1 | 0xe5 => 1,
        0xe0 | 0xe4 => 2,
        0xe2 | 0xe6 => 4,
        0xe3 | 0xe7 => 8,
        _ => 0,
    }
}

/// The button that a directional pad stands for, where it is a pair of axes (kernel, gamepad specification).
fn hat(axis: AbsoluteAxisCode, value: i32) -> Option<KeyCode> {
    match (axis, value.signum()) {
        (AbsoluteAxisCode::ABS_HAT0X, -1) => Some(KeyCode::BTN_DPAD_LEFT),
        (AbsoluteAxisCode::ABS_HAT0X, 1) => Some(KeyCode::BTN_DPAD_RIGHT),
        (AbsoluteAxisCode::ABS_HAT0Y, -1) => Some(KeyCode::BTN_DPAD_UP),
        (AbsoluteAxisCode::ABS_HAT0Y, 1) => Some(KeyCode::BTN_DPAD_DOWN),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use evdev::EventType;
    use kinora_port::meaning;

    use super::*;

    fn turned(translator: &mut Translator, kind: EventType, code: u16, value: i32) -> Vec<(u32, u32)> {
        let event = InputEvent::new(kind.0, code, value);
        let keys = translator.keys(event, &Keymap::default(), 0);
        keys.into_iter().map(|key| (key.phase, key.meaning)).collect()
    }

    #[test]
    fn hat_moved_across_releases_one_side_and_presses_the_other() {
        let mut translator = Translator::default();
        let mut turn =
            |value| turned(&mut translator, EventType::ABSOLUTE, AbsoluteAxisCode::ABS_HAT0Y.0, value);
        assert_eq!(turn(-1), [(phase::DOWN, meaning::UP)]);
        assert_eq!(turn(1), [(phase::UP, meaning::UP), (phase::DOWN, meaning::DOWN)]);
        assert_eq!(turn(1), []);
        assert_eq!(turn(0), [(phase::UP, meaning::DOWN)]);
    }

    #[test]
    fn release_of_a_device_that_is_gone_lets_go_of_what_it_held() {
        let mut translator = Translator::default();
        let mut press = |key: KeyCode, value| turned(&mut translator, EventType::KEY, key.code(), value);
        press(KeyCode::KEY_OK, 1);
        press(KeyCode::KEY_OK, 2);
        press(KeyCode::KEY_BACK, 1);
        press(KeyCode::KEY_BACK, 0);
        press(KeyCode::KEY_POWER, 1);
        let released = translator.release(&Keymap::default(), 7);
        let expected =
            Key { code: 0x28, meaning: meaning::OK, phase: phase::UP, host_us: 7, ..Key::default() };
        assert_eq!(released, [expected]);
        assert_eq!(translator.release(&Keymap::default(), 8), []);
    }

    #[test]
    fn modifiers_of_both_hands_count_once() {
        let mut translator = Translator::default();
        for key in [KeyCode::KEY_LEFTSHIFT, KeyCode::KEY_RIGHTSHIFT, KeyCode::KEY_LEFTALT] {
            turned(&mut translator, EventType::KEY, key.code(), 1);
        }
        assert_eq!(translator.modifiers(&Keymap::default()), 1 | 4);
    }
}
