//! The processors that players are built for, and building for another than this one with Debian's cross toolchain and libraries.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A processor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// As Rust calls it.
    pub(crate) target: &'static str,
    /// As Debian calls it.
    pub(crate) debian: &'static str,
    /// As Debian's cross toolchain and folders of libraries call it.
    pub(crate) gnu: &'static str,
    /// As QEMU and `std::env::consts::ARCH` call it.
    architecture: &'static str,
}

const X86_64: Machine = Machine {
    target: "x86_64-unknown-linux-gnu",
    debian: "amd64",
    gnu: "x86_64-linux-gnu",
    architecture: "x86_64",
};

/// That of most set-top boxes.
const AARCH64: Machine = Machine {
    target: "aarch64-unknown-linux-gnu",
    debian: "arm64",
    gnu: "aarch64-linux-gnu",
    architecture: "aarch64",
};

const ALL: [&Machine; 2] = [&X86_64, &AARCH64];

impl Machine {
    /// This one.
    pub(crate) fn here() -> Result<&'static Machine, String> {
        let here = ALL.into_iter().find(|machine| machine.architecture == std::env::consts::ARCH);
        here.ok_or_else(|| {
            format!("players are built for x86_64 and aarch64, not {}", std::env::consts::ARCH)
        })
    }

    /// The one that Rust calls `target`.
    pub(crate) fn named(target: &str) -> Result<&'static Machine, String> {
        ALL.into_iter().find(|machine| machine.target == target).ok_or_else(|| {
            format!(
                "players are built for {}, not `{target}`",
                ALL.map(|machine| machine.target).join(" and ")
            )
        })
    }

    /// Whether this is the one that this program runs on.
    pub(crate) fn is_here(&self) -> bool {
        self.architecture == std::env::consts::ARCH
    }

    /// Another one, to try things on.
    pub(crate) fn other() -> &'static Machine {
        if AARCH64.is_here() { &X86_64 } else { &AARCH64 }
    }

    /// Has `cargo` build for it.
    pub(crate) fn target(&self, cargo: &mut Command) {
        if self.is_here() {
            return;
        }
        let variable = self.target.replace('-', "_");
        cargo
            .args(["--target", self.target])
            .env(format!("CARGO_TARGET_{}_LINKER", variable.to_uppercase()), format!("{}-gcc", self.gnu))
            .env("PKG_CONFIG_ALLOW_CROSS", "1")
            .env(format!("PKG_CONFIG_LIBDIR_{variable}"), format!("/usr/lib/{}/pkgconfig", self.gnu));
    }

    /// Runs one of its programs here.
    pub(crate) fn runs(&self, program: &Path) -> Command {
        if self.is_here() {
            return Command::new(program);
        }
        let mut command = Command::new(self.emulator());
        command.arg(program);
        command
    }

    /// The program that runs its programs here.
    pub(crate) fn emulator(&self) -> String {
        format!("qemu-{}", self.architecture)
    }
}

/// The folder of the linker that comes with Rust, under the name that compilers ask for.
pub(crate) fn lld() -> Result<PathBuf, String> {
    let output = Command::new("rustc").args(["--print", "target-libdir"]).output();
    let output = output.map_err(|e| format!("cannot run rustc: {e}"))?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(libraries.with_file_name("bin").join("gcc-ld"))
}
