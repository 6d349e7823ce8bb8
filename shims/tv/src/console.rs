//! The text console below the picture.

use std::fs::{File, OpenOptions};

use rustix::ioctl::{Getter, IntegerSetter, Opcode, ioctl};

/// The kernel's `linux/kd.h`.
const KDSETMODE: Opcode = 0x4B3A;
const KDGETMODE: Opcode = 0x4B3B;
const KD_GRAPHICS: usize = 1;

/// The console this process runs on, which shows no text and no cursor as long as this lives.
pub(crate) struct Console {
    tty: File,
    /// As it was found.
    mode: i32,
}

impl Console {
    /// Takes the controlling terminal; `None` where it is no console, as over the network, and there is nothing to hide.
    pub(crate) fn take() -> Option<Console> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        let mode = mode(&tty)?;
        set_mode(&tty, KD_GRAPHICS).then_some(Console { tty, mode })
    }

    /// Gives it back as it was found.
    pub(crate) fn restore(&self) {
        set_mode(&self.tty, self.mode as usize);
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.restore();
    }
}

#[expect(unsafe_code, reason = "requests to a console have no safe function")]
fn mode(tty: &File) -> Option<i32> {
    // SAFETY: KDGETMODE writes one `int`; a terminal that is no console refuses it.
    unsafe { ioctl(tty, Getter::<KDGETMODE, i32>::new()) }.ok()
}

#[expect(unsafe_code, reason = "requests to a console have no safe function")]
fn set_mode(tty: &File, mode: usize) -> bool {
    // SAFETY: KDSETMODE takes its argument by value and touches no memory of ours.
    unsafe { ioctl(tty, IntegerSetter::<KDSETMODE>::new_usize(mode)) }.is_ok()
}
