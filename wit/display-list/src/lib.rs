//! The retained display list of `kinora:shim/display`: its model, its packed form, and what it looks like at a moment.
//!
//! The core builds [`Layer`]s and packs those that changed with [`encode`]; a shim decodes the patch into its [`List`],
//! evaluates it at a host time with [`List::draw`] and rasterises the flat result, and asks [`List::hit`] what lies under the
//! pointer. Coordinates are thousandths of a physical pixel, colours straight (not premultiplied) sRGB `0xRRGGBBAA`.
//! `README.md` beside this crate is the format's specification.
#![forbid(unsafe_code)]

mod animate;
mod decode;
mod draw;
mod encode;
mod evaluate;
mod list;
mod model;

pub use decode::{Malformed, decode};
pub use draw::{Bounds, Clip, Draw, Placement, Shape};
pub use encode::encode;
pub use evaluate::MediaNow;
pub use list::{ApplyError, HostUs, List, MAX_BYTES, MAX_NODES, MAX_VIDEOS};
pub use model::*;
