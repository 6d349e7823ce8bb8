use crate::cue::{Align, Anchor, Position};

/// Distance of placed captions from the picture's edges: EBU R 95's graphics-safe area, 5 %.
const SAFE_PERMILLE: i32 = 50;

/// Placement by the numeric keypad, as ASS and the SubRip `{\anN}` number it (2 is bottom centre).
pub(crate) fn numpad(n: u8) -> Option<Position> {
    if !(1..=9).contains(&n) {
        return None;
    }
    let anchor = Anchor { x: third((n - 1) % 3), y: third(2 - (n - 1) / 3) };
    let top_permille = match anchor.y {
        Align::Start => Some(SAFE_PERMILLE),
        Align::Middle => Some(500),
        // Nothing placed: the viewer's screen decides how far from the bottom.
        Align::End => None,
    };
    let left_permille = along(anchor.x, SAFE_PERMILLE, 1000 - SAFE_PERMILLE);
    let width_permille = if anchor.x == Align::Middle { 1000 } else { 1000 - SAFE_PERMILLE };
    Some(Position { top_permille, left_permille, width_permille, anchor, align: anchor.x })
}

fn third(n: u8) -> Align {
    [Align::Start, Align::Middle, Align::End][usize::from(n.min(2))]
}

/// The point of `from..to` that an anchor names.
pub(crate) fn along(align: Align, from: i32, to: i32) -> i32 {
    match align {
        Align::Start => from,
        Align::Middle => (from + to) / 2,
        Align::End => to,
    }
}

/// Largest width of a box anchored at `left_permille` that stays in the picture.
pub(crate) fn widest(anchor_x: Align, left_permille: i32) -> i32 {
    match anchor_x {
        Align::Start => 1000 - left_permille,
        Align::Middle => 2 * left_permille.min(1000 - left_permille),
        Align::End => left_permille,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numpad_two_is_the_default_place() {
        assert_eq!(numpad(2), Some(Position::default()));
    }

    #[test]
    fn numpad_corners_name_their_own_edge() {
        let top_left = numpad(7).expect("valid");
        assert_eq!(top_left.anchor, Anchor { x: Align::Start, y: Align::Start });
        assert_eq!((top_left.top_permille, top_left.left_permille), (Some(50), 50));
        let bottom_right = numpad(3).expect("valid");
        assert_eq!(bottom_right.anchor, Anchor { x: Align::End, y: Align::End });
        assert_eq!((bottom_right.top_permille, bottom_right.left_permille), (None, 950));
        assert_eq!(numpad(0), None);
    }
}
