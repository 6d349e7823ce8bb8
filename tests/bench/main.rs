//! Measures the player beside its peers on this machine; `README.md` tells how the figures are read.

mod calm;
mod core_cost;
mod drops;
mod film;
mod input;
mod play;
mod report;
mod rest;
mod seek;
mod size;
mod stage;
mod start;
mod swap;
mod usage;
mod window;

use std::process::ExitCode;

use calm::Machine;
use report::Row;

/// Pairs of runs of each row.
const RUNS: usize = 5;

type Bench = fn(&mut Machine) -> Result<Vec<Row>, String>;

/// All benches, in the order in which `all` runs them.
const BENCHES: &[(&str, Bench)] = &[
    ("size", size::bench),
    ("core", core_cost::bench),
    ("play", play::bench),
    ("start", start::bench),
    ("seek", seek::bench),
    ("input", input::bench),
    ("window", window::bench),
    ("rest", rest::bench),
    ("drops", drops::bench),
    ("swap", swap::bench),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let known = |name: &String| name == "all" || BENCHES.iter().any(|(known, _)| known == name);
    if wanted.is_empty() || !wanted.iter().all(known) {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: kinora-bench all | NAME...\nNAME is one of: {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut failed = false;
    println!("{}", report::HEAD);
    for (name, bench) in BENCHES.iter().filter(|(name, _)| wanted.iter().any(|w| w == name || w == "all")) {
        let mut machine = Machine::default();
        let done = bench(&mut machine).and_then(|rows| report::publish(name, &rows, &machine));
        match done {
            Ok(passed) => failed |= !passed,
            Err(why) => {
                eprintln!("error: {name}: {why}");
                failed = true;
            }
        }
    }
    ExitCode::from(u8::from(failed))
}
