//! Commits display lists that are none, that are cut short, and that are too large.

use kinora_guests::bindings::kinora::shim::display;
use kinora_guests::{Film, Mischief, expect, guest};

struct Sends;

impl Mischief for Sends {
    fn act(_: &Film) {
        for patch in [&b"\xff"[..], &[0xff; 4096], &[1, 0, 0, 0, 255, 255, 255, 255]] {
            expect("a malformed list is refused", display::commit(0, 1, patch).is_err());
        }
        expect("a huge list is refused", display::commit(0, 1, &vec![1; 16 << 20]).is_err());
    }
}

guest!(Sends);
