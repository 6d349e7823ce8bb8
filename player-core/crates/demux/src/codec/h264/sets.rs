//! Parameter sets of H.264 (7.3.2.1, 7.3.2.2).

use kinora_bytes::BitCursor;

use crate::VideoFormat;
use crate::codec::{annexb::unescape, vui::Vui};

/// How pictures say their place in output order (pic_order_cnt_type).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PicOrder {
    /// Type 0: the low bits of a count.
    Lsb { bits: u32 },
    /// Type 1, with differences in the slice header.
    Delta,
    /// Nothing in the slice header.
    None,
}

/// A sequence parameter set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sps {
    pub(super) id: u32,
    profile: [u8; 3],
    /// Size after cropping, aspect, colour.
    pub format: VideoFormat,
    /// Seconds of a frame as a fraction.
    pub frame: Option<(u32, u32)>,
    pub(super) separate_planes: bool,
    pub(super) frame_num_bits: u32,
    pub(super) order: PicOrder,
    pub(super) frames_only: bool,
}

impl Sps {
    /// Parses a whole NAL unit.
    pub(crate) fn parse(unit: &[u8]) -> Option<Sps> {
        let bytes = unescape(unit.get(1..)?, 4096);
        let mut b = BitCursor::new(&bytes);
        let profile = [b.bits(8)? as u8, b.bits(8)? as u8, b.bits(8)? as u8];
        let id = b.ue().filter(|&id| id < 32)?;
        let mut chroma = 1;
        let mut separate_planes = false;
        if matches!(profile[0], 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            chroma = b.ue().filter(|&c| c <= 3)?;
            separate_planes = chroma == 3 && b.flag()?;
            b.ue()?; // bit depths
            b.ue()?;
            b.flag()?; // qpprime_y_zero_transform_bypass_flag
            if b.flag()? {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if b.flag()? {
                        skip_scaling_list(&mut b, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        let frame_num_bits = b.ue().filter(|&n| n <= 12)? + 4;
        let order = match b.ue()? {
            0 => PicOrder::Lsb { bits: b.ue().filter(|&n| n <= 12)? + 4 },
            1 => read_order_cycle(&mut b)?,
            2 => PicOrder::None,
            _ => return None,
        };
        b.ue()?; // max_num_ref_frames
        b.flag()?; // gaps_in_frame_num_value_allowed_flag
        let (width_mbs, height_units) = (b.ue()?.checked_add(1)?, b.ue()?.checked_add(1)?);
        let frames_only = b.flag()?;
        if !frames_only {
            b.flag()?; // mb_adaptive_frame_field_flag
        }
        b.flag()?; // direct_8x8_inference_flag
        let crop = if b.flag()? { [b.ue()?, b.ue()?, b.ue()?, b.ue()?] } else { [0; 4] };
        let fields = if frames_only { 1 } else { 2 };
        // Crop units, table 6-1 and (7-19) to (7-22).
        let (unit_x, unit_y) = match chroma {
            1 if !separate_planes => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let cropped = |size: u32, a: u32, b: u32, unit: u32| {
            let cut = u64::from(a).saturating_add(b.into()).saturating_mul(unit.into());
            u32::try_from(u64::from(size).checked_sub(cut)?).ok().filter(|&left| left > 0)
        };
        let width = cropped(width_mbs.checked_mul(16)?, crop[0], crop[1], unit_x)?;
        let height = cropped(height_units.checked_mul(16 * fields)?, crop[2], crop[3], unit_y * fields)?;
        let mut vui = Vui::default();
        let frame = if b.flag()? { read_timing(&mut b, &mut vui) } else { None };
        let format = VideoFormat { width, height, par: vui.par, rotation_deg: 0, cicp: vui.cicp };
        Some(Sps { id, profile, format, frame, separate_planes, frame_num_bits, order, frames_only })
    }

    /// RFC 6381 codec string.
    pub(crate) fn codec_string(&self) -> String {
        let [profile, constraints, level] = self.profile;
        format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
    }
}

/// Passes over the fields of pic_order_cnt_type 1.
fn read_order_cycle(b: &mut BitCursor) -> Option<PicOrder> {
    let always_zero = b.flag()?;
    b.se()?;
    b.se()?;
    for _ in 0..b.ue().filter(|&n| n <= 255)? {
        b.se()?;
    }
    Some(if always_zero { PicOrder::None } else { PicOrder::Delta })
}

/// The shared head of the VUI, then the frame time: two ticks (E.2.1, num_units_in_tick).
fn read_timing(b: &mut BitCursor, vui: &mut Vui) -> Option<(u32, u32)> {
    vui.read(b)?;
    if !b.flag()? {
        return None;
    }
    let (units, scale) = (b.bits(32)? as u32, b.bits(32)? as u32);
    let frame = units.checked_mul(2)?;
    (frame > 0 && scale > 0).then_some((frame, scale))
}

/// scaling_list() (7.3.2.1.1.1).
fn skip_scaling_list(b: &mut BitCursor, size: u32) -> Option<()> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..size {
        if next != 0 {
            next = last.wrapping_add(b.se()?) & 255;
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

/// A picture parameter set, as far as slice headers need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pps {
    pub(super) id: u32,
    pub(super) sps: u32,
    /// bottom_field_pic_order_in_frame_present_flag.
    pub(super) order_in_frame: bool,
}

impl Pps {
    /// Parses a whole NAL unit.
    pub(super) fn parse(unit: &[u8]) -> Option<Pps> {
        let bytes = unescape(unit.get(1..)?, 64);
        let mut b = BitCursor::new(&bytes);
        let (id, sps) = (b.ue().filter(|&id| id < 256)?, b.ue().filter(|&id| id < 32)?);
        b.flag()?; // entropy_coding_mode_flag
        Some(Pps { id, sps, order_in_frame: b.flag()? })
    }
}
