//! `dist`: what people install, an archive a shim.

mod lines;

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::core::{self, Core};
use crate::env::{cargo, cargo_native, root, run, target};
use crate::machine::Machine;
use crate::setup;

/// A shim that ships.
pub(crate) struct Shim {
    /// Its program, which is what its package is called too.
    pub(crate) program: &'static str,
    /// Its folder below `shims/`.
    folder: &'static str,
    /// Whether it is built for other processors than this one: those of desktops are built on desktops.
    elsewhere: bool,
    /// How it is built: one of the workspace's profiles.
    profile: &'static str,
    /// What it has besides, below the root folder.
    files: &'static [&'static str],
}

const DESKTOP: Shim =
    Shim { program: "kinora", folder: "desktop", elsewhere: false, profile: "release", files: &[] };
pub(crate) const HEADLESS: Shim =
    Shim { program: "kinora-headless", folder: "headless", elsewhere: true, profile: "release", files: &[] };
pub(crate) const TV: Shim = Shim {
    program: "kinora-tv",
    folder: "tv",
    elsewhere: true,
    profile: "box",
    files: &["shims/tv/kinora-tv.service"],
};
const SHIMS: [&Shim; 3] = [&DESKTOP, &HEADLESS, &TV];

/// What is in every package besides the program.
const LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT", "assets/fonts/OFL.txt"];

/// Builds the shims, each in its profile, and packs each with the core and the licences into `target/dist/`.
pub(crate) fn dist(args: &[String]) -> Result<(), String> {
    let machine = match args {
        [] => Machine::here()?,
        [option, target] if option == "--target" => Machine::named(target)?,
        _ => return Err("dist takes nothing or --target TARGET".into()),
    };
    setup::ensure(setup::Purpose::Play)?;
    if !machine.is_here() {
        setup::ensure_cross(machine)?;
    }
    let core = core::build()?;
    println!("{core}");
    println!("{:<16} {:>11} {:>6}  core sha256 in the package", "shim", "stripped", "lines");
    for shim in SHIMS.into_iter().filter(|shim| shim.elsewhere || machine.is_here()) {
        let folder = assemble(shim, machine, &core)?;
        let size =
            folder.join(shim.program).metadata().map_err(|e| format!("{}: {e}", folder.display()))?.len();
        let sha256 = core_inside(&pack(&folder)?, &core)?;
        println!("{:<16} {size:>11} {:>6}  {sha256}", shim.program, lines::of_shim(shim.folder)?);
    }
    println!("{}", target().join("dist").display());
    Ok(())
}

/// Builds a shim for a processor; the result is the folder that it runs from, as it will be packed.
pub(crate) fn assemble(shim: &Shim, machine: &Machine, core: &Core) -> Result<PathBuf, String> {
    let program = build(shim, machine)?;
    let folder = target().join("dist").join(format!("{}-{}", shim.program, machine.target));
    // What an earlier build left is no part of this one.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    copy(&program, &folder)?;
    run(Command::new(format!("{}-strip", machine.gnu)).arg(folder.join(shim.program)))?;
    copy(&core.path, &folder)?;
    for file in LICENCES.iter().chain(shim.files) {
        copy(&root().join(file), &folder)?;
    }
    // Those that compile cores themselves need not do so at their first start.
    run(compiler(machine)?.arg("compile").arg(&folder).arg("--core").arg(&core.path))?;
    Ok(folder)
}

/// Builds a shim's program for a processor.
fn build(shim: &Shim, machine: &Machine) -> Result<PathBuf, String> {
    let mut build = cargo();
    // A package alone, with just the features that it asks of what the shims share.
    build.args(["build", "--quiet", "--profile", shim.profile, "--package", shim.program]);
    machine.target(&mut build);
    run(&mut build)?;
    let built = if machine.is_here() { target() } else { target().join(machine.target) };
    Ok(built.join(shim.profile).join(shim.program))
}

/// A program that compiles cores for a processor, which is one that runs on it.
fn compiler(machine: &Machine) -> Result<Command, String> {
    if machine.is_here() {
        run(cargo_native("build").args(["--quiet", "--bin", HEADLESS.program]))?;
        return Ok(Command::new(target().join("debug").join(HEADLESS.program)));
    }
    Ok(machine.runs(&build(&HEADLESS, machine)?))
}

/// Packs a folder into an archive beside it, which is the same for the same contents.
fn pack(folder: &Path) -> Result<PathBuf, String> {
    let archive = PathBuf::from(format!("{}.tar.gz", folder.display()));
    let (parent, name) = (folder.parent(), folder.file_name());
    let (Some(parent), Some(name)) = (parent, name) else {
        return Err("a package is a folder in another".into());
    };
    run(Command::new("tar")
        .args(["--create", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"])
        .arg("--use-compress-program=gzip -n")
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .args([parent.as_os_str(), name]))?;
    Ok(archive)
}

/// The hash of the core in an archive.
fn core_inside(archive: &Path, core: &Core) -> Result<String, String> {
    let name = core.path.file_name().ok_or("a core is a file")?.to_string_lossy();
    let output = Command::new("tar")
        .args(["--extract", "--to-stdout", "--wildcards", &format!("*/{name}"), "--file"])
        .arg(archive)
        .output()
        .map_err(|e| format!("cannot run tar: {e}"))?;
    if !output.status.success() {
        return Err(format!("{}: {}", archive.display(), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(Sha256::digest(&output.stdout).iter().map(|b| format!("{b:02x}")).collect())
}

fn copy(file: &Path, folder: &Path) -> Result<(), String> {
    let name = file.file_name().ok_or("a file has a name")?;
    std::fs::copy(file, folder.join(name)).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(())
}
