//! What keys do, as in mpv and on YouTube; remotes and media keys by their meaning, gamepads by the W3C standard layout.

use crate::action::{Action, Key};
use crate::focus::Direction;

/// What a key asks of the interface, which knows what is on the screen and makes actions of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// An action whatever is on the screen.
    Act(Action),
    /// To so many tenths of the length.
    Tenth(i64),
    /// Louder or quieter by so many permille.
    VolumeBy(i32),
    /// Next faster (1) or slower (-1) speed.
    RateStep(i32),
    /// Into or out of full screen.
    ToggleFullscreen,
    /// Opens or closes the menu of what concerns the player itself.
    Settings,
    /// Closes what is open, leaves full screen.
    Escape,
    /// As `Escape`, and in the end leaves the player: the Back key of a remote.
    Back,
    /// Moves the focus.
    Move(Direction),
    /// Activates what is focused.
    Ok,
    /// Focus to the next control, or the previous one.
    Tab { back: bool },
}

pub(crate) const SPEEDS: [i32; 7] = [500, 750, 1000, 1250, 1500, 1750, 2000];
const SECOND: i64 = kinora_time::SECOND_US;

const SHIFT: u32 = 1;
const CONTROL: u32 = 2;
const COMMAND_MODIFIERS: u32 = 2 | 4 | 8;
const REPEAT: u32 = 2;
const UP: u32 = 3;
/// The meaning of a media key that names a position.
const SEEK_TO: u32 = 22;

/// USB HID usages of the keyboard page (HID Usage Tables 1.5, section 10).
mod usage {
    pub(super) const A: u32 = 0x04;
    pub(super) const DIGIT_1: u32 = 0x1E;
    pub(super) const DIGIT_0: u32 = 0x27;
    pub(super) const ENTER: u32 = 0x28;
    pub(super) const ESCAPE: u32 = 0x29;
    pub(super) const BACKSPACE: u32 = 0x2A;
    pub(super) const TAB: u32 = 0x2B;
    pub(super) const SPACE: u32 = 0x2C;
    pub(super) const BRACKET_LEFT: u32 = 0x2F;
    pub(super) const BRACKET_RIGHT: u32 = 0x30;
    pub(super) const COMMA: u32 = 0x36;
    pub(super) const PERIOD: u32 = 0x37;
    pub(super) const F11: u32 = 0x44;
    pub(super) const HOME: u32 = 0x4A;
    pub(super) const PAGE_UP: u32 = 0x4B;
    pub(super) const END: u32 = 0x4D;
    pub(super) const PAGE_DOWN: u32 = 0x4E;
    pub(super) const RIGHT: u32 = 0x4F;
    pub(super) const LEFT: u32 = 0x50;
    pub(super) const DOWN: u32 = 0x51;
    pub(super) const UP: u32 = 0x52;
    pub(super) const KEYPAD_ENTER: u32 = 0x58;
    pub(super) const GAMEPAD: u32 = 0x10000;
}

fn seek_by(seconds: i64, exact: bool) -> Command {
    Command::Act(Action::SeekBy { us: seconds * SECOND, exact })
}

/// What a key event asks for. Releases ask for nothing; a held key repeats only what moves something by steps.
/// `arrows_move`: a keyboard's arrows move the focus instead of the position and the volume.
pub(crate) fn command(key: &Key<'_>, arrows_move: bool) -> Option<Command> {
    if key.phase == UP {
        return None;
    }
    if key.meaning == SEEK_TO {
        // Its text is an argument, not what a key typed.
        let us = key.text.trim().parse().ok()?;
        return Some(Command::Act(Action::SeekTo { us, exact: true }));
    }
    let command = by_code(key, arrows_move).or_else(|| by_text(key)).or_else(|| by_meaning(key))?;
    let steps = match command {
        Command::Act(action) => matches!(action, Action::SeekBy { .. } | Action::StepFrames(_)),
        Command::VolumeBy(_) | Command::RateStep(_) | Command::Move(_) => true,
        Command::Tab { .. } => true,
        _ => false,
    };
    (steps || key.phase != REPEAT).then_some(command)
}

