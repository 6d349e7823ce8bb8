//! HEVC (ITU-T H.265): parameter sets, slice segment headers, access units. Layers above 0 are passed through unseen.

mod sets;

use std::collections::BTreeMap;

use kinora_bytes::BitCursor;

use super::annexb::{ParameterSets, Picture, Syntax, VideoConfig, unescape};
use sets::{Pps, Sps};

/// NAL unit types, table 7-1.
mod kind {
    pub(super) const FIRST_IRAP: u8 = 16;
    pub(super) const IDR_W_RADL: u8 = 19;
    pub(super) const IDR_N_LP: u8 = 20;
    pub(super) const LAST_IRAP: u8 = 23;
    pub(super) const LAST_VCL: u8 = 31;
    pub(super) const VPS: u8 = 32;
    pub(super) const SPS: u8 = 33;
    pub(super) const PPS: u8 = 34;
    pub(super) const AUD: u8 = 35;
    pub(super) const PREFIX_SEI: u8 = 39;
}

/// Groups NAL units into access units.
#[derive(Debug, Default)]
pub(crate) struct Hevc {
    sps: BTreeMap<u32, Sps>,
    pps: BTreeMap<u32, Pps>,
    sets: ParameterSets,
    /// The picture of the access unit so far.
    picture: Option<Picture>,
    /// Order of the last picture that others refer to (8.3.1, prevTid0Pic).
    previous: i64,
    active: Option<u32>,
}

/// The two bytes of a NAL unit header (7.3.1.2): type, layer, temporal id.
fn header(unit: &[u8]) -> Option<(u8, u8, u8)> {
    let &[a, b, ..] = unit else { return None };
    Some((a >> 1 & 63, (a & 1) << 5 | b >> 3, (b & 7).saturating_sub(1)))
}

impl Hevc {
    /// Reads the head of a picture's first slice segment.
    fn begin_picture(&mut self, unit: &[u8], nal_type: u8, temporal_id: u8) -> Picture {
        let irap = (kind::FIRST_IRAP..=kind::LAST_IRAP).contains(&nal_type);
        let order = self.order(unit, nal_type, irap);
        // Sub-layer non-reference and leading pictures never anchor the order (8.3.1).
        let leading = (6..=9).contains(&nal_type);
        let anchors = temporal_id == 0 && !leading && (nal_type > 14 || nal_type % 2 == 1);
        if let Some(order) = order.filter(|_| anchors) {
            self.previous = order;
        }
        // Output order counts frames; a picture's unit is half a frame.
        let resets_order = irap && nal_type <= kind::IDR_N_LP;
        Picture { key: irap, order: order.map(|o| o.saturating_mul(2)), resets_order, field: false }
    }

    fn order(&mut self, unit: &[u8], nal_type: u8, irap: bool) -> Option<i64> {
        let bytes = unescape(unit.get(2..)?, 32);
        let mut b = BitCursor::new(&bytes);
        b.flag()?; // first_slice_segment_in_pic_flag
        if irap {
            b.flag()?; // no_output_of_prior_pics_flag
        }
        let pps = self.pps.get(&b.ue()?)?;
        let sps = self.sps.get(&pps.sps)?;
        self.active = Some(pps.sps);
        b.skip(pps.extra_slice_header_bits)?;
        b.ue()?; // slice_type
        b.skip(usize::from(pps.output_flag_present) + if sps.separate_planes { 2 } else { 0 })?;
        if matches!(nal_type, kind::IDR_W_RADL | kind::IDR_N_LP) {
            return Some(0);
        }
        let (lsb, max) = (b.bits(sps.order_bits)? as i64, 1i64 << sps.order_bits);
        if nal_type < kind::IDR_W_RADL && irap {
            return Some(lsb); // a broken link: what came before does not count
        }
        let before = self.previous & (max - 1);
        let msb = self.previous - before;
        Some(match lsb - before {
            step if step <= -max / 2 => msb.saturating_add(max).saturating_add(lsb),
            step if step > max / 2 => msb.saturating_sub(max).saturating_add(lsb),
            _ => msb.saturating_add(lsb),
        })
    }
}

impl Syntax for Hevc {
    /// 7.4.2.4.4.
    fn begins_access_unit(&self, unit: &[u8]) -> bool {
        let Some((nal_type, 0, _)) = header(unit) else { return false };
        self.picture.is_some()
            && match nal_type {
                0..=kind::LAST_VCL => unit.get(2).is_some_and(|b| b & 0x80 != 0),
                kind::VPS | kind::SPS | kind::PPS | kind::AUD | kind::PREFIX_SEI | 41..=44 | 48..=55 => true,
                _ => false,
            }
    }

