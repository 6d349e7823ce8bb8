//! H.264 (ITU-T H.264): parameter sets, slice headers, access units.

mod sets;

use kinora_bytes::BitCursor;

use super::annexb::{ParameterSets, Picture, Syntax, VideoConfig, unescape};
pub(crate) use sets::Sps;
use sets::{PicOrder, Pps};

/// Slice header fields that are needed lie within this many bytes.
const SLICE_HEAD_BYTES: usize = 48;

/// The first fields of a slice header (7.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slice {
    /// IdrPicFlag.
    idr: bool,
    /// nal_ref_idc is not 0.
    reference: bool,
    pps: u32,
    frame_num: u32,
    /// field_pic_flag and bottom_field_flag.
    field: (bool, bool),
    idr_pic_id: u32,
    poc_lsb: u32,
    delta_poc: [i32; 2],
    intra: bool,
}

impl Slice {
    /// Whether `next` belongs to another primary coded picture (7.4.1.2.4).
    fn differs(&self, next: &Slice) -> bool {
        let identity = |s: &Slice| {
            (
                s.frame_num,
                s.pps,
                s.field,
                s.reference,
                s.poc_lsb,
                s.delta_poc,
                s.idr,
                if s.idr { s.idr_pic_id } else { 0 },
            )
        };
        identity(self) != identity(next)
    }
}

/// The state that carries pic_order_cnt_lsb on (8.2.1.1): of the last reference picture.
#[derive(Debug, Clone, Copy, Default)]
struct PreviousOrder {
    msb: i64,
    lsb: i64,
}

/// Groups NAL units into access units.
#[derive(Debug, Default)]
pub(crate) struct H264 {
    sps: std::collections::BTreeMap<u32, Sps>,
    pps: std::collections::BTreeMap<u32, Pps>,
    sets: ParameterSets,
    slice: Option<Slice>,
    /// The access unit began with a slice whose parameter sets are not there.
    unreadable: bool,
    all_intra: bool,
    recovery_point: bool,
    sets_here: bool,
    previous: PreviousOrder,
    active: Option<u32>,
}

/// NAL unit types, table 7-1.
mod kind {
    pub(super) const SLICE: u8 = 1;
    pub(super) const PARTITION_A: u8 = 2;
    pub(super) const IDR: u8 = 5;
    pub(super) const SEI: u8 = 6;
    pub(super) const SPS: u8 = 7;
    pub(super) const PPS: u8 = 8;
    pub(super) const AUD: u8 = 9;
}

impl H264 {
    fn slice(&self, unit: &[u8]) -> Option<Slice> {
        let (&head, body) = unit.split_first()?;
        let idr = head & 31 == kind::IDR;
        let bytes = unescape(body, SLICE_HEAD_BYTES);
        let mut b = BitCursor::new(&bytes);
        b.ue()?; // first_mb_in_slice
        let slice_type = b.ue()?;
        let pps_id = b.ue()?;
        let pps = self.pps.get(&pps_id)?;
        let sps = self.sps.get(&pps.sps)?;
        if sps.separate_planes {
            b.skip(2)?;
        }
        let frame_num = b.bits(sps.frame_num_bits)? as u32;
        let field = if sps.frames_only { (false, false) } else { read_field(&mut b)? };
        let idr_pic_id = if idr { b.ue()? } else { 0 };
        let (mut poc_lsb, mut delta_poc) = (0, [0; 2]);
        match sps.order {
            PicOrder::Lsb { bits } => {
                poc_lsb = b.bits(bits)? as u32;
                if pps.order_in_frame && !field.0 {
                    delta_poc[0] = b.se()?;
                }
            }
            PicOrder::Delta => {
                delta_poc[0] = b.se()?;
                if pps.order_in_frame && !field.0 {
                    delta_poc[1] = b.se()?;
                }
            }
            PicOrder::None => {}
        }
        Some(Slice {
            idr,
            reference: head >> 5 & 3 != 0,
            pps: pps_id,
            frame_num,
            field,
            idr_pic_id,
            poc_lsb,
            delta_poc,
            // I and SI, table 7-6.
            intra: matches!(slice_type % 5, 2 | 4),
        })
    }

    fn sps_of(&self, slice: &Slice) -> Option<(u32, &Sps)> {
        let id = self.pps.get(&slice.pps)?.sps;
        Some((id, self.sps.get(&id)?))
    }

    /// Picture order count type 0 (8.2.1.1), of a frame its top field's. The other types give `None`: type 2 is decode order, and
    /// type 1 has not been seen in the wild together with reordering.
    fn order(&mut self, slice: &Slice) -> Option<i64> {
        let PicOrder::Lsb { bits } = self.sps_of(slice)?.1.order else { return None };
        let (lsb, max) = (i64::from(slice.poc_lsb), 1i64 << bits);
        let before = if slice.idr { PreviousOrder::default() } else { self.previous };
        let msb = match lsb - before.lsb {
            step if step <= -max / 2 => before.msb.saturating_add(max),
            step if step > max / 2 => before.msb.saturating_sub(max),
            _ => before.msb,
        };
        if slice.reference {
            self.previous = PreviousOrder { msb, lsb };
        }
        msb.checked_add(lsb)
    }
}

fn read_field(b: &mut BitCursor) -> Option<(bool, bool)> {
    Some(if b.flag()? { (true, b.flag()?) } else { (false, false) })
}

