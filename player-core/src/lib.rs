//! The player core component: glue between the contract (`wit/`) and the crates that hold the logic.

mod bindings {
    #![allow(
        unsafe_code,
        missing_docs,
        unreachable_pub,
        reason = "generated: the canonical ABI is raw pointers"
    )]
    wit_bindgen::generate!({ path: "../wit", world: "player-core", generate_all });
    use super::PlayerCore;
    export!(PlayerCore with_types_in self);
}

mod convert;
#[cfg(feature = "faults")]
mod faults;
mod fonts;
mod player;
mod shim;
mod view;

use std::cell::RefCell;

use bindings::exports::kinora::shim::player::{Event, Guest, Launch, Turn};
use bindings::kinora::shim::types::Failure;
use player::Player;

thread_local! {
    /// The one player of this instance with the time of its last call. A component has one thread, and is never re-entered.
    static PLAYER: RefCell<Option<(Player, u64)>> = const { RefCell::new(None) };
}

struct PlayerCore;

impl Guest for PlayerCore {
    fn start(launch: Launch) -> Result<Turn, Failure> {
        let now = launch.host_us;
        let (player, turn) = Player::start(launch);
        PLAYER.set(Some((player, now)));
        Ok(turn)
    }

    fn handle(host_us: u64, _budget_us: u32, events: Vec<Event>) -> Turn {
        #[cfg(feature = "faults")]
        return faults::pass(host_us, events, |events| handle(host_us, events));
        #[cfg(not(feature = "faults"))]
        handle(host_us, events)
    }

    fn snapshot() -> Vec<u8> {
        PLAYER.with_borrow(|player| {
            player.as_ref().map_or_else(Vec::new, |(player, now)| player.snapshot(*now))
        })
    }
}

fn handle(host_us: u64, events: Vec<Event>) -> Turn {
    PLAYER.with_borrow_mut(|player| {
        let (player, now) = player.as_mut().expect("the shim calls `start` first");
        *now = host_us;
        player.handle(host_us, events)
    })
}
