//! A core that fails when told to, so that a bench knows the moment: F7 traps, F8 never returns.

use crate::bindings::exports::kinora::shim::player::Event;

/// USB HID usages of the keyboard page (HID Usage Tables 1.5, section 10).
const F7: u32 = 0x40;
const F8: u32 = 0x41;
const DOWN: u32 = 1;

/// Fails if one of the keys was pressed.
pub(crate) fn on_key(events: &[Event]) {
    for event in events {
        match event {
            Event::Key(key) if key.phase == DOWN && key.code == F7 => panic!("on purpose"),
            Event::Key(key) if key.phase == DOWN && key.code == F8 => loop {
                std::hint::black_box(());
            },
            _ => {}
        }
    }
}
