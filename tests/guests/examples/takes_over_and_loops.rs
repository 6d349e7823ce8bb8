//! Never returns from its tenth call.

use kinora_guests::{Conduct, taking};

struct Loops;

impl Conduct for Loops {
    fn call(number: u64) {
        if number >= 10 {
            loop {
                std::hint::spin_loop();
            }
        }
    }
}

taking!(Loops);
