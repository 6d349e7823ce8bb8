//! Names of keys for scripts, and the script as an input source.

use std::sync::PoisonError;

use kinora_port::{HostUs, InputEvent, InputSource, Key};

use crate::shell::Caused;

/// Name, USB HID usage of the keyboard page, meaning (`wit/player.wit`), text.
const KEYS: &[(&str, u32, u32, &str)] = &[
    // A remote control: meanings only.
    ("up", 0x52, 1, ""),
    ("down", 0x51, 2, ""),
    ("left", 0x50, 3, ""),
    ("right", 0x4f, 4, ""),
    ("ok", 0x28, 5, ""),
    ("back", 0, 6, ""),
    ("home", 0, 7, ""),
    ("menu", 0, 8, ""),
    ("play-pause", 0, 9, ""),
    ("play", 0, 10, ""),
    ("pause", 0, 11, ""),
    ("stop", 0, 12, ""),
    ("next", 0, 13, ""),
    ("previous", 0, 14, ""),
    ("fast-forward", 0, 15, ""),
    ("rewind", 0, 16, ""),
    ("volume-up", 0, 17, ""),
    ("volume-down", 0, 18, ""),
    ("mute", 0, 19, ""),
    ("captions", 0, 20, ""),
    ("info", 0, 21, ""),
    // A keyboard.
    ("space", 0x2c, 0, " "),
    ("esc", 0x29, 0, ""),
    ("tab", 0x2b, 0, ""),
    ("enter", 0x28, 0, ""),
    ("backspace", 0x2a, 0, ""),
    ("pageup", 0x4b, 0, ""),
    ("pagedown", 0x4e, 0, ""),
    ("end", 0x4d, 0, ""),
    ("[", 0x2f, 0, "["),
    ("]", 0x30, 0, "]"),
    ("comma", 0x36, 0, ","),
    (".", 0x37, 0, "."),
    ("<", 0x36, 0, "<"),
    (">", 0x37, 0, ">"),
    ("#", 0x20, 0, "#"),
    ("f7", 0x40, 0, ""),
    ("f8", 0x41, 0, ""),
    ("f9", 0x42, 0, ""),
    ("f10", 0x43, 0, ""),
    ("f11", 0x44, 0, ""),
];

/// The key of a name: one of the table, or a letter or digit.
pub(crate) fn find(name: &str) -> Option<Key> {
    if let Some(&(_, code, meaning, text)) = KEYS.iter().find(|(known, ..)| *known == name) {
        return Some(Key { code, meaning, text: text.into(), ..Key::default() });
    }
    let mut chars = name.chars();
    let (c, None) = (chars.next()?, chars.next()) else { return None };
    let code = match c.to_ascii_lowercase() {
        letter @ 'a'..='z' => 0x04 + (letter as u32 - 'a' as u32),
        '0' => 0x27,
        digit @ '1'..='9' => 0x1e + (digit as u32 - '1' as u32),
        _ => return None,
    };
    let modifiers = u32::from(c.is_ascii_uppercase());
    Some(Key { code, modifiers, text: c.into(), ..Key::default() })
}

/// All names, for `--list-keys`.
pub(crate) fn names() -> String {
    let named: Vec<_> = KEYS.iter().map(|(name, ..)| *name).collect();
    format!("{} and the letters a-z, A-Z and digits 0-9", named.join(" "))
}

/// Presses keys at given times: down, and up a moment later.
pub(crate) struct Script {
    /// In order of time.
    events: std::collections::VecDeque<(HostUs, InputEvent)>,
    caused: Caused,
}

impl Script {
    /// How long a key is held.
    const HELD_US: HostUs = 50_000;

    pub(crate) fn new(open: Vec<String>, keys: &[(HostUs, String)], caused: Caused) -> Self {
        let mut events = vec![(0, InputEvent::Open { sources: open, append: false })];
        for (at, name) in keys {
            let key = find(name).expect("names were checked with the command line");
            events.push((*at, InputEvent::Key(Key { phase: 1, host_us: *at, ..key.clone() })));
            let up = at + Self::HELD_US;
            events.push((up, InputEvent::Key(Key { phase: 3, host_us: up, ..key })));
        }
        events.sort_by_key(|(at, _)| *at);
        Script { events: events.into(), caused }
    }
}

impl InputSource for Script {
    fn poll(&mut self, now_us: HostUs) -> Vec<InputEvent> {
        let due = self.events.partition_point(|(at, _)| *at <= now_us);
        let mut caused = self.caused.lock().unwrap_or_else(PoisonError::into_inner);
        caused.drain(..).chain(self.events.drain(..due).map(|(_, event)| event)).collect()
    }

    fn next_us(&self) -> Option<HostUs> {
        if !self.caused.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return Some(0);
        }
        self.events.front().map(|(at, _)| *at)
    }
}
