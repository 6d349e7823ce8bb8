//! Building one target, running it, and reading what libFuzzer says.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{folder, host};
use crate::env::{root, run};

/// Instruments every edge and comparison for libFuzzer: what cargo-fuzz passes, without a sanitizer, since the code is free of
/// `unsafe`. These are LLVM's options, so that the stable toolchain does.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // More than one would let the linker drop the counters of the functions it merges.
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
    // Said by every other build; a planted fault may well leave something unused.
    "-Awarnings",
];

/// Longest input, bytes: holds every seed, and a run takes milliseconds.
const MAX_LEN: usize = 48 << 10;
/// Seconds after which an input counts as endless.
const TIMEOUT: u64 = 10;

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) executions: u64,
    pub(super) seconds: u64,
    /// Edges of the control flow that some input took, of all in the program.
    pub(super) covered: u64,
    pub(super) edges: u64,
    /// Inputs kept because each takes another way.
    pub(super) inputs: u64,
    /// The input that failed.
    pub(super) failed_on: Option<PathBuf>,
    /// How it failed, in the program's words.
    pub(super) reason: Option<String>,
}

/// The program of a target.
pub(super) fn binary(name: &str) -> PathBuf {
    folder().join("bin").join(name)
}

/// Builds a target from the sources in `tree`.
pub(super) fn build(name: &str, tree: &Path) -> Result<(), String> {
    let host = host()?;
    let made = folder().join("build");
    run(Command::new("cargo")
        .current_dir(tree)
        .args([
            "build",
            "--quiet",
            "--package",
            "kinora-fuzz",
            "--bin",
            "kinora-fuzz",
            "--features",
            "libfuzzer",
        ])
        // Named, so that the flags are not for build scripts, which would lack libFuzzer.
        .args(["--target", &host, "--target-dir"])
        .arg(&made)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .env("KINORA_FUZZ_TARGET", name))?;
    let binary = binary(name);
    let copied = std::fs::create_dir_all(folder().join("bin"))
        .and_then(|()| std::fs::copy(made.join(host).join("debug/kinora-fuzz"), &binary));
    copied.map(|_| ()).map_err(|e| format!("{}: {e}", binary.display()))
}

/// Fuzzes a target for so long, or until an input fails. What is learned is kept for the next time.
pub(super) fn fuzz(name: &str, seconds: u64) -> Result<Outcome, String> {
    fuzz_from(name, seconds, &folder().join("corpus").join(name), &inputs(name))
}

