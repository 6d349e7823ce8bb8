//! Shadows: a rounded rectangle convolved with a Gaussian.
//!
//! Along x the convolution of a row of the rectangle has a closed form (the error function); along y it is summed at a few
//! points, enough because the Gaussian is smooth (Evan Wallace's method). The GPU raster does the same.

use kinora_display_list::Bounds;
use kinora_port::PixelRect;

use super::mask::Mask;
use super::{NEAREST, Paint, blend};
use crate::Canvas;

/// Points along y.
const POINTS: u32 = 6;

/// Abramowitz and Stegun 7.1.27, off by at most 0.0005.
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let p = 1.0 + (0.278_393 + (0.230_389 + (0.000_972 + 0.078_108 * a) * a) * a) * a;
    let p = p * p;
    (1.0 - 1.0 / (p * p)).copysign(x)
}

/// The shadow at (x, y) from the middle of a rectangle of half size `half`.
fn density(x: f32, y: f32, half: (f32, f32), radius: f32, sigma: f32) -> f32 {
    let scale = std::f32::consts::FRAC_1_SQRT_2 / sigma;
    // Only where both the rectangle and the Gaussian are.
    let (low, high) = ((y - half.1).max(-3.0 * sigma), (y + half.1).min(3.0 * sigma));
    if low >= high {
        return 0.0;
    }
    let step = (high - low) / POINTS as f32;
    let (mut sum, mut at) = (0.0, low + step / 2.0);
    for _ in 0..POINTS {
        // Half the width of the rectangle at this height; corners narrow it.
        let corner = (radius - half.1 + (y - at).abs()).max(0.0);
        let width = half.0 - radius + (radius * radius - corner * corner).max(0.0).sqrt();
        let across = 0.5 * (erf((x + width) * scale) - erf((x - width) * scale));
        sum += across * (-0.5 * at * at / (sigma * sigma)).exp();
        at += step;
    }
    (sum * step / (sigma * (2.0 * std::f32::consts::PI).sqrt())).clamp(0.0, 1.0)
}

pub(super) fn paint(
    (rect, radius): (&Bounds, f32),
    sigma: f32,
    color: Paint,
    clip: &Mask,
    area: PixelRect,
    canvas: &mut Canvas<'_>,
) {
    let (half, middle) = ((rect.w / 2.0, rect.h / 2.0), (rect.x + rect.w / 2.0, rect.y + rect.h / 2.0));
    // Without blur it is the rectangle; a tenth of a pixel is invisible and keeps the division.
    let sigma = sigma.max(0.1);
    // In the middle part of the height every row is the same.
    let reach = 3.0 * sigma + radius;
    let line: Vec<f32> = (area.x..area.x + area.w)
        .map(|x| density(x as f32 + 0.5 - middle.0, 0.0, half, radius, sigma))
        .collect();
    blend(clip, area, canvas, NEAREST, |x, y| {
        let dy = y - middle.1;
        color.times(if dy.abs() + reach < half.1 {
            line[x as usize - area.x as usize]
        } else {
            density(x - middle.0, dy, half, radius, sigma)
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn density_is_half_at_a_far_edge_and_gone_outside() {
        let at = |x, y| density(x, y, (100.0, 100.0), 8.0, 10.0);
        assert!((at(100.0, 0.0) - 0.5).abs() < 0.01);
        assert!((at(0.0, 0.0) - 1.0).abs() < 0.01);
        assert!((at(0.0, 100.0) - 0.5).abs() < 0.01);
        assert!(at(0.0, 130.0) < 0.004 && at(130.0, 0.0) < 0.004);
    }

    #[test]
    fn density_of_unblurred_thin_rectangle_is_finite() {
        assert!(density(0.0, 0.0, (0.1, 0.1), 0.1, 0.1).is_finite());
    }
}
