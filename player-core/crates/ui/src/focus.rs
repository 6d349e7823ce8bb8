//! What can be pointed at and focused, and how a D-pad moves among it.

use crate::layout::Placed;

/// Something that reacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Seek,
    Play,
    Back,
    Forward,
    Previous,
    Next,
    Mute,
    Volume,
    Captions,
    Audio,
    Speed,
    Fullscreen,
    Open,
    Retry,
    Skip,
    /// Says whether what plays is live, and goes there.
    Live,
    /// A row of the open menu.
    Item(u16),
    /// The open menu's card, so that a press inside it does not close it.
    Menu,
}

const PLAIN: [Control; 16] = [
    Control::Seek,
    Control::Play,
    Control::Back,
    Control::Forward,
    Control::Previous,
    Control::Next,
    Control::Mute,
    Control::Volume,
    Control::Captions,
    Control::Audio,
    Control::Speed,
    Control::Fullscreen,
    Control::Open,
    Control::Retry,
    Control::Skip,
    Control::Live,
];
const MENU_ID: u64 = 99;
const FIRST_ITEM_ID: u64 = 100;

impl Control {
    /// Its hit id in the display list.
    pub(crate) fn id(self) -> u64 {
        match self {
            Control::Item(row) => FIRST_ITEM_ID + u64::from(row),
            Control::Menu => MENU_ID,
            plain => PLAIN.iter().position(|c| *c == plain).map_or(0, |i| i as u64 + 1),
        }
    }

    /// The control of a hit id; 0 and unknown ids are the picture.
    pub(crate) fn of(id: u64) -> Option<Control> {
        match id {
            0 => None,
            MENU_ID => Some(Control::Menu),
            id if id >= FIRST_ITEM_ID => u16::try_from(id - FIRST_ITEM_ID).ok().map(Control::Item),
            id => usize::try_from(id - 1).ok().and_then(|i| PLAIN.get(i).copied()),
        }
    }
}

/// A direction of a D-pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
    Left,
    Right,
}

/// The control a D-pad reaches from `from`: in a row the neighbour, else the nearest by its middle in the next row that way.
pub(crate) fn neighbour(placed: &[Placed], from: Control, way: Direction) -> Option<Control> {
    let here = placed.iter().find(|p| p.control == from)?.at;
    let (cx, cy) = here.centre();
    placed
        .iter()
        .filter(|p| p.control != from)
        .filter_map(|p| {
            let (x, y) = p.at.centre();
            let same_row = y < here.bottom() && y >= here.y;
            let cost = match way {
                Direction::Left if same_row && x < cx => cx - x,
                Direction::Right if same_row && x > cx => x - cx,
                Direction::Up if !same_row && y < cy => (cy - y) * 8 + gap(p.at.x, p.at.right(), cx),
                Direction::Down if !same_row && y > cy => (y - cy) * 8 + gap(p.at.x, p.at.right(), cx),
                _ => return None,
            };
            Some((cost, p.control))
        })
        .min_by_key(|(cost, _)| *cost)
        .map(|(_, control)| control)
}

/// Distance from `x` to the nearest point of `[from, to]`.
fn gap(from: i32, to: i32, x: i32) -> i32 {
    (from - x).max(x - to).max(0)
}

/// The next control in reading order, for Tab; wraps.
pub(crate) fn next(placed: &[Placed], from: Control, back: bool) -> Option<Control> {
    let mut order: Vec<&Placed> = placed.iter().collect();
    order.sort_by_key(|p| (p.at.centre().1, p.at.x));
    let len = order.len();
    let at = order.iter().position(|p| p.control == from);
    let to = match at {
        None => 0,
        Some(at) if back => (at + len - 1) % len,
        Some(at) => (at + 1) % len,
    };
    order.get(to).map(|p| p.control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Box2;

    #[test]
    fn hit_id_of_every_control_maps_back() {
        for control in PLAIN.into_iter().chain([Control::Menu, Control::Item(0), Control::Item(900)]) {
            assert_eq!(Control::of(control.id()), Some(control));
        }
        assert_eq!(Control::of(0), None);
        assert_eq!(Control::of(u64::MAX), None);
    }

    #[test]
    fn neighbour_up_from_a_wide_bar_prefers_what_lies_over_its_middle() {
        let at = |control, x, y, w| Placed { control, at: Box2::new(x, y, w, 10) };
        let placed = [
            at(Control::Mute, 0, 0, 10),
            at(Control::Play, 45, 0, 10),
            at(Control::Speed, 90, 0, 10),
            at(Control::Seek, 0, 20, 100),
        ];
        assert_eq!(neighbour(&placed, Control::Seek, Direction::Up), Some(Control::Play));
        assert_eq!(neighbour(&placed, Control::Speed, Direction::Down), Some(Control::Seek));
        assert_eq!(neighbour(&placed, Control::Play, Direction::Left), Some(Control::Mute));
        assert_eq!(neighbour(&placed, Control::Speed, Direction::Right), None);
    }
}
