//! Measures the player beside its peers on this machine; `README.md` tells how the figures are read.

mod av;
mod calm;
mod core_cost;
mod delta;
mod drops;
mod film;
mod hold;
mod input;
mod memory;
mod play;
mod plot;
mod recording;
mod report;
mod rest;
mod seek;
mod setting;
mod size;
mod slope;
mod stage;
mod start;
mod swap;
mod usage;
mod window;

use std::process::ExitCode;

use calm::Machine;
use report::Row;
use setting::Setting;

/// Pairs of runs of each row.
const RUNS: u32 = 5;

/// Measures nothing and prints what was measured before.
const TABLE: &str = "--table";
/// Runs everything once and short, to see whether a bench works.
const TRY: &str = "--try";

/// Adds its rows one after another: those there are count even if a later part breaks off.
type Bench = fn(&mut Machine, &mut Vec<Row>) -> Result<(), String>;

/// All benches, in the order in which `all` runs them.
const BENCHES: &[(&str, Bench)] = &[
    ("size", size::bench),
    ("core", core_cost::bench),
    ("memory", memory::bench),
    ("recording", recording::bench),
    ("play", play::bench),
    ("start", start::bench),
    ("seek", seek::bench),
    ("input", input::bench),
    ("window", window::bench),
    ("rest", rest::bench),
    ("hold", hold::bench),
    ("drops", drops::bench),
    ("swap", swap::bench),
    ("delta", delta::bench),
    ("av", av::bench),
];

fn main() -> ExitCode {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted == [TABLE] {
        return match report::table(BENCHES.iter().map(|(name, _)| *name)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::from(1)
            }
        };
    }
    let tries = wanted.iter().any(|word| word == TRY);
    wanted.retain(|word| word != TRY);
    let known = |name: &String| name == "all" || BENCHES.iter().any(|(known, _)| known == name);
    if wanted.is_empty() || !wanted.iter().all(known) {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        eprintln!(
            "usage: kinora-bench [{TRY}] all | NAME...\n       kinora-bench {TABLE}\nNAME is one of: {}",
            names.join(", ")
        );
        return ExitCode::from(2);
    }
    let setting = Setting::here();
    println!("{setting}\n\n{}", report::HEAD);
    let mut failed = false;
    for (name, bench) in BENCHES.iter().filter(|(name, _)| wanted.iter().any(|w| w == name || w == "all")) {
        let mut machine = Machine { tries, ..Machine::default() };
        let mut rows = Vec::new();
        let ended = bench(&mut machine, &mut rows);
        let published = report::publish(name, &rows, ended.as_ref().err(), &machine, &setting);
        failed |= ended.is_err() || !published.as_ref().is_ok_and(|passed| *passed);
        for why in [ended.err(), published.err()].into_iter().flatten() {
            println!("{name}: {why}");
        }
    }
    ExitCode::from(u8::from(failed))
}
