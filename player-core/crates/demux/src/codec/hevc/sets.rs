//! Parameter sets of HEVC (7.3.2.2, 7.3.2.3).

use kinora_bytes::BitCursor;

use crate::VideoFormat;
use crate::codec::{annexb::unescape, nal::hevc_codec_string, vui::Vui};

/// A sequence parameter set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sps {
    pub(super) id: u32,
    pub(super) format: VideoFormat,
    pub(super) codec_string: String,
    /// Seconds of a frame as a fraction.
    pub(super) frame: Option<(u32, u32)>,
    pub(super) separate_planes: bool,
    /// Length of slice_pic_order_cnt_lsb.
    pub(super) order_bits: u32,
}

impl Sps {
    /// Parses a whole NAL unit.
    pub(super) fn parse(unit: &[u8]) -> Option<Sps> {
        let bytes = unescape(unit.get(2..)?, 4096);
        let general: &[u8; 12] = bytes.get(1..)?.first_chunk()?;
        let mut b = BitCursor::new(&bytes);
        b.skip(4)?; // sps_video_parameter_set_id
        let sub_layers = b.bits(3)? as u32;
        b.skip(1 + 96)?; // sps_temporal_id_nesting_flag, general profile, tier, level
        skip_sub_layer_levels(&mut b, sub_layers)?;
        let id = b.ue().filter(|&id| id < 16)?;
        let chroma = b.ue().filter(|&c| c <= 3)?;
        let separate_planes = chroma == 3 && b.flag()?;
        let (coded_width, coded_height) = (b.ue()?, b.ue()?);
        let window = if b.flag()? { [b.ue()?, b.ue()?, b.ue()?, b.ue()?] } else { [0; 4] };
        let (unit_x, unit_y) = match chroma {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let cropped = |size: u32, a: u32, b: u32, unit: u32| {
            let cut = u64::from(a).saturating_add(b.into()).saturating_mul(unit.into());
            u32::try_from(u64::from(size).checked_sub(cut)?).ok().filter(|&left| left > 0)
        };
        let width = cropped(coded_width, window[0], window[1], unit_x)?;
        let height = cropped(coded_height, window[2], window[3], unit_y)?;
        b.ue()?; // bit depths
        b.ue()?;
        let order_bits = b.ue().filter(|&n| n <= 12)? + 4;
        let mut vui = Vui::default();
        let frame = read_rest(&mut b, sub_layers, order_bits, &mut vui).flatten();
        Some(Sps {
            id,
            format: VideoFormat { width, height, par: vui.par, rotation_deg: 0, cicp: vui.cicp },
            codec_string: hevc_codec_string("hvc1", general),
            frame,
            separate_planes,
            order_bits,
        })
    }
}

/// The levels of the sub-layers (7.3.3).
fn skip_sub_layer_levels(b: &mut BitCursor, sub_layers: u32) -> Option<()> {
    if sub_layers == 0 {
        return Some(());
    }
    let present = b.bits(16)?; // eight pairs, the last ones reserved
    for i in 0..sub_layers {
        let pair = present >> (14 - 2 * i) & 3;
        b.skip(if pair & 2 != 0 { 88 } else { 0 } + if pair & 1 != 0 { 8 } else { 0 })?;
    }
    Some(())
}

/// From sps_sub_layer_ordering_info_present_flag to the timing in the VUI: the time of a frame.
fn read_rest(
    b: &mut BitCursor,
    sub_layers: u32,
    order_bits: u32,
    vui: &mut Vui,
) -> Option<Option<(u32, u32)>> {
    let all_layers = b.flag()?;
    for _ in 0..3 * if all_layers { sub_layers + 1 } else { 1 } {
        b.ue()?;
    }
    for _ in 0..6 {
        b.ue()?; // block sizes, transform depths
    }
    if b.flag()? && b.flag()? {
        skip_scaling_lists(b)?;
    }
    b.skip(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if b.flag()? {
        b.skip(8)?; // PCM bit depths
        b.ue()?;
        b.ue()?;
        b.flag()?;
    }
    let sets = b.ue().filter(|&n| n <= 64)?;
    let mut deltas = 0;
    for index in 0..sets {
        deltas = read_reference_set(b, index, deltas)?;
    }
    if b.flag()? {
        for _ in 0..b.ue().filter(|&n| n <= 32)? {
            b.skip(order_bits as usize + 1)?;
        }
    }
    b.skip(2)?; // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if !b.flag()? {
        return Some(None);
    }
    vui.read(b)?;
    b.skip(3)?; // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
    if b.flag()? {
        for _ in 0..4 {
            b.ue()?; // default display window: a hint that FFmpeg ignores too
        }
    }
    if !b.flag()? {
        return Some(None);
    }
    let (units, scale) = (b.bits(32)? as u32, b.bits(32)? as u32);
    Some((units > 0 && scale > 0).then_some((units, scale)))
}

/// scaling_list_data() (7.3.4).
fn skip_scaling_lists(b: &mut BitCursor) -> Option<()> {
    for size in 0..4u32 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if !b.flag()? {
                b.ue()?;
                continue;
            }
            if size > 1 {
                b.se()?;
            }
            for _ in 0..64.min(16u32 << (2 * size)) {
                b.se()?;
            }
        }
    }
    Some(())
}

/// st_ref_pic_set() (7.3.7) with index `index` in the SPS; gives NumDeltaPocs, which the next one needs.
fn read_reference_set(b: &mut BitCursor, index: u32, previous: u32) -> Option<u32> {
    if index > 0 && b.flag()? {
        b.flag()?; // delta_rps_sign
        b.ue()?;
        let mut deltas = 0;
        for _ in 0..=previous {
            let used = b.flag()?;
            if used || b.flag()? {
                deltas += 1;
            }
        }
        return Some(deltas);
    }
    let (negative, positive) = (b.ue().filter(|&n| n <= 16)?, b.ue().filter(|&n| n <= 16)?);
    for _ in 0..negative + positive {
        b.ue()?;
        b.flag()?;
    }
    Some(negative + positive)
}

/// A picture parameter set, as far as slice headers need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pps {
    pub(super) id: u32,
    pub(super) sps: u32,
    pub(super) output_flag_present: bool,
    pub(super) extra_slice_header_bits: usize,
}

impl Pps {
    /// Parses a whole NAL unit.
    pub(super) fn parse(unit: &[u8]) -> Option<Pps> {
        let bytes = unescape(unit.get(2..)?, 64);
        let mut b = BitCursor::new(&bytes);
        let (id, sps) = (b.ue().filter(|&id| id < 64)?, b.ue().filter(|&id| id < 16)?);
        b.flag()?; // dependent_slice_segments_enabled_flag
        Some(Pps { id, sps, output_flag_present: b.flag()?, extra_slice_header_bits: b.bits(3)? as usize })
    }
}
