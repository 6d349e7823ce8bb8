//! The contract as Rust, generated from `wit/`.
#![allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "player-core",
    // So that a call which differs from a trace can end it.
    imports: { default: trappable },
    // Traces hold what crosses the boundary.
    additional_derives: [serde::Serialize, serde::Deserialize],
});

pub use exports::kinora::shim::player;
pub use kinora::shim::{audio, device, display, log, net, shell, storage, streams, timeline, types, video};
