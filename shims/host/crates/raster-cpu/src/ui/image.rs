//! Images and glyphs.

use kinora_display_list::{Bounds, Color, Glyph, Placement};
use kinora_port::{ImageFormat, PixelRect, StoredImage};

use super::mask::{Mask, cover};
use super::{NEAREST, Paint, blend};
use crate::Canvas;
use crate::damage::intersect;
use crate::placement::on_surface;

/// Where an image goes: turned about the middle of `rect`.
pub(super) struct Placed {
    pub(super) rect: Bounds,
    pub(super) turn: (f32, f32),
    pub(super) radius: f32,
}

/// A rectangle of an image's texels.
#[derive(Clone, Copy)]
struct Texels<'a> {
    image: &'a StoredImage,
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

impl Texels<'_> {
    fn at(&self, x: u32, y: u32) -> Paint {
        let at = (self.y + y) as usize * self.image.width as usize + (self.x + x) as usize;
        match self.image.format {
            ImageFormat::A8 => {
                let alpha = f32::from(self.image.pixels[at]) / 255.0;
                Paint { rgb: [255.0 * alpha; 3], alpha }
            }
            ImageFormat::Rgba8 => {
                let [r, g, b, a] = [0, 1, 2, 3].map(|i| f32::from(self.image.pixels[at * 4 + i]));
                Paint { rgb: [r, g, b], alpha: a / 255.0 }
            }
        }
    }

    /// Bilinear, texel centres at halves; edge texels repeat.
    fn sample(&self, x: f32, y: f32) -> Paint {
        let place = |at: f32, len: u32| {
            let at = (at - 0.5).clamp(0.0, (len - 1) as f32);
            (at as u32, (at as u32 + 1).min(len - 1), at.fract())
        };
        let ((x0, x1, fx), (y0, y1, fy)) = (place(x, self.w), place(y, self.h));
        let row = |y: u32| self.at(x0, y).mix(self.at(x1, y), fx);
        row(y0).mix(row(y1), fy)
    }

    /// Bilinear coverage; nothing beyond the edge.
    fn sample_cut(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x - 0.5, y - 0.5);
        let (x0, y0) = (x.floor(), y.floor());
        let texel = |x: f32, y: f32| {
            let inside = x >= 0.0 && y >= 0.0 && x < self.w as f32 && y < self.h as f32;
            if inside { self.at(x as u32, y as u32).alpha } else { 0.0 }
        };
        let row = |y: f32| texel(x0, y) + (texel(x0 + 1.0, y) - texel(x0, y)) * (x - x0);
        row(y0) + (row(y0 + 1.0) - row(y0)) * (y - y0)
    }
}

pub(super) fn paint(
    placed: &Placed,
    image: &StoredImage,
    source: (u32, u32, u32, u32),
    tint: Paint,
    mask: &Mask,
    area: PixelRect,
    canvas: &mut Canvas<'_>,
) {
    let (x, y, w, h) = if source == (0, 0, 0, 0) { (0, 0, image.width, image.height) } else { source };
    let fits = |at: u32, len: u32, side: u32| len > 0 && at.checked_add(len).is_some_and(|end| end <= side);
    if !fits(x, w, image.width) || !fits(y, h, image.height) {
        return;
    }
    let texels = Texels { image, x, y, w, h };
    let Placed { rect, turn: (cos, sin), radius } = *placed;
    let middle = (rect.x + rect.w / 2.0, rect.y + rect.h / 2.0);
    let (scale_x, scale_y) = (w as f32 / rect.w, h as f32 / rect.h);
    blend(mask, area, canvas, NEAREST, |px, py| {
        // Turned back; where nothing turns the mask has the shape.
        let (dx, dy) = (px - middle.0, py - middle.1);
        let (ux, uy) = (cos * dx + sin * dy + middle.0, cos * dy - sin * dx + middle.1);
        let inside = if sin == 0.0 && cos == 1.0 { 1.0 } else { cover(&rect, radius, ux, uy) };
        if inside <= 0.0 {
            return Paint::CLEAR;
        }
        let texel = texels.sample((ux - rect.x) * scale_x, (uy - rect.y) * scale_y);
        let rgb = [0, 1, 2].map(|i| texel.rgb[i] * tint.rgb[i] / 255.0);
        Paint { rgb, alpha: texel.alpha * tint.alpha }.times(inside)
    });
}

/// How much more a half-covered pixel of white text is covered: blending encoded values makes light text on dark thinner than it is.
/// The README of the display list gives the formula.
const LIGHT_TEXT_GAIN: f32 = 0.35;

pub(super) fn paint_glyphs(
    page: &StoredImage,
    color: Color,
    placement: &Placement,
    glyphs: &[Glyph],
    mask: &Mask,
    area: PixelRect,
    canvas: &mut Canvas<'_>,
) {
    let [r, g, b, _] = color.to_be_bytes().map(|v| f32::from(v) / 255.0);
    let gain = LIGHT_TEXT_GAIN * (0.2126 * r + 0.7152 * g + 0.0722 * b);
    let paint = Paint::of(color);
    let covered = |c: f32| paint.times(c + gain * c * (1.0 - c));
    let size = placement.a * placement.a + placement.b * placement.b;
    for glyph in glyphs {
        let (w, h) = (u32::from(glyph.w), u32::from(glyph.h));
        let (x, y) = (u32::from(glyph.source_x), u32::from(glyph.source_y));
        if x + w > page.width || y + h > page.height {
            continue;
        }
        let texels = Texels { image: page, x, y, w, h };
        let (gx, gy) = (glyph.x as f32, glyph.y as f32);
        let part = intersect(&glyph_area(placement, glyph, canvas), &area);
        if part.w == 0 || part.h == 0 {
            continue;
        }
        if placement.is_whole_pixel() {
            let (x0, y0) = (placement.x0 + gx, placement.y0 + gy);
            blend(mask, part, canvas, NEAREST, |px, py| {
                covered(texels.at((px - x0) as u32, (py - y0) as u32).alpha)
            });
        } else {
            blend(mask, part, canvas, NEAREST, |px, py| {
                let (dx, dy) = (px - placement.x0, py - placement.y0);
                let ux = (placement.a * dx + placement.b * dy) / size - gx;
                let uy = (placement.a * dy - placement.b * dx) / size - gy;
                covered(texels.sample_cut(ux, uy))
            });
        }
    }
}

/// The pixels a glyph can touch.
fn glyph_area(placement: &Placement, glyph: &Glyph, canvas: &Canvas<'_>) -> PixelRect {
    // Bilinear sampling reaches half a texel beyond the edge.
    let reach = if placement.is_whole_pixel() { 0.0 } else { 0.5 };
    let (left, top) = (glyph.x as f32 - reach, glyph.y as f32 - reach);
    let (right, bottom) =
        (glyph.x as f32 + f32::from(glyph.w) + reach, glyph.y as f32 + f32::from(glyph.h) + reach);
    let corners =
        [(left, top), (right, top), (left, bottom), (right, bottom)].map(|(x, y)| placement.apply(x, y));
    let (xs, ys) = (corners.map(|c| c.0), corners.map(|c| c.1));
    let low = |v: [f32; 4]| v.into_iter().fold(f32::MAX, f32::min).floor() as i32;
    let high = |v: [f32; 4]| v.into_iter().fold(f32::MIN, f32::max).ceil() as i32;
    on_surface([low(xs), low(ys), high(xs), high(ys)], canvas.width(), canvas.height())
}
