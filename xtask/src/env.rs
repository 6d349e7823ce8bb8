//! Where things are, and running programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root folder: that of the clone cargo was called in, since clones that share a target folder share this program.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).parent().expect("xtask lies in the root").to_path_buf()
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// `cargo` in the root folder, as somebody would call it there: build scripts that look at what this program was started with would run
/// again after each change between the two.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Files git knows, or would if they were added, relative to the root.
pub(crate) fn tracked() -> Result<Vec<String>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|e| format!("git ls-files: {e}"))?;
    let files = String::from_utf8_lossy(&output.stdout);
    Ok(files.split('\0').filter(|file| !file.is_empty()).map(Into::into).collect())
}

/// Runs a command to its end; an error names it when it fails.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("cannot run {}: {e}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed ({status})", shown(command))) }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// `cargo` doing something with all native packages: all but those that are only WebAssembly. What is built of them is always the same:
/// another selection would have dependencies built again with other features.
pub(crate) fn cargo_native(verb: &str) -> Command {
    let mut command = cargo();
    command.args([verb, "--workspace", "--exclude", "player-core", "--exclude", "kinora-guests"]);
    command
}
