//! `fuzz`: the targets of `tests/fuzz` under LLVM's libFuzzer, and the proof that they find faults.

mod planted;
mod run;
mod seeds;

use std::path::PathBuf;
use std::process::Command;

use crate::env::{root, target};
use crate::setup;
use run::Outcome;

/// Minutes when none are given: two shifts of a coffee break.
const MINUTES: u64 = 10;

/// `[TARGET]... [--minutes N] [--planted]`
pub(crate) fn fuzz(args: &[String]) -> Result<(), String> {
    let mut minutes = MINUTES;
    let mut planted = false;
    let mut names = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--minutes" => {
                let value = args.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                minutes = value.ok_or("--minutes takes a number from 1")?;
            }
            "--planted" => planted = true,
            flag if flag.starts_with('-') => return Err(format!("unknown option `{flag}`")),
            name => names.push(name.to_owned()),
        }
    }
    let all = targets()?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(format!("no target `{unknown}`; there are: {}", all.join(" ")));
    }
    if !names.is_empty() {
        names.sort_by_key(|name| all.iter().position(|target| target == name));
    }
    setup::ensure(setup::Purpose::Test)?;
    seeds::make()?;
    if planted {
        return planted::find(&names);
    }
    let names = if names.is_empty() { all } else { names };
    hunt(&names, minutes)
}

/// Fuzzes each target for its share of the time, as many at once as there are processors.
fn hunt(names: &[String], minutes: u64) -> Result<(), String> {
    for name in names {
        run::build(name, &root())?;
    }
    let jobs = std::thread::available_parallelism().map_or(1, usize::from).min(names.len());
    let seconds = (minutes * 60 * jobs as u64 / names.len() as u64).max(1);
    println!("{} targets, {seconds} s each, {jobs} at once", names.len());
    println!(
        "{:<14} {:>12} {:>8} {:>16} {:>8}  result",
        "target", "executions", "a second", "edges covered", "inputs"
    );
    let queue = std::sync::Mutex::new(names.iter());
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let Some(name) = queue.lock().expect("the queue").next() else { return };
                    match run::fuzz(name, seconds) {
                        Ok(outcome) => {
                            println!("{}", line(name, &outcome));
                            if let Some(input) = outcome.failed_on {
                                failures.lock().expect("the list").push((name, input));
                            }
                        }
                        Err(error) => eprintln!("{name}: {error}"),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("the list");
    for (name, input) in &failures {
        println!("\n{name} fails on {}; shown by:\n  {} {0}", input.display(), run::binary(name).display());
        println!("once mended, copy the input to tests/fuzz/regressions/{name}/");
    }
    if failures.is_empty() { Ok(()) } else { Err(format!("{} targets failed", failures.len())) }
}

fn line(name: &str, outcome: &Outcome) -> String {
    let share = 100 * outcome.covered / outcome.edges.max(1);
    let result = outcome.reason.as_deref().unwrap_or("held");
    format!(
        "{name:<14} {:>12} {:>8} {:>7} of {:>5} {share:>2}% {:>5}  {result}",
        outcome.executions,
        outcome.executions / outcome.seconds.max(1),
        outcome.covered,
        outcome.edges,
        outcome.inputs,
    )
}

/// The names of the targets, from the library's own table.
fn targets() -> Result<Vec<String>, String> {
    let path = root().join("tests/fuzz/src/lib.rs");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let rows = text.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split_once("\", "));
    Ok(rows.map(|(name, _)| name.to_owned()).collect())
}

/// Where everything that fuzzing makes is kept.
fn folder() -> PathBuf {
    target().join("fuzz")
}

fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|e| format!("rustc: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not tell its host".to_owned())
}
