//! Guests: components that use the contract and nothing else, each with its own way of going wrong (`examples/`).
//!
//! Every one plays the same film first, three seconds of picture and sound that lie in the shim's queues whole when the mischief begins.
//! Whatever the guest does then, the film goes on to its end. Those that take over come while the player core plays something, and must
//! give way to it again.

#[allow(unsafe_code, missing_docs, unreachable_pub, reason = "generated: the canonical ABI is raw pointers")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "player-core",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "kinora_guests::bindings",
    });
}

mod film;
mod taking;

use std::cell::RefCell;
use std::marker::PhantomData;

use bindings::exports::kinora::shim::player::{Event, Guest, Launch, Turn};
use bindings::kinora::shim::timeline::{Change, State};
use bindings::kinora::shim::types::Failure;
use bindings::kinora::shim::{log, shell};

pub use film::Film;
pub use taking::{Conduct, Taking};

/// When the mischief begins, microseconds of host time.
const BEGINS_US: u64 = 1_000_000;

/// What a guest does wrong.
pub trait Mischief {
    /// Done in `start` of an instance that follows a fault.
    fn restarted() {}
    /// Done once, when the film is a third over.
    fn act(_film: &Film) {}
    /// Whether a snapshot is to be asked for.
    const CHECKPOINT: bool = false;
    /// What `snapshot` does.
    fn snapshot() -> Vec<u8> {
        Vec::new()
    }
}

/// A guest that plays the film and then does `M`.
#[derive(Debug)]
pub struct Playing<M>(PhantomData<M>);

thread_local! {
    static GUEST: RefCell<Option<(Film, bool)>> = const { RefCell::new(None) };
}

impl<M: Mischief> Guest for Playing<M> {
    fn start(launch: Launch) -> Result<Turn, Failure> {
        let again = launch.reason != 1;
        if again {
            M::restarted();
        }
        let film = if again { Film::adopt() } else { Film::open() };
        GUEST.set(Some((film, false)));
        Ok(Turn { wake_us: Some(BEGINS_US.max(launch.host_us)), checkpoint: false, extras: Vec::new() })
    }

    fn handle(host_us: u64, _budget_us: u32, events: Vec<Event>) -> Turn {
        GUEST.with_borrow_mut(|guest| {
            let (film, acted) = guest.as_mut().expect("the shim calls `start` first");
            for event in events {
                match event {
                    Event::Timeline((_, _, Change::Want(want))) => film.answer(&want),
                    // Another timeline has no end.
                    Event::Timeline((id, _, Change::State(State::Ended))) if id == film.timeline => {
                        shell::exit(0)
                    }
                    _ => {}
                }
            }
            let due = host_us >= BEGINS_US && !*acted;
            if due {
                *acted = true;
                M::act(film);
            }
            let wake_us = (!*acted).then_some(BEGINS_US);
            Turn { wake_us, checkpoint: due && M::CHECKPOINT, extras: Vec::new() }
        })
    }

    fn snapshot() -> Vec<u8> {
        M::snapshot()
    }
}

/// Ends the run as failed unless `right`: for guests whose mischief must be refused.
pub fn expect(what: &str, right: bool) {
    if !right {
        log::write(1, what);
        shell::exit(1);
    }
}

/// Makes a component of a [`Conduct`].
#[macro_export]
macro_rules! taking {
    ($conduct:ty) => {
        type Core = $crate::Taking<$conduct>;
        $crate::bindings::export!(Core with_types_in $crate::bindings);
    };
}

/// Makes a component of a [`Mischief`].
#[macro_export]
macro_rules! guest {
    ($mischief:ty) => {
        type Core = $crate::Playing<$mischief>;
        $crate::bindings::export!(Core with_types_in $crate::bindings);
    };
}
