//! Timestamps that Matroska leaves out: it stores when a frame shows, not when it is decoded.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Derives decode timestamps from presentation timestamps in decode order.
///
/// With at most `depth` frames shown before one that was decoded ahead of them, the smallest of the last `depth + 1`
/// presentation times never decreases and lies at or before every time still to come. FFmpeg does the same with the depth
/// it learns from decoding; the depth here is the format's greatest, so decode times are earlier than need be.
#[derive(Debug)]
pub(super) struct Reorder {
    depth: usize,
    /// The smallest first; `depth` of them between two frames.
    held: BinaryHeap<Reverse<i64>>,
    last_us: i64,
}

impl Reorder {
    pub(super) fn new(depth: usize) -> Self {
        Reorder { depth, held: BinaryHeap::new(), last_us: i64::MIN }
    }

    /// Forgets what came before a seek.
    pub(super) fn restart(&mut self) {
        *self = Reorder::new(self.depth);
    }

    /// The decode timestamp of the next frame; `frame_us` is about how long frames last.
    pub(super) fn dts_us(&mut self, pts_us: i64, frame_us: i64) -> i64 {
        if self.held.is_empty() {
            let before = |n: usize| Reverse(pts_us.saturating_sub(frame_us.saturating_mul(n as i64)));
            self.held.extend((1..=self.depth).map(before));
        }
        self.held.push(Reverse(pts_us));
        let smallest = self.held.pop().map_or(pts_us, |Reverse(us)| us);
        // Only a damaged or wrongly ordered stream makes these differ; the order of decoding is what must hold.
        self.last_us = self.last_us.max(smallest);
        self.last_us
    }
}

/// Duration of an Opus packet in frames at 48 kHz, RFC 6716 section 3.1.
pub(super) fn opus_frames(packet: &[u8]) -> u32 {
    let Some(&toc) = packet.first() else { return 0 };
    let config = u32::from(toc >> 3);
    let frame = match config {
        0..=11 => [480, 960, 1920, 2880][config as usize % 4],
        12..=15 => [480, 960][config as usize % 2],
        _ => 120 << (config % 4),
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |b| u32::from(b & 63)),
    };
    // Section 3.4: at most 120 ms.
    (frame * count).min(5760)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dts_reordered_frames_never_decrease_and_precede_their_pts() {
        let mut reorder = Reorder::new(2);
        let pts = [0, 120, 40, 80, 240, 160, 200, 360, 280, 320];
        let dts: Vec<_> = pts.iter().map(|pts| reorder.dts_us(*pts, 40)).collect();
        assert_eq!(dts, [-80, -40, 0, 40, 80, 120, 160, 200, 240, 280]);
        assert!(dts.iter().zip(pts).all(|(dts, pts)| *dts <= pts));
    }

    #[test]
    fn dts_without_reordering_is_the_pts() {
        let mut reorder = Reorder::new(0);
        assert_eq!([5, 9, 12].map(|pts| reorder.dts_us(pts, 40)), [5, 9, 12]);
    }

    #[test]
    fn opus_frames_count_by_configuration_and_code() {
        assert_eq!(opus_frames(&[0xf8]), 960);
        assert_eq!(opus_frames(&[0xfb, 3]), 2880);
        assert_eq!(opus_frames(&[0x81]), 240);
        assert_eq!(opus_frames(&[0x18]), 2880);
        assert_eq!(opus_frames(&[]), 0);
    }

    proptest! {
        #[test]
        fn dts_any_times_never_decrease(times in proptest::collection::vec(any::<i64>(), 0..50), depth in 0usize..17) {
            let mut reorder = Reorder::new(depth);
            let dts: Vec<_> = times.iter().map(|pts| reorder.dts_us(*pts, 40)).collect();
            prop_assert!(dts.is_sorted());
        }
    }
}
