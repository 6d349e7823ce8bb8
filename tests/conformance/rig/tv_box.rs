//! The rig of the virtual set-top box: QEMU's screen, loudspeaker file and keyboard. It is switched on once, for all checks. Its clock counts
//! instructions: what a check demands of time holds however slow the emulation is.

use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use kinora_box::{Disk, Hardware, Heard, Machine, Pace, Picture, STATE, STATE_LABEL, Sound, media};
use kinora_tests::{HEARD_HZ, Screen};

use super::following::{Shim, Viewer, follow};
use super::{Ability, LOOK, Order, Rig, Seen};

/// Names the folder of the box's system, with the shim in it.
const SYSTEM: &str = "KINORA_BOX";
/// This machine as QEMU's user network has it.
const HOST: &str = "10.0.2.2";
/// Pixels of the screen.
const SIZE: (u32, u32) = (640, 360);
const MEMORY_MIB: u32 = 1024;
/// Of the disk for all stores.
const STATE_MIB: u32 = 128;
/// What the box has of this machine: the kit's core with what was compiled of it, and the folder of the report.
const CORE: usize = 0;
const REPORT: usize = 1;
/// A second in the box takes so many here at most.
const SLOWER: u32 = 8;
/// How long a process may take to end.
const GRACE: Duration = Duration::from_secs(30);
/// Least time between two pictures: with the time that one takes, more often than any film changes.
const LOOK_EVERY: Duration = Duration::from_millis(12);
/// What the loudspeaker plays is in the file after so long.
const LAST_SOUND: Duration = Duration::from_millis(500);
/// Keys as QEMU calls them, where that is not as the kit does.
const KEYS: &[(&str, &str)] = &[("ok", "ret")];

/// A shim in the box, whose arguments are those of `kinora-tv`.
pub(crate) struct BoxRig {
    machine: Machine,
    core: PathBuf,
    report: PathBuf,
}

impl BoxRig {
    /// Switches the box on. `shim` is the program there and its arguments; the kit's own follow.
    pub(crate) fn new(shim: &[String], core: &Path, report: &Path) -> Result<Self, String> {
        let system = std::env::var_os(SYSTEM).ok_or_else(|| {
            format!("{SYSTEM} names no system of a box; `cargo xtask certify tv` makes one")
        })?;
        let folder = report.join("box");
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let state = Disk::format(&folder.join("state.ext4"), STATE_MIB, STATE_LABEL)?;
        let cores = core.parent().ok_or("the kit's core lies in a folder")?;
        let hardware = Hardware {
            system: system.into(),
            screen: SIZE,
            picture: Picture::Hidden,
            disks: vec![state.path().to_path_buf()],
            shares: vec![cores.to_path_buf(), report.to_path_buf()],
            memory_mib: MEMORY_MIB,
            pace: Pace::Instructions,
        };
        println!("Switching the box on");
        let mut machine = Machine::boot(&hardware, &folder)?;
        machine.watch(shim)?;
        // A player without a compiler loads only what lies beside itself.
        let program = Path::new(&shim[0]).parent().unwrap_or(Path::new("/"));
        let (from, to) = (media(CORE), program.display());
        machine.run(&format!("find {from} -maxdepth 1 -name '*.cwasm' -exec cp -t {to} {{}} +"))?;
        Ok(BoxRig { machine, core: core.to_path_buf(), report: report.to_path_buf() })
    }

    /// A file of the report's folder as the box has it; an address is the same everywhere.
    fn there(&self, source: &str) -> String {
        let below = Path::new(source).strip_prefix(&self.report);
        below.map_or_else(|_| source.to_owned(), |path| format!("{}/{}", media(REPORT), path.display()))
    }

    fn arguments(&self, order: &Order) -> Result<Vec<String>, String> {
        let core = self.core.file_name().ok_or("the kit's core is a file")?;
        let store = order.store.strip_prefix(&self.report).map_err(|e| e.to_string())?;
        let arguments = [
            self.there(&order.source),
            "--log".into(),
            "4".into(),
            "--core".into(),
            format!("{}/{}", media(CORE), core.display()),
            "--data".into(),
            format!("{STATE}/{}", store.display()),
        ];
        Ok(arguments.into())
    }
}

