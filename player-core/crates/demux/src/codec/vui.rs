//! The part of the video usability information that H.264 (annex E.1.1) and HEVC (annex E.2.1) share.

use kinora_bytes::BitCursor;

/// Pixel aspects by aspect_ratio_idc, ITU-T H.273 table 4.
const ASPECTS: [(u32, u32); 17] = [
    (1, 1),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// Pixel aspect and colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vui {
    pub(super) par: (u32, u32),
    pub(super) cicp: [u8; 4],
}

impl Default for Vui {
    fn default() -> Self {
        Vui { par: (1, 1), cicp: [2, 2, 2, 0] }
    }
}

impl Vui {
    /// Reads from aspect_ratio_info_present_flag through the chroma sample location. What is read before the bits run out stays.
    pub(super) fn read(&mut self, b: &mut BitCursor) -> Option<()> {
        if b.flag()? {
            self.par = match b.bits(8)? as usize {
                255 => match (b.bits(16)? as u32, b.bits(16)? as u32) {
                    (0, _) | (_, 0) => (1, 1),
                    par => par,
                },
                index => ASPECTS.get(index).copied().unwrap_or((1, 1)),
            };
        }
        if b.flag()? {
            b.flag()?; // overscan_appropriate_flag
        }
        if b.flag()? {
            b.skip(3)?; // video_format
            self.cicp[3] = b.flag()?.into();
            if b.flag()? {
                for value in &mut self.cicp[..3] {
                    *value = b.bits(8)? as u8;
                }
            }
        }
        if b.flag()? {
            b.ue()?;
            b.ue()?;
        }
        Some(())
    }
}
