//! The system of the box: made once of Debian packages, with the player put in each time that is built.

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora_box::{Disk, FOLDER, UNIT};
use sha2::{Digest, Sha256};

use crate::core::Core;
use crate::dist;
use crate::env::{root, run, target, tracked};
use crate::machine::Machine;

/// What it is made of, below the root folder.
const SOURCES: &str = "tests/box/root/";
const SCRIPT: &str = "tests/box/make-system.sh";

/// A system with the player as it is now.
pub(crate) fn with_player(core: &Core) -> Result<PathBuf, String> {
    let bare = bare()?;
    let package = dist::assemble(&dist::TV, Machine::here()?, core)?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&package).map_err(|e| format!("{}: {e}", package.display()))? {
        let path = entry.map_err(|e| format!("{}: {e}", package.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = if name == UNIT { "/etc/systemd/system" } else { FOLDER };
        files.push((path, format!("{folder}/{name}")));
    }

    let system = target().join("tv/system");
    std::fs::create_dir_all(&system).map_err(|e| format!("{}: {e}", system.display()))?;
    for name in ["kernel", "initrd"] {
        std::fs::copy(bare.join(name), system.join(name)).map_err(|e| format!("{name}: {e}"))?;
    }
    let disk = Disk::existing(&bare.join("root.ext4")).copy(&system.join("root.ext4"))?;
    disk.write(&files)?;
    Ok(system)
}

/// A system without the player, made if there is none of what it is made of now.
fn bare() -> Result<PathBuf, String> {
    let folder = target().join("tv").join(format!("bare-{}", key()?));
    if folder.join("root.ext4").exists() {
        return Ok(folder);
    }
    println!("Making the box's system from Debian packages; once, it takes minutes");
    // Under another name first, so that an interrupted run leaves no half system.
    let unfinished = folder.with_extension("unfinished");
    run(Command::new(root().join(SCRIPT)).arg(&unfinished))?;
    std::fs::rename(&unfinished, &folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    forget_others(&folder)?;
    Ok(folder)
}

/// A hash of everything that it is made of.
fn key() -> Result<String, String> {
    let mut hasher = Sha256::new();
    let mut files: Vec<_> =
        tracked()?.into_iter().filter(|file| file == SCRIPT || file.starts_with(SOURCES)).collect();
    files.sort();
    for file in files {
        let bytes = std::fs::read(root().join(&file)).map_err(|e| format!("{file}: {e}"))?;
        hasher.update(format!("{file} {}\n", bytes.len()));
        hasher.update(bytes);
    }
    Ok(hasher.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect())
}

/// Half a gigabyte each: those made of something else go.
fn forget_others(kept: &Path) -> Result<(), String> {
    let folder = kept.parent().ok_or("a system lies in a folder")?;
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let is_system = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("bare-"));
        if is_system && path != kept {
            std::fs::remove_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    Ok(())
}
