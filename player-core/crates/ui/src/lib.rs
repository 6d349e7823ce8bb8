//! The whole interface of the player, drawn by the core as a retained display list.
//!
//! [`Ui::input`] turns what a person did into [`Action`]s; [`Ui::frame`] turns a [`View`] of the player into the layers that
//! changed and the glyph pages they need. Nothing is sent for what the shim can move by itself: the seek bar follows the
//! timeline's clock, fades and the spinner the host's, and captions and running time are committed ahead with the media times at
//! which they show.

mod action;
mod anim;
mod bindings;
mod captions;
mod focus;
mod icons;
mod layout;
mod paint;
mod screens;
mod strings;
mod text;
mod theme;
mod ui;
mod view;

pub use action::{Action, Input, Key, Pointer};
pub use text::atlas::{ImagePut, ImageUpdate};
pub use ui::{Frame, Ui};
pub use view::{BuildLabel, ErrorCard, Phase, Surface, TrackLabel, UiConfig, View};
