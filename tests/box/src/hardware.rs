//! What a box is put together from.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The keyboard's name on the board.
pub const KEYBOARD: &str = "keyboard";
/// The slot that the keyboard is plugged into.
pub(crate) const KEYBOARD_SLOT: &str = "keyboard-slot";
/// Places for folders of this machine.
pub(crate) const SHARES: usize = 4;
/// The serial line's name in the box.
const LINE: &str = "kinora";
/// The name of the one that the player's lines can go to.
pub(crate) const LOG: &str = "kinora-log";
/// Where the sound device sits on the board.
pub(crate) const SOUND_SLOT: &str = "1b.0";

/// Where the box has the n-th folder that is shared with it (`root/etc/fstab`).
pub fn media(share: usize) -> String {
    format!("/media/{share}")
}

/// Where the screen's picture goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// Only to who asks for it.
    Hidden,
    /// Into a window.
    Window,
}

/// How the box's clock goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As this machine's: what its emulated processor does in a second depends on how busy this machine is.
    Seconds,
    /// A nanosecond an instruction: its processor does what it has to in time, however long that takes here.
    Instructions,
}

/// Parts of a box.
#[derive(Debug, Clone)]
pub struct Hardware {
    /// Folder of the system: `kernel`, `initrd` and `root.ext4`, of which nothing is changed.
    pub system: PathBuf,
    /// Pixels that the screen says it has.
    pub screen: (u32, u32),
    /// Where they are shown.
    pub picture: Picture,
    /// Disks besides the system's, which are written to: `/dev/vdb`, `/dev/vdc` ... One has the label [`crate::STATE_LABEL`].
    pub disks: Vec<PathBuf>,
    /// Folders of this machine that the box has as [`media`]; four at most.
    pub shares: Vec<PathBuf>,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Its clock.
    pub pace: Pace,
}

impl Hardware {
    /// The command that switches it on. Sockets are made in `sockets`, whose path is short, all other files in `folder`.
    pub(crate) fn command(&self, sockets: &Path, folder: &Path) -> Command {
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(["-nodefaults", "-no-user-config"]);
        let mut option = |name: &str, value: String| {
            qemu.args([name, &value]);
        };
        // Without the PC's own keyboard, there is just the one that can be unplugged.
        option("-machine", "q35,i8042=off,accel=tcg".into());
        // The newest kind that the emulation has; the default lacks what libraries for today's processors take for granted.
        option("-cpu", "max".into());
        option("-m", self.memory_mib.to_string());
        match self.pace {
            Pace::Seconds => option("-smp", "2".into()),
            // Of two processors only one goes on at a time, and each wait of one for the other lasts a turn.
            Pace::Instructions => {
                option("-icount", "shift=0,sleep=on".into());
                option("-rtc", "clock=vm".into());
            }
        }
        let system = |name: &str| self.system.join(name).display().to_string();
        option("-kernel", system("kernel"));
        option("-initrd", system("initrd"));
        option("-append", "root=/dev/vda rw console=ttyS0 quiet loglevel=4".into());
        // Changes to the system last until the power goes.
        option("-drive", format!("file={},format=raw,if=virtio,snapshot=on", escaped(&system("root.ext4"))));
        for disk in &self.disks {
            option("-drive", format!("file={},format=raw,if=virtio", escaped(&disk.display().to_string())));
        }
        for (n, share) in self.shares.iter().enumerate() {
            let path = escaped(&share.display().to_string());
            let rest = "security_model=none,readonly=on,multidevs=remap";
            option("-virtfs", format!("local,path={path},mount_tag=share{n},{rest}"));
        }
        let (width, height) = self.screen;
        option("-device", format!("virtio-gpu-pci,xres={width},yres={height}"));
        option("-display", if self.picture == Picture::Window { "gtk" } else { "none" }.into());
        let sound = escaped(&folder.join("sound.wav").display().to_string());
        option("-audiodev", format!("wav,id=sound,out.frequency=48000,path={sound}"));
        option("-device", format!("intel-hda,addr={SOUND_SLOT}"));
        option("-device", "hda-output,audiodev=sound".into());
        // Only what sits behind a port of its own can be unplugged.
        option("-device", format!("pcie-root-port,id={KEYBOARD_SLOT}"));
        option("-device", format!("virtio-keyboard-pci,id={KEYBOARD},bus={KEYBOARD_SLOT}"));
        option("-nic", "user,model=virtio-net-pci".into());
        option("-device", "virtio-serial-pci".into());
        let socket = |name: &str| escaped(&sockets.join(name).display().to_string());
        for (name, path) in [(LINE, "line"), (LOG, "log")] {
            option("-chardev", format!("socket,id={name},server=on,wait=off,path={}", socket(path)));
            option("-device", format!("virtserialport,chardev={name},name={name}"));
        }
        option("-serial", format!("file:{}", folder.join("console.log").display()));
        option("-qmp", format!("unix:{},server=on,wait=off", socket("qmp")));
        qemu
    }
}

/// A path as a part of an option: commas are doubled.
fn escaped(path: &str) -> String {
    path.replace(',', ",,")
}
