//! A virtual set-top box: a PC without a graphics processor in QEMU, with a screen, a loudspeaker and a keyboard that a program sees, hears
//! and presses. In it run a shell at the end of a serial line (`root/usr/local/sbin/kinora-rig`) and the player.
//!
//! ```text
//! this program ── QMP socket ────► keys, screen, unplugging, power
//!              ── serial socket ─► commands in the box, as root
//!              ◄─ log socket ───── what a watched player says
//!              ◄─ sound.wav ────── what the loudspeaker played
//!              ◄─ console.log ──── what the kernel said
//! ```
//!
//! All of it is emulated in software. Either seconds in the box are seconds, and its processor is a slow one; or its clock counts
//! instructions, and its seconds are longer when there is much to do ([`Pace`]).

mod disk;
mod guest;
mod hardware;
mod machine;
mod player;
mod qmp;
mod sound;
mod watched;
mod writes;

pub use disk::Disk;
pub use guest::Said;
pub use hardware::{Hardware, KEYBOARD, Pace, Picture, media};
pub use machine::Machine;
pub use player::{FOLDER, STATE, STATE_LABEL, UNIT};
pub use qmp::Qmp;
pub use sound::Sound;
pub use watched::Heard;
pub use writes::{Write, writes};
