//! Uses ids that were never given.

use kinora_guests::bindings::kinora::shim::types::{Failure, NextStep};
use kinora_guests::bindings::kinora::shim::{display, net, streams, timeline};
use kinora_guests::{Film, Mischief, expect, guest};

struct Uses;

impl Mischief for Uses {
    fn act(_: &Film) {
        for id in [0, 999_999, u64::MAX] {
            let gone =
                |result: Result<(), Failure>| result.is_err_and(|failure| failure.next == NextStep::Gone);
            expect("an unknown timeline is gone", gone(timeline::play(id)));
            expect("an unknown timeline cannot be sought in", timeline::seek(id, 0, true).is_err());
            expect("an unknown stream is gone", gone(streams::enable(id, false)));
            expect("an unknown stream takes nothing", streams::append(id, 0, 0, &[], &[]).is_err());
            expect(
                "an unknown image cannot be changed",
                display::update_image(id, 0, 0, 1, 1, &[0]).is_err(),
            );
            net::credit(id, 1);
            net::cancel(id);
            display::drop_image(id);
        }
    }
}

guest!(Uses);
