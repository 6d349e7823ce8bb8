//! HDR on an SDR screen: a table over the encoded colours.
//!
//! BT.2390's EETF on the largest component keeps hues; then BT.2020 colours are brought to BT.709's, what lies outside being cut. The source is taken
//! to be graded for 1000 nits, the screen's white to be BT.2408's 203 nits. Scene-by-scene peaks would need a histogram a frame.

use crate::color::Transfer;

/// Nodes along each side of the table.
pub const SIDE: usize = 33;
const SOURCE_NITS: f64 = 1000.0;
const SCREEN_NITS: f64 = 203.0;

/// The table for one transfer: node (r, g, b) at `r + SIDE * (g + SIDE * b)`.
///
/// A node is three fields of 21 bits (red highest) that hold 1/16 of an 8-bit step: one multiplication weighs all
/// three, since 12 bits of value and 8 of weight stay inside a field.
pub struct Tonemap {
    transfer: Transfer,
    nodes: Vec<u64>,
}

const FIELD: u32 = 21;
/// From the near to the far corner of a cell.
const FAR: usize = 1 + SIDE + SIDE * SIDE;

impl Tonemap {
    /// The table for PQ or HLG.
    pub fn new(transfer: Transfer) -> Tonemap {
        let at = |i: usize| i as f64 / (SIDE - 1) as f64;
        let mut nodes = Vec::with_capacity(SIDE.pow(3));
        for b in 0..SIDE {
            for g in 0..SIDE {
                for r in 0..SIDE {
                    let [r, g, b] =
                        map(transfer, [at(r), at(g), at(b)]).map(|v| (v * 255.0 * 16.0).round() as u64);
                    nodes.push(r << (2 * FIELD) | g << FIELD | b);
                }
            }
        }
        Tonemap { transfer, nodes }
    }

    /// What the table is for.
    pub fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// The nodes as bytes R, G, B, A, for a texture.
    pub fn rgba(&self) -> Vec<u8> {
        let byte = |node: u64, field: u32| ((((node >> (field * FIELD)) & 0xFFF) + 8) >> 4).min(255) as u8;
        self.nodes.iter().flat_map(|&node| [byte(node, 2), byte(node, 1), byte(node, 0), 255]).collect()
    }

    /// `0xFFRRGGBB` of a colour whose components count 1/32 of an 8-bit step.
    ///
    /// Tetrahedral interpolation: between four nodes of which two lie on the grey diagonal, so that greys stay grey and rise evenly
    /// (with eight nodes they ripple where highlights are compressed).
    #[inline(always)]
    pub(crate) fn apply(&self, rgb: [i16; 3]) -> u32 {
        // 255 * 32 steps are 32 cells of 256 parts, but for the last part.
        let place = rgb.map(|v| (u32::from(v.clamp(0, 255 * 32) as u16) * 257) >> 8);
        let [r, g, b] = place.map(|v| (v >> 8) as usize);
        let cell = &self.nodes[r + SIDE * (g + SIDE * b)..][..FAR + 1];
        // From the near corner along the axis with the largest part first; an axis is named by its distance between nodes.
        let [r, g, b] = place.map(|v| (v & 0xFF) << 16);
        let (r, g, b) = (r | 1, g | SIDE as u32, b | (SIDE * SIDE) as u32);
        let (high, low) = (r.max(g), r.min(g));
        let (high, middle) = (high.max(b), low.max(high.min(b)));
        let low = low.min(b);
        let [first, second, third] = [high, middle, low].map(|v| u64::from(v >> 16));
        let near = (high & 0xFFFF) as usize;
        let further = near + (middle & 0xFFFF) as usize;
        let sum = cell[0].wrapping_mul(256 - first)
            + cell[near].wrapping_mul(first - second)
            + cell[further].wrapping_mul(second - third)
            + cell[FAR].wrapping_mul(third);
        let step = |field: u32| ((((sum >> (field * FIELD + 8)) & 0xFFF) + 8) >> 4) as u32;
        0xFF00_0000 | step(2) << 16 | step(1) << 8 | step(0)
    }
}

