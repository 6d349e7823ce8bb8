//! What processes use.

use std::time::Duration;

/// Processor time and memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor time so far.
    pub cpu: Duration,
    /// Resident memory, bytes.
    pub memory: u64,
}

impl std::ops::Add for Usage {
    type Output = Usage;

    fn add(self, other: Usage) -> Usage {
        Usage { cpu: self.cpu + other.cpu, memory: self.memory + other.memory }
    }
}

impl Usage {
    /// What a running process uses, with all its threads; the time in hundredths of a second.
    pub fn of(process: u32) -> Result<Usage, String> {
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
}
