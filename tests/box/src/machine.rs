//! A box that is switched on.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::guest::{Guest, Said};
use crate::hardware::{Hardware, KEYBOARD, KEYBOARD_SLOT, SHARES};
use crate::qmp::Qmp;
use crate::watched;

/// From power to a shell; emulated, with others at work on the machine.
const BOOT: Duration = Duration::from_secs(600);
/// A command of the box that takes longer is stuck.
const COMMAND: Duration = Duration::from_secs(120);

/// A running box; its power goes when dropped.
pub struct Machine {
    qemu: Child,
    qmp: Qmp,
    guest: Guest,
    /// What a watched player says, a line each.
    pub(crate) lines: Receiver<String>,
    sockets: PathBuf,
    folder: PathBuf,
}

impl Machine {
    /// Switches a box on and waits until its shell answers. `folder` takes what it leaves behind: `sound.wav`, `console.log` and `qemu.log`.
    pub fn boot(hardware: &Hardware, folder: &Path) -> Result<Self, String> {
        if hardware.shares.len() > SHARES {
            return Err(format!("a box has places for {SHARES} folders"));
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Paths of sockets are short: not below the target folder.
        let sockets = std::env::temp_dir().join(format!("kinora-box-{}-{count}", std::process::id()));
        for folder in [&sockets, &folder.to_path_buf()] {
            std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        let log = folder.join("qemu.log");
        let file = File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        let mut command = hardware.command(&sockets, folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let qemu = command.spawn().map_err(|e| format!("cannot start qemu-system-x86_64: {e}"))?;
        let mut switched_on = SwitchedOn(Some(qemu));
        let explained = |why: String| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            format!("{why}\n{said}{}", tail(&folder.join("console.log")))
        };
        let qmp = Qmp::connect(&sockets.join("qmp")).map_err(explained)?;
        let lines = watched::lines(&sockets.join("log")).map_err(explained)?;
        let mut guest = Guest::connect(&sockets.join("line")).map_err(explained)?;
        guest.run("true", BOOT).map_err(explained)?;
        let qemu = switched_on.0.take().expect("it was just put there");
        Ok(Machine { qemu, qmp, guest, lines, sockets, folder: folder.to_path_buf() })
    }

    /// Runs a line of shell in the box, as root; an error also if its status is not 0.
    pub fn run(&mut self, line: &str) -> Result<String, String> {
        let said = self.try_run(line)?;
        if said.status == 0 {
            Ok(said.text)
        } else {
            Err(format!("the box: {line}: status {}\n{}", said.status, said.text))
        }
    }

    /// Runs a line of shell in the box, as root.
    pub fn try_run(&mut self, line: &str) -> Result<Said, String> {
        self.guest.run(line, COMMAND)
    }

    /// Takes a picture of the screen; the file is a PNG, or a PPM, which takes less time, if it is called so.
    pub fn look(&mut self, name: &str) -> Result<PathBuf, String> {
        let file = self.folder.join(name);
        let format = if name.ends_with(".ppm") { "ppm" } else { "png" };
        self.qmp.call("screendump", json!({ "filename": file, "format": format }))?;
        Ok(file)
    }

    /// Presses a key and lets go of it; names are QEMU's (`QKeyCode`).
    pub fn press(&mut self, key: &str) -> Result<(), String> {
        let keys = json!([{ "type": "qcode", "data": key }]);
        self.qmp.call("send-key", json!({ "keys": keys, "hold-time": 60 }))?;
        // It comes back at once, and another press would come before the first one's end.
        std::thread::sleep(Duration::from_millis(120));
        Ok(())
    }

    /// Pulls the keyboard out.
    pub fn unplug_keyboard(&mut self) -> Result<(), String> {
        self.qmp.call("device_del", json!({ "id": KEYBOARD }))?;
        // The box has to let go of it first.
        self.qmp.wait_for("DEVICE_DELETED", Duration::from_secs(60)).map(|_| ())
    }

    /// Plugs a keyboard in.
    pub fn plug_keyboard(&mut self) -> Result<(), String> {
        let device = json!({ "driver": "virtio-keyboard-pci", "id": KEYBOARD, "bus": KEYBOARD_SLOT });
        self.qmp.call("device_add", device).map(|_| ())
    }

    /// Has QEMU do something else.
    pub fn qmp(&mut self, command: &str, arguments: Value) -> Result<Value, String> {
        self.qmp.call(command, arguments)
    }

    /// Takes the power away between two instructions: what the box has written to its disks is there, what it was about to write is not.
    pub fn cut_power(mut self) -> Result<(), String> {
        self.qmp.call("quit", json!({}))?;
        let until = Instant::now() + COMMAND;
        while Instant::now() < until {
            if self.qemu.try_wait().map_err(|e| e.to_string())?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the box does not go off".into())
    }

    /// Waits until somebody closes its window, or it shuts down.
    pub fn wait(mut self) -> Result<(), String> {
        self.qemu.wait().map(|_| ()).map_err(|e| e.to_string())
    }

    /// What the loudspeaker has played so far.
    pub fn sound_file(&self) -> PathBuf {
        self.folder.join("sound.wav")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
        let _ = std::fs::remove_dir_all(&self.sockets);
    }
}

/// A QEMU that ends if what follows its start fails.
struct SwitchedOn(Option<Child>);

impl Drop for SwitchedOn {
    fn drop(&mut self) {
        if let Some(qemu) = &mut self.0 {
            let _ = qemu.kill();
            let _ = qemu.wait();
        }
    }
}

/// The last lines of a file, for an error.
fn tail(file: &Path) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
