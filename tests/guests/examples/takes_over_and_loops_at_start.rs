//! Never returns from `start`.

use kinora_guests::bindings::exports::kinora::shim::player::Launch;
use kinora_guests::{Conduct, taking};

struct Loops;

impl Conduct for Loops {
    fn start(_: &Launch) {
        loop {
            std::hint::spin_loop();
        }
    }
}

taking!(Loops);
