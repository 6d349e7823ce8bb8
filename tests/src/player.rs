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

/// The headless player.
#[derive(Debug, Clone)]
pub struct Headless {
    /// Words of a command line.
    words: Vec<String>,
    /// Where it keeps cores; none: where its user does.
    home: Option<PathBuf>,
}

impl Headless {
    /// The one that was built with this test.
    pub fn here() -> Self {
        let words = vec![target_folder().join("kinora-headless").to_string_lossy().into_owned()];
        Headless { words, home: None }
    }

    /// The same with a home of its own.
    pub fn at_home(self, home: &Path) -> Self {
        Headless { home: Some(home.to_owned()), ..self }
    }

    /// The one for another processor, where `cargo xtask replay` says how it runs here.
    pub fn elsewhere() -> Option<Self> {
        // A word a line.
        let words = std::env::var("KINORA_ELSEWHERE").ok()?;
        Some(Headless { words: words.lines().map(Into::into).collect(), home: None })
    }

    /// Plays a source on the virtual clock, with everything recorded. `name` makes the folder its own.
    pub fn play(&self, name: &str, source: &str, extra: &[&str]) -> Played {
        let folder = scratch(name);
        let file = |name: &str| folder.join(name).into_os_string();
        let mut command = self.command("play");
        command.arg(source).arg("--frames").arg(file("frames")).arg("--audio").arg(file("sound.wav"));
        command.arg("--report").arg(file("report.json")).args(extra).current_dir(&folder);
        let (outcome, stderr, peak_kib) = run(&mut command, &folder);
        Played { outcome, stderr, peak_kib, folder }
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).arg(verb);
        command.envs(self.home.as_ref().map(|home| ("XDG_DATA_HOME", home)));
        command
    }
}

/// Plays a source headless here, as [`Headless::play`].
pub fn play(name: &str, source: &str, extra: &[&str]) -> Played {
    Headless::here().play(name, source, extra)
}

/// Makes the recorded calls of a run again: natively, under the interpreter, and elsewhere if there is an elsewhere; each error is the
/// first difference. `extra` names other builds.
pub fn replay(trace: &Path, extra: &[&str]) -> Vec<Result<(), String>> {
    let here = Headless::here();
    let mut ways = vec![here.command("replay"), here.command("replay")];
    ways[1].arg("--interpret");
    ways.extend(Headless::elsewhere().map(|elsewhere| elsewhere.command("replay")));
    ways.iter_mut().map(|way| again(way.arg(trace).args(extra))).collect()
}

fn again(way: &mut Command) -> Result<(), String> {
    let output = way.output().map_err(|e| format!("cannot start {way:?}: {e}\n"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{way:?}: {stderr}")) }
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
