//! What processes use.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// Processor time and memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Processor time so far.
    pub(crate) cpu: Duration,
    /// Resident memory, bytes.
    pub(crate) memory: u64,
}

impl std::ops::Add for Usage {
    type Output = Usage;
    fn add(self, other: Usage) -> Usage {
        Usage { cpu: self.cpu + other.cpu, memory: self.memory + other.memory }
    }
}

/// What a running process uses, with all its threads.
pub(crate) fn of(process: u32) -> Result<Usage, String> {
    let read = |name: &str| {
        let path = format!("/proc/{process}/{name}");
        std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))
    };
    // proc(5): after the name in parentheses come fields 3 and on; 14 and 15 are user and system time in ticks of USER_HZ, 100 a second.
    let stat = read("stat")?;
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    let status = read("status")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<u64> = resident.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    Ok(Usage { cpu: Duration::from_millis(ticks * 10), memory: kib.unwrap_or(0) * 1024 })
}

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
