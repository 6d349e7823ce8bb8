//! Shows something, but not the film.

use kinora_display_list::{Fill, Node, Rect, RoundRect};
use kinora_guests::{Conduct, taking};

struct Hides;

impl Conduct for Hides {
    fn picture(_: u64, rect: Rect) -> Option<Vec<Node>> {
        let fill = Fill::Solid(0x0000_ffff);
        Some(vec![Node::Rect(RoundRect { rect, radius: 0, fill, border: (0, 0) })])
    }
}

taking!(Hides);
