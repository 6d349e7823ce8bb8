//! Patches that benches and the proof of fuzzing work with: each one fits the sources of the day.

use std::process::Command;

use crate::env::root;

/// Folders of patches that can be put in.
const PUT_IN: &str = "tests/fuzz/planted/";
/// The folder of patches that are part of the sources, and can be taken out.
const TAKEN_OUT: &str = "tests/bench/updates/";

pub(super) fn check(files: &[String], offences: &mut Vec<String>) -> Result<(), String> {
    for patch in files {
        let mut git = Command::new("git");
        git.current_dir(root()).args(["apply", "--check", "--unidiff-zero"]);
        let what = match patch {
            patch if patch.starts_with(PUT_IN) => "put in",
            patch if patch.starts_with(TAKEN_OUT) => {
                git.arg("--reverse");
                "taken out"
            }
            _ => continue,
        };
        git.arg(patch);
        let output = git.output().map_err(|e| format!("git: {e}"))?;
        if !output.status.success() {
            offences.push(format!("{patch}: cannot be {what} any more; make it anew, or another one"));
        }
    }
    Ok(())
}
