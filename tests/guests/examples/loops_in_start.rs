//! Traps, and its next instance never returns from `start`.

use kinora_guests::{Film, Mischief, guest};

struct Loops;

impl Mischief for Loops {
    fn act(_: &Film) {
        panic!("on purpose");
    }

    fn restarted() {
        loop {
            std::hint::black_box(());
        }
    }
}

guest!(Loops);
