//! `play`: from a fresh clone to a film on the screen.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::env::{cargo_native, root, run, target};
use crate::{core, setup};

/// Sets up, builds, and becomes the player.
pub(crate) fn play(sources: &[String]) -> Result<(), String> {
    setup::ensure(setup::Purpose::Play)?;
    core::build()?;
    let display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
    let program = if display { "kinora" } else { "kinora-headless" };
    run(cargo_native("build").args(["--bin", program]))?;

    let sources = if sources.is_empty() { demo()? } else { sources.to_vec() };
    let mut player = Command::new(target().join("debug").join(program));
    player.arg("play");
    if !display {
        println!(
            "No display (neither DISPLAY nor WAYLAND_DISPLAY is set): playing without picture and sound."
        );
        player.args(["--clock", "real"]);
    }
    // The player replaces this process, so that signals and the exit status are its own.
    Err(format!("cannot start the player: {}", player.args(sources).exec()))
}

/// The demo clips in the order of their names.
fn demo() -> Result<Vec<String>, String> {
    let folder = root().join("assets/demo");
    let mut clips: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_media(path))
        .collect();
    clips.sort();
    Ok(clips.into_iter().map(|path| path.display().to_string()).collect())
}

fn is_media(path: &Path) -> bool {
    path.extension().is_some_and(|e| ["mp4", "webm", "mkv"].iter().any(|known| e == *known))
}