/// The same with nothing but the small seeds to begin with, each of which is then changed often. Nothing is kept.
pub(super) fn fuzz_anew(name: &str, seconds: u64) -> Result<Outcome, String> {
    let corpus = folder().join("anew");
    if corpus.exists() {
        std::fs::remove_dir_all(&corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
    }
    let seeds = root().join("tests/fuzz/seeds").join(name);
    fuzz_from(name, seconds, &corpus, &[seeds])
}

fn fuzz_from(name: &str, seconds: u64, corpus: &Path, inputs: &[PathBuf]) -> Result<Outcome, String> {
    let failures = folder().join("failures").join(name);
    for made in [corpus, &failures] {
        std::fs::create_dir_all(made).map_err(|e| format!("{}: {e}", made.display()))?;
    }
    let mut command = Command::new(binary(name));
    command.args(options(seconds, &failures)).arg(corpus).args(inputs);
    let dictionary = root().join("tests/fuzz/dictionaries").join(format!("{name}.dict"));
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    // A backtrace takes seconds to print and its first lines say enough.
    let start = Instant::now();
    let output = command.env("RUST_BACKTRACE", "0").stdout(Stdio::null()).output();
    let output = output.map_err(|e| format!("{}: {e}", binary(name).display()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    std::fs::write(failures.with_extension("log"), log.as_bytes()).map_err(|e| e.to_string())?;
    Ok(Outcome { seconds: start.elapsed().as_secs(), ..read(&log, output.status.success()) })
}

/// Runs the inputs that are known, without inventing any.
pub(super) fn replay(name: &str) -> Result<Outcome, String> {
    fuzz(name, 0)
}

fn options(seconds: u64, failures: &Path) -> Vec<String> {
    let mut options = vec![
        format!("-max_len={MAX_LEN}"),
        format!("-timeout={TIMEOUT}"),
        "-rss_limit_mb=2048".to_owned(),
        "-print_final_stats=1".to_owned(),
        format!("-artifact_prefix={}/", failures.display()),
    ];
    options.push(if seconds == 0 { "-runs=0".to_owned() } else { format!("-max_total_time={seconds}") });
    options
}

/// Folders of inputs to begin with, where they exist.
fn inputs(name: &str) -> Vec<PathBuf> {
    let own = root().join("tests/fuzz");
    let folders =
        [folder().join("seeds").join(name), own.join("seeds").join(name), own.join("regressions").join(name)];
    folders.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// libFuzzer's words: `INFO: Loaded 1 modules   (5221 inline 8-bit counters)`, `#9 NEW cov: 120 ft: 130 corp: 7/99b ...`,
/// `stat::number_of_executed_units: 99`, `==1== ERROR: libFuzzer: timeout after 10 seconds`.
fn read(log: &str, success: bool) -> Outcome {
    let mut outcome = Outcome::default();
    for line in log.lines() {
        if let Some(rest) = line.split("modules   (").nth(1) {
            outcome.edges = first_number(rest);
        }
        if let Some(rest) = line.split(" cov: ").nth(1) {
            outcome.covered = first_number(rest);
            outcome.inputs = rest.split("corp: ").nth(1).map_or(outcome.inputs, first_number);
        }
        if let Some(rest) = line.strip_prefix("stat::number_of_executed_units:") {
            outcome.executions = first_number(rest.trim_start());
        }
        if let Some(path) = line.split("Test unit written to ").nth(1) {
            outcome.failed_on = Some(PathBuf::from(path));
        }
    }
    if !success {
        outcome.reason = Some(reason(log));
    }
    outcome
}

/// Where it panicked and why, or what libFuzzer found.
fn reason(log: &str) -> String {
    let mut lines = log.lines();
    while let Some(line) = lines.next() {
        if let Some((_, place)) = line.split_once("panicked at ") {
            let message: String = lines.next().unwrap_or_default().chars().take(240).collect();
            return format!("{place} {message}");
        }
        if line.starts_with("memory allocation of") || line.contains("has overflowed its stack") {
            return line.trim().to_owned();
        }
    }
    let error = log.lines().find_map(|line| line.split("ERROR: libFuzzer: ").nth(1));
    error.unwrap_or("failed without a word").to_owned()
}

fn first_number(text: &str) -> u64 {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_log_of_a_failed_run_gives_counts_and_reason() {
        let log = "INFO: Loaded 1 modules   (5221 inline 8-bit counters): 5221 [0x5, 0x6),\n\
                   #64\tNEW    cov: 812 ft: 990 corp: 30/8Kb lim: 4096 exec/s: 32 rss: 50Mb L: 9/99 MS: 1\n\
                   thread '<unnamed>' panicked at player-core/crates/demux/src/ts.rs:12:5:\n\
                   index out of bounds\n\
                   ==7== ERROR: libFuzzer: deadly signal\n\
                   artifact_prefix='x/'; Test unit written to x/crash-1\n\
                   stat::number_of_executed_units: 77\n";
        let outcome = read(log, false);
        assert_eq!((outcome.edges, outcome.covered, outcome.inputs, outcome.executions), (5221, 812, 30, 77));
        assert_eq!(outcome.failed_on, Some(PathBuf::from("x/crash-1")));
        assert_eq!(
            outcome.reason.as_deref(),
            Some("player-core/crates/demux/src/ts.rs:12:5: index out of bounds")
        );
    }
}
