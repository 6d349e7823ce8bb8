//! What each screen draws.

mod error;
mod idle;
pub(crate) mod menu;
mod overlay;
mod player;

/// Layer ids, which are also the drawing order.
pub(crate) mod layer {
    pub(crate) const BACKDROP: u32 = 0;
    pub(crate) const CENTRE: u32 = 5;
    pub(crate) const SCRIM: u32 = 8;
    pub(crate) const CAPTIONS: u32 = 10;
    pub(crate) const FOCUS: u32 = 21;
    pub(crate) const BUTTONS: u32 = 22;
    pub(crate) const SEEK: u32 = 23;
    pub(crate) const TIME: u32 = 24;
    pub(crate) const BUBBLE: u32 = 25;
    pub(crate) const MENU: u32 = 30;
    pub(crate) const MENU_FOCUS: u32 = 31;
    pub(crate) const SPINNER: u32 = 40;
    pub(crate) const VOLUME: u32 = 41;
    pub(crate) const NOTICE: u32 = 42;
    pub(crate) const CARD: u32 = 50;
    pub(crate) const CARD_FOCUS: u32 = 51;
    pub(crate) const CARD_BUTTONS: u32 = 52;
}