fn map(transfer: Transfer, encoded: [f64; 3]) -> [f64; 3] {
    let nits = match transfer {
        Transfer::Pq => encoded.map(pq_to_nits),
        Transfer::Hlg => hlg_to_nits(encoded),
        Transfer::Sdr => return encoded,
    };
    let largest = nits.into_iter().fold(0.0, f64::max);
    let scale = if largest > 0.0 { compress(largest) / largest / SCREEN_NITS } else { 0.0 };
    let [r, g, b] = nits.map(|v| v * scale);
    // BT.2087: BT.2020 to BT.709 primaries.
    let narrow = [
        1.6605 * r - 0.5876 * g - 0.0728 * b,
        -0.1246 * r + 1.1329 * g - 0.0083 * b,
        -0.0182 * r - 0.1006 * g + 1.1187 * b,
    ];
    // BT.1886 without black lift.
    narrow.map(|v| v.clamp(0.0, 1.0).powf(1.0 / 2.4))
}

/// SMPTE ST 2084.
fn pq_to_nits(v: f64) -> f64 {
    let p = v.powf(32.0 / 2523.0);
    10_000.0 * ((p - 0.835_937_5).max(0.0) / (18.851_562_5 - 18.6875 * p)).powf(8192.0 / 1305.0)
}

fn nits_to_pq(nits: f64) -> f64 {
    let y = (nits / 10_000.0).powf(1305.0 / 8192.0);
    ((0.835_937_5 + 18.851_562_5 * y) / (1.0 + 18.6875 * y)).powf(2523.0 / 32.0)
}

/// BT.2100: inverse OETF, then the OOTF of a 1000-nit screen.
fn hlg_to_nits(encoded: [f64; 3]) -> [f64; 3] {
    let scene = encoded.map(|v| {
        if v <= 0.5 { v * v / 3.0 } else { (((v - 0.559_910_73) / 0.178_832_77).exp() + 0.284_668_92) / 12.0 }
    });
    let luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2];
    scene.map(|v| SOURCE_NITS * v * luminance.powf(0.2))
}

/// BT.2390 section 5.4.1: linear up to a knee, then a Hermite spline to the screen's white.
fn compress(nits: f64) -> f64 {
    let source = nits_to_pq(SOURCE_NITS);
    let (e, white) = ((nits_to_pq(nits) / source).min(1.0), nits_to_pq(SCREEN_NITS) / source);
    let knee = 1.5 * white - 0.5;
    if e < knee {
        return nits;
    }
    let t = (e - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let mapped = (2.0 * t3 - 3.0 * t2 + 1.0) * knee
        + (t3 - 2.0 * t2 + t) * (1.0 - knee)
        + (-2.0 * t3 + 3.0 * t2) * white;
    pq_to_nits(mapped * source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tonemap_keeps_black_and_brings_the_peak_to_white() {
        let pq = Tonemap::new(Transfer::Pq);
        let peak = (nits_to_pq(1000.0) * 255.0 * 32.0) as i16;
        assert_eq!(pq.apply([0; 3]), 0xFF00_0000);
        assert!(pq.apply([peak; 3]) & 0xFF >= 0xFA);
        assert!(Tonemap::new(Transfer::Hlg).apply([255 * 32; 3]) & 0xFF >= 0xFD);
    }

    #[test]
    fn tonemap_of_grey_ramp_rises() {
        let map = Tonemap::new(Transfer::Pq);
        let ramp: Vec<u32> = (0..255).map(|v| map.apply([v * 32; 3]) & 0xFF).collect();
        assert!(ramp.is_sorted(), "{ramp:?}");
    }

    #[test]
    fn pq_round_trip_is_exact() {
        assert!((nits_to_pq(pq_to_nits(0.6)) - 0.6).abs() < 1e-12);
        assert!((nits_to_pq(10_000.0) - 1.0).abs() < 1e-12);
    }
}