impl Rig for BoxRig {
    fn name(&self) -> &'static str {
        "box"
    }

    fn host(&self) -> String {
        HOST.into()
    }

    fn real_time(&self) -> bool {
        false
    }

    fn can(&self, ability: Ability) -> bool {
        use Ability::{Hear, Kill, Mute, Press, Report, See, Status, Weigh};
        matches!(ability, See | Hear | Press | Kill | Mute | Report | Status | Weigh)
    }

    fn run(&mut self, order: &Order, _folder: &Path) -> Result<Seen, String> {
        let arguments = self.arguments(order)?;
        let machine = &mut self.machine;
        if order.needs(Ability::Mute) {
            machine.unplug_sound()?;
        }
        let silence = sound(machine).len();
        machine.start(&arguments)?;
        let mut player = Player {
            machine,
            viewer: Viewer::new(order, LOOK_EVERY),
            looks: order.needs(Ability::See),
            weighs: order.needs(Ability::Weigh),
            ended: None,
        };
        let mut seen = follow(&mut player, SLOWER * order.limit, GRACE)?;
        seen.status = player.end()?;
        seen.film = player.viewer.film();
        if order.needs(Ability::Mute) {
            machine.plug_sound()?;
        }
        std::thread::sleep(LAST_SOUND);
        seen.heard = sound(machine).split_off(silence);
        Ok(seen)
    }
}

/// A player that runs in the box.
struct Player<'a> {
    machine: &'a mut Machine,
    viewer: Viewer,
    looks: bool,
    weighs: bool,
    /// Its status, once it has ended.
    ended: Option<Option<i32>>,
}

impl Player<'_> {
    /// Waits for its end, which is brought about if it does not come. The status of one that ended by itself.
    fn end(&mut self) -> Result<Option<i32>, String> {
        if self.ended.is_none() {
            self.machine.kill()?;
        }
        let until = Instant::now() + GRACE;
        loop {
            if let Some(status) = self.ended {
                return Ok(status);
            }
            let left = until.saturating_duration_since(Instant::now());
            if let Err(RecvTimeoutError::Timeout) = self.line(left) {
                return Err("the player in the box does not end".into());
            }
        }
    }
}

impl Shim for Player<'_> {
    fn line(&mut self, patience: Duration) -> Result<String, RecvTimeoutError> {
        match self.machine.hear(patience)? {
            Heard::Line(line) => Ok(line),
            Heard::Ended(status) => {
                self.ended = Some(status);
                Err(RecvTimeoutError::Disconnected)
            }
        }
    }

    fn heard(&mut self, words: Option<&str>) -> Result<(), String> {
        if let Some(words) = words {
            self.viewer.heard(words);
        }
        if let Some(key) = self.viewer.key() {
            let there = KEYS.iter().find(|(here, _)| *here == key).map_or(key, |(_, there)| there);
            self.machine.press(there)?;
        }
        if self.looks && self.viewer.looks() {
            let file = self.machine.look("seen.ppm")?;
            let bytes = std::fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            self.viewer.saw(Screen::from_ppm(&bytes)?.corner(LOOK.0, LOOK.1));
        }
        Ok(())
    }

    fn kill(&mut self) -> Result<(), String> {
        self.machine.kill()
    }

    fn resident_kib(&mut self) -> Option<u64> {
        if self.weighs { self.machine.resident_kib().ok() } else { None }
    }

    fn cpu_ms(&mut self) -> Option<u64> {
        None
    }
}

/// All that the box has played so far; nothing before it first plays.
fn sound(machine: &Machine) -> Vec<f32> {
    let played = Sound::read(&machine.sound_file()).ok().filter(|sound| sound.rate as usize == HEARD_HZ);
    played.map_or_else(Vec::new, |sound| sound.mono())
}
