//! What the core costs.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::instance::Fault;
use crate::swaps::SwapStats;

/// Most call times kept; beyond it every second one is forgotten.
const MAX_TIMES: usize = 1 << 16;

/// Processor times of the calls made so far.
#[derive(Default)]
pub(crate) struct CallTimes {
    start: Option<Duration>,
    calls: u64,
    total: Duration,
    max: Duration,
    micros: Vec<u32>,
    /// One call in so many is kept.
    stride: u64,
    faults: Vec<String>,
}

/// Distribution of call times, in processor time of the core's thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSummary {
    /// Number of `handle` calls.
    pub calls: u64,
    /// Instantiation and `start`, as they pass.
    pub start_us: u64,
    /// Sum.
    pub total_us: u64,
    /// Median.
    pub p50_us: u32,
    /// 99th percentile.
    pub p99_us: u32,
    /// Longest.
    pub max_us: u64,
}

/// What a core has cost and said.
#[derive(Debug, Clone, Default)]
pub struct CoreStats {
    /// Call times.
    pub calls: CallSummary,
    /// Linear memory in use, bytes.
    pub memory_bytes: usize,
    /// Bytes of display patches.
    pub display_bytes: u64,
    /// Faults, in words.
    pub faults: Vec<String>,
    /// Builds that took over, and those that did not.
    pub swaps: SwapStats,
    /// Lines it logged as errors.
    pub errors: Vec<String>,
    /// Its measurements.
    pub measures: BTreeMap<String, i64>,
}

impl CallTimes {
    pub(crate) fn started(&mut self, took: Duration) {
        self.start.get_or_insert(took);
    }

    pub(crate) fn handled(&mut self, took: Duration) {
        self.stride = self.stride.max(1);
        if self.calls.is_multiple_of(self.stride) {
            self.micros.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
        if self.micros.len() >= MAX_TIMES {
            let mut keep = false;
            self.micros.retain(|_| {
                keep = !keep;
                keep
            });
            self.stride *= 2;
        }
        self.calls += 1;
        self.total += took;
        self.max = self.max.max(took);
    }

    pub(crate) fn faulted(&mut self, fault: &Fault) {
        if self.faults.len() < 100 {
            self.faults.push(fault.to_string());
        }
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.clone()
    }

    pub(crate) fn summary(&self) -> CallSummary {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        let at = |permille: usize| sorted.get(sorted.len().saturating_sub(1) * permille / 1000).copied();
        CallSummary {
            calls: self.calls,
            start_us: self.start.unwrap_or_default().as_micros() as u64,
            total_us: self.total.as_micros() as u64,
            p50_us: at(500).unwrap_or(0),
            p99_us: at(990).unwrap_or(0),
            max_us: self.max.as_micros() as u64,
        }
    }
}
