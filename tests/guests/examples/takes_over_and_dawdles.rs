//! Takes its time for every call.

use kinora_guests::{Conduct, taking};

struct Dawdles;

impl Conduct for Dawdles {
    fn call(_: u64) {
        // Well over the budget of a call: there is no clock to go by.
        for n in 0..80_000_000_u32 {
            std::hint::black_box(n);
        }
    }
}

taking!(Dawdles);
