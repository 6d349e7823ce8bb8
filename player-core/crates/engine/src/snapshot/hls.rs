//! How an adaptive stream was read, so that the next instance goes on with the same variant, and makes the same times: neither where playlist
//! time began nor how lines of timestamps were joined can be told from the window of a live stream as it is later.
//!
//! Layout, little-endian: base i64; count of variants u8, and of each the decode time i64 from which it was read and its place u32; of a
//! segment its number u64, playlist time i64, flags u8 (1: its date follows, 2: the stream is live, 4: its throughput is known), date i64,
//! line shift u64; live position i64 at host time u64; the parts of the throughput as four u64; count of lines u16, and of each its number
//! u64 and offset i64. What the flags do not announce is left out.

use kinora_abr::Throughput;
use kinora_bytes::Cursor;
use kinora_time::Anchor;

use crate::source::{HlsState, Mark};

const DATED: u8 = 1;
const LIVE: u8 = 2;
const MEASURED: u8 = 4;

pub(super) fn encode(state: &HlsState) -> Vec<u8> {
    let HlsState { base_us, variants, mark, lines, edge, throughput } = state;
    let measured = throughput.parts();
    let mut out = base_us.to_le_bytes().to_vec();
    out.push(variants.len().min(usize::from(u8::MAX)) as u8);
    for (from_us, place) in variants.iter().take(usize::from(u8::MAX)) {
        out.extend_from_slice(&from_us.to_le_bytes());
        out.extend_from_slice(&(*place as u32).to_le_bytes());
    }
    out.extend_from_slice(&mark.sequence.to_le_bytes());
    out.extend_from_slice(&mark.at_us.to_le_bytes());
    let flags = [(mark.date_us.is_some(), DATED), (edge.is_some(), LIVE), (measured.is_some(), MEASURED)];
    out.push(flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum());
    out.extend(mark.date_us.map(i64::to_le_bytes).into_iter().flatten());
    out.extend_from_slice(&mark.line_shift.to_le_bytes());
    if let Some(edge) = edge {
        out.extend_from_slice(&edge.media_us.to_le_bytes());
        out.extend_from_slice(&edge.host_us.to_le_bytes());
    }
    out.extend(measured.into_iter().flatten().flat_map(u64::to_le_bytes));
    out.extend_from_slice(&(lines.len().min(usize::from(u16::MAX)) as u16).to_le_bytes());
    for (line, offset) in lines.iter().take(usize::from(u16::MAX)) {
        out.extend_from_slice(&line.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Option<HlsState> {
    let mut cursor = Cursor::new(bytes);
    let base_us = cursor.i64_le()?;
    // Every variant and line takes bytes, so that a damaged count ends with them.
    let mut variants = Vec::new();
    for _ in 0..cursor.u8()? {
        variants.push((cursor.i64_le()?, cursor.u32_le()? as usize));
    }
    let (sequence, at_us, flags) = (cursor.u64_le()?, cursor.i64_le()?, cursor.u8()?);
    let date_us = if flags & DATED != 0 { Some(cursor.i64_le()?) } else { None };
    let mark = Mark { sequence, at_us, date_us, line_shift: cursor.u64_le()? };
    let mut edge = None;
    if flags & LIVE != 0 {
        edge = Some(Anchor { media_us: cursor.i64_le()?, host_us: cursor.u64_le()?, rate_permille: 1000 });
    }
    let mut throughput = Throughput::new();
    if flags & MEASURED != 0 {
        let mut part = || cursor.u64_le();
        throughput = Throughput::from_parts([part()?, part()?, part()?, part()?]);
    }
    let mut lines = Vec::new();
    for _ in 0..cursor.u16_le()? {
        lines.push((cursor.u64_le()?, cursor.i64_le()?));
    }
    Some(HlsState { base_us, variants, mark, lines, edge, throughput })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(date_us: Option<i64>) -> HlsState {
        let mut throughput = Throughput::new();
        let live = date_us.is_some();
        if live {
            throughput.record(1 << 20, 1_000_000);
        }
        HlsState {
            base_us: -7,
            variants: vec![(-7, 2), (30_000_000, 0)],
            mark: Mark { sequence: 1 << 40, at_us: 9_000_000, date_us, line_shift: 3 },
            lines: vec![(4, 0), (5, -900_000_000)],
            edge: live.then_some(Anchor { media_us: 40_000_000, host_us: 77, rate_permille: 1000 }),
            throughput,
        }
    }

    #[test]
    fn hls_state_encoded_and_decoded_is_the_same() {
        for date_us in [None, Some(1_577_836_800_000_000)] {
            assert_eq!(decode(&encode(&state(date_us))), Some(state(date_us)));
        }
    }

    proptest! {
        #[test]
        fn hls_state_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }
    }
}
