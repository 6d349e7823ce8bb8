//! Gives more commands in a call than a call may.

use kinora_guests::bindings::kinora::shim::timeline;
use kinora_guests::{Film, Mischief, expect, guest};

struct Floods;

impl Mischief for Floods {
    fn act(film: &Film) {
        let refused = (0..100_000).filter(|_| timeline::play(film.timeline).is_err()).count();
        expect("commands beyond the cap are refused", refused > 50_000);
    }
}

guest!(Floods);