fn arrow(key: &Key<'_>, way: Direction, moves: bool) -> Command {
    if moves {
        return Command::Move(way);
    }
    let far = key.modifiers & CONTROL != 0;
    let (seconds, exact) = match key.modifiers & SHIFT != 0 {
        _ if far => (60, key.phase != REPEAT),
        true => (1, true),
        // A held key looks through the film: key frames come faster.
        false => (5, key.phase != REPEAT),
    };
    match way {
        Direction::Left => seek_by(-seconds, exact),
        Direction::Right => seek_by(seconds, exact),
        Direction::Up => Command::VolumeBy(50),
        Direction::Down => Command::VolumeBy(-50),
    }
}

/// Keys that are where they are on every keyboard, and gamepads.
fn by_code(key: &Key<'_>, arrows_move: bool) -> Option<Command> {
    let first = key.phase != REPEAT;
    Some(match key.code {
        usage::SPACE => Command::Act(Action::TogglePlay),
        usage::LEFT => arrow(key, Direction::Left, arrows_move),
        usage::RIGHT => arrow(key, Direction::Right, arrows_move),
        usage::UP => arrow(key, Direction::Up, arrows_move),
        usage::DOWN => arrow(key, Direction::Down, arrows_move),
        usage::PAGE_UP => seek_by(60, first),
        usage::PAGE_DOWN => seek_by(-60, first),
        usage::HOME => Command::Tenth(0),
        usage::END => Command::Tenth(10),
        usage::ENTER | usage::KEYPAD_ENTER => Command::Ok,
        usage::ESCAPE => Command::Escape,
        usage::BACKSPACE => Command::Act(Action::SetRate(1000)),
        usage::TAB => Command::Tab { back: key.modifiers & SHIFT != 0 },
        usage::F11 => Command::ToggleFullscreen,
        code if code >= usage::GAMEPAD => return gamepad(code - usage::GAMEPAD, first),
        _ => return None,
    })
}

fn gamepad(button: u32, first: bool) -> Option<Command> {
    Some(match button {
        0 => Command::Ok,
        1 => Command::Back,
        2 | 9 => Command::Act(Action::TogglePlay),
        3 => Command::Act(Action::CycleCaptions),
        4 => seek_by(-10, first),
        5 => seek_by(10, first),
        6 => Command::Act(Action::Previous),
        7 => Command::Act(Action::Next),
        12 => Command::Move(Direction::Up),
        13 => Command::Move(Direction::Down),
        14 => Command::Move(Direction::Left),
        15 => Command::Move(Direction::Right),
        _ => return None,
    })
}

/// Keys by what they type, so that they are where the keyboard's layout has them; by place when they type nothing.
fn by_text(key: &Key<'_>) -> Option<Command> {
    if key.modifiers & COMMAND_MODIFIERS != 0 {
        let quits = key.modifiers & COMMAND_MODIFIERS == CONTROL && key.code == usage::A + 16;
        return quits.then_some(Command::Act(Action::Quit));
    }
    let first = key.phase != REPEAT;
    Some(match key.text.chars().next().or_else(|| typed(key))? {
        'k' | 'p' => Command::Act(Action::TogglePlay),
        'j' => seek_by(-10, first),
        'l' => seek_by(10, first),
        'f' | 'F' => Command::ToggleFullscreen,
        'm' | 'M' => Command::Act(Action::ToggleMute),
        'c' | 'C' => Command::Act(Action::CycleCaptions),
        '#' => Command::Act(Action::CycleAudio),
        'L' => Command::Act(Action::ToggleLoop),
        'o' | 'O' => Command::Act(Action::OpenFile),
        'i' | 'I' => Command::Settings,
        'q' | 'Q' => Command::Act(Action::Quit),
        '>' | 'N' => Command::Act(Action::Next),
        '<' | 'P' => Command::Act(Action::Previous),
        '[' => Command::RateStep(-1),
        ']' => Command::RateStep(1),
        ',' => Command::Act(Action::StepFrames(-1)),
        '.' => Command::Act(Action::StepFrames(1)),
        digit => Command::Tenth(i64::from(digit.to_digit(10)?)),
    })
}

