//! A virtual set-top box: a PC without a graphics processor in QEMU, with a screen, a loudspeaker and a keyboard that a program sees, hears
//! and presses. In it run a shell at the end of a serial line (`root/usr/local/sbin/kinora-rig`) and the player.
//!
//! ```text
//! this program ── QMP socket ────► keys, screen, unplugging, power
//!              ── serial socket ─► commands in the box, as root
//!              ◄─ sound.wav ────── what the loudspeaker played
//!              ◄─ console.log ──── what the kernel said
//! ```
//!
//! All of it is emulated in software: seconds in the box are seconds, but its processor is a slow one.

mod disk;
mod guest;
mod hardware;
mod machine;
mod player;
mod qmp;
mod sound;
mod writes;

pub use disk::Disk;
pub use guest::Said;
pub use hardware::{Hardware, KEYBOARD, Picture, media};
pub use machine::Machine;
pub use player::{FOLDER, STATE, STATE_LABEL, UNIT};
pub use qmp::Qmp;
pub use sound::Sound;
pub use writes::{Write, writes};
