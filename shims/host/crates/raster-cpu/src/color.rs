//! From a frame's colour description to numbers.

use kinora_port::{PixelFormat, VideoFrame};

/// How brightness is encoded, as far as it matters for showing it on an SDR screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// BT.709, BT.601, sRGB, unspecified: shown as it is.
    Sdr,
    /// SMPTE ST 2084.
    Pq,
    /// ARIB STD-B67.
    Hlg,
}

/// R'G'B' of a frame: `matrix * (sample - offset)`, samples and results as parts of 255 (a 10-bit sample is divided by four).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YuvToRgb {
    /// Of Y, Cb and Cr (G, B, R for planar RGB).
    pub offset: [f32; 3],
    /// Rows: R, G, B.
    pub matrix: [[f32; 3]; 3],
    /// What the result is encoded with.
    pub transfer: Transfer,
}

/// Bits of a sample.
pub fn depth(format: PixelFormat) -> u32 {
    match format {
        PixelFormat::Yuv420p10
        | PixelFormat::Yuv422p10
        | PixelFormat::Yuv444p10
        | PixelFormat::P010
        | PixelFormat::Gray10 => 10,
        _ => 8,
    }
}

/// How a frame's brightness is encoded.
pub fn transfer(frame: &VideoFrame) -> Transfer {
    match frame.cicp.transfer {
        16 => Transfer::Pq,
        18 => Transfer::Hlg,
        _ => Transfer::Sdr,
    }
}

/// A frame's matrix coefficients (H.273 table 4). What it says; where it says nothing: BT.2020 for PQ and HLG, BT.601 up to 576 lines, else
/// BT.709.
pub fn matrix(frame: &VideoFrame) -> u8 {
    match frame.cicp.matrix {
        said @ (1 | 4..=7 | 9 | 10) => said,
        _ if transfer(frame) != Transfer::Sdr => 9,
        _ if frame.height <= 576 => 6,
        _ => 1,
    }
}

impl YuvToRgb {
    /// By [`transfer`], [`matrix()`] and the range of the frame.
    pub fn of(frame: &VideoFrame) -> YuvToRgb {
        let transfer = transfer(frame);
        // A 10-bit sample counts quarters: its white is 255.75 where an 8-bit one has 255.
        let unit =
            f32::from((1u16 << depth(frame.format)) - 1) / f32::from(1u16 << (depth(frame.format) - 8));
        let (black, luma, chroma) = if frame.cicp.full_range {
            (0.0, 255.0 / unit, 255.0 / unit)
        } else {
            (16.0, 255.0 / 219.0, 255.0 / 224.0)
        };
        if frame.format == PixelFormat::Gbrp {
            let matrix = [[0.0, 0.0, luma], [luma, 0.0, 0.0], [0.0, luma, 0.0]];
            return YuvToRgb { offset: [black; 3], matrix, transfer };
        }
        // The weights of red and blue.
        let (kr, kb) = match matrix(frame) {
            4 => (0.30, 0.11),
            5 | 6 => (0.299, 0.114),
            7 => (0.212, 0.087),
            9 | 10 => (0.2627, 0.0593),
            _ => (0.2126, 0.0722),
        };
        let kg = 1.0 - kr - kb;
        let (red, blue) = (2.0 * (1.0 - kr) * chroma, 2.0 * (1.0 - kb) * chroma);
        YuvToRgb {
            offset: [black, 128.0, 128.0],
            matrix: [[luma, 0.0, red], [luma, -blue * kb / kg, -red * kr / kg], [luma, blue, 0.0]],
            transfer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_port::Cicp;

    fn frame(height: u32, cicp: Cicp) -> VideoFrame {
        VideoFrame {
            pts_us: 0,
            duration_us: 0,
            width: 2,
            height,
            format: PixelFormat::Yuv420p,
            planes: vec![],
            par: (1, 1),
            rotation_deg: 0,
            cicp,
        }
    }

    #[test]
    fn matrix_of_unspecified_frame_follows_size_and_transfer() {
        let of = |height, cicp| YuvToRgb::of(&frame(height, cicp)).matrix;
        let named = |matrix| of(2, Cicp { matrix, ..Cicp::default() });
        assert_eq!(of(576, Cicp::default()), named(6));
        assert_eq!(of(720, Cicp::default()), named(1));
        assert_eq!(of(576, Cicp { transfer: 16, ..Cicp::default() }), named(9));
    }

    #[test]
    fn matrix_of_limited_range_maps_black_and_white() {
        let c = YuvToRgb::of(&frame(1080, Cicp::default()));
        for row in c.matrix {
            assert!((row[0] * (235.0 - c.offset[0]) - 255.0).abs() < 1e-3);
        }
        assert!((c.matrix[2][1] - 2.1124).abs() < 1e-3);
    }
}
