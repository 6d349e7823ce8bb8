//! `bench`: measures against the peers.

use std::process::Command;

use crate::env::{cargo_native, run, target};
use crate::{core, setup};

/// The programs that are measured, and the one that measures.
const PROGRAMS: &[&str] = &["kinora", "kinora-headless", "kinora-bench"];

/// Builds as for people who install it, and runs the benches named.
pub(crate) fn bench(names: &[String]) -> Result<(), String> {
    setup::ensure(setup::Purpose::Bench)?;
    // The one that ships comes last: both are built under one name.
    core::build_faulty()?;
    println!("{}", core::build()?);
    let mut build = cargo_native("build");
    build.args(["--release", "--quiet"]);
    for program in PROGRAMS {
        build.args(["--bin", program]);
    }
    run(&mut build)?;
    run(Command::new(target().join("release/kinora-bench")).args(names))
}
