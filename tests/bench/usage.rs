//! What processes use.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// Processor time of a running process's threads of these names.
pub(crate) fn of_threads(process: u32, names: &[&str]) -> Result<Duration, String> {
    let tasks = format!("/proc/{process}/task");
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    let mut sum = Duration::ZERO;
    for task in std::fs::read_dir(&tasks).map_err(|e| format!("{tasks}: {e}"))?.flatten() {
        if names.contains(&read(&task.path().join("comm"))?.trim()) {
            // Linux, Documentation/scheduler/sched-stats.rst: nanoseconds on a processor come first.
            let stat = read(&task.path().join("schedstat"))?;
            let nanos = stat.split(' ').next().and_then(|word| word.parse().ok());
            sum += Duration::from_nanos(nanos.ok_or_else(|| format!("{tasks} counts no time"))?);
        }
    }
    Ok(sum)
}

/// Runs a program to its end: its processor time, and how long it took.
pub(crate) fn spent(command: &mut Command) -> Result<(Duration, Duration), String> {
    let before = of_children()?;
    let began = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|e| format!("{command:?}: {e}"))?;
    let wall = began.elapsed();
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok((of_children()? - before, wall))
}

/// Processor time of the children that have ended.
fn of_children() -> Result<Duration, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|e| e.to_string())?;
    let times = [usage.user_time(), usage.system_time()];
    Ok(times.iter().map(|t| Duration::new(t.tv_sec() as u64, t.tv_usec() as u32 * 1000)).sum())
}
