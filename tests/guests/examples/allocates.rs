//! Allocates without end.

use kinora_guests::{Film, Mischief, guest};

struct Allocates;

impl Mischief for Allocates {
    fn act(_: &Film) {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        loop {
            kept.push(std::hint::black_box(vec![1; 1 << 20]));
        }
    }
}

guest!(Allocates);