/// Whether an SEI unit holds a recovery point message (D.1.8, payloadType 6).
fn has_recovery_point(unit: &[u8]) -> bool {
    let bytes = unescape(unit.get(1..).unwrap_or_default(), 4096);
    let mut rest = &bytes[..];
    // rbsp_trailing_bits follow the last message.
    while rest.len() > 2 {
        let mut values = [0usize; 2];
        for value in &mut values {
            let run = rest.iter().take_while(|&&b| b == 0xff).count();
            let Some(&last) = rest.get(run) else { return false };
            *value = run * 255 + usize::from(last);
            rest = &rest[run + 1..];
        }
        if values[0] == 6 {
            return true;
        }
        rest = rest.get(values[1]..).unwrap_or_default();
    }
    false
}

impl Syntax for H264 {
    /// 7.4.1.2.3; only what may precede the next primary coded picture counts.
    fn begins_access_unit(&self, unit: &[u8]) -> bool {
        let Some(current) = &self.slice else { return false };
        match unit.first().map_or(0, |head| head & 31) {
            kind::SEI | kind::SPS | kind::PPS | kind::AUD | 14..=18 => true,
            kind::SLICE | kind::PARTITION_A | kind::IDR => {
                self.slice(unit).is_some_and(|next| current.differs(&next))
            }
            _ => false,
        }
    }

    fn push(&mut self, unit: &[u8]) {
        match unit.first().map_or(0, |head| head & 31) {
            kind::SLICE | kind::PARTITION_A | kind::IDR => {
                let Some(slice) = self.slice(unit) else {
                    // Without its parameter sets, or damaged.
                    self.unreadable |= self.slice.is_none();
                    return;
                };
                self.all_intra = slice.intra && (self.slice.is_none() || self.all_intra);
                self.active = self.sps_of(&slice).map(|(id, _)| id);
                self.slice.get_or_insert(slice);
            }
            kind::SEI => self.recovery_point |= has_recovery_point(unit),
            kind::SPS => {
                if let Some(sps) = Sps::parse(unit) {
                    self.sets_here = true;
                    self.sets.insert(0, sps.id, unit);
                    self.sps.insert(sps.id, sps);
                }
            }
            kind::PPS => {
                if let Some(pps) = Pps::parse(unit) {
                    self.sets.insert(1, pps.id, unit);
                    self.pps.insert(pps.id, pps);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self) -> Option<Picture> {
        let slice = self.slice.take();
        let recovery_point = std::mem::take(&mut self.recovery_point);
        let sets_here = std::mem::take(&mut self.sets_here);
        let unreadable = std::mem::take(&mut self.unreadable);
        let slice = slice.filter(|_| !unreadable)?;
        Some(Picture {
            // Broadcast encoders mark open groups by a recovery point, or only by repeating the parameter sets before an I picture.
            key: slice.idr || recovery_point || (sets_here && self.all_intra),
            order: self.order(&slice),
            resets_order: slice.idr,
            field: slice.field.0,
        })
    }

    fn config(&self) -> Option<VideoConfig> {
        let sps = self.active.and_then(|id| self.sps.get(&id)).or_else(|| self.sps.values().next())?;
        self.sets.has(1).then(|| VideoConfig {
            format: sps.format,
            codec_string: sps.codec_string(),
            frame: sps.frame,
            extradata: self.sets.annex_b(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 320x180, 25 fps, High, two B-frames (x264), its picture parameter set, and the heads of an IDR and two P slices.
    const SPS: &[u8] = &[
        0x67, 0x64, 0x00, 0x0c, 0xac, 0xd9, 0x41, 0x41, 0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
        0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60,
    ];
    const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

    #[test]
    fn sps_gives_cropped_size_frame_time_and_codec_string() {
        let sps = Sps::parse(SPS).unwrap();
        assert_eq!((sps.format.width, sps.format.height, sps.format.par), (320, 180, (1, 1)));
        assert_eq!(sps.frame, Some((2, 50)));
        assert_eq!(sps.codec_string(), "avc1.64000c");
    }

    #[test]
    fn access_units_are_told_apart_without_delimiters() {
        let mut h = H264::default();
        let idr = &[0x65, 0x88, 0x84, 0x00, 0x9f, 0xd9][..];
        for unit in [SPS, PPS, idr] {
            assert!(!h.begins_access_unit(unit));
            h.push(unit);
        }
        assert!(!h.begins_access_unit(idr), "a second slice of the same picture");
        let p = &[0x41, 0x9a, 0x23, 0x6c, 0x49, 0xff];
        assert!(h.begins_access_unit(p));
        assert!(h.finish().unwrap().key);
        h.push(p);
        assert!(!h.finish().unwrap().key);
        assert_eq!(h.config().unwrap().extradata.len(), SPS.len() + PPS.len() + 8);
    }

    #[test]
    fn recovery_point_is_found_behind_other_messages() {
        assert!(has_recovery_point(&[6, 1, 2, 9, 9, 6, 1, 0xc4, 0x80]));
        assert!(!has_recovery_point(&[6, 1, 3, 9, 6, 1, 0x80]));
    }

    proptest! {
        #[test]
        fn arbitrary_units_never_panic(units in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12)) {
            let mut h = H264::default();
            for (i, unit) in units.iter().enumerate() {
                let head = [7u8, 8, 0x65, 0x41, 6, 9][i % 6];
                let mut whole = vec![head];
                whole.extend(unit);
                if h.begins_access_unit(&whole) {
                    h.finish();
                }
                h.push(&whole);
                h.config();
            }
        }

        #[test]
        fn mutated_sets_never_panic(at in 0usize..26, value: u8, slice in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut sps = SPS.to_vec();
            sps[at] = value;
            let mut h = H264::default();
            h.push(&sps);
            h.push(PPS);
            h.push(&[&[0x65][..], &slice].concat());
            h.finish();
        }
    }
}
