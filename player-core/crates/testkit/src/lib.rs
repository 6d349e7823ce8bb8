//! A shim in memory and in virtual time, to drive the engine without a device.
//!
//! [`FakeShim`] keeps the rules of `wit/` as strictly as they can be read and notes every call that breaks one; [`Player`] runs an
//! engine on it; [`toy`] is a container whose samples can be read in a dump.

mod live;
mod net;
mod player;
mod shim;
mod timeline;
pub mod toy;

pub use live::LiveShow;
pub use net::{Fault, Resource};
pub use player::Player;
pub use shim::FakeShim;
