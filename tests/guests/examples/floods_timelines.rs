//! Makes timelines without end.

use kinora_guests::bindings::kinora::shim::timeline;
use kinora_guests::{Film, Mischief, expect, guest};

struct Floods;

impl Mischief for Floods {
    fn act(_: &Film) {
        let made = (0..1000).filter(|n| timeline::create(*n).is_ok()).count();
        expect("timelines beyond the limit are refused", (1..16).contains(&made));
    }
}

guest!(Floods);
