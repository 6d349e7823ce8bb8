//! Traps before it runs.

use kinora_guests::{Conduct, taking};

struct Traps;

impl Conduct for Traps {
    fn start() {
        panic!("on purpose");
    }
}

taking!(Traps);
