//! Keeps more memory with every call, until there is no more.

use kinora_guests::{Conduct, taking};

struct Leaks;

impl Conduct for Leaks {
    fn call(_: u64) {
        std::mem::forget(std::hint::black_box(vec![1_u8; 16 << 20]));
    }
}

taking!(Leaks);
