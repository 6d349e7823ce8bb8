//! Takes its time for every call.

use kinora_guests::{Conduct, taking};

struct Dawdles;

impl Conduct for Dawdles {
    fn call(_: u64) {
        // Well over the budget of a call, and well below its limit, on any machine: there is no clock to go by, and no step can be taken before
        // the one before it (Marsaglia, Xorshift RNGs, 2003).
        let next = |x: u32| {
            let x = x ^ x << 13;
            let x = x ^ x >> 17;
            x ^ x << 5
        };
        std::hint::black_box((0..15_000_000).fold(1, |x, _| next(x)));
    }
}

taking!(Dawdles);
