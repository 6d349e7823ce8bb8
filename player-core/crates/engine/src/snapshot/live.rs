//! How the times of a live stream were made, so that the next instance makes the same: neither where playlist time began nor how lines of
//! timestamps were joined can be told from the window as it is later.
//!
//! Layout, little-endian: base i64; place of the variant u32; of a segment its number u64, playlist time i64, flags u8 (1: its date
//! follows), date i64, line shift u64; live position i64 at host time u64; count of lines u16, and of each its number u64 and offset i64.

use kinora_bytes::Cursor;
use kinora_time::Anchor;

use crate::source::{LiveState, Mark};

const DATED: u8 = 1;

pub(super) fn encode(state: &LiveState) -> Vec<u8> {
    let LiveState { base_us, variant, mark, lines, edge } = state;
    let mut out = base_us.to_le_bytes().to_vec();
    out.extend_from_slice(&(*variant as u32).to_le_bytes());
    out.extend_from_slice(&mark.sequence.to_le_bytes());
    out.extend_from_slice(&mark.at_us.to_le_bytes());
    out.push(if mark.date_us.is_some() { DATED } else { 0 });
    out.extend(mark.date_us.map(i64::to_le_bytes).into_iter().flatten());
    out.extend_from_slice(&mark.line_shift.to_le_bytes());
    out.extend_from_slice(&edge.media_us.to_le_bytes());
    out.extend_from_slice(&edge.host_us.to_le_bytes());
    out.extend_from_slice(&(lines.len() as u16).to_le_bytes());
    for (line, offset) in lines.iter().take(usize::from(u16::MAX)) {
        out.extend_from_slice(&line.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Option<LiveState> {
    let mut cursor = Cursor::new(bytes);
    let base_us = cursor.i64_le()?;
    let variant = cursor.u32_le()? as usize;
    let (sequence, at_us) = (cursor.u64_le()?, cursor.i64_le()?);
    let date_us = if cursor.u8()? & DATED != 0 { Some(cursor.i64_le()?) } else { None };
    let mark = Mark { sequence, at_us, date_us, line_shift: cursor.u64_le()? };
    let edge = Anchor { media_us: cursor.i64_le()?, host_us: cursor.u64_le()?, rate_permille: 1000 };
    // Every line takes bytes, so that a damaged count ends with them.
    let mut lines = Vec::new();
    for _ in 0..cursor.u16_le()? {
        lines.push((cursor.u64_le()?, cursor.i64_le()?));
    }
    Some(LiveState { base_us, variant, mark, lines, edge })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(date_us: Option<i64>) -> LiveState {
        LiveState {
            base_us: -7,
            variant: 2,
            mark: Mark { sequence: 1 << 40, at_us: 9_000_000, date_us, line_shift: 3 },
            lines: vec![(4, 0), (5, -900_000_000)],
            edge: Anchor { media_us: 40_000_000, host_us: 77, rate_permille: 1000 },
        }
    }

    #[test]
    fn live_state_encoded_and_decoded_is_the_same() {
        for date_us in [None, Some(1_577_836_800_000_000)] {
            assert_eq!(decode(&encode(&state(date_us))), Some(state(date_us)));
        }
    }

    proptest! {
        #[test]
        fn live_state_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }
    }
}
