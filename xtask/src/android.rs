//! `check --android`: whether what all ports share fits Android. The host is compiled and linked for it as a library, without Android's NDK.
//!
//! Libraries that have the names of `android/bionic.txt`, and nothing behind them, stand in for Android's. The linker has to find every name that
//! the host and what it is made of ask for, called or not; what Android lacks is an error that names it. C is compiled against the headers of
//! musl, with `android/include` before them where bionic has other names. So names and types are checked, and nothing that comes of it can run.

use std::path::Path;
use std::process::Command;

use crate::env::{cargo, root, run, target};
use crate::machine::Machine;
use crate::setup;

/// As Rust calls it.
const TARGET: &str = "aarch64-linux-android";
/// Android 7.0, from which on bionic has all that Rust's library asks for.
const API: u32 = 24;
/// What the libraries of Android have, and whoever makes a program for it.
const NAMES: &str = include_str!("android/bionic.txt");

/// What the compiler is told: all of the host is linked and not only what is called, every name must be found, and pages have the 16 KiB that new
/// devices ask for. The library for Rust's own unwinding is among those that stand in.
const FLAGS: &[&str] = &[
    "-Cpanic=abort",
    "-Clink-dead-code",
    "-Clink-arg=-zdefs",
    "-Clink-arg=--error-limit=0",
    "-Clink-arg=-zmax-page-size=16384",
    "-Cdebuginfo=0",
];

/// Compiles and links the host for Android.
pub(crate) fn check() -> Result<(), String> {
    let machine = Machine::named("aarch64-unknown-linux-gnu")?;
    setup::ensure_android(machine, TARGET)?;
    let libraries = target().join("android");
    stand_ins(&libraries)?;
    let variable = TARGET.replace('-', "_");
    let flags = FLAGS.iter().map(ToString::to_string).chain([format!("-L{}", libraries.display())]);
    let mut cargo = cargo();
    cargo
        .args(["rustc", "--package", "kinora-host", "--lib", "--crate-type", "cdylib", "--target", TARGET])
        .env("CARGO_ENCODED_RUSTFLAGS", flags.collect::<Vec<_>>().join("\x1f"))
        .env(format!("CARGO_TARGET_{}_LINKER", variable.to_uppercase()), "rust-lld")
        .env(format!("CC_{variable}"), "clang")
        .env(format!("CFLAGS_{variable}"), c_flags(machine))
        .env(format!("AR_{variable}"), "ar")
        // By its list of files: CMake would look for the NDK.
        .env("AWS_LC_SYS_CMAKE_BUILDER", "0");
    run(&mut cargo)?;
    println!("{}", target().join(TARGET).join("debug/libkinora_host.so").display());
    Ok(())
}

/// What Clang is told.
fn c_flags(machine: &Machine) -> String {
    let ours = root().join("xtask/src/android/include");
    let musl = format!("/usr/include/{}", machine.gnu.replace("gnu", "musl"));
    let kernel = format!("/usr/include/{}", machine.gnu);
    let folders = [ours.display().to_string(), musl, kernel, "/usr/include".into()];
    let folders = folders.map(|folder| format!("-isystem {folder}")).join(" ");
    // bionic shows all that it has unless less is asked for.
    format!("--target={TARGET}{API} -D_GNU_SOURCE -nostdlibinc {folders}")
}

/// Makes the libraries that stand in for Android's.
fn stand_ins(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for (library, names) in libraries() {
        let source = folder.join(format!("{library}.s"));
        let labels: String = names.iter().map(|name| format!(".globl {name}\n{name}:\n")).collect();
        std::fs::write(&source, labels).map_err(|e| format!("{}: {e}", source.display()))?;
        run(Command::new("clang")
            .arg(format!("--target={TARGET}{API}"))
            .args(["-shared", "-nostdlib", "-fuse-ld=lld"])
            .arg(format!("-B{}", crate::machine::lld()?.display()))
            .arg(format!("-Wl,-soname,lib{library}.so"))
            .arg("-o")
            .arg(folder.join(format!("lib{library}.so")))
            .arg(&source))?;
    }
    Ok(())
}

/// The libraries of the list, each with its names.
fn libraries() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut libraries: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in NAMES.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(library) => libraries.push((library, Vec::new())),
            None => libraries.last_mut().map_or((), |(_, names)| names.extend(line.split_whitespace())),
        }
    }
    libraries
}
