//! Gives back the state it was handed with most of its bits turned over, and traps in its tenth call.

use std::cell::RefCell;

use kinora_guests::bindings::exports::kinora::shim::player::Launch;
use kinora_guests::{Conduct, taking};

struct Corrupts;

/// Version and serial number (`player-core/crates/engine/src/snapshot.rs`) stay as they are.
const KEPT: usize = 9;

thread_local! {
    static HANDED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Conduct for Corrupts {
    fn start(launch: &Launch) {
        HANDED.set(launch.snapshot.clone().unwrap_or_default());
    }

    fn call(number: u64) {
        assert!(number < 10, "on purpose");
    }

    fn snapshot() -> Vec<u8> {
        let mut snapshot = HANDED.with_borrow(Vec::clone);
        snapshot.iter_mut().skip(KEPT).for_each(|byte| *byte = !*byte);
        snapshot
    }
}

taking!(Corrupts);
