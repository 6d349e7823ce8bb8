//! Gives its state once, and traps when it is asked again.

use std::sync::atomic::{AtomicU32, Ordering};

use kinora_guests::{Conduct, taking};

struct Traps;

static ASKED: AtomicU32 = AtomicU32::new(0);

impl Conduct for Traps {
    const CHECKPOINT: bool = true;

    fn snapshot() -> Vec<u8> {
        assert!(ASKED.fetch_add(1, Ordering::Relaxed) == 0, "on purpose");
        vec![0xff; 100]
    }
}

taking!(Traps);
