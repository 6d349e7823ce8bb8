//! A decoded frame onto the canvas: scaled, converted, turned.

mod filter;
mod kernels;

use std::sync::Arc;

use kinora_port::{PixelRect, VideoFrame};

use crate::Canvas;
use crate::color::{Transfer, YuvToRgb};
use crate::placement::VideoPlacement;
use crate::planes::{Kind, Layout, Source, View};
use crate::tonemap::Tonemap;
use filter::{Axis, Shape};
use kernels::{Coefficients, NEUTRAL, PADDING, Sample};

/// Draws the frames of one video; keeps filters and rows between frames.
#[derive(Default)]
pub(crate) struct VideoDrawer {
    filters: Option<Filters>,
    tonemap: Option<Tonemap>,
    scratch: Scratch,
}

/// Layout, siting, size of luma and chroma planes, and placement: what filters depend on.
type Geometry = (Layout, (f64, f64), [(usize, usize); 2], VideoPlacement);

/// What a frame's layout and placement give: the filters of luma and of chroma, across and down.
struct Filters {
    made_for: Geometry,
    luma: (Axis, Axis),
    chroma: (Axis, Axis),
}

#[derive(Default)]
struct Scratch {
    /// The rows of a semi-planar plane weighed into one.
    column: Vec<i16>,
    /// The same of each component.
    parts: [Vec<i16>; 2],
    /// Components of a destination row: Y, Cb, Cr or G, B, R.
    row: [Vec<i16>; 3],
}

impl Filters {
    fn new(source: &Source<'_>, placement: &VideoPlacement) -> Filters {
        let made_for = Filters::made_for(source, placement);
        let [x, y, w, h] = placement.source;
        // Along one axis: samples of the plane, its step in luma samples, the place of its first one.
        let axis = |len: u32, samples: usize, from: f64, span: f64, sub: u32, at: f64| {
            let (step, sub) = (span / f64::from(len), f64::from(sub));
            Axis::new(len as usize, samples, (from + step / 2.0 - 0.5 - at) / sub, step / sub)
        };
        let [luma, chroma] = made_for.2;
        let (sub, at) = (source.layout.sub, source.siting);
        Filters {
            luma: (axis(placement.w, luma.0, x, w, 1, 0.0), axis(placement.h, luma.1, y, h, 1, 0.0)),
            chroma: (
                axis(placement.w, chroma.0, x, w, sub.0, at.0),
                axis(placement.h, chroma.1, y, h, sub.1, at.1),
            ),
            made_for,
        }
    }

    fn made_for(source: &Source<'_>, placement: &VideoPlacement) -> Geometry {
        let size = |plane: &View<'_>| (plane.width, plane.height);
        let luma = size(&source.planes[0]);
        let chroma = source.planes.get(1).map_or(luma, size);
        (source.layout, source.siting, [luma, chroma], *placement)
    }
}

