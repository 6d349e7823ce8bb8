//! `certify-self`: the conformance kit, checked by the reference shim and its seeded faults. `certify`: the shims that ship, checked by the kit.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::env::{cargo_native, run, target};
use crate::{core, setup, tv};

/// Builds the kit and the reference shim, and runs all checks and faults; `arguments` are the kit's (`--only GROUP`).
pub(crate) fn certify_self(arguments: &[String]) -> Result<(), String> {
    setup::ensure(setup::Purpose::Test)?;
    build()?;
    run(kit()
        .args(["self", "--shim", &format!("{} play", program("kinora-headless").display()), "--report"])
        .arg(target().join("certify-self"))
        .args(arguments))
}

/// The shims that ship: each has a rig of its own.
const SHIMS: [&str; 3] = ["headless", "desktop", "tv"];

/// Certifies the shims that are named first, or all; the rest are arguments of the kit.
pub(crate) fn certify(words: &[String]) -> Result<(), String> {
    let count = words.iter().take_while(|word| !word.starts_with("--")).count();
    let (named, arguments) = words.split_at(count);
    if let Some(unknown) = named.iter().find(|name| !SHIMS.contains(&name.as_str())) {
        return Err(format!("there is no shim `{unknown}` to certify: {}", SHIMS.join(", ")));
    }
    let wanted = |shim: &&str| named.is_empty() || named.iter().any(|name| name == shim);
    setup::ensure(setup::Purpose::Test)?;
    build()?;
    let mut reports = Vec::new();
    for shim in SHIMS.into_iter().filter(wanted) {
        println!("== {shim}");
        let folder = target().join("certify").join(shim);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        let ran = run(command(shim)?.arg("--report").arg(&folder).args(arguments));
        // Without a report the kit could not do its work; with one, it says what is wrong.
        let report = Report::read(&folder).map_err(|why| ran.clone().err().unwrap_or(why))?;
        reports.push((shim, report, ran));
    }
    println!();
    for (shim, report, _) in &reports {
        println!("{shim:<9} {:<29} core sha256 {}", report.verdict, report.core);
    }
    if reports.iter().any(|(_, report, _)| report.core != reports[0].1.core) {
        return Err("the shims were checked with different cores".into());
    }
    reports.into_iter().try_for_each(|(.., ran)| ran)
}

/// What the kit writes about a shim, as far as it is shown here.
struct Report {
    core: String,
    verdict: String,
}

impl Report {
    fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("report.json");
        let text = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let report: Value = serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        let verdict = report["verdict"].as_str().unwrap_or_default().to_owned();
        let core = report["core_sha256"].as_str().unwrap_or_default().to_owned();
        Ok(Report { core, verdict })
    }
}

/// The kit's command for a shim.
fn command(shim: &str) -> Result<Command, String> {
    let mut command = kit();
    let local = |name: &str| format!("{} play", program(name).display());
    match shim {
        "tv" => command
            .args(["--rig", "box", "--shim", &tv::command(), "--core"])
            .arg(core_of_the_box()?)
            .env("KINORA_BOX", tv::system()?),
        "desktop" => command.args(["--rig", "xvfb", "--shim", &local("kinora")]),
        _ => command.args(["--shim", &local("kinora-headless")]),
    };
    Ok(command)
}

/// The kit's core with what is compiled of it for players without a compiler, in a folder that the box can have.
fn core_of_the_box() -> Result<PathBuf, String> {
    let folder = target().join("tv/kit");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let core = target().join("guests/kit.wasm");
    run(Command::new(program("kinora-headless")).arg("compile").arg(&folder).arg("--core").arg(&core))?;
    let path = folder.join("kit.wasm");
    std::fs::copy(&core, &path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

/// The kit, its core and the shims that run on this machine.
fn build() -> Result<(), String> {
    core::build_guests()?;
    run(cargo_native("build").arg("--bins"))
}

fn kit() -> Command {
    Command::new(program("kinora-certify"))
}

fn program(name: &str) -> PathBuf {
    target().join("debug").join(name)
}
