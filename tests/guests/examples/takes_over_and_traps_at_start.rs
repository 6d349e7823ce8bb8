//! Traps before it runs.

use kinora_guests::bindings::exports::kinora::shim::player::Launch;
use kinora_guests::{Conduct, taking};

struct Traps;

impl Conduct for Traps {
    fn start(_: &Launch) {
        panic!("on purpose");
    }
}

taking!(Traps);
