//! `replay`: what was recorded on this processor, on another one.

use crate::env::{cargo, cargo_native, run, target};
use crate::{core, setup};

/// A processor of another family than those players are written on, and that of most set-top boxes.
const TARGET: &str = "aarch64-unknown-linux-gnu";
/// Where Debian puts its libraries.
const SYSROOT: &str = "/usr/aarch64-linux-gnu";

/// Plays the scenarios here, and replays each under QEMU's emulation.
pub(crate) fn replay() -> Result<(), String> {
    setup::ensure_replay(TARGET)?;
    let core = core::build()?.path;
    let mut build = cargo();
    build.args([
        "build",
        "--quiet",
        "--package",
        "kinora-host",
        "--features",
        "compiler",
        "--example",
        "replay",
    ]);
    build.args(["--target", TARGET]);
    run(build.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc"))?;
    run(cargo_native("build").args(["--bin", "kinora-headless"]))?;

    let program = target().join(TARGET).join("debug/examples/replay");
    // Compiled once for all scenarios: the emulated compiler takes its time.
    let cache = target().join("replay-cache");
    let words = ["qemu-aarch64", "-L", SYSROOT].map(Into::into);
    let replayer: Vec<String> =
        words.into_iter().chain([program, core].map(|path| path.display().to_string())).collect();
    let mut test = cargo_native("test");
    test.args(["--test", "scenarios"])
        .env("KINORA_REPLAYER", replayer.join("\n"))
        .env("XDG_CACHE_HOME", cache);
    run(&mut test)
}
