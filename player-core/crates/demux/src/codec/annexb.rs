//! Byte stream format of H.264 and HEVC (ITU-T H.264 Annex B, H.265 Annex B): the two differ only in the NAL unit header.

use std::collections::BTreeMap;

use super::nal::push_unit;
use crate::VideoFormat;

/// Offset of the next `00 00 01` at or after `from`.
pub(crate) fn find_start_code(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // The third byte decides: over 1 rules out the three positions that would include it.
    while let Some(&third) = bytes.get(at + 2) {
        match third {
            0 => at += 1,
            1 if bytes[at] == 0 && bytes[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}

/// Without trailing zeros: `trailing_zero_8bits`, the `zero_byte` of the next start code and cabac_zero_words; a NAL unit
/// itself never ends with a zero byte (H.264 7.4.1).
pub(crate) fn trim_zeros(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    &unit[..end]
}

/// The payload of a NAL unit without its emulation prevention bytes (H.264 7.3.1), at most `limit` bytes of it.
pub(crate) fn unescape(unit: &[u8], limit: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(unit.len().min(limit));
    let mut zeros = 0;
    for &byte in unit {
        if out.len() == limit {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// What one access unit turned out to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Decoding can start here.
    pub key: bool,
    /// Place in output order since the last picture that reset it, in half frames; `None` where decode order is output order.
    pub order: Option<i64>,
    /// `order` starts anew here.
    pub resets_order: bool,
    /// One field of a frame.
    pub field: bool,
}

/// What the parameter sets say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VideoConfig {
    /// Size, aspect, colour.
    pub format: VideoFormat,
    /// RFC 6381 codec string.
    pub codec_string: String,
    /// Seconds of a frame as a fraction, where the sets tell.
    pub frame: Option<(u32, u32)>,
    /// The parameter sets themselves, Annex B with four-byte start codes.
    pub extradata: Vec<u8>,
}

/// The rules of one codec by which NAL units group into access units.
pub(crate) trait Syntax {
    /// Whether `unit` begins a new access unit, given the units pushed since the last [`Syntax::finish`].
    fn begins_access_unit(&self, unit: &[u8]) -> bool;
    /// Takes in the next unit of the access unit.
    fn push(&mut self, unit: &[u8]);
    /// Ends the access unit; `None` when it holds no picture that can be decoded (its parameter sets have not been seen).
    fn finish(&mut self) -> Option<Picture>;
    /// The configuration in force, once all kinds of parameter set have been seen.
    fn config(&self) -> Option<VideoConfig>;
}

/// Parameter sets by NAL unit type and id, each as last seen.
#[derive(Debug, Default)]
pub(crate) struct ParameterSets(BTreeMap<(u8, u32), Vec<u8>>);

impl ParameterSets {
    /// A set longer than this is not kept: real ones have a few hundred bytes at most.
    const MAX_LEN: usize = 16 << 10;

    /// Keeps a set. `rank` orders the kinds (video, sequence, picture).
    pub(crate) fn insert(&mut self, rank: u8, id: u32, unit: &[u8]) {
        if unit.len() <= Self::MAX_LEN {
            self.0.insert((rank, id), unit.to_vec());
        }
    }

    /// Whether a set of this kind is there.
    pub(crate) fn has(&self, rank: u8) -> bool {
        self.0.keys().any(|&(r, _)| r == rank)
    }

    /// All sets, behind four-byte start codes.
    pub(crate) fn annex_b(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for unit in self.0.values() {
            push_unit(&mut out, unit);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn trailing_zeros_do_not_belong_to_the_unit() {
        assert_eq!(trim_zeros(&[0x65, 0, 3, 0, 0]), [0x65, 0, 3]);
        assert_eq!(trim_zeros(&[0, 0]), []);
    }

    #[test]
    fn unescape_drops_only_emulation_prevention() {
        assert_eq!(unescape(&[0, 0, 3, 0, 0, 3, 1, 3, 0, 3], 99), [0, 0, 0, 0, 1, 3, 0, 3]);
        assert_eq!(unescape(&[1, 2, 3], 2), [1, 2]);
    }

    proptest! {
        #[test]
        fn start_code_search_agrees_with_the_naive_one(bytes in prop::collection::vec(0u8..3, 0..200), from in 0usize..210) {
            let naive = (from..bytes.len().saturating_sub(2)).find(|&i| bytes[i..i + 3] == [0, 0, 1]);
            prop_assert_eq!(find_start_code(&bytes, from), naive);
        }
    }
}
