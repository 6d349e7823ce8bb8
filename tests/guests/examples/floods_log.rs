//! Writes log lines without end, and long ones.

use kinora_guests::bindings::kinora::shim::log;
use kinora_guests::{Film, Mischief, guest};

struct Floods;

impl Mischief for Floods {
    fn act(_: &Film) {
        let line = "all work and no play ".repeat(400);
        for n in 0..2000 {
            log::write(1, &line);
            log::measure(&format!("measure {n}"), n);
        }
    }
}

guest!(Floods);
