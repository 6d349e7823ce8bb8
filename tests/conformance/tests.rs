//! The kit itself: every MUST of the contract has a check and a seeded fault, the reference shim keeps the contract, each fault is caught, and
//! the stub offers nothing and says so.

use std::collections::BTreeSet;
use std::process::Command;

use kinora_tests::{root, scratch, target_folder};
use libtest_mimic::{Arguments, Failed, Trial};

/// What the shared host does for every port, whatever the port lacks.
const OF_THE_HOST: &[&str] =
    &["log.write-bounded", "display.missing-exact", "timeline.create-distinct", "timeline.create-limit"];

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("musts_all_have_a_check_and_a_fault", || musts().map_err(Failed::from)),
        Trial::test("headless_passes_and_every_fault_is_caught", || certify_self().map_err(Failed::from)),
        Trial::test("timing_of_the_reference_shim_is_reported_and_not_judged", || {
            timing().map_err(Failed::from)
        }),
        Trial::test("stub_starts_a_core_and_says_that_it_lacks_the_rest", || stub().map_err(Failed::from)),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn output(program: &str, args: &[&str]) -> Result<(bool, String), String> {
    let path = target_folder().join(program);
    let output = Command::new(&path).args(args).output().map_err(|e| format!("{}: {e}", path.display()))?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((output.status.success(), text))
}

fn musts() -> Result<(), String> {
    let folder = root().join("wit");
    let mut ids = BTreeSet::new();
    for path in
        std::fs::read_dir(&folder).map_err(|e| e.to_string())?.filter_map(|entry| Some(entry.ok()?.path()))
    {
        if path.extension().is_some_and(|e| e == "wit") {
            let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
            let marks = text.split("[MUST ").skip(1).filter_map(|rest| rest.split_once(']'));
            ids.extend(marks.map(|(id, _)| id.to_owned()));
        }
    }
    let word = |text: &str, n: usize| -> BTreeSet<String> {
        text.lines().filter_map(|line| line.split(' ').nth(n)).map(str::to_owned).collect()
    };
    let checks = word(&output("kinora-certify", &["list"])?.1, 0);
    let faults = word(&output("kinora-headless", &["--list-faults"])?.1, 1);
    let lacking = |what: &BTreeSet<String>| ids.difference(what).cloned().collect::<Vec<_>>().join(", ");
    match (lacking(&checks), lacking(&faults)) {
        (no_check, no_fault) if no_check.is_empty() && no_fault.is_empty() && ids.len() > 50 => Ok(()),
        (no_check, no_fault) => {
            Err(format!("of {} MUSTs without a check: {no_check}; without a fault: {no_fault}", ids.len()))
        }
    }
}

fn certify_self() -> Result<(), String> {
    let shim = format!("{} play", target_folder().join("kinora-headless").display());
    let folder = scratch("certify-self").to_string_lossy().into_owned();
    let (right, text) = output("kinora-certify", &["self", "--shim", &shim, "--report", &folder])?;
    if right { Ok(()) } else { Err(text) }
}

/// By the virtual clock picture and sound of one moment are of one moment. What the clock cannot tell is said.
fn timing() -> Result<(), String> {
    let shim = format!("{} play", target_folder().join("kinora-headless").display());
    let folder = scratch("certify-timing");
    let path = folder.to_string_lossy();
    let (_, text) =
        output("kinora-certify", &["--shim", &shim, "--only", "link", "--timing", "--report", &path])?;
    let report = std::fs::read(folder.join("report.json")).map_err(|e| format!("{e}: {text}"))?;
    let report: serde_json::Value = serde_json::from_slice(&report).map_err(|e| e.to_string())?;
    let figures = report["timing"]["figures"].as_array().ok_or_else(|| text.clone())?;
    let most = |name: &str| if name.starts_with("start") { 1000.0 } else { 1.0 };
    for figure in figures {
        let name = figure["figure"].as_str().unwrap_or_default();
        let right = match figure["value"].as_f64() {
            Some(value) => value.abs() <= most(name),
            None => name.contains("processor time") && figure["not_measured"].is_string(),
        };
        if !right {
            return Err(format!("{figure}: {text}"));
        }
    }
    let page = std::fs::read_to_string(folder.join("report.html")).map_err(|e| e.to_string())?;
    let told = figures.len() == 9 && page.contains("A/V offset, p99");
    if told && report["verdict"] == "nothing wrong in this part" { Ok(()) } else { Err(text) }
}

fn stub() -> Result<(), String> {
    let shim = target_folder().join("kinora-stub").display().to_string();
    let folder = scratch("certify-stub");
    let (certified, text) = output(
        "kinora-certify",
        &["--shim", &shim, "--rig", "blind", "--report", &folder.to_string_lossy()],
    )?;
    if certified {
        return Err("a shim that does nothing is certified".into());
    }
    let report = std::fs::read(folder.join("report.json")).map_err(|e| format!("{e}: {text}"))?;
    let report: serde_json::Value = serde_json::from_slice(&report).map_err(|e| e.to_string())?;
    for check in report["checks"].as_array().into_iter().flatten() {
        let expected = match (check["group"].as_str(), check["id"].as_str()) {
            (Some("link" | "start"), _) | (_, Some("video.open-unsupported")) => &["passed"][..],
            (_, Some(id)) if OF_THE_HOST.contains(&id) => &["passed"],
            (Some("storage" | "net" | "policy"), _) => &["not offered"],
            // What nobody can see may be offered.
            _ => &["not offered", "not measured"],
        };
        if !expected.iter().any(|outcome| check["outcome"] == *outcome) {
            return Err(format!("{} {}: {}", check["id"], check["outcome"], check["detail"]));
        }
    }
    Ok(())
}
