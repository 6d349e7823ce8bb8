//! Installs what building and testing need. Quick and silent when nothing is missing; says what it installs otherwise.

use std::process::{Command, Stdio};

use crate::env::run;

/// What a set-up is for; each includes the ones before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Building the core only: no system packages.
    Core,
    /// Building and running the players.
    Play,
    /// Running the tests: oracles, a display, a sound server, fonts.
    Test,
    /// Measuring: the peers.
    Bench,
}

/// Debian packages to build and run the players, with the reason.
const PLAY: &[(&str, &str)] = &[
    ("libavcodec-dev", "decoding"),
    ("libavutil-dev", "decoding"),
    ("libswscale-dev", "decoding"),
    ("libswresample-dev", "decoding"),
    ("libavformat-dev", "decoding: its bindings"),
    ("libavfilter-dev", "decoding: its bindings"),
    ("libavdevice-dev", "decoding: its bindings"),
    ("libclang-dev", "reading FFmpeg's headers"),
    ("clang", "reading FFmpeg's headers"),
    ("pkg-config", "finding libraries"),
    ("libasound2-dev", "sound"),
    ("libxkbcommon0", "keyboard layouts"),
    ("libxkbcommon-x11-0", "keyboard layouts under X11"),
    ("libx11-xcb1", "windows under X11"),
    ("libxcursor1", "windows under X11"),
    ("libxi6", "windows under X11"),
    ("libwayland-client0", "windows under Wayland"),
    ("libvulkan1", "graphics"),
    ("mesa-vulkan-drivers", "graphics"),
    ("libegl1", "graphics"),
    ("ca-certificates", "TLS"),
];

/// Debian packages the tests need besides.
const TEST: &[(&str, &str)] = &[
    ("ffmpeg", "the oracle for frames, sound and colours; makes test media"),
    ("xvfb", "a display for the desktop player"),
    ("weston", "a Wayland display for the desktop player"),
    ("pulseaudio", "a sound device with a clock"),
    ("pulseaudio-utils", "recording what was heard"),
    ("dbus", "system media controls"),
    ("docker-registry", "an OCI registry that cores are pushed to"),
    ("fonts-noto-core", "captions in Arabic and Thai"),
    ("fonts-noto-cjk", "captions in Chinese, Japanese and Korean"),
];

/// Debian packages the benches need besides.
const BENCH: &[(&str, &str)] = &[("mpv", "the peer in a window")];

/// Debian packages to replay on another processor.
const REPLAY: &[(&str, &str)] = &[
    ("gcc-aarch64-linux-gnu", "linking for another processor"),
    ("libc6-dev-arm64-cross", "linking for another processor"),
    ("qemu-user", "another processor"),
];

/// Target of the player core.
const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Installs what is missing for `purpose`.
pub(crate) fn ensure(purpose: Purpose) -> Result<(), String> {
    let mut packages: Vec<(&str, &str)> = Vec::new();
    if purpose >= Purpose::Play {
        packages.extend(PLAY);
    }
    if purpose >= Purpose::Test {
        packages.extend(TEST);
    }
    if purpose >= Purpose::Bench {
        packages.extend(BENCH);
    }
    ensure_packages(&packages)?;
    ensure_target(WASM_TARGET)
}

/// Installs what is missing to run the tests' scenarios on another processor, named by its Rust target.
pub(crate) fn ensure_replay(target: &str) -> Result<(), String> {
    ensure(Purpose::Test)?;
    ensure_packages(REPLAY)?;
    ensure_target(target)
}

fn ensure_packages(wanted: &[(&str, &str)]) -> Result<(), String> {
    if wanted.is_empty() {
        return Ok(());
    }
    if !is_debian() {
        // Somebody else's system: their build tells what is missing, this tells where to look.
        if probe("pkg-config", &["--exists", "libavcodec", "alsa"]) {
            return Ok(());
        }
        let names: Vec<_> = wanted.iter().map(|(name, why)| format!("  {name} ({why})")).collect();
        return Err(format!(
            "this set-up installs packages on Debian 12 only. Install these, or what your system calls them:\n{}",
            names.join("\n")
        ));
    }
    let missing: Vec<_> = wanted.iter().filter(|(name, _)| !installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    if !is_root() {
        return Err(format!(
            "packages are missing; run this as root:\n  apt-get install {}",
            names.join(" ")
        ));
    }
    println!("Installing {} Debian packages:", missing.len());
    for (name, why) in &missing {
        println!("  {name} ({why})");
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command
    };
    run(apt().args(["update", "-qq"]))?;
    run(apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&names))
}

fn ensure_target(target: &str) -> Result<(), String> {
    let list = Command::new("rustup").args(["target", "list", "--installed"]).output();
    match list {
        Ok(output) if String::from_utf8_lossy(&output.stdout).lines().any(|line| line == target) => Ok(()),
        Ok(_) => {
            println!("Installing the Rust target {target}");
            run(Command::new("rustup").args(["target", "add", target]))
        }
        // A toolchain that does not come from rustup: the build will tell if the target is missing.
        Err(_) => Ok(()),
    }
}

fn is_debian() -> bool {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| line == "ID=debian") && probe("apt-get", &["--version"])
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Status}", package])
        .output()
        // Once for each architecture it is installed for; dpkg names this machine's first.
        .is_ok_and(|output| output.stdout.starts_with(b"installed"))
}

fn probe(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
