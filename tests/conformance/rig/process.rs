//! A shim as a process on this machine.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use kinora_tests::{Running, Usage};

use super::Seen;
use super::following::{Shim, follow};

/// How long a process may take to end by itself after the guest's last word.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the command until the guest has said its last word, the process ends or time is up. `heard` is told each word of the guest as it comes,
/// and called every few milliseconds besides.
pub(super) fn run(
    command: &mut Command,
    limit: Duration,
    heard: impl FnMut(Option<&str>),
) -> Result<Seen, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running::start(command)?;
    let (sender, lines) = mpsc::channel();
    let pipes: [Box<dyn Read + Send>; 2] = [
        Box::new(child.stdout.take().expect("it was piped")),
        Box::new(child.stderr.take().expect("it was piped")),
    ];
    for pipe in pipes {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while let Ok(1..) = reader.read_until(b'\n', &mut line) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if sender.send(text).is_err() {
                    break;
                }
                line.clear();
            }
        });
    }
    drop(sender);
    let mut process = Process { child, lines, heard };
    let mut seen = follow(&mut process, limit, GRACE)?;
    seen.status = finish(&mut process.child);
    Ok(seen)
}

struct Process<F> {
    child: Running,
    lines: Receiver<String>,
    heard: F,
}

impl<F: FnMut(Option<&str>)> Shim for Process<F> {
    fn line(&mut self, patience: Duration) -> Result<String, RecvTimeoutError> {
        self.lines.recv_timeout(patience)
    }

    fn heard(&mut self, words: Option<&str>) -> Result<(), String> {
        (self.heard)(words);
        Ok(())
    }

    fn kill(&mut self) -> Result<(), String> {
        self.child.kill().map_err(|e| format!("the shim cannot be killed: {e}"))
    }

    fn resident_kib(&mut self) -> Option<u64> {
        Usage::of(self.child.id()).ok().map(|usage| usage.memory / 1024)
    }

    fn cpu_ms(&mut self) -> Option<u64> {
        Usage::of(self.child.id()).ok().map(|usage| usage.cpu.as_millis() as u64)
    }
}

/// The status of a process that ended by itself; ends one that did not.
fn finish(child: &mut Running) -> Option<i32> {
    for _ in 0..100 {
        if let Ok(Some(status)) = child.try_wait() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}
