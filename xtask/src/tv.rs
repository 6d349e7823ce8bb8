//! `tv`: the player on a virtual set-top box.

mod system;

use std::path::{Path, PathBuf};

use kinora_box::{Disk, FOLDER, Hardware, Machine, Pace, Picture, STATE_LABEL, media};

use crate::env::{cargo_native, run, target};
use crate::{core, dist, setup};

/// Memory of a small box, in MiB.
const MEMORY_MIB: u32 = 1024;
/// Of a disk for what the player remembers, in MiB.
const STATE_MIB: u32 = 64;

/// Shows the box with the player, or has the tests drive it.
pub(crate) fn tv(args: &[String]) -> Result<(), String> {
    match args {
        [option, filter @ ..] if option == "--test" => test(filter),
        sources => watch(&system()?, sources),
    }
}

/// Has the tests drive the box, or those whose name contains `filter`.
pub(crate) fn test(filter: &[String]) -> Result<(), String> {
    let system = system()?;
    // What the box shows is compared with what this one draws.
    run(cargo_native("build").args(["--bin", "kinora-headless"]))?;
    run(cargo_native("test").args(["--test", "tv_box", "--"]).args(filter).env("KINORA_BOX", system))
}

/// How the player plays something in the box.
pub(crate) fn command() -> String {
    format!("{FOLDER}/{} play", dist::TV.program)
}

/// The box's system with the player as it is now.
pub(crate) fn system() -> Result<PathBuf, String> {
    setup::ensure_box()?;
    system::with_player(&core::build()?)
}

/// Shows the box until its window is closed.
fn watch(system: &Path, sources: &[String]) -> Result<(), String> {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let picture = match ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(set) {
        true => Picture::Window,
        false => Picture::Hidden,
    };
    let folder = target().join("tv/watch");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let state = folder.join("state.ext4");
    if !state.exists() {
        Disk::format(&state, STATE_MIB, STATE_LABEL)?;
    }
    let mut shares = Vec::new();
    let played = sources.iter().map(|source| shared(source, &mut shares)).collect::<Result<Vec<_>, _>>()?;
    let hardware = Hardware {
        system: system.to_path_buf(),
        screen: (1280, 720),
        picture,
        disks: vec![state],
        shares,
        memory_mib: MEMORY_MIB,
        pace: Pace::Seconds,
    };
    println!("Switching the box on; a processor emulated in software takes its time.");
    let mut machine = Machine::boot(&hardware, &folder)?;
    if !played.is_empty() {
        machine.play(&played)?;
    }
    if picture == Picture::Hidden {
        println!(
            "No display (neither DISPLAY nor WAYLAND_DISPLAY is set): the box runs without a window; Ctrl+C ends it."
        );
    }
    println!("Sound goes to {}", machine.sound_file().display());
    machine.wait()
}

/// What a source is called in the box; the folder of a file is added to those that are shared with it.
fn shared(source: &str, shares: &mut Vec<PathBuf>) -> Result<String, String> {
    if source.contains("://") {
        return Ok(source.to_owned());
    }
    let file = std::fs::canonicalize(source).map_err(|e| format!("{source}: {e}"))?;
    let (folder, name) = match (file.is_dir(), file.parent(), file.file_name()) {
        (false, Some(folder), Some(name)) => (folder.to_path_buf(), name.to_string_lossy().into_owned()),
        _ => return Err(format!("{source} is not a file")),
    };
    let at = shares.iter().position(|share| *share == folder).unwrap_or_else(|| {
        shares.push(folder);
        shares.len() - 1
    });
    Ok(format!("{}/{name}", media(at)))
}
