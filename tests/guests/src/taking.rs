//! A build that takes over from another one: it shows the film that plays, full size, and appends nothing.

use std::cell::RefCell;
use std::marker::PhantomData;

use kinora_display_list::{Fit, Layer, Node, Rect, Video, encode};

use crate::bindings::exports::kinora::shim::player::{Event, Guest, Launch, Turn};
use crate::bindings::kinora::shim::types::Failure;
use crate::bindings::kinora::shim::{display, timeline};

/// Called this often, so that calls can be counted.
const EVERY_US: u64 = 20_000;

/// What a build does besides.
pub trait Conduct {
    /// Done in `start`.
    fn start(_launch: &Launch) {}
    /// Done in each `handle`, counted from 1.
    fn call(_number: u64) {}
    /// What it shows of the film.
    fn picture(film: u64, full: Rect) -> Option<Vec<Node>> {
        Some(vec![Node::Video(Video { timeline: film, rect: full, fit: Fit::Contain })])
    }
    /// Whether each call asks for a snapshot.
    const CHECKPOINT: bool = false;
    /// What `snapshot` gives: nothing that any other build understands.
    fn snapshot() -> Vec<u8> {
        vec![0xff; 100]
    }
}

/// A build that takes over and does `C`.
#[derive(Debug)]
pub struct Taking<C>(PhantomData<C>);

struct State {
    full: Rect,
    calls: u64,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

impl<C: Conduct> Guest for Taking<C> {
    fn start(launch: Launch) -> Result<Turn, Failure> {
        C::start(&launch);
        let milli = |px: u32| px as i32 * 1000;
        let full = Rect { x: 0, y: 0, w: milli(launch.surface.width_px), h: milli(launch.surface.height_px) };
        STATE.set(Some(State { full, calls: 0 }));
        Ok(Turn { wake_us: Some(launch.host_us), checkpoint: false, extras: Vec::new() })
    }

    fn handle(host_us: u64, _budget_us: u32, _events: Vec<Event>) -> Turn {
        STATE.with_borrow_mut(|state| {
            let state = state.as_mut().expect("the shim calls `start` first");
            state.calls += 1;
            C::call(state.calls);
            let film = timeline::live().first().map(|status| status.id);
            let picture = film.filter(|_| state.calls == 1).and_then(|film| C::picture(film, state.full));
            if let Some(nodes) = picture {
                let patch = encode(&[Layer { id: 1, z: 0, nodes }]);
                display::commit(0, 1, &patch).expect("the list is well formed");
            }
            Turn { wake_us: Some(host_us + EVERY_US), checkpoint: C::CHECKPOINT, extras: Vec::new() }
        })
    }

    fn snapshot() -> Vec<u8> {
        C::snapshot()
    }
}
