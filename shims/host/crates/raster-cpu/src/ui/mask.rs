//! How much of a pixel a rounded rectangle covers.

use std::ops::Range;

use kinora_display_list::{Bounds, Clip};

/// Coverage, 0 to 1, of the pixel around (x, y): the exact area along straight edges (also of rectangles thinner than a pixel), from the
/// signed distance at corners.
#[inline(always)]
pub(crate) fn cover(rect: &Bounds, radius: f32, x: f32, y: f32) -> f32 {
    let along =
        |at: f32, from: f32, len: f32| ((at + 0.5).min(from + len) - (at - 0.5).max(from)).clamp(0.0, 1.0);
    let area = along(x, rect.x, rect.w) * along(y, rect.y, rect.h);
    let dx = (x - rect.x - rect.w / 2.0).abs() - rect.w / 2.0 + radius;
    let dy = (y - rect.y - rect.h / 2.0).abs() - rect.h / 2.0 + radius;
    if radius > 0.0 && dx > 0.0 && dy > 0.0 {
        (radius + 0.5 - (dx * dx + dy * dy).sqrt()).clamp(0.0, 1.0)
    } else {
        area
    }
}

/// The product of up to three rounded rectangles.
#[derive(Default)]
pub(crate) struct Mask {
    parts: [Option<(Bounds, f32)>; 3],
}

impl Mask {
    pub(crate) fn of(clip: Option<&Clip>) -> Mask {
        let mut mask = Mask::default();
        if let Some(clip) = clip {
            mask.add(clip.rounded, clip.radius);
            if clip.bounds != clip.rounded {
                mask.add(clip.bounds, 0.0);
            }
        }
        mask
    }

    /// Masks by one more; there is room for two of a clip and one of the shape.
    pub(crate) fn add(&mut self, rect: Bounds, radius: f32) {
        if let Some(free) = self.parts.iter_mut().find(|part| part.is_none()) {
            *free = Some((rect, radius));
        }
    }

    #[inline(always)]
    pub(crate) fn cover(&self, x: f32, y: f32) -> f32 {
        self.parts.iter().flatten().map(|(rect, radius)| cover(rect, *radius, x, y)).product()
    }

    /// The pixel centres of row `y` that are covered wholly.
    pub(crate) fn whole(&self, y: u32) -> Range<f32> {
        let y = y as f32 + 0.5;
        let mut span = f32::MIN..f32::MAX;
        for (rect, radius) in self.parts.iter().flatten() {
            let edge = (y - rect.y).min(rect.y + rect.h - y);
            // A little more than half a pixel, against rounding; in the rows of the corners the whole radius is left out.
            let inset = if edge < 0.51 {
                f32::INFINITY
            } else if edge < radius + 0.51 {
                radius + 0.51
            } else {
                0.51
            };
            span = span.start.max(rect.x + inset)..span.end.min(rect.x + rect.w - inset);
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECT: Bounds = Bounds { x: 2.25, y: 3.0, w: 10.5, h: 8.0 };

    #[test]
    fn cover_of_straight_edges_is_the_area() {
        assert_eq!(cover(&RECT, 0.0, 2.5, 5.5), 0.75);
        assert_eq!(cover(&RECT, 0.0, 12.5, 5.5), 0.75);
        assert_eq!(cover(&Bounds { w: 0.25, ..RECT }, 0.0, 2.5, 5.5), 0.25);
        assert_eq!(cover(&RECT, 0.0, 1.5, 5.5), 0.0);
    }

    #[test]
    fn cover_over_all_pixels_sums_to_the_area() {
        for radius in [0.0f32, 1.5, 4.0] {
            let sum: f32 = (0..20 * 20)
                .map(|i| cover(&RECT, radius, (i % 20) as f32 + 0.5, (i / 20) as f32 + 0.5))
                .sum();
            let area = RECT.w * RECT.h - (4.0 - std::f32::consts::PI) * radius * radius;
            assert!((sum - area).abs() < 0.6, "{radius}: {sum} {area}");
        }
    }

    #[test]
    fn whole_pixels_are_covered_wholly() {
        let mut mask = Mask::default();
        mask.add(RECT, 3.0);
        for y in 0..20 {
            for x in (0..20).map(|x| x as f32 + 0.5).filter(|x| mask.whole(y).contains(x)) {
                assert_eq!(mask.cover(x, y as f32 + 0.5), 1.0);
            }
        }
        assert!(mask.whole(7).contains(&7.5));
    }
}