/// What a key types on a US keyboard, for platforms that give no text.
fn typed(key: &Key<'_>) -> Option<char> {
    let shift = key.modifiers & SHIFT != 0;
    match key.code {
        code @ usage::A..usage::DIGIT_1 => {
            let letter = char::from_u32(u32::from('a') + code - usage::A)?;
            Some(if shift { letter.to_ascii_uppercase() } else { letter })
        }
        0x20 if shift => Some('#'),
        code @ usage::DIGIT_1..usage::DIGIT_0 if !shift => char::from_digit(code - usage::DIGIT_1 + 1, 10),
        usage::DIGIT_0 if !shift => Some('0'),
        usage::BRACKET_LEFT => Some('['),
        usage::BRACKET_RIGHT => Some(']'),
        usage::COMMA => Some(if shift { '<' } else { ',' }),
        usage::PERIOD => Some(if shift { '>' } else { '.' }),
        _ => None,
    }
}

/// Remotes and media keys.
fn by_meaning(key: &Key<'_>) -> Option<Command> {
    let first = key.phase != REPEAT;
    Some(match key.meaning {
        1 => Command::Move(Direction::Up),
        2 => Command::Move(Direction::Down),
        3 => Command::Move(Direction::Left),
        4 => Command::Move(Direction::Right),
        5 => Command::Ok,
        6 => Command::Back,
        8 if first => Command::Settings,
        9 => Command::Act(Action::TogglePlay),
        10 => Command::Act(Action::Play),
        11 => Command::Act(Action::Pause),
        12 => Command::Act(Action::Stop),
        13 => Command::Act(Action::Next),
        14 => Command::Act(Action::Previous),
        15 => seek_by(10, first),
        16 => seek_by(-10, first),
        17 => Command::VolumeBy(50),
        18 => Command::VolumeBy(-50),
        19 => Command::Act(Action::ToggleMute),
        20 => Command::Act(Action::CycleCaptions),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: u32, text: &str) -> Key<'_> {
        Key { code, meaning: 0, phase: 1, modifiers: 0, text }
    }

    #[test]
    fn letter_on_another_layout_goes_by_what_it_types() {
        // AZERTY: `m` is where US keyboards have the semicolon, and `q` types on the place of `a`.
        assert_eq!(command(&key(0x33, "m"), false), Some(Command::Act(Action::ToggleMute)));
        assert_eq!(command(&key(0x04, "q"), false), Some(Command::Act(Action::Quit)));
        assert_eq!(command(&key(0x10, ""), false), Some(Command::Act(Action::ToggleMute)));
    }

    #[test]
    fn toggle_held_down_acts_once() {
        assert_eq!(command(&Key { phase: 2, ..key(0x2C, " ") }, false), None);
        assert_eq!(command(&Key { phase: 2, ..key(0x0D, "j") }, false), Some(seek_by(-10, false)));
        assert_eq!(command(&Key { phase: 3, ..key(0x2C, " ") }, false), None);
    }

    #[test]
    fn digit_seeks_to_tenths() {
        assert_eq!(command(&key(0x22, "5"), false), Some(Command::Tenth(5)));
        assert_eq!(command(&key(0x27, ""), false), Some(Command::Tenth(0)));
    }

    #[test]
    fn letter_with_control_is_left_to_the_platform() {
        assert_eq!(command(&Key { modifiers: CONTROL, ..key(0x06, "c") }, false), None);
        assert_eq!(
            command(&Key { modifiers: CONTROL, ..key(0x14, "") }, false),
            Some(Command::Act(Action::Quit))
        );
    }

    #[test]
    fn media_key_seek_to_takes_microseconds() {
        let seek = Key { meaning: 22, ..key(0, "2500000") };
        assert_eq!(command(&seek, false), Some(Command::Act(Action::SeekTo { us: 2_500_000, exact: true })));
        assert_eq!(command(&Key { text: "soon", ..seek }, false), None);
    }
}
