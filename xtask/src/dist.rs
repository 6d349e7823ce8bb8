//! `dist`: what a person installs, in one folder.

use std::path::Path;

use crate::env::{cargo, root, run, target};
use crate::{core, setup};

/// The programs that ship.
const PROGRAMS: &[&str] = &["kinora", "kinora-headless"];

/// Builds the programs in the release profile and puts them, the core and the licences into `target/dist/kinora`.
pub(crate) fn dist() -> Result<(), String> {
    setup::ensure(setup::Purpose::Play)?;
    let core = core::build()?;
    let mut build = cargo();
    build.args(["build", "--release"]);
    for program in PROGRAMS {
        build.args(["--package", program]);
    }
    run(&mut build)?;

    let folder = target().join("dist/kinora");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for program in PROGRAMS {
        let size = copy(&target().join("release").join(program), &folder)?;
        println!("{program} bytes={size}");
    }
    copy(&core.path, &folder)?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT", "assets/fonts/OFL.txt"] {
        copy(&root().join(licence), &folder)?;
    }
    println!("{core}");
    println!("{}", folder.display());
    Ok(())
}

fn copy(file: &Path, folder: &Path) -> Result<u64, String> {
    let name = file.file_name().ok_or("a file has a name")?;
    std::fs::copy(file, folder.join(name)).map_err(|e| format!("{}: {e}", file.display()))
}
