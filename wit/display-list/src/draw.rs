//! What a list looks like at one moment: flat, in drawing order, in pixels, nothing left to resolve.

use crate::model::{Color, Fill, Fit, Glyph};

/// An axis-aligned rectangle in pixels; width and height are never negative, every value is finite.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Bounds {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
}

impl Bounds {
    /// The part inside both.
    pub fn intersect(&self, other: &Bounds) -> Bounds {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        Bounds {
            x,
            y,
            w: ((self.x + self.w).min(other.x + other.w) - x).max(0.0),
            h: ((self.y + self.h).min(other.y + other.h) - y).max(0.0),
        }
    }

    /// Whether nothing is inside.
    pub fn is_empty(&self) -> bool {
        self.w <= 0.0 || self.h <= 0.0
    }

    /// Grown by `by` on each side.
    pub fn outset(&self, by: f32) -> Bounds {
        Bounds { x: self.x - by, y: self.y - by, w: self.w + 2.0 * by, h: self.h + 2.0 * by }
    }
}

/// Nothing shows outside `bounds`, nor outside the rounded rectangle.
///
/// Nested clips collapse to this: `bounds` is the part inside all of them, and the innermost clip with a corner radius keeps its
/// corners. (Corners of further ones are not cut: interfaces nest a bar in a card, not a card in a card.)
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clip {
    /// Inside all clips.
    pub bounds: Bounds,
    /// The innermost rounded clip, whole; `bounds` again where none is rounded.
    pub rounded: Bounds,
    /// Its corner radius.
    pub radius: f32,
}

/// One shape and the clip it is drawn through.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// Nothing shows outside.
    pub clip: Option<Clip>,
    /// What is drawn.
    pub shape: Shape,
}

/// A shape with everything resolved: pixels of the surface, colours straight with the opacity of all groups multiplied in.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A timeline's picture. These come first.
    Video {
        /// The timeline.
        timeline: u64,
        /// Bounds in which the picture is placed.
        rect: Bounds,
        /// How it is placed.
        fit: Fit,
    },
    /// A rounded rectangle.
    Rect {
        /// Its bounds.
        rect: Bounds,
        /// At most half the shorter side.
        radius: f32,
        /// Inside.
        fill: Fill,
        /// Width (0: none) and colour of the border inside the edge.
        border: (f32, Color),
    },
    /// A Gaussian-blurred rounded rectangle.
    Shadow {
        /// Bounds before blurring.
        rect: Bounds,
        /// Radius before blurring, at most half the shorter side.
        radius: f32,
        /// Standard deviation.
        sigma: f32,
        /// Colour.
        color: Color,
    },
    /// A part of an image, turned about the middle of `rect`.
    Image {
        /// Its key.
        key: u64,
        /// Bounds before turning.
        rect: Bounds,
        /// Cosine and sine of the clockwise turn.
        turn: (f32, f32),
        /// Source in whole pixels; all 0: everything.
        source: (u32, u32, u32, u32),
        /// At most half the shorter side.
        radius: f32,
        /// Multiplies (A8: is) the colour.
        tint: Color,
    },
    /// Glyphs of an A8 page.
    Glyphs {
        /// Key of the page.
        page: u64,
        /// Their colour.
        color: Color,
        /// From the glyphs' pixels to the surface's.
        placement: Placement,
        /// The glyphs.
        glyphs: Vec<Glyph>,
    },
}

/// Scale, clockwise turn and movement: `x' = x0 + a x - b y`, `y' = y0 + b x + a y`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "said above")]
pub struct Placement {
    pub x0: f32,
    pub y0: f32,
    pub a: f32,
    pub b: f32,
}

impl Placement {
    /// Whole pixels map to whole pixels of the same size: texels are copied one by one.
    pub fn is_whole_pixel(&self) -> bool {
        self.a == 1.0 && self.b == 0.0 && self.x0.fract() == 0.0 && self.y0.fract() == 0.0
    }

    /// The image of a point.
    pub fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x0 + self.a * x - self.b * y, self.y0 + self.b * x + self.a * y)
    }
}

impl Draw {
    /// Every pixel that this draw can change lies inside.
    pub fn bounds(&self) -> Bounds {
        let whole = match &self.shape {
            Shape::Video { rect, .. } | Shape::Rect { rect, .. } => *rect,
            // Beyond three deviations less than 1/255 of the shadow is left.
            Shape::Shadow { rect, sigma, .. } => rect.outset(3.0 * sigma),
            Shape::Image { rect, turn: (cos, sin), .. } => {
                let (w, h) =
                    (rect.w * cos.abs() + rect.h * sin.abs(), rect.w * sin.abs() + rect.h * cos.abs());
                Bounds { x: rect.x + (rect.w - w) / 2.0, y: rect.y + (rect.h - h) / 2.0, w, h }
            }
            Shape::Glyphs { placement, glyphs, .. } => glyph_bounds(placement, glyphs),
        };
        match &self.clip {
            Some(clip) => whole.intersect(&clip.bounds),
            None => whole,
        }
    }
}

fn glyph_bounds(placement: &Placement, glyphs: &[Glyph]) -> Bounds {
    let (mut left, mut top) = (f32::MAX, f32::MAX);
    let (mut right, mut bottom) = (f32::MIN, f32::MIN);
    for glyph in glyphs {
        let (x0, y0) = (glyph.x as f32, glyph.y as f32);
        let (x1, y1) = (x0 + f32::from(glyph.w), y0 + f32::from(glyph.h));
        for (x, y) in [(x0, y0), (x1, y0), (x0, y1), (x1, y1)] {
            let (x, y) = placement.apply(x, y);
            (left, top) = (left.min(x), top.min(y));
            (right, bottom) = (right.max(x), bottom.max(y));
        }
    }
    if left > right {
        return Bounds::default();
    }
    // Bilinear sampling reaches half a texel beyond the edge.
    let reach = if placement.is_whole_pixel() { 0.0 } else { 0.5 * (placement.a.abs() + placement.b.abs()) };
    Bounds { x: left, y: top, w: right - left, h: bottom - top }.outset(reach)
}
