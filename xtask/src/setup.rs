//! Installs what building and testing need. Quick and silent when nothing is missing; says what it installs otherwise.

use std::process::{Command, Stdio};

use crate::env::run;
use crate::machine::Machine;

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

/// Debian packages to build for another processor and to run what was built.
const CROSS: &[(&str, &str)] = &[
    ("gcc-GNU", "linking for another processor"),
    ("libc6-dev:ARCH", "linking for another processor"),
    ("libavcodec-dev:ARCH", "decoding on another processor"),
    ("libavutil-dev:ARCH", "decoding on another processor"),
    ("libswscale-dev:ARCH", "decoding on another processor"),
    ("libasound2-dev:ARCH", "sound on another processor"),
    ("qemu-user", "another processor"),
];

/// Debian packages to compile C for Android.
const ANDROID: &[(&str, &str)] = &[
    ("clang", "C for Android"),
    ("musl-dev:ARCH", "headers of C for Android"),
    ("linux-libc-dev:ARCH", "the kernel's headers for Android"),
];

/// Debian packages to make a set-top box and switch it on.
const BOX: &[(&str, &str)] = &[
    ("qemu-system-x86", "the box"),
    ("qemu-system-gui", "the box's screen in a window"),
    ("mmdebstrap", "the box's system"),
    ("e2fsprogs", "the box's disks"),
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

/// Installs what is missing to run the tests with the virtual set-top box.
pub(crate) fn ensure_box() -> Result<(), String> {
    ensure(Purpose::Test)?;
    ensure_packages(BOX)
}

/// Installs what is missing to build for another processor.
pub(crate) fn ensure_cross(machine: &Machine) -> Result<(), String> {
    ensure_foreign(machine, CROSS)?;
    ensure_target(machine.target)
}

/// Installs what is missing to build for Android's `target`, which runs on `machine`.
pub(crate) fn ensure_android(machine: &Machine, target: &str) -> Result<(), String> {
    ensure_foreign(machine, ANDROID)?;
    ensure_target(target)
}

/// Installs what is missing of packages for another processor; in their names `ARCH` and `GNU` stand for it.
fn ensure_foreign(machine: &Machine, packages: &[(&str, &str)]) -> Result<(), String> {
    if is_debian() && is_root() {
        let known = Command::new("dpkg").arg("--print-foreign-architectures").output();
        let known = known.map_err(|e| format!("cannot run dpkg: {e}"))?;
        if !String::from_utf8_lossy(&known.stdout).lines().any(|line| line == machine.debian) {
            println!("Adding Debian's architecture {}", machine.debian);
            run(Command::new("dpkg").args(["--add-architecture", machine.debian]))?;
        }
    }
    let named = |name: &str| name.replace("ARCH", machine.debian).replace("GNU", machine.gnu);
    let packages: Vec<_> = packages.iter().map(|(name, why)| (named(name), *why)).collect();
    ensure_packages(&packages.iter().map(|(name, why)| (name.as_str(), *why)).collect::<Vec<_>>())
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

/// Whether a package, `NAME` or `NAME:ARCHITECTURE`, is there; it may be for more than one architecture.
fn installed(package: &str) -> bool {
    let (name, architecture) = package.split_once(':').unwrap_or((package, native()));
    let output = Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Status} ${Architecture}\\n", name])
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let is_it = |line: &str| {
        line.strip_prefix("installed ").is_some_and(|known| known == architecture || known == "all")
    };
    output.is_ok_and(|text| text.lines().any(is_it))
}

/// Debian's name of this machine's architecture.
fn native() -> &'static str {
    Machine::here().map_or("", |machine| machine.debian)
}

fn probe(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
