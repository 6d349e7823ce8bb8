//! Faults put into the parsers on purpose: fuzzing that does not find them again is not worth its time.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{folder, run};
use crate::env::{root, run as execute, tracked};

/// How long a fault may hide.
const SECONDS: u64 = 180;

/// Plants each fault of `tests/fuzz/planted/TARGET/` (of `names`, or all) in a copy of the sources and fuzzes until it shows.
pub(super) fn find(names: &[String]) -> Result<(), String> {
    let patches = root().join("tests/fuzz/planted");
    let mut targets = children(&patches)?;
    targets.retain(|path| names.is_empty() || names.contains(&name(path)));
    let tree = copy()?;
    let (mut found, mut total) = (0, 0);
    for target in targets {
        let target_name = name(&target);
        run::build(&target_name, &tree)?;
        if let Some(reason) = run::replay(&target_name)?.reason {
            return Err(format!("{target_name} fails without any planted fault: {reason}"));
        }
        for patch in children(&target)? {
            apply(&patch, &tree, false)?;
            let outcome = run::build(&target_name, &tree).and_then(|()| run::fuzz(&target_name, SECONDS));
            apply(&patch, &tree, true)?;
            let outcome = outcome?;
            total += 1;
            found += usize::from(outcome.reason.is_some());
            println!(
                "{target_name:<10} {:<44} {:>4} s {:>9} executions  {}",
                name(&patch),
                outcome.seconds,
                outcome.executions,
                outcome.reason.as_deref().unwrap_or("NOT FOUND")
            );
        }
    }
    println!("{found} of {total} planted faults found");
    if found == total { Ok(()) } else { Err(format!("{} planted faults were not found", total - found)) }
}

/// The files git knows that fuzzing needs, copied beside the build. Unchanged ones keep their time, so that little is built again.
fn copy() -> Result<PathBuf, String> {
    let tree = folder().join("planted");
    for file in tracked()? {
        let (from, to) = (root().join(&file), tree.join(&file));
        let Ok(bytes) = std::fs::read(&from) else { continue };
        if std::fs::read(&to).is_ok_and(|old| old == bytes) {
            continue;
        }
        let parent = to.parent().unwrap_or(&tree);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&to, bytes))
            .map_err(|e| format!("{}: {e}", to.display()))?;
    }
    Ok(tree)
}

fn apply(patch: &Path, tree: &Path, undo: bool) -> Result<(), String> {
    let mut git = Command::new("git");
    // The copy may lie inside the repository, whose files are not meant.
    git.current_dir(tree).env("GIT_CEILING_DIRECTORIES", folder());
    git.args(["apply", "--unidiff-zero"]);
    execute(git.args(undo.then_some("--reverse")).arg(patch))
}

/// What a folder holds, by name.
fn children(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
