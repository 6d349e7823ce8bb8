//! Puts images without end.

use kinora_guests::bindings::kinora::shim::display;
use kinora_guests::{Film, Mischief, guest};

struct Floods;

impl Mischief for Floods {
    fn act(_: &Film) {
        let pixels = vec![0; 1024 * 1024];
        for key in 0..80 {
            // Refused now or by an event; either way nothing more is kept than may be.
            let _ = display::put_image(key, 1, 1024, 1024, &pixels);
        }
    }
}

guest!(Floods);
