//! Gives a snapshot that is larger than any may be.

use kinora_guests::{Mischief, guest};

struct Lies;

impl Mischief for Lies {
    const CHECKPOINT: bool = true;

    fn snapshot() -> Vec<u8> {
        vec![0xff; 8 << 20]
    }
}

guest!(Lies);
