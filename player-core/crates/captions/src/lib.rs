//! Captions: from bytes in any common encoding and format to [`Cue`]s of styled text.

mod cue;

pub use cue::{Align, Anchor, Cue, Line, Position, Run, Style};
