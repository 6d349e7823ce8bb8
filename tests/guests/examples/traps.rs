//! Traps in every instance.

use kinora_guests::{Film, Mischief, guest};

struct Traps;

impl Mischief for Traps {
    fn act(_: &Film) {
        panic!("on purpose");
    }
}

guest!(Traps);
