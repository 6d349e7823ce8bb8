//! The inner loops of video: weighted sums of rows, of neighbours, and the colour matrix.
//!
//! Between the steps a sample is an `i16` counting 1/128 of an 8-bit step (8-bit white is 32 640). Each loop is written once, in a form
//! that the compiler turns into vector code; x86-64 gets a second copy compiled for AVX2 and chosen at run time, aarch64's NEON is always
//! there. Only the horizontal sum needs intrinsics. Arithmetic wraps because no sample and weight can overflow it, which
//! the compiler cannot know.
#![allow(unsafe_code, reason = "AVX2 is chosen at run time")]

use super::filter::ONE;
use crate::color::YuvToRgb;
use crate::tonemap::Tonemap;

/// Rows end in this many samples that may be read and weigh nothing.
pub(crate) const PADDING: usize = 16;

/// A sample as it is stored.
pub(crate) trait Sample: Copy {
    fn wide(self) -> i32;
}

impl Sample for u8 {
    #[inline(always)]
    fn wide(self) -> i32 {
        i32::from(self)
    }
}

impl Sample for [u8; 2] {
    #[inline(always)]
    fn wide(self) -> i32 {
        i32::from(u16::from_le_bytes(self))
    }
}

/// Defines a function and its copy for AVX2, and the choice between them.
macro_rules! vectorised {
    ($(#[$doc:meta])* fn $name:ident $(<$s:ident: $bound:ident>)? ($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub(crate) fn $name $(<$s: $bound>)? ($($arg: $type),*) {
            #[inline(always)]
            fn body $(<$s: $bound>)? ($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2 $(<$s: $bound>)? ($($arg: $type),*) {
                    body($($arg),*)
                }
                if std::is_x86_feature_detected!("avx2") {
                    // SAFETY: the CPU has AVX2.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}

vectorised! {
    /// `out = sum of weight * row`, brought from the sample's depth to the common one by `shift`.
    fn weigh_rows<S: Sample>(rows: &[(&[S], i16)], shift: u32, out: &mut [i16]) {
        let len = out.len();
        let half = 1i32 << (shift - 1);
        match *rows {
            [(a, wa)] if i32::from(wa) == ONE => {
                let (down, up) = (shift.saturating_sub(14), 14u32.saturating_sub(shift));
                for (out, a) in out.iter_mut().zip(&a[..len]) {
                    *out = ((a.wide() << up) >> down) as i16;
                }
            }
            [(a, wa), (b, wb)] => {
                let (wa, wb) = (i32::from(wa), i32::from(wb));
                for ((out, a), b) in out.iter_mut().zip(&a[..len]).zip(&b[..len]) {
                    let sum = a.wide().wrapping_mul(wa).wrapping_add(b.wide().wrapping_mul(wb));
                    *out = (sum.wrapping_add(half) >> shift) as i16;
                }
            }
            [(a, wa), (b, wb), (c, wc)] => {
                let (wa, wb, wc) = (i32::from(wa), i32::from(wb), i32::from(wc));
                for (((out, a), b), c) in out.iter_mut().zip(&a[..len]).zip(&b[..len]).zip(&c[..len]) {
                    let ab = a.wide().wrapping_mul(wa).wrapping_add(b.wide().wrapping_mul(wb));
                    let sum = ab.wrapping_add(c.wide().wrapping_mul(wc));
                    *out = (sum.wrapping_add(half) >> shift) as i16;
                }
            }
            _ => {
                // Many rows: in blocks whose sums stay in registers or the nearest cache.
                const BLOCK: usize = 256;
                for at in (0..len).step_by(BLOCK) {
                    let end = (at + BLOCK).min(len);
                    let mut sums = [half; BLOCK];
                    for &(row, weight) in rows {
                        let weight = i32::from(weight);
                        for (sum, sample) in sums.iter_mut().zip(&row[at..end]) {
                            *sum = sum.wrapping_add(sample.wide().wrapping_mul(weight));
                        }
                    }
                    for (out, sum) in out[at..end].iter_mut().zip(sums) {
                        *out = (sum >> shift) as i16;
                    }
                }
            }
        }
    }
}

vectorised! {
    /// Takes an interleaved row of two components apart.
    fn deinterleave(both: &[i16], first: &mut [i16], second: &mut [i16]) {
        for ((pair, first), second) in both.as_chunks::<2>().0.iter().zip(first).zip(second) {
            (*first, *second) = (pair[0], pair[1]);
        }
    }
}

vectorised! {
    /// Twice as many samples: `row`'s and between each and the next their mean.
    fn double(row: &[i16], out: &mut [i16]) {
        let (pairs, rest) = out.as_chunks_mut::<2>();
        let count = pairs.len();
        for ((pair, &a), &b) in pairs.iter_mut().zip(row).zip(&row[1..]) {
            *pair = [a, ((i32::from(a) + i32::from(b) + 1) >> 1) as i16];
        }
        if let [last] = rest {
            *last = row[count];
        }
    }
}

vectorised! {
    /// Y, Cb and Cr to `0xFFRRGGBB`.
    fn convert_yuv(y: &[i16], u: &[i16], v: &[i16], c: &Coefficients, out: &mut [u32]) {
        for (((out, &y), &u), &v) in out.iter_mut().zip(y).zip(u).zip(v) {
            let [r, g, b] = c.yuv(y, u, v);
            *out = pack(r, g, b);
        }
    }
}

vectorised! {
    /// Y, Cb and Cr of an HDR frame to `0xFFRRGGBB`.
    fn convert_hdr(y: &[i16], u: &[i16], v: &[i16], c: &Coefficients, map: &Tonemap, out: &mut [u32]) {
        for (((out, &y), &u), &v) in out.iter_mut().zip(y).zip(u).zip(v) {
            *out = map.apply(c.yuv(y, u, v));
        }
    }
}

vectorised! {
    /// R, G and B to `0xFFRRGGBB`.
    fn convert_rgb(r: &[i16], g: &[i16], b: &[i16], c: &Coefficients, out: &mut [u32]) {
        for (((out, &r), &g), &b) in out.iter_mut().zip(r).zip(g).zip(b) {
            let [r, g, b] = [r, g, b].map(|sample| c.luma(sample));
            *out = pack(r, g, b);
        }
    }
}

/// From 1/32 steps to `0xFFRRGGBB`.
#[inline(always)]
fn pack(r: i16, g: i16, b: i16) -> u32 {
    let step = |v: i16| (v >> 5).clamp(0, 255) as u32;
    0xFF00_0000 | step(r) << 16 | step(g) << 8 | step(b)
}

/// The colour matrix in fixed point; its results count 1/32 of an 8-bit step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coefficients {
    black: i16,
    luma: i16,
    red: i16,
    green: [i16; 2],
    blue: i16,
    round: i16,
}

impl Coefficients {
    /// `round` is added to each result: 17 rounds [`pack`] to the nearest (16, and 1 for what three products lose).
    pub(crate) fn new(from: &YuvToRgb, round: i16) -> Coefficients {
        let fixed = |value: f32, bits: u32| (value * (1u32 << bits) as f32).round() as i16;
        let [[luma, _, red], [_, green_u, green_v], [_, blue, _]] = from.matrix;
        // Planar RGB has one factor for all, at another place.
        let luma = if luma == 0.0 { red } else { luma };
        Coefficients {
            black: fixed(from.offset[0], 7),
            luma: fixed(luma, 14),
            red: fixed(red, 13),
            green: [fixed(green_u, 13), fixed(green_v, 13)],
            blue: fixed(blue, 13),
            round,
        }
    }

    #[inline(always)]
    fn luma(&self, y: i16) -> i16 {
        high(y.wrapping_sub(self.black), self.luma).wrapping_add(self.round)
    }

    #[inline(always)]
    pub(crate) fn yuv(&self, y: i16, u: i16, v: i16) -> [i16; 3] {
        let y = self.luma(y);
        // Twice the distance from neutral uses all 16 bits.
        let u = u.wrapping_sub(NEUTRAL) << 1;
        let v = v.wrapping_sub(NEUTRAL) << 1;
        [
            y.wrapping_add(high(v, self.red)),
            y.wrapping_add(high(u, self.green[0])).wrapping_add(high(v, self.green[1])),
            y.wrapping_add(high(u, self.blue)),
        ]
    }
}

/// Cb and Cr without colour.
pub(crate) const NEUTRAL: i16 = 128 << 7;

#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    (i32::from(a).wrapping_mul(i32::from(b)) >> 16) as i16
}

/// `out[i]` = weighted sum of the `taps` samples of `row` from `starts[i] - starts[0]` on; starts never fall, `row` ends in [`PADDING`].
pub(crate) fn weigh_neighbours(row: &[i16], starts: &[u32], weights: &[i16], taps: usize, out: &mut [i16]) {
    assert!(weights.len() == starts.len() * taps && out.len() == starts.len());
    #[cfg(target_arch = "x86_64")]
    if taps == 4 && std::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2.
        return unsafe { weigh_four_avx2(row, starts, weights, out) };
    }
    weigh_neighbours_portable(row, starts, weights, taps, out);
}

fn weigh_neighbours_portable(row: &[i16], starts: &[u32], weights: &[i16], taps: usize, out: &mut [i16]) {
    let first = starts.first().copied().unwrap_or(0);
    for ((out, &start), weights) in out.iter_mut().zip(starts).zip(weights.chunks_exact(taps)) {
        let samples = &row[(start - first) as usize..][..taps];
        let products = samples.iter().zip(weights).map(|(&s, &w)| i32::from(s).wrapping_mul(i32::from(w)));
        let sum = products.fold(ONE / 2, |sum, product| sum.wrapping_add(product));
        *out = (sum >> 14) as i16;
    }
}

/// Four samples and weights make one result: eight results at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn weigh_four_avx2(row: &[i16], starts: &[u32], weights: &[i16], out: &mut [i16]) {
    use std::arch::x86_64::*;
    let first = starts.first().copied().unwrap_or(0);
    let half = _mm_set1_epi32(ONE / 2);
    // Four samples as the low or high half of a vector.
    let load = |start: u32| {
        let samples: &[i16; 4] = row[start.wrapping_sub(first) as usize..].first_chunk().expect("padded row");
        // SAFETY: reads eight bytes, the size of what the pointer came from.
        unsafe { _mm_loadl_epi64(samples.as_ptr().cast()) }
    };
    let pair = |starts: [u32; 2], weights: &[i16; 8]| {
        let samples = _mm_unpacklo_epi64(load(starts[0]), load(starts[1]));
        // SAFETY: reads sixteen bytes, the size of what the pointer came from.
        _mm_madd_epi16(samples, unsafe { _mm_loadu_si128(weights.as_ptr().cast()) })
    };
    let sum = |a, b| _mm_srai_epi32::<14>(_mm_add_epi32(_mm_hadd_epi32(a, b), half));
    let (starts_of, rest) = starts.as_chunks::<8>();
    let (weights_of, rest_weights) = weights.split_at(starts_of.len() * 32);
    let (out_of, rest_out) = out.as_chunks_mut::<8>();
    for ((out, s), w) in out_of.iter_mut().zip(starts_of).zip(weights_of.as_chunks::<32>().0) {
        let w = w.as_chunks::<8>().0;
        let low = sum(pair([s[0], s[1]], &w[0]), pair([s[2], s[3]], &w[1]));
        let high = sum(pair([s[4], s[5]], &w[2]), pair([s[6], s[7]], &w[3]));
        // SAFETY: writes sixteen bytes, the size of what the pointer came from.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), _mm_packs_epi32(low, high)) };
    }
    let done = rest.first().map_or(0, |start| (start - first) as usize);
    weigh_neighbours_portable(&row[done..], rest, rest_weights, 4, rest_out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weigh_neighbours_vector_and_portable_agree() {
        let row: Vec<i16> = (0..200).map(|i| ((i * 7919) % 32641) as i16).collect();
        let starts: Vec<u32> = (0..101).map(|i| 5 + i * 19 / 10).collect();
        let weights: Vec<i16> =
            (0..101i32).flat_map(|i| [i * 50, 16384 - i * 60, i * 10, 0].map(|w| w as i16)).collect();
        let (mut fast, mut plain) = (vec![0; 101], vec![0; 101]);
        weigh_neighbours(&row, &starts, &weights, 4, &mut fast);
        weigh_neighbours_portable(&row, &starts, &weights, 4, &mut plain);
        assert_eq!(fast, plain);
    }

    #[test]
    fn weigh_rows_of_one_and_many_agree() {
        let row: Vec<u8> = (0..=255).collect();
        let (mut one, mut two, mut four) = (vec![0; 256], vec![0; 256], vec![0; 256]);
        weigh_rows(&[(&row[..], ONE as i16)], 7, &mut one);
        weigh_rows(&[(&row[..], 4096), (&row[..], 12288)], 7, &mut two);
        weigh_rows(&[(&row[..], 4096); 4], 7, &mut four);
        assert_eq!((one[255], &one, &one), (32640, &two, &four));
    }

    #[test]
    fn weigh_rows_of_each_depth_reaches_the_same_white() {
        let white = |value: u16, shift| {
            let mut out = [0; 1];
            weigh_rows(&[(&[value.to_le_bytes()][..], ONE as i16)], shift, &mut out);
            out[0]
        };
        assert_eq!((white(940, 9), white(940 << 6, 15)), (235 << 7, 235 << 7));
    }
}