    fn push(&mut self, unit: &[u8]) {
        let Some((nal_type, 0, temporal_id)) = header(unit) else { return };
        match nal_type {
            0..=kind::LAST_VCL if self.picture.is_none() => {
                self.picture = Some(self.begin_picture(unit, nal_type, temporal_id));
            }
            kind::VPS => {
                if let Some(head) = unit.get(2) {
                    self.sets.insert(0, u32::from(head >> 4), unit);
                }
            }
            kind::SPS => {
                if let Some(sps) = Sps::parse(unit) {
                    self.sets.insert(1, sps.id, unit);
                    self.sps.insert(sps.id, sps);
                }
            }
            kind::PPS => {
                if let Some(pps) = Pps::parse(unit) {
                    self.sets.insert(2, pps.id, unit);
                    self.pps.insert(pps.id, pps);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self) -> Option<Picture> {
        self.picture.take().filter(|_| self.active.is_some())
    }

    fn config(&self) -> Option<VideoConfig> {
        let sps = self.active.and_then(|id| self.sps.get(&id)).or_else(|| self.sps.values().next())?;
        (self.sets.has(0) && self.sets.has(2)).then(|| VideoConfig {
            format: sps.format,
            codec_string: sps.codec_string.clone(),
            frame: sps.frame,
            extradata: self.sets.annex_b(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 322x182, 30000/1001 fps, Main (x265), its video and picture parameter sets, an IDR and two inter pictures.
    const VPS: &[u8] = &[
        0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
        0x00, 0x03, 0x00, 0x3c, 0x95, 0x98, 0x09,
    ];
    const SPS: &[u8] = &[
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
        0x3c, 0xa0, 0x0a, 0x48, 0x0b, 0x9c, 0x95, 0x96, 0x56, 0x69, 0x24, 0xca, 0xf0, 0x16, 0x80, 0x80, 0x00,
        0x01, 0xf4, 0x80, 0x00, 0x3a, 0x98, 0x04,
    ];
    const PPS: &[u8] = &[0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40];
    const IDR: &[u8] = &[0x28, 0x01, 0xaf, 0x08, 0x58, 0xbd, 0xa4, 0xe6];
    const INTER: [&[u8]; 2] = [&[0x02, 0x01, 0xd0, 0x19, 0x5f, 0x84], &[0x02, 0x01, 0xe0, 0x44, 0x97, 0xe1]];

    #[test]
    fn sps_gives_cropped_size_frame_time_and_codec_string() {
        let sps = Sps::parse(SPS).unwrap();
        assert_eq!((sps.format.width, sps.format.height, sps.format.par), (322, 182, (1, 1)));
        assert_eq!(sps.frame, Some((1001, 30_000)));
        assert_eq!(sps.codec_string, "hvc1.1.6.L60.90");
    }

    #[test]
    fn access_units_give_key_and_output_order() {
        let mut h = Hevc::default();
        for unit in [VPS, SPS, PPS, IDR] {
            assert!(!h.begins_access_unit(unit));
            h.push(unit);
        }
        let mut pictures = Vec::new();
        for unit in INTER {
            assert!(h.begins_access_unit(unit));
            pictures.push(h.finish());
            h.push(unit);
        }
        pictures.push(h.finish());
        let seen: Vec<_> = pictures.iter().flatten().map(|p| (p.key, p.order)).collect();
        assert_eq!(seen, [(true, Some(0)), (false, Some(6)), (false, Some(4))]);
        assert!(h.config().is_some());
    }

    proptest! {
        #[test]
        fn arbitrary_units_never_panic(units in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..12)) {
            let mut h = Hevc::default();
            for (i, unit) in units.iter().enumerate() {
                let mut whole = vec![[32u8, 33, 34, 19, 1, 35][i % 6] << 1, 1];
                whole.extend(unit);
                if h.begins_access_unit(&whole) {
                    h.finish();
                }
                h.push(&whole);
                h.config();
            }
        }

        #[test]
        fn mutated_sps_never_panics(at in 0usize..SPS.len(), value: u8) {
            let mut sps = SPS.to_vec();
            sps[at] = value;
            let _ = Sps::parse(&sps);
        }
    }
}
