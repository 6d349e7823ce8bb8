//! `replay`: what is played and recorded on this processor, on another one, with the programs that ship for it.

use crate::core::Core;
use crate::env::{cargo_native, run};
use crate::machine::Machine;
use crate::{core, dist, setup};

/// Plays the scenarios here and, under QEMU's emulation, elsewhere, where what was recorded here is replayed too; and has the player of boxes
/// load its core there.
pub(crate) fn replay() -> Result<(), String> {
    setup::ensure(setup::Purpose::Test)?;
    let elsewhere = Machine::other();
    setup::ensure_cross(elsewhere)?;
    let core = core::build()?;
    let program = dist::assemble(&dist::HEADLESS, elsewhere, &core)?.join(dist::HEADLESS.program);
    run(cargo_native("build").args(["--bin", "kinora-headless"]))?;

    let program = format!("{}\n{}", elsewhere.emulator(), program.display());
    run(cargo_native("test").args(["--test", "scenarios"]).env("KINORA_ELSEWHERE", program))?;
    look_around(elsewhere, &core)
}

/// Has the doctor of the player of boxes look around elsewhere. It finds no display, which QEMU does not pass on, but the core that was
/// compiled for it.
fn look_around(elsewhere: &Machine, core: &Core) -> Result<(), String> {
    let program = dist::assemble(&dist::TV, elsewhere, core)?.join(dist::TV.program);
    let output = elsewhere.runs(&program).arg("doctor").output();
    let output = output.map_err(|e| format!("cannot run {}: {e}", elsewhere.emulator()))?;
    let found = String::from_utf8_lossy(&output.stdout);
    print!("{found}");
    if found.lines().any(|line| line.trim() == format!("sha256 {}", core.sha256)) {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{} does not load its core on {}: {said}", dist::TV.program, elsewhere.target))
    }
}
