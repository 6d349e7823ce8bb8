//! Which key of the kernel is which key of the contract.

use std::collections::BTreeMap;
use std::path::Path;

use evdev::KeyCode;
use kinora_port::meaning;

/// The map that ships; its comment describes the format.
const DEFAULT: &str = include_str!("../keymap.txt");
/// Codes of buttons begin here (`wit/player.wit`).
const BUTTONS: u32 = 0x10000;
/// Buttons of the standard gamepad (W3C Gamepad, section 7).
const BUTTON_COUNT: u32 = 17;

/// What a key is to the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bound {
    /// `key.code` of `wit/player.wit`.
    pub(crate) code: u32,
    /// `key.meaning` of `wit/player.wit`.
    pub(crate) meaning: u32,
}

/// The keys of the kernel that the player takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap(BTreeMap<u16, Bound>);

impl Default for Keymap {
    fn default() -> Self {
        let mut map = Keymap(BTreeMap::new());
        map.read(DEFAULT).expect("the map that ships is well-formed");
        map
    }
}

impl Keymap {
    /// The built-in map with the person's own over it.
    pub fn with(file: Option<&Path>) -> Result<Keymap, String> {
        let mut keymap = Keymap::default();
        if let Some(path) = file {
            let wrong = |e: String| format!("{}: {e}", path.display());
            let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
            keymap.read(&text).map_err(wrong)?;
        }
        Ok(keymap)
    }

    /// Reads lines of a map over what is there. The error names the line and the word, for the person who wrote it.
    pub fn read(&mut self, text: &str) -> Result<(), String> {
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(name) = words.next() else { continue };
            let at = |problem: String| format!("line {}: {problem}", number + 1);
            let key: KeyCode = name.parse().map_err(|_| at(format!("the kernel has no key `{name}`")))?;
            let mut bound = Bound::default();
            for word in words {
                bound.add(word).map_err(at)?;
            }
            match bound == Bound::default() {
                true => self.0.remove(&key.code()),
                false => self.0.insert(key.code(), bound),
            };
        }
        Ok(())
    }

    /// What a key is, if anything.
    pub(crate) fn get(&self, key: u16) -> Option<Bound> {
        self.0.get(&key).copied()
    }
}

impl Bound {
    fn add(&mut self, word: &str) -> Result<(), String> {
        if let Some(hex) = word.strip_prefix("0x") {
            let usage = u32::from_str_radix(hex, 16).ok().filter(|usage| (4..=0xe7).contains(usage));
            self.code = usage.ok_or(format!("`{word}` is no key of the HID keyboard page"))?;
        } else if let Some(index) = word.strip_prefix("button:") {
            let index = index.parse::<u32>().ok().filter(|index| *index < BUTTON_COUNT);
            let index = index.ok_or(format!("`{word}`: buttons are 0 to {}", BUTTON_COUNT - 1))?;
            self.code = BUTTONS + index;
        } else if word != "none" {
            self.meaning = meaning::named(word).ok_or(format!("`{word}` is no meaning of a key"))?;
        }
        Ok(())
    }
}

/// What a key types on a keyboard with the American layout; boxes know no other.
pub(crate) fn text(usage: u32, shift: bool) -> String {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz1234567890";
    const SHIFTED_LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()";
    const SIGNS: &str = " -=[]\\\0;'`,./";
    const SHIFTED_SIGNS: &str = " _+{}|\0:\"~<>?";
    let (letters, signs) = if shift { (SHIFTED_LETTERS, SHIFTED_SIGNS) } else { (LETTERS, SIGNS) };
    let at = |from: u32| usage.checked_sub(from).map(|index| index as usize);
    let letter = at(0x04).and_then(|index| letters.chars().nth(index));
    let sign = || at(0x2c).and_then(|index| signs.chars().nth(index)).filter(|sign| *sign != '\0');
    letter.or_else(sign).map(String::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(map: &Keymap, key: KeyCode) -> Option<(u32, u32)> {
        map.get(key.code()).map(|bound| (bound.code, bound.meaning))
    }

    #[test]
    fn default_map_knows_remotes_gamepads_and_keyboards() {
        let map = Keymap::default();
        assert_eq!(bound(&map, KeyCode::KEY_OK), Some((0x28, meaning::OK)));
        assert_eq!(bound(&map, KeyCode::KEY_BACK), Some((0, meaning::BACK)));
        assert_eq!(bound(&map, KeyCode::BTN_SOUTH), Some((0x10000, meaning::OK)));
        assert_eq!(bound(&map, KeyCode::KEY_Z), Some((0x1d, 0)));
        assert_eq!(bound(&map, KeyCode::KEY_POWER), None);
    }

    #[test]
    fn read_over_a_map_replaces_and_removes_single_keys() {
        let mut map = Keymap::default();
        map.read("KEY_RED captions # the red button\n\nKEY_OK none\nKEY_INFO\n").unwrap();
        assert_eq!(bound(&map, KeyCode::KEY_RED), Some((0, meaning::CAPTIONS)));
        assert_eq!(bound(&map, KeyCode::KEY_OK), None);
        assert_eq!(bound(&map, KeyCode::KEY_INFO), None);
        assert_eq!(bound(&map, KeyCode::KEY_BACK), Some((0, meaning::BACK)));
    }

    #[test]
    fn read_mistakes_names_line_and_word() {
        for (text, word) in [
            ("KEY_OK ok\nKEY_FOOBAR ok", "line 2: the kernel has no key `KEY_FOOBAR`"),
            ("KEY_OK fine", "`fine`"),
            ("KEY_OK 0x1ff", "`0x1ff`"),
            ("KEY_OK 0xzz", "`0xzz`"),
            ("BTN_SOUTH button:17", "`button:17`"),
        ] {
            let mistake = Keymap::default().read(text).unwrap_err();
            assert!(mistake.contains(word), "{mistake}");
        }
    }

    #[test]
    fn text_of_keys_follows_the_american_layout() {
        assert_eq!([text(0x04, false), text(0x1d, true), text(0x27, true)], ["a", "Z", ")"]);
        assert_eq!([text(0x2c, false), text(0x34, true), text(0x38, true)], [" ", "\"", "?"]);
        assert_eq!([text(0x28, false), text(0x32, false), text(0x52, false), text(0, false)], [""; 4]);
    }
}
