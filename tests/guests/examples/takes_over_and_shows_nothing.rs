//! Leaves the screen as it is.

use kinora_display_list::{Node, Rect};
use kinora_guests::{Conduct, taking};

struct ShowsNothing;

impl Conduct for ShowsNothing {
    fn picture(_: u64, _: Rect) -> Option<Vec<Node>> {
        None
    }
}

taking!(ShowsNothing);
