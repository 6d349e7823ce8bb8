//! How often a core has failed of late, and what that means for the next start.

use kinora_port::HostUs;

use crate::instance::Fault;

/// A core that faults this often within [`WINDOW_US`] is given up.
const MAX: usize = 5;
pub(crate) const WINDOW_US: u64 = 10_000_000;
/// `launch.reason`: swap to another build (`wit/player.wit`).
pub(crate) const SWAP: u32 = 4;

/// The faults of the last seconds.
#[derive(Default)]
pub(crate) struct Faults {
    times: Vec<HostUs>,
    /// `launch.reason` of the next start (`wit/player.wit`).
    reason: Option<u32>,
}

impl Faults {
    /// Of a build that takes over, or comes back: faults of the other one are not its own.
    pub(crate) fn of_another_build() -> Self {
        Faults { times: Vec::new(), reason: Some(SWAP) }
    }

    /// Counts one; whether the core is to be given up.
    pub(crate) fn add(&mut self, fault: &Fault, now: HostUs) -> bool {
        self.reason = Some(if matches!(fault, Fault::Overlong(_)) { 3 } else { 2 });
        self.times.push(now);
        self.recent(now) >= MAX
    }

    /// Number of those that are not long past.
    pub(crate) fn recent(&mut self, now: HostUs) -> usize {
        self.times.retain(|at| now <= at + WINDOW_US);
        self.times.len()
    }

    /// Why the next instance starts.
    pub(crate) fn reason(&self) -> u32 {
        self.reason.unwrap_or(1)
    }
}
