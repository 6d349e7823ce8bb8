//! `certify-self`: the conformance kit, checked by the reference shim and its seeded faults.

use std::process::Command;

use crate::env::{cargo_native, run, target};
use crate::{core, setup};

/// Builds the kit and the reference shim, and runs all checks and faults; `arguments` are the kit's (`--only GROUP`).
pub(crate) fn certify_self(arguments: &[String]) -> Result<(), String> {
    setup::ensure(setup::Purpose::Test)?;
    core::build_guests()?;
    run(cargo_native("build").args(["--bin", "kinora-headless", "--bin", "kinora-certify"]))?;
    let programs = target().join("debug");
    let shim = format!("{} play", programs.join("kinora-headless").display());
    let folder = target().join("certify-self");
    run(Command::new(programs.join("kinora-certify"))
        .args(["self", "--shim", &shim, "--report"])
        .arg(folder)
        .args(arguments))
}