impl VideoDrawer {
    /// Draws the part of the placed frame that lies in `area`, which is inside the placement and the canvas.
    pub(crate) fn draw(
        &mut self,
        frame: &Arc<VideoFrame>,
        placement: &VideoPlacement,
        area: PixelRect,
        canvas: &mut Canvas<'_>,
    ) {
        let Some(source) = Source::upright(frame) else {
            return canvas.fill(area, 0xFF00_0000);
        };
        let filters = match self.filters.take() {
            Some(filters) if filters.made_for == Filters::made_for(&source, placement) => filters,
            _ => Filters::new(&source, placement),
        };
        let colors = YuvToRgb::of(frame);
        let tonemap = match (colors.transfer, self.tonemap.take()) {
            (Transfer::Sdr, _) => None,
            (transfer, Some(map)) if map.transfer() == transfer => Some(map),
            (transfer, _) => Some(Tonemap::new(transfer)),
        };
        let coefficients = Coefficients::new(&colors, if tonemap.is_some() { 0 } else { 17 });
        let left = (area.x as i32 - placement.x) as usize;
        let columns = left..left + area.w as usize;
        for part in &mut self.scratch.row {
            part.resize(columns.len(), NEUTRAL);
        }
        if source.layout.kind == Kind::Gray {
            self.scratch.row[1..].iter_mut().for_each(|part| part.fill(NEUTRAL));
        }
        for y in area.y..area.y + area.h {
            let line = (y as i32 - placement.y) as usize;
            for (index, plane) in source.planes.iter().enumerate() {
                let axes = if index == 0 || source.layout.kind == Kind::Rgb {
                    &filters.luma
                } else {
                    &filters.chroma
                };
                self.scratch.component(index, plane, &source.layout, axes, line, columns.clone());
            }
            let [a, b, c] = &self.scratch.row;
            let out = canvas.row(y, area.x, area.w);
            match (source.layout.kind, &tonemap) {
                (Kind::Rgb, _) => kernels::convert_rgb(c, a, b, &coefficients, out),
                (_, None) => kernels::convert_yuv(a, b, c, &coefficients, out),
                (_, Some(map)) => {
                    kernels::convert_hdr(a, b, c, &coefficients, map, out);
                }
            }
        }
        (self.filters, self.tonemap) = (Some(filters), tonemap);
    }
}

impl Scratch {
    /// Makes destination row `line` of the components that plane `index` holds.
    fn component(
        &mut self,
        index: usize,
        plane: &View<'_>,
        layout: &Layout,
        (across, down): &(Axis, Axis),
        line: usize,
        columns: std::ops::Range<usize>,
    ) {
        let starts = &across.starts[columns.clone()];
        let (Some(&first), Some(&last)) = (starts.first(), starts.last()) else { return };
        let taps = across.taps;
        // Doubling goes by pairs: an odd first column is weighed like any other.
        let doubles = across.shape == Shape::Doubles && columns.start.is_multiple_of(2);
        let (from, to) = match across.shape {
            Shape::Copies => (first as usize, last as usize + 1),
            _ if doubles => (columns.start / 2, (columns.end / 2 + 1).min(plane.width)),
            _ => (first as usize, (last as usize + taps).min(plane.width)),
        };
        let samples = plane.element / layout.bytes;
        let len = (to - from) * samples;
        let [first_part, second_part] = &mut self.parts;
        for part in [&mut *first_part, &mut *second_part] {
            part.resize((to - from + PADDING).max(taps), 0);
        }
        self.column.resize(len.max(self.column.len()), 0);
        let column = if samples == 2 { &mut self.column[..len] } else { &mut first_part[..len] };
        if layout.bytes == 1 {
            let rows = down.taps_of(line).map(|(y, weight)| (plane.row(y, from, to), weight));
            weigh(rows, layout.shift, column);
        } else {
            let words = |row| <[u8]>::as_chunks::<2>(row).0;
            let rows = down.taps_of(line).map(|(y, weight)| (words(plane.row(y, from, to)), weight));
            weigh(rows, layout.shift, column);
        }
        if samples == 2 {
            kernels::deinterleave(&self.column[..len], first_part, second_part);
        }
        let weights = &across.weights[columns.start * across.taps..columns.end * across.taps];
        for (part, out) in [first_part, second_part].into_iter().zip(&mut self.row[index..]).take(samples) {
            match across.shape {
                Shape::Copies => out.copy_from_slice(&part[..columns.len()]),
                _ if doubles => {
                    // Beyond the last sample it repeats.
                    part[to - from] = part[to - from - 1];
                    kernels::double(part, out);
                }
                _ => kernels::weigh_neighbours(part, starts, weights, taps, out),
            }
        }
    }
}

/// Collects the rows that a destination row is made of and weighs them.
fn weigh<'a, S: Sample + 'a>(rows: impl Iterator<Item = (&'a [S], i16)>, shift: u32, out: &mut [i16]) {
    let rows: Vec<(&[S], i16)> = rows.collect();
    kernels::weigh_rows(&rows, shift, out);
}
