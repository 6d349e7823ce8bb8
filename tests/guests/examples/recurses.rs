//! Uses up its stack.

use kinora_guests::{Film, Mischief, guest};

struct Recurses;

impl Mischief for Recurses {
    fn act(film: &Film) {
        deeper(film.timeline);
    }
}

#[expect(unconditional_recursion, reason = "on purpose")]
fn deeper(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 64]);
    deeper(frame[7] + 1) + frame[63]
}

guest!(Recurses);
