//! Traps in its tenth call.

use kinora_guests::{Conduct, taking};

struct Traps;

impl Conduct for Traps {
    fn call(number: u64) {
        assert!(number < 10, "on purpose");
    }
}

taking!(Traps);
