//! `bench`: measures against the peers.

use std::process::Command;

use crate::env::{cargo_native, root, run, target};
use crate::patches::{Tree, children, name};
use crate::{core, setup};

/// The programs that are measured, and the one that measures.
const PROGRAMS: &[&str] = &["kinora", "kinora-headless", "kinora-bench"];

/// Builds as for people who install it, and runs the benches named.
pub(crate) fn bench(names: &[String]) -> Result<(), String> {
    setup::ensure(setup::Purpose::Bench)?;
    let wants = |bench: &str| names.iter().any(|name| name == bench || name == "all");
    // What a swap costs a device begins with what it downloads.
    let besides = (wants("swap") && !wants("delta")).then_some("delta");
    // The one that ships comes last: all are built under one name.
    if wants("swap") || wants("delta") {
        build_earlier()?;
        core::build_guests()?;
    }
    core::build_faulty()?;
    println!("{}", core::build()?);
    let mut build = cargo_native("build");
    build.args(["--release", "--quiet"]);
    for program in PROGRAMS {
        build.args(["--bin", program]);
    }
    run(&mut build)?;
    run(Command::new(target().join("release/kinora-bench")).args(names).args(besides))
}

/// Builds the core as it was without each of some changes that were made to it.
fn build_earlier() -> Result<(), String> {
    let tree = Tree::copy(target().join("bench/sources"))?;
    let folder = target().join("bench/earlier");
    // Builds without a change that is not listed any more do not count.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for patch in children(&root().join("tests/bench/updates"))? {
        println!("the core without {}", name(&patch));
        tree.take_back(&patch)?;
        let built = core::build_from(tree.path(), &folder.join(format!("{}.wasm", name(&patch))));
        tree.apply(&patch)?;
        built?;
    }
    Ok(())
}
