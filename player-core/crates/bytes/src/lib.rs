//! Bounded reading of untrusted bytes: a [`Window`] over a resource that arrives in pieces, a byte [`Cursor`] and a
//! [`BitCursor`] whose every read is checked. Nothing here panics on any input, and nothing allocates from a length that was read.

mod bits;
mod cursor;
mod window;

pub use bits::BitCursor;
pub use cursor::Cursor;
pub use window::Window;
