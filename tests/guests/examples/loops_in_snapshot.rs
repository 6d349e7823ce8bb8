//! Asks for a snapshot and never returns from it.

use kinora_guests::{Mischief, guest};

struct Loops;

impl Mischief for Loops {
    const CHECKPOINT: bool = true;

    fn snapshot() -> Vec<u8> {
        loop {
            std::hint::black_box(());
        }
    }
}

guest!(Loops);
