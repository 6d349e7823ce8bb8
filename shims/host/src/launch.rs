//! What shims agree on when they start a player.

use std::path::Path;

use crate::trace::Recorder;

/// Encoded samples kept on a machine with memory to spare, bytes.
pub const BUFFER_BYTES: u64 = 150 << 20;

/// Extras of `launch` (`wit/player.wit`).
#[derive(Debug, Clone, Copy, Default)]
pub struct LaunchExtras {
    /// Nothing is to be remembered from one run to the next.
    pub forgetful: bool,
    /// The core is to exit when the last item is over.
    pub exit_at_end: bool,
}

impl LaunchExtras {
    /// As the contract numbers them, with the number of recent faults.
    pub(crate) fn pairs(self, faults: u8) -> [(u32, u8); 3] {
        [(1, u8::from(self.forgetful)), (2, u8::from(self.exit_at_end)), (3, faults)]
    }
}

/// Begins the trace that `--record` asks for, and the text of the last minutes in `recent`; `program` is named in both. None where neither
/// is wanted, or the text cannot be kept.
pub fn record(
    trace: Option<&Path>,
    recent: Option<&Path>,
    program: &str,
) -> Result<Option<Recorder>, String> {
    let named = || trace.map_or_else(String::new, |path| format!(" to {}", path.display()));
    Recorder::create(trace, recent, program).map_err(|e| format!("cannot record{}: {e}", named()))
}
