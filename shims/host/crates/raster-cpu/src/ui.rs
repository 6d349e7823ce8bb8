//! The display list's shapes.

mod image;
mod mask;
mod rect;
mod shadow;

use kinora_display_list::{Color, Draw, Shape};

use crate::{Canvas, Scene};
use mask::Mask;

/// A premultiplied colour, components in parts of 255, alpha up to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Paint {
    pub(crate) rgb: [f32; 3],
    pub(crate) alpha: f32,
}

impl Paint {
    pub(crate) const CLEAR: Paint = Paint { rgb: [0.0; 3], alpha: 0.0 };

    pub(crate) fn of(color: Color) -> Paint {
        let [r, g, b, a] = color.to_be_bytes().map(f32::from);
        let alpha = a / 255.0;
        Paint { rgb: [r * alpha, g * alpha, b * alpha], alpha }
    }

    #[inline(always)]
    pub(crate) fn times(self, part: f32) -> Paint {
        Paint { rgb: self.rgb.map(|v| v * part), alpha: self.alpha * part }
    }

    #[inline(always)]
    pub(crate) fn mix(self, other: Paint, part: f32) -> Paint {
        let lerp = |a: f32, b: f32| a + (b - a) * part;
        Paint {
            rgb: [0, 1, 2].map(|i| lerp(self.rgb[i], other.rgb[i])),
            alpha: lerp(self.alpha, other.alpha),
        }
    }

    /// Over a pixel, whose colours are multiplied by its alpha too; an opaque one stays opaque. `bias` 0.5 rounds to the nearest, a threshold
    /// that varies from pixel to pixel dithers.
    #[inline(always)]
    pub(crate) fn over(self, below: u32, bias: f32) -> u32 {
        let left = 1.0 - self.alpha;
        let mix = |above: f32, shift: u32| {
            let value = above + ((below >> shift) & 0xFF) as f32 * left + bias;
            (value as u32).min(255) << shift
        };
        let [r, g, b] = self.rgb;
        mix(self.alpha * 255.0, 24) | mix(r, 16) | mix(g, 8) | mix(b, 0)
    }
}

/// Rounds to the nearest.
const NEAREST: fn(u32, u32) -> f32 = |_, _| 0.5;

/// Draws the part of a draw inside `scene.area`.
pub(crate) fn paint(draw: &Draw, scene: Scene<'_>, canvas: &mut Canvas<'_>) {
    let mut mask = Mask::of(draw.clip.as_ref());
    match &draw.shape {
        // Drawn by the raster itself.
        Shape::Video { .. } => {}
        Shape::Rect { rect, radius, fill, border } => {
            rect::paint((rect, *radius), fill, *border, mask, scene.area, canvas);
        }
        Shape::Shadow { rect, radius, sigma, color } => {
            shadow::paint((rect, *radius), *sigma, Paint::of(*color), &mask, scene.area, canvas);
        }
        Shape::Image { key, rect, turn, source, radius, tint } => {
            let Some(picture) = scene.images.get(*key) else { return };
            let shape = image::Placed { rect: *rect, turn: *turn, radius: *radius };
            if *turn == (1.0, 0.0) {
                mask.add(*rect, *radius);
            }
            image::paint(&shape, picture, *source, Paint::of(*tint), &mask, scene.area, canvas);
        }
        Shape::Glyphs { page, color, placement, glyphs } => {
            let Some(page) = scene.images.get(*page) else { return };
            image::paint_glyphs(page, *color, placement, glyphs, &mask, scene.area, canvas);
        }
    }
}

/// Blends what `paint` gives for each pixel centre, through the mask.
#[inline(always)]
fn blend(
    mask: &Mask,
    area: kinora_port::PixelRect,
    canvas: &mut Canvas<'_>,
    bias: impl Fn(u32, u32) -> f32,
    paint: impl Fn(f32, f32) -> Paint,
) {
    for y in area.y..area.y + area.h {
        let whole = mask.whole(y);
        for (x, pixel) in (area.x..).zip(canvas.row(y, area.x, area.w)) {
            let (cx, cy) = (x as f32 + 0.5, y as f32 + 0.5);
            let cover = if whole.contains(&cx) { 1.0 } else { mask.cover(cx, cy) };
            if cover <= 0.0 {
                continue;
            }
            let color = paint(cx, cy);
            if color.alpha > 0.0 {
                *pixel = color.times(cover).over(*pixel, bias(x, y));
            }
        }
    }
}
