//! What the streams of a transport stream give, and the timestamps that wait for it.

use std::collections::VecDeque;

use super::pes::Stamps;

/// An access unit of an elementary stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) pts_us: i64,
    pub(super) dts_us: i64,
    pub(super) duration_us: u32,
    pub(super) key: bool,
    /// Offset in the resource of the transport packet with the start of the PES packet it began in.
    pub(super) origin: u64,
    pub(super) data: Vec<u8>,
}

/// The start of a PES packet in a stream's bytes.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: usize,
    stamps: Stamps,
    origin: u64,
}

/// The starts of the PES packets whose timestamps have not been used. A timestamp belongs to the first access unit that
/// begins in its packet (2.4.3.7).
#[derive(Debug, Default)]
pub(super) struct Marks {
    queue: VecDeque<Mark>,
    origin: u64,
}

impl Marks {
    /// A PES packet's payload begins at byte `at`.
    pub(super) fn push(&mut self, at: usize, stamps: Stamps, origin: u64) {
        // Packets without payload leave marks at the same byte: the last one counts.
        if self.queue.back().is_some_and(|last| last.at == at) {
            self.queue.pop_back();
        }
        self.queue.push_back(Mark { at, stamps, origin });
    }

    /// The timestamps for an access unit that begins at the first byte, and the origin of its packet.
    pub(super) fn take(&mut self) -> (Stamps, u64) {
        let mut stamps = Stamps::default();
        while let Some(mark) = self.queue.pop_front_if(|mark| mark.at == 0) {
            (stamps, self.origin) = (mark.stamps, mark.origin);
        }
        (stamps, self.origin)
    }

    /// The first `n` bytes are gone.
    pub(super) fn advance(&mut self, n: usize) {
        for mark in &mut self.queue {
            mark.at = mark.at.saturating_sub(n);
        }
    }
}
