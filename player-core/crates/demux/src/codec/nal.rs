//! NAL units as ISO base media and Matroska carry them (ISO/IEC 14496-15): parameter sets in a configuration record,
//! units in samples with a length before each; and their conversion to Annex B with four-byte start codes.

use kinora_bytes::Cursor;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// An `avcC` or `hvcC` record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NalConfig {
    /// The parameter sets, Annex B.
    pub(crate) annex_b: Vec<u8>,
    /// Bytes of the length before each unit of a sample, 1 to 4.
    pub(crate) length_size: usize,
    /// RFC 6381.
    pub(crate) codec_string: String,
}

/// Reads an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1); `sample_entry` is `avc1` or `avc3`.
/// A damaged record gives the sets before the damage; none when not even the fixed part is there.
pub(crate) fn parse_avcc(record: &[u8], sample_entry: &str) -> Option<NalConfig> {
    let mut c = Cursor::new(record);
    let [1, profile, compatibility, level, length_size] = c.array()? else {
        return None;
    };
    let mut annex_b = Vec::new();
    // The high profiles' extension after the picture parameter sets repeats what the sequence parameter sets say.
    for count_mask in [0x1f, 0xff] {
        let Some(count) = c.u8() else { break };
        for _ in 0..count & count_mask {
            let Some(set) = take_set(&mut c) else { break };
            push_unit(&mut annex_b, set);
        }
    }
    Some(NalConfig {
        annex_b,
        length_size: usize::from(length_size & 3) + 1,
        codec_string: format!("{sample_entry}.{profile:02x}{compatibility:02x}{level:02x}"),
    })
}

/// Reads an `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 8.3.3.1); `sample_entry` is `hvc1` or `hev1`.
/// A damaged record gives the sets before the damage; none when not even the fixed part is there.
pub(crate) fn parse_hvcc(record: &[u8], sample_entry: &str) -> Option<NalConfig> {
    // The version is 1, but was 0 before the standard was final; Annex B parameter sets in place of a record are told
    // from it by their start code.
    if record.starts_with(&START_CODE) || record.starts_with(&START_CODE[1..]) {
        return None;
    }
    let mut c = Cursor::new(record);
    c.skip(1)?;
    let general: [u8; 12] = c.array()?;
    let fixed: [u8; 10] = c.array()?;
    let mut annex_b = Vec::new();
    'arrays: for _ in 0..fixed[9] {
        let Some([kind, hi, lo]) = c.array() else { break };
        for _ in 0..u16::from_be_bytes([hi, lo]) {
            let Some(set) = take_set(&mut c) else { break 'arrays };
            // Video, sequence and picture parameter sets, prefix and suffix SEI (ITU-T H.265 table 7-1).
            if matches!(kind & 0x3f, 32..=34 | 39 | 40) {
                push_unit(&mut annex_b, set);
            }
        }
    }
    Some(NalConfig {
        annex_b,
        length_size: usize::from(fixed[8] & 3) + 1,
        codec_string: hevc_codec_string(sample_entry, &general),
    })
}

/// ISO/IEC 14496-15, annex E.3, of the twelve bytes of a general profile_tier_level (ITU-T H.265 7.3.3).
pub(crate) fn hevc_codec_string(sample_entry: &str, general: &[u8; 12]) -> String {
    use std::fmt::Write;

    let space = ["", "A", "B", "C"][usize::from(general[0] >> 6)];
    let tier = if general[0] & 0x20 == 0 { 'L' } else { 'H' };
    let profile = general[0] & 0x1f;
    let compatibility = u32::from_be_bytes([general[1], general[2], general[3], general[4]]).reverse_bits();
    let constraints = &general[5..11];
    let level = general[11];
    let mut s = format!("{sample_entry}.{space}{profile}.{compatibility:X}.{tier}{level}");
    let used = constraints.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        // Writing to a string cannot fail.
        let _ = write!(s, ".{byte:X}");
    }
    s
}

fn take_set<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = c.u16_be()?;
    c.take(usize::from(len))
}

/// Appends a unit behind a start code.
pub(crate) fn push_unit(out: &mut Vec<u8>, unit: &[u8]) {
    if !unit.is_empty() {
        out.extend_from_slice(&START_CODE);
        out.extend_from_slice(unit);
    }
}

/// Turns a sample whose units each have a length of `length_size` bytes before them into Annex B, in place when the
/// lengths take four bytes. Also says how many bytes at the end were dropped because a length reached beyond the sample.
pub(crate) fn to_annex_b(mut sample: Vec<u8>, length_size: usize) -> (Vec<u8>, usize) {
    if length_size == 4 {
        if is_annex_b_already(&sample) {
            return (sample, 0);
        }
        let mut at = 0;
        while let Some(len) = unit_length(&sample[at..], 4) {
            sample[at..at + 4].copy_from_slice(&START_CODE);
            at += 4 + len;
        }
        let dropped = sample.len() - at;
        sample.truncate(at);
        return (sample, dropped);
    }
    let mut out = Vec::with_capacity(sample.len() + sample.len() / 8);
    let mut rest = &sample[..];
    while let Some(len) = unit_length(rest, length_size) {
        push_unit(&mut out, &rest[length_size..length_size + len]);
        rest = &rest[length_size + len..];
    }
    (out, rest.len())
}

