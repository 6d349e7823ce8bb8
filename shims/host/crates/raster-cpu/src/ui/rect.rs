//! Rounded rectangles: fill, gradient, border.

use kinora_display_list::{Bounds, Color, Fill};
use kinora_port::PixelRect;

use super::mask::{Mask, cover};
use super::{NEAREST, Paint, blend};
use crate::Canvas;

/// Ordered dither (Bayer, 8 by 8): thresholds that spread a fraction of a step evenly over neighbouring pixels.
fn threshold(x: u32, y: u32) -> f32 {
    let (mut value, mixed) = (0, x ^ y);
    for bit in 0..3 {
        value |= ((mixed >> bit) & 1) << (5 - 2 * bit) | ((y >> bit) & 1) << (4 - 2 * bit);
    }
    (value as f32 + 0.5) / 64.0
}

/// The colour at `at` (0 to 1000) between stops.
fn gradient(stops: &[(u32, Color)], at: f32) -> Paint {
    let next = stops.partition_point(|stop| stop.0 as f32 <= at);
    let color = |i: usize| Paint::of(stops[i].1);
    match next {
        0 => color(0),
        next if next == stops.len() => color(next - 1),
        next => {
            let (from, to) = (stops[next - 1].0 as f32, stops[next].0 as f32);
            color(next - 1).mix(color(next), (at - from) / (to - from))
        }
    }
}

pub(super) fn paint(
    (rect, radius): (&Bounds, f32),
    fill: &Fill,
    (border, border_color): (f32, Color),
    clip: Mask,
    area: PixelRect,
    canvas: &mut Canvas<'_>,
) {
    let mut mask = clip;
    mask.add(*rect, radius);
    match fill {
        Fill::Solid(color) => {
            let color = Paint::of(*color);
            blend(&mask, area, canvas, NEAREST, |_, _| color);
        }
        Fill::Linear { vertical, stops } => {
            let (from, len, first, count) =
                if *vertical { (rect.y, rect.h, area.y, area.h) } else { (rect.x, rect.w, area.x, area.w) };
            let line: Vec<Paint> = (first..first + count)
                .map(|i| gradient(stops, (i as f32 + 0.5 - from) / len * 1000.0))
                .collect();
            let at = |x: f32, y: f32| (if *vertical { y } else { x }) as usize - first as usize;
            blend(&mask, area, canvas, threshold, |x, y| line[at(x, y)]);
        }
    }
    if border > 0.0 {
        let color = Paint::of(border_color);
        let inner = Bounds {
            w: (rect.w - 2.0 * border).max(0.0),
            h: (rect.h - 2.0 * border).max(0.0),
            x: rect.x + border,
            y: rect.y + border,
        };
        let radius = (radius - border).max(0.0);
        blend(&mask, area, canvas, NEAREST, |x, y| color.times(1.0 - cover(&inner, radius, x, y)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threshold_takes_each_value_once_in_a_cell() {
        let mut seen: Vec<u32> = (0..64).map(|i| (threshold(i % 8, i / 8) * 64.0) as u32).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn gradient_between_and_beyond_stops() {
        let stops = [(200, 0x0000_0000), (600, 0xFFFF_FFFF)];
        assert_eq!(gradient(&stops, 0.0), Paint::CLEAR);
        assert_eq!(gradient(&stops, 400.0).alpha, 0.5);
        assert_eq!(gradient(&stops, 999.0).alpha, 1.0);
    }
}
