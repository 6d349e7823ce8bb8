//! `replay`: what is played and recorded on this processor, on another one.

use std::process::Command;

use crate::env::{cargo_native, root, run, target};
use crate::machine::Machine;
use crate::{core, dist, setup};

/// A short clip.
const CLIP: &str = "assets/demo/3 Flash and beep.mp4";

/// Plays the scenarios here and, under QEMU's emulation, elsewhere, where what was recorded here is replayed too.
pub(crate) fn replay() -> Result<(), String> {
    setup::ensure(setup::Purpose::Test)?;
    let elsewhere = Machine::other();
    setup::ensure_cross(elsewhere)?;
    let core = core::build()?;
    let program = dist::assemble(&dist::HEADLESS, elsewhere, &core)?.join(dist::HEADLESS.program);
    run(cargo_native("build").args(["--bin", "kinora-headless"]))?;

    // The core is compiled once for all scenarios: the emulated compiler takes its time.
    let cache = target().join("replay-cache");
    let (emulator, program) = (elsewhere.emulator(), program.display().to_string());
    let mut first = Command::new(&emulator);
    first.args([&program, "play"]).arg(root().join(CLIP)).args(["--until", "0"]);
    run(first.env("XDG_CACHE_HOME", &cache))?;
    let mut test = cargo_native("test");
    test.args(["--test", "scenarios"])
        .env("KINORA_ELSEWHERE", format!("{emulator}\n{program}"))
        .env("XDG_CACHE_HOME", cache);
    run(&mut test)
}
