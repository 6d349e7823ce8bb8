//! Traps when it is asked for its state.

use kinora_guests::{Conduct, taking};

struct Traps;

impl Conduct for Traps {
    fn snapshot() -> Vec<u8> {
        panic!("on purpose");
    }
}

taking!(Traps);
