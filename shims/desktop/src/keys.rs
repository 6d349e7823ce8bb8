//! Keys of the window as the contract's: physical keys by USB HID usage, media keys by meaning.

use kinora_port::{HostUs, Key, meaning, phase};
use winit::event::{ElementState, KeyEvent};
use winit::keyboard::{Key as Logical, KeyCode, ModifiersState, NamedKey, PhysicalKey};

/// The contract's key for one of the window's.
pub(crate) fn translate(event: &KeyEvent, modifiers: ModifiersState, host_us: HostUs) -> Key {
    let pressed = event.state == ElementState::Pressed;
    Key {
        code: match event.physical_key {
            PhysicalKey::Code(code) => usage(code),
            PhysicalKey::Unidentified(_) => 0,
        },
        meaning: match &event.logical_key {
            Logical::Named(name) => meaning_of(*name),
            _ => 0,
        },
        phase: match (pressed, event.repeat) {
            (false, _) => phase::UP,
            (true, false) => phase::DOWN,
            (true, true) => phase::REPEAT,
        },
        modifiers: modifier_bits(modifiers),
        text: event.text.as_deref().filter(|_| pressed).map(typed).unwrap_or_default(),
        host_us,
    }
}

/// Bits of held modifiers.
pub(crate) fn modifier_bits(modifiers: ModifiersState) -> u32 {
    u32::from(modifiers.shift_key())
        | u32::from(modifiers.control_key()) << 1
        | u32::from(modifiers.alt_key()) << 2
        | u32::from(modifiers.super_key()) << 3
}

/// Enter and Escape "type" control characters; those are no text.
fn typed(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// What a media key means. Others mean whatever the core binds to them.
fn meaning_of(key: NamedKey) -> u32 {
    match key {
        NamedKey::BrowserBack | NamedKey::GoBack => meaning::BACK,
        NamedKey::BrowserHome | NamedKey::GoHome => meaning::HOME,
        NamedKey::MediaPlayPause => meaning::PLAY_PAUSE,
        NamedKey::MediaPlay => meaning::PLAY,
        NamedKey::MediaPause => meaning::PAUSE,
        NamedKey::MediaStop => meaning::STOP,
        NamedKey::MediaTrackNext => meaning::NEXT,
        NamedKey::MediaTrackPrevious => meaning::PREVIOUS,
        NamedKey::MediaFastForward => meaning::FAST_FORWARD,
        NamedKey::MediaRewind => meaning::REWIND,
        NamedKey::AudioVolumeUp => meaning::VOLUME_UP,
        NamedKey::AudioVolumeDown => meaning::VOLUME_DOWN,
        NamedKey::AudioVolumeMute => meaning::MUTE,
        NamedKey::ClosedCaptionToggle | NamedKey::Subtitle => meaning::CAPTIONS,
        NamedKey::Info => meaning::INFO,
        NamedKey::MediaTopMenu => meaning::MENU,
        _ => 0,
    }
}

/// Keys in the order of their usages, from the first on (HID Usage Tables 1.5, section 10, keyboard page).
const RUNS: &[(u32, &[KeyCode])] = {
    use KeyCode::*;
    &[
        (0x04, &[KeyA, KeyB, KeyC, KeyD, KeyE, KeyF, KeyG, KeyH, KeyI, KeyJ, KeyK, KeyL, KeyM]),
        (0x11, &[KeyN, KeyO, KeyP, KeyQ, KeyR, KeyS, KeyT, KeyU, KeyV, KeyW, KeyX, KeyY, KeyZ]),
        (0x1E, &[Digit1, Digit2, Digit3, Digit4, Digit5, Digit6, Digit7, Digit8, Digit9, Digit0]),
        (0x28, &[Enter, Escape, Backspace, Tab, Space, Minus, Equal, BracketLeft, BracketRight, Backslash]),
        (0x33, &[Semicolon, Quote, Backquote, Comma, Period, Slash, CapsLock]),
        (0x3A, &[F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12]),
        (0x46, &[PrintScreen, ScrollLock, Pause, Insert, Home, PageUp, Delete, End, PageDown]),
        (0x4F, &[ArrowRight, ArrowLeft, ArrowDown, ArrowUp]),
        (0x53, &[NumLock, NumpadDivide, NumpadMultiply, NumpadSubtract, NumpadAdd, NumpadEnter]),
        (0x59, &[Numpad1, Numpad2, Numpad3, Numpad4, Numpad5, Numpad6, Numpad7, Numpad8, Numpad9, Numpad0]),
        (0x63, &[NumpadDecimal, IntlBackslash, ContextMenu, Power, NumpadEqual]),
        (0x68, &[F13, F14, F15, F16, F17, F18, F19, F20, F21, F22, F23, F24]),
        (0x74, &[Open, Help, Props, Select]),
        (0x79, &[Again, Undo, Cut, Copy, Paste, Find, AudioVolumeMute, AudioVolumeUp, AudioVolumeDown]),
        (0x85, &[NumpadComma]),
        (0x87, &[IntlRo, KanaMode, IntlYen, Convert, NonConvert]),
        (0x90, &[Lang1, Lang2, Lang3, Lang4, Lang5]),
        (0xE0, &[ControlLeft, ShiftLeft, AltLeft, SuperLeft, ControlRight, ShiftRight, AltRight, SuperRight]),
    ]
};

/// USB HID usage of a key; 0 where the keyboard page has none, as for most media keys.
fn usage(code: KeyCode) -> u32 {
    let found = RUNS.iter().find_map(|(first, run)| {
        let at = run.iter().position(|key| *key == code)?;
        Some(first + at as u32)
    });
    found.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeyCode::*;

    #[test]
    fn usage_of_keys_at_both_ends_of_runs_matches_the_hid_tables() {
        let known = [
            (KeyA, 0x04),
            (KeyM, 0x10),
            (KeyN, 0x11),
            (KeyZ, 0x1D),
            (Digit0, 0x27),
            (Enter, 0x28),
            (Space, 0x2C),
            (BracketLeft, 0x2F),
            (Backslash, 0x31),
            (Semicolon, 0x33),
            (Comma, 0x36),
            (CapsLock, 0x39),
            (F11, 0x44),
            (F12, 0x45),
            (Home, 0x4A),
            (PageDown, 0x4E),
            (ArrowRight, 0x4F),
            (ArrowUp, 0x52),
            (NumpadEnter, 0x58),
            (Numpad0, 0x62),
            (ContextMenu, 0x65),
            (F24, 0x73),
            (AudioVolumeDown, 0x81),
            (NonConvert, 0x8B),
            (SuperRight, 0xE7),
            (MediaPlayPause, 0),
        ];
        for (key, expected) in known {
            assert_eq!(usage(key), expected, "{key:?}");
        }
    }

    #[test]
    fn runs_never_overlap() {
        for pair in RUNS.windows(2) {
            assert!(pair[0].0 + pair[0].1.len() as u32 <= pair[1].0, "{:?}", pair[1]);
        }
    }

    #[test]
    fn modifier_bits_follow_the_contract() {
        let both = ModifiersState::SHIFT | ModifiersState::ALT;
        assert_eq!((modifier_bits(both), modifier_bits(ModifiersState::SUPER)), (5, 8));
    }

    #[test]
    fn typed_control_character_is_no_text() {
        assert_eq!((typed("\r"), typed("<"), typed("\u{1b}")), (String::new(), "<".into(), String::new()));
    }
}