/// Length of the unit at the front, if all of it is there.
fn unit_length(bytes: &[u8], length_size: usize) -> Option<usize> {
    let (prefix, rest) = bytes.split_at_checked(length_size)?;
    let len = prefix.iter().fold(0u64, |len, &b| len << 8 | u64::from(b));
    usize::try_from(len).ok().filter(|&len| len <= rest.len())
}

/// Some writers store Annex B in spite of the record. The start code then reads as a unit of one byte whose successor
/// would be longer than the sample (the same test as FFmpeg's decoder makes).
fn is_annex_b_already(sample: &[u8]) -> bool {
    sample.starts_with(&START_CODE)
        && Cursor::new(&sample[4..])
            .array::<5>()
            .is_some_and(|[_, len @ ..]| u32::from_be_bytes(len) as usize > sample.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AVCC: &[u8] = &[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 3, 0x67, 0x64, 0, 1, 0, 2, 0x68, 0xee, 0xfd, 0xf8];

    fn hvcc() -> Vec<u8> {
        let mut r = vec![1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        r.extend([0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, 2]);
        r.extend([0xa0, 0, 1, 0, 2, 0x40, 1]);
        r.extend([0xa1, 0, 1, 0, 3, 0x42, 1, 1]);
        r
    }

    #[test]
    fn avcc_gives_annex_b_sets_length_size_and_codec_string() {
        let config = parse_avcc(AVCC, "avc1").unwrap();
        assert_eq!(config.annex_b, [0, 0, 0, 1, 0x67, 0x64, 0, 0, 0, 0, 1, 0x68, 0xee]);
        assert_eq!(config.length_size, 4);
        assert_eq!(config.codec_string, "avc1.64001f");
    }

    #[test]
    fn avcc_cut_inside_a_set_keeps_the_sets_before() {
        assert_eq!(parse_avcc(&AVCC[..13], "avc1").unwrap().annex_b, [0, 0, 0, 1, 0x67, 0x64, 0]);
        assert_eq!(parse_avcc(&AVCC[..4], "avc1"), None);
    }

    #[test]
    fn hvcc_gives_annex_b_sets_length_size_and_codec_string() {
        let config = parse_hvcc(&hvcc(), "hvc1").unwrap();
        assert_eq!(config.annex_b, [0, 0, 0, 1, 0x40, 1, 0, 0, 0, 1, 0x42, 1, 1]);
        assert_eq!(config.length_size, 4);
        assert_eq!(config.codec_string, "hvc1.1.6.L93.B0");
    }

    #[test]
    fn sample_with_four_byte_lengths_is_converted_in_place() {
        let sample = vec![0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x06];
        assert_eq!(to_annex_b(sample, 4), (vec![0, 0, 0, 1, 0x65, 1, 0, 0, 0, 1, 0x06], 0));
    }

    #[test]
    fn sample_with_two_byte_lengths_grows_to_four_byte_start_codes() {
        assert_eq!(to_annex_b(vec![0, 1, 0x65, 0, 1, 6], 2), (vec![0, 0, 0, 1, 0x65, 0, 0, 0, 1, 6], 0));
    }

    #[test]
    fn sample_with_a_length_beyond_its_end_keeps_the_units_before() {
        assert_eq!(to_annex_b(vec![0, 0, 0, 1, 9, 0, 0, 0, 9, 1], 4), (vec![0, 0, 0, 1, 9], 5));
        assert_eq!(to_annex_b(vec![1, 9, 200, 1], 1), (vec![0, 0, 0, 1, 9], 2));
    }

    #[test]
    fn sample_in_annex_b_already_stays_as_it_is() {
        let sample = vec![0, 0, 0, 1, 0x65, 0x88, 0x84, 0, 0, 0, 0, 0, 1, 6];
        assert_eq!(to_annex_b(sample.clone(), 4), (sample, 0));
    }

    proptest! {
        #[test]
        fn any_record_never_panics_and_output_is_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for config in [parse_avcc(&bytes, "avc1"), parse_hvcc(&bytes, "hev1")].into_iter().flatten() {
                prop_assert!(config.annex_b.len() <= bytes.len() * 3);
            }
        }

        #[test]
        fn any_sample_never_panics_and_output_is_bounded(
            bytes in proptest::collection::vec(0u8..8, 0..300), length_size in 1usize..=4,
        ) {
            let len = bytes.len();
            let (out, dropped) = to_annex_b(bytes, length_size);
            prop_assert!(out.len() <= len * 5 / 2 && dropped <= len);
        }
    }
}
