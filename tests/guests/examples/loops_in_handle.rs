//! Never returns from `handle`.

use kinora_guests::{Film, Mischief, guest};

struct Loops;

impl Mischief for Loops {
    fn act(_: &Film) {
        loop {
            std::hint::black_box(());
        }
    }
}

guest!(Loops);
