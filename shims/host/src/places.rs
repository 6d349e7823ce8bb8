//! Where a shim finds its core, where it keeps things, and the person's language.

use std::path::{Path, PathBuf};

/// The core that ships with this program: beside it, or in the folder above (where a development build leaves it).
pub(crate) fn factory_core() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let beside = program.parent()?;
    [Some(beside), beside.parent()]
        .into_iter()
        .flatten()
        .map(|folder| folder.join("kinora-core.wasm"))
        .find(|path| path.is_file())
}

/// The core to run: the one that was named, else the one that ships with this program.
pub fn core_file(named: Option<&Path>) -> Result<PathBuf, String> {
    named.map(Path::to_path_buf).or_else(factory_core).ok_or_else(|| {
        "there is no player core beside this program; name one with --core (`cargo xtask core` builds it)"
            .into()
    })
}

/// The user's cache folder of this program (XDG Base Directory Specification); `None` without a home.
pub fn cache_folder() -> Option<PathBuf> {
    xdg("XDG_CACHE_HOME", ".cache")
}

/// The user's data folder of this program; `None` without a home.
pub fn data_folder() -> Option<PathBuf> {
    xdg("XDG_DATA_HOME", ".local/share")
}

/// The user's folder for what this program notes about its runs; `None` without a home.
pub fn state_folder() -> Option<PathBuf> {
    xdg("XDG_STATE_HOME", ".local/state")
}

fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    // The specification: relative paths in the variables are invalid and to be ignored.
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named.or_else(|| Some(std::env::home_dir()?.join(below_home)))?;
    Some(folder.join("kinora"))
}

/// The language of messages as BCP 47, from `LC_ALL`, `LC_MESSAGES`, `LANG` in POSIX's order.
pub fn locale() -> String {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let posix = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).unwrap_or_default();
    bcp47(&posix)
}

fn bcp47(posix: &str) -> String {
    match posix.split(['.', '@']).next() {
        None | Some("" | "C" | "POSIX") => "en".into(),
        Some(name) => name.replace('_', "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bcp47_of_posix_names_drops_what_is_no_language() {
        for (posix, tag) in
            [("de_AT.UTF-8", "de-AT"), ("C.UTF-8", "en"), ("", "en"), ("sr_RS@latin", "sr-RS")]
        {
            assert_eq!(bcp47(posix), tag);
        }
    }
}
