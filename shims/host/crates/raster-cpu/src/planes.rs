//! A frame's planes, checked once, and turned upright where the raster cannot turn.

use std::borrow::Cow;

use kinora_port::{PixelFormat, VideoFrame};

/// How a format's samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// What the planes are.
    pub kind: Kind,
    /// Luma samples to a chroma sample, across and down.
    pub sub: (u32, u32),
    /// Bytes of a sample.
    pub bytes: usize,
    /// Right shift that, in the CPU raster, brings a sample weighted with 14 bits to the common depth.
    pub shift: u32,
}

/// What a format's planes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Y, Cb, Cr.
    Planar,
    /// Y, then Cb and Cr in turn.
    SemiPlanar,
    /// Y alone.
    Gray,
    /// G, B, R.
    Rgb,
}

impl Layout {
    /// The layout of a format.
    pub fn of(format: PixelFormat) -> Layout {
        use PixelFormat::*;
        let (kind, sub) = match format {
            Yuv420p | Yuv420p10 => (Kind::Planar, (2, 2)),
            Yuv422p | Yuv422p10 => (Kind::Planar, (2, 1)),
            Yuv444p | Yuv444p10 => (Kind::Planar, (1, 1)),
            Nv12 | P010 => (Kind::SemiPlanar, (2, 2)),
            Gray8 | Gray10 => (Kind::Gray, (1, 1)),
            Gbrp => (Kind::Rgb, (1, 1)),
        };
        let (bytes, shift) = match format {
            P010 => (2, 15),
            Yuv420p10 | Yuv422p10 | Yuv444p10 | Gray10 => (2, 9),
            _ => (1, 7),
        };
        Layout { kind, sub, bytes, shift }
    }

    /// Width and height in elements of each plane, and the bytes of an element (a pair of samples in a semi-planar chroma plane).
    pub fn planes(&self, width: u32, height: u32) -> Vec<(usize, usize, usize)> {
        let luma = (width as usize, height as usize, self.bytes);
        let (w, h) = (width.div_ceil(self.sub.0) as usize, height.div_ceil(self.sub.1) as usize);
        match self.kind {
            Kind::Gray => vec![luma],
            Kind::Rgb => vec![luma; 3],
            Kind::Planar => vec![luma, (w, h, self.bytes), (w, h, self.bytes)],
            Kind::SemiPlanar => vec![luma, (w, h, 2 * self.bytes)],
        }
    }
}

/// A plane of whole rows.
#[derive(Debug, Clone)]
pub struct View<'a> {
    data: Cow<'a, [u8]>,
    stride: usize,
    /// Elements of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes of an element.
    pub element: usize,
}

impl View<'_> {
    /// All rows, the first byte of each [`View::stride`] after that of the one before.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Bytes from row to row.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Elements `from..to` of row `y`.
    pub fn row(&self, y: usize, from: usize, to: usize) -> &[u8] {
        let at = y * self.stride;
        &self.data[at + from * self.element..at + to * self.element]
    }
}

/// A frame's planes with what it takes to sample them.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// How they are stored.
    pub layout: Layout,
    /// As many as the layout says.
    pub planes: Vec<View<'a>>,
    /// Where the first chroma sample lies, in luma samples from the first one.
    pub siting: (f64, f64),
}

impl<'a> Source<'a> {
    /// `None` when the planes are missing or shorter than the size says: adapters are trusted with memory, not with arithmetic.
    pub fn coded(frame: &'a VideoFrame) -> Option<Source<'a>> {
        let layout = Layout::of(frame.format);
        let sizes = layout.planes(frame.width, frame.height);
        if frame.planes.len() < sizes.len() || frame.width == 0 || frame.height == 0 {
            return None;
        }
        let mut planes = Vec::with_capacity(sizes.len());
        for (plane, (width, height, element)) in frame.planes.iter().zip(sizes) {
            let needed = plane.stride.checked_mul(height - 1)?.checked_add(width * element)?;
            let data = (*plane.data).as_ref().get(plane.offset..)?.get(..needed)?;
            planes.push(View { data: Cow::Borrowed(data), stride: plane.stride, width, height, element });
        }
        // MPEG-2, H.264 and HEVC by default: chroma stands left across and between two lines down.
        let siting = (0.0, if layout.sub.1 == 2 { 0.5 } else { 0.0 });
        Some(Source { layout, planes, siting })
    }

    /// The same, turned for display; a copy if it turns.
    pub fn upright(frame: &'a VideoFrame) -> Option<Source<'a>> {
        let coded = Source::coded(frame)?;
        Some(match frame.rotation_deg % 360 {
            90 => coded.turned(frame, |x, y, _, h| (y, h - 1 - x)),
            180 => coded.turned(frame, |x, y, w, h| (w - 1 - x, h - 1 - y)),
            270 => coded.turned(frame, |x, y, w, _| (w - 1 - y, x)),
            _ => coded,
        })
    }

    /// A copy in which the element at (x, y) is the one that `from` names in the plane of width w and height h.
    fn turned(
        self,
        frame: &VideoFrame,
        from: impl Fn(usize, usize, usize, usize) -> (usize, usize),
    ) -> Source<'static> {
        let quarter = frame.rotation_deg % 180 == 90;
        let planes = self.planes.iter().map(|plane| {
            let (w, h) = (plane.width, plane.height);
            let (width, height) = if quarter { (h, w) } else { (w, h) };
            let mut data = Vec::with_capacity(w * h * plane.element);
            for y in 0..height {
                for x in 0..width {
                    let (x, y) = from(x, y, w, h);
                    data.extend_from_slice(plane.row(y, x, x + 1));
                }
            }
            let stride = width * plane.element;
            View { data: Cow::Owned(data), stride, width, height, element: plane.element }
        });
        let planes = planes.collect();
        // Counted from the other end of an axis, the first chroma sample is the last.
        let (sub, at) = (self.layout.sub, self.siting);
        let reversed = |len: u32, sub: u32, at: f64| {
            f64::from(len) - 1.0 - at - f64::from(sub) * (f64::from(len.div_ceil(sub)) - 1.0)
        };
        let (right, bottom) = (reversed(frame.width, sub.0, at.0), reversed(frame.height, sub.1, at.1));
        let (sub, siting) = match frame.rotation_deg % 360 {
            90 => ((sub.1, sub.0), (bottom, at.0)),
            180 => (sub, (right, bottom)),
            _ => ((sub.1, sub.0), (at.1, right)),
        };
        Source { layout: Layout { sub, ..self.layout }, planes, siting }
    }
}
