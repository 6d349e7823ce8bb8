//! Appends to seeks that never were, without a want, and with sizes that lie.

use kinora_guests::bindings::kinora::shim::streams::{self, Sample};
use kinora_guests::{Film, Mischief, expect, guest};

struct Answers;

impl Mischief for Answers {
    fn act(film: &Film) {
        let sample = |size| Sample { pts_us: 0, dts_us: 0, duration_us: 40_000, bits: 1, size, side_size: 0 };
        for ticket in [1, 77, u64::MAX] {
            let taken = streams::append(film.video, ticket, 1, &[sample(4)], &[0; 4]);
            expect("nothing is taken for another seek", !matches!(taken, Ok(1..)));
        }
        for size in [0, 3, 5, u32::MAX] {
            let taken = streams::append(film.video, 0, 1, &[sample(size)], &[0; 4]);
            expect("sizes that lie are refused", !matches!(taken, Ok(1..)));
        }
    }
}

guest!(Answers);
