//! Never returns from `start`.

use kinora_guests::{Conduct, taking};

struct Loops;

impl Conduct for Loops {
    fn start() {
        loop {
            std::hint::spin_loop();
        }
    }
}

taking!(Loops);
