//! A shim as a process on this machine.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use kinora_tests::Running;

use super::Seen;

/// How long a process may take to end by itself after the guest's last word.
const GRACE: Duration = Duration::from_secs(5);
/// Most that is kept of what a shim writes.
const MAX_LOG: usize = 8 << 20;

/// Runs the command until the guest has said its last word, the process ends or time is up. `heard` is told each word of the guest as it comes,
/// and every few milliseconds that nothing came.
pub(super) fn run(
    command: &mut Command,
    limit: Duration,
    mut heard: impl FnMut(Option<&str>),
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
    let mut seen = Seen::default();
    let mut end = Instant::now() + limit;
    let mut last_word = false;
    loop {
        match lines.recv_timeout(Duration::from_millis(5)) {
            Ok(line) => {
                if seen.log.len() < MAX_LOG {
                    seen.log.push_str(&line);
                    seen.log.push('\n');
                }
                let Some((_, words)) = line.split_once("kit: ") else { continue };
                heard(Some(words));
                if let Some(mark) = words.strip_prefix("mark ")
                    && let Some(kib) = resident(child.id())
                {
                    let name = mark.split(' ').next().unwrap_or_default();
                    seen.resident_kib.push((name.to_owned(), kib));
                }
                if words == "kill" {
                    // Whatever the guest waits for now must not come.
                    child.kill().map_err(|e| format!("the shim cannot be killed: {e}"))?;
                }
                let last = ["passed", "failed ", "not-offered "].iter().any(|word| words.starts_with(word));
                if last && !last_word {
                    last_word = true;
                    end = end.min(Instant::now() + GRACE);
                }
                if words == "stays" {
                    break;
                }
                seen.words.push(words.to_owned());
            }
            Err(RecvTimeoutError::Timeout) => heard(None),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if Instant::now() > end {
            break;
        }
    }
    if Instant::now() > end && !last_word {
        seen.log.push_str("(the kit ended the shim: its time was up)\n");
    }
    seen.status = finish(&mut child);
    Ok(seen)
}

/// `VmRSS` of a running process (proc_pid_status(5)), KiB.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
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
