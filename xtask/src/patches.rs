//! A copy of the sources into which patches are put, so that nobody's own are touched.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::env::{root, run, tracked};

/// The copy.
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// Copies the files git knows to a folder. Unchanged ones keep their time, so that little is built again.
    pub(crate) fn copy(folder: PathBuf) -> Result<Tree, String> {
        for file in tracked()? {
            let (from, to) = (root().join(&file), folder.join(&file));
            let Ok(bytes) = std::fs::read(&from) else { continue };
            if std::fs::read(&to).is_ok_and(|old| old == bytes) {
                continue;
            }
            let parent = to.parent().unwrap_or(&folder);
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&to, bytes))
                .map_err(|e| format!("{}: {e}", to.display()))?;
        }
        Ok(Tree(folder))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Puts a patch in.
    pub(crate) fn apply(&self, patch: &Path) -> Result<(), String> {
        run(self.git().arg(patch))
    }

    /// Takes a patch out, be it one that was put in or one that is part of the sources.
    pub(crate) fn take_back(&self, patch: &Path) -> Result<(), String> {
        run(self.git().arg("--reverse").arg(patch))
    }

    fn git(&self) -> Command {
        let mut git = Command::new("git");
        // The copy may lie inside the repository, whose files are not meant.
        let above = self.0.parent().unwrap_or(&self.0);
        git.current_dir(&self.0).env("GIT_CEILING_DIRECTORIES", above);
        git.args(["apply", "--unidiff-zero"]);
        git
    }
}

/// What a folder holds, by name.
pub(crate) fn children(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// A file's name without its suffix.
pub(crate) fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
