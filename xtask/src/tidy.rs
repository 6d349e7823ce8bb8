//! `tidy`: the architecture's rules, checked from the sources.

mod contract;
mod layers;
mod patches;
mod sources;

use crate::env::{root, tracked};

/// Everything a committed file in the root may be.
const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "ROADMAP.md",
    "assets",
    "deny.toml",
    "player-core",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "shims",
    "tests",
    "wit",
    "xtask",
];

/// Checks all rules and lists every offence.
pub(crate) fn check() -> Result<(), String> {
    let mut offences = Vec::new();
    let files = tracked()?;
    for name in files.iter().filter_map(|file| file.split('/').next()) {
        let offence = format!("{name}: not a place of its own at the top level");
        if !TOP_LEVEL.contains(&name) && !offences.contains(&offence) {
            offences.push(offence);
        }
    }
    layers::check(&mut offences)?;
    sources::check(&files, &mut offences);
    patches::check(&files, &mut offences)?;
    let counts = contract::check(&root().join("wit"), &mut offences)?;
    if offences.is_empty() {
        println!("tidy: {} files, contract with {} functions and {} cases", files.len(), counts.0, counts.1);
        return Ok(());
    }
    Err(format!("{} offences against the architecture:\n  {}", offences.len(), offences.join("\n  ")))
}
