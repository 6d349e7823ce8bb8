//! Where a shim finds its core and keeps what can be made anew.

use std::path::PathBuf;

/// The core that ships with this program: beside it, or in the folder above (where a development build leaves it).
pub fn factory_core() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let beside = program.parent()?;
    [Some(beside), beside.parent()]
        .into_iter()
        .flatten()
        .map(|folder| folder.join("kinora-core.wasm"))
        .find(|path| path.is_file())
}

/// The user's cache folder of this program (XDG Base Directory Specification); `None` without a home.
pub fn cache_folder() -> Option<PathBuf> {
    xdg("XDG_CACHE_HOME", ".cache")
}

/// The user's data folder of this program; `None` without a home.
pub fn data_folder() -> Option<PathBuf> {
    xdg("XDG_DATA_HOME", ".local/share")
}

fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    // The specification: relative paths in the variables are invalid and to be ignored.
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named.or_else(|| Some(std::env::home_dir()?.join(below_home)))?;
    Some(folder.join("kinora"))
}
