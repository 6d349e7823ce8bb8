//! Builds of the core that are installed on the box.

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora_box::{FOLDER, Machine, media};
use kinora_cores::{Cores, Folder};
use kinora_tests::{guest, other_build, target_folder};
use serde_json::Value;

use crate::world::SHARED;

/// Two builds, with what was compiled of them, since the box has no compiler.
pub(crate) struct Builds {
    folder: PathBuf,
    /// Id of the one that plays.
    plays: String,
}

const PLAYS: &str = "plays.wasm";
const GUEST: &str = "guest.wasm";

impl Builds {
    /// Compiles them into a folder for the box.
    pub(crate) fn compile(folder: &Path) -> Result<Self, String> {
        let add = |name: &str, file: &str| -> Result<String, String> {
            let mut compiler = Command::new(target_folder().join("kinora-headless"));
            compiler.arg("compile").arg(folder).args(["--core", file]);
            let output = compiler.output().map_err(|e| e.to_string())?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            let bytes = std::fs::read(file).map_err(|e| format!("{file}: {e}"))?;
            std::fs::write(folder.join(name), &bytes).map_err(|e| format!("{name}: {e}"))?;
            Ok(kinora_cores::hash(&bytes))
        };
        add(GUEST, &guest("takes_over"))?;
        let plays = add(PLAYS, &other_build()?)?;
        Ok(Builds { folder: folder.to_path_buf(), plays })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts what was compiled beside the player, until the box goes off.
    pub(crate) fn bring(&self, machine: &mut Machine) -> Result<(), String> {
        machine.run(&format!("cp {}/*.cwasm {FOLDER}/", media(SHARED))).map(|_| ())
    }

    /// Installs both and chooses between them in all ways there are; the player rests meanwhile.
    pub(crate) fn come_and_go(&self, machine: &mut Machine) -> Result<(), String> {
        self.bring(machine)?;
        let shared = media(SHARED);
        core(machine, &format!("install {shared}/{PLAYS}"))?;
        core(machine, &format!("use {}", self.plays))?;
        let installed = told(machine, &format!("install {shared}/{GUEST}"))?;
        let guest = installed["id"].as_str().ok_or_else(|| installed.to_string())?;
        core(machine, &format!("use {guest}"))?;
        core(machine, "rollback")?;
        core(machine, &format!("remove {guest}"))?;
        core(machine, "pin")?;
        core(machine, "unpin").map(|_| ())
    }

    /// An error unless it is the build that plays which runs, for the reason that it was chosen.
    pub(crate) fn expect_running(&self, machine: &mut Machine) -> Result<(), String> {
        let why = told(machine, "why")?;
        if why["id"] == self.plays.as_str() { Ok(()) } else { Err(why.to_string()) }
    }
}

/// `kinora-tv core ...` as the player's user.
fn core(machine: &mut Machine, words: &str) -> Result<String, String> {
    machine.run(&format!("runuser -u kinora -- env XDG_DATA_HOME=/var/lib {FOLDER}/kinora-tv core {words}"))
}

/// The same with `--json`.
fn told(machine: &mut Machine, words: &str) -> Result<Value, String> {
    let said = core(machine, &format!("{words} --json"))?;
    serde_json::from_str(&said).map_err(|e| format!("{e}: {said}"))
}

/// What the store of cores held after one cut and the next.
#[derive(Default)]
pub(crate) struct Installed {
    generation: u64,
    /// How many different ones there were.
    pub(crate) states: u32,
}

impl Installed {
    /// Opens the store as the player would: what it held before is not lost, all in it is whole, and what was chosen is what starts. Whether
    /// that is the player as another build.
    pub(crate) fn look(&mut self, disk: &Path) -> Result<bool, String> {
        let cores = Cores::open(Folder::new(&disk.join("cores")));
        let state = cores.state();
        if state.generation < self.generation {
            return Err(format!("the cores: back from change {} to {}", self.generation, state.generation));
        }
        self.states += u32::from(state.generation > self.generation);
        self.generation = state.generation;
        for id in state.cores.keys() {
            cores.read(id).map_err(|e| e.to_string())?;
        }
        let choice = cores.choose();
        if choice.id != state.selected {
            return Err(format!("the cores: {}", choice.why));
        }
        Ok(choice.id.is_some_and(|id| state.cores[&id].size > PLAYER_BYTES))
    }
}

/// No guest is as large.
const PLAYER_BYTES: u64 = 1 << 20;
