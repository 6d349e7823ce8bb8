//! Makes and maintains a repository of player cores: plain files that any static HTTPS server can hand out.
//!
//! It lies under `xtask/` because it is a tool of those who build and publish, never part of what a device runs; a crate of its own
//! because it needs the engine and the client's formats, which `cargo xtask` must not wait for.
//!
//! Every change is written so that a reader never meets a half: new files first, `timestamp.json`, by which clients find the rest, last.

mod keys;
mod oci;
mod package;
mod repository;
pub mod serve;
mod sign;

pub use keys::{Key, Keys};
pub use oci::push;
pub use package::{DELTAS, NewCore, pack, packages};
pub use repository::Repository;
pub use sign::{bytes, sign};
