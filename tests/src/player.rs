//! The headless player, run on something.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Wav, scratch, target_folder};

/// No run of the virtual clock takes this long; one that does hangs.
const HUNG: Duration = Duration::from_secs(120);

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Exit status.
    Exit(i32),
    /// Killed by a signal, or did not end.
    Broken(String),
}

/// What a run left behind.
#[derive(Debug)]
pub struct Played {
    /// How it ended.
    pub outcome: Outcome,
    /// Standard error.
    pub stderr: String,
    /// Most memory it was seen to use (resident, high-water mark), KiB.
    pub peak_kib: u64,
    /// The folder of its files: `frames`, `sound.wav`, `report.json`, and what the extra arguments asked for.
    pub folder: PathBuf,
}

impl Played {
    /// A line a presented frame, `pts_us md5`.
    pub fn frames(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join("frames")).unwrap_or_default();
        let line = |line: &str| {
            let fields: Vec<&str> = line.split(' ').collect();
            format!("{} {}", fields[0], fields.last().expect("split gives at least one"))
        };
        text.lines().map(line).collect()
    }

    /// The decoded sound.
    pub fn sound(&self) -> Result<Wav, String> {
        Wav::read(&self.folder.join("sound.wav"))
    }

    /// A figure of the report, by its JSON pointer (RFC 6901).
    pub fn figure(&self, pointer: &str) -> Result<u64, String> {
        let figure = self.report().pointer(pointer).and_then(serde_json::Value::as_u64);
        figure.ok_or_else(|| format!("the report has no number at {pointer}: {}", self.stderr))
    }

    /// The report.
    pub fn report(&self) -> serde_json::Value {
        let text = std::fs::read(self.folder.join("report.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// An error that tells how it ended, unless it played to the end.
    pub fn expect_played(&self) -> Result<(), String> {
        match &self.outcome {
            Outcome::Exit(0) => Ok(()),
            other => Err(format!("{other:?}: {}", self.stderr)),
        }
    }
}

/// Plays a source headless on the virtual clock, with everything recorded. `name` makes the folder its own.
pub fn play(name: &str, source: &str, extra: &[&str]) -> Played {
    let folder = scratch(name);
    let file = |name: &str| folder.join(name).into_os_string();
    let mut command = Command::new(target_folder().join("kinora-headless"));
    command.arg("play").arg(source).arg("--frames").arg(file("frames")).arg("--audio").arg(file("sound.wav"));
    command.arg("--report").arg(file("report.json")).args(extra).current_dir(&folder);
    let (outcome, stderr, peak_kib) = run(&mut command, &folder);
    Played { outcome, stderr, peak_kib, folder }
}

/// Makes the recorded calls of a run again: natively, under the interpreter, and by the program that `cargo xtask replay` names; each error
/// is the first difference. `extra` goes to the first two, to name other builds.
pub fn replay(trace: &Path, extra: &[&str]) -> Vec<Result<(), String>> {
    let headless = target_folder().join("kinora-headless").to_string_lossy().into_owned();
    let trace = trace.to_string_lossy().into_owned();
    let natively: Vec<String> = [headless.as_str(), "replay", trace.as_str()]
        .iter()
        .chain(extra)
        .map(|word| (*word).to_owned())
        .collect();
    let interpreted = natively.iter().cloned().chain(["--interpret".to_owned()]).collect();
    let mut ways: Vec<Vec<String>> = vec![natively, interpreted];
    if let Ok(replayer) = std::env::var("KINORA_REPLAYER") {
        // A word a line; the trace goes before the core, which is the last.
        let mut way: Vec<String> = replayer.lines().map(Into::into).collect();
        way.insert(way.len() - 1, trace);
        ways.push(way);
    }
    ways.iter().map(Vec::as_slice).map(again).collect()
}

fn again(way: &[String]) -> Result<(), String> {
    let output = Command::new(&way[0]).args(&way[1..]).output();
    let output = output.map_err(|e| format!("cannot start {}: {e}\n", way[0]))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{}: {stderr}", way.join(" "))) }
}

fn run(command: &mut Command, folder: &Path) -> (Outcome, String, u64) {
    let log = folder.join("stderr");
    let file = std::fs::File::create(&log).expect("the scratch folder can be written");
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn() {
        Ok(child) => child,
        Err(e) => return (Outcome::Broken(format!("cannot start: {e}")), String::new(), 0),
    };
    let began = Instant::now();
    let mut peak_kib = 0;
    let outcome = loop {
        peak_kib = peak(child.id()).unwrap_or(0).max(peak_kib);
        match child.try_wait() {
            Ok(Some(status)) => {
                break status.code().map_or_else(|| Outcome::Broken(status.to_string()), Outcome::Exit);
            }
            Ok(None) if began.elapsed() > HUNG => {
                let _ = child.kill();
                let _ = child.wait();
                break Outcome::Broken("hung".into());
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Err(e) => break Outcome::Broken(e.to_string()),
        }
    };
    (outcome, std::fs::read_to_string(log).unwrap_or_default(), peak_kib)
}

/// `VmHWM` of a running process (proc_pid_status(5)).
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
