//! A frame's planes, checked once and turned upright.

use std::borrow::Cow;

use kinora_port::{PixelFormat, VideoFrame};

/// How a format's samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What the planes are.
    pub(crate) kind: Kind,
    /// Luma samples to a chroma sample, across and down.
    pub(crate) sub: (u32, u32),
    /// Bytes of a sample.
    pub(crate) bytes: usize,
    /// Right shift that brings a sample weighted with 14 bits to the common depth.
    pub(crate) shift: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
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
    pub(crate) fn of(format: PixelFormat) -> Layout {
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
    pub(crate) fn planes(&self, width: u32, height: u32) -> Vec<(usize, usize, usize)> {
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
pub(crate) struct View<'a> {
    data: Cow<'a, [u8]>,
    stride: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Bytes of an element.
    pub(crate) element: usize,
}

impl View<'_> {
    /// Elements `from..to` of row `y`.
    pub(crate) fn row(&self, y: usize, from: usize, to: usize) -> &[u8] {
        let at = y * self.stride;
        &self.data[at + from * self.element..at + to * self.element]
    }
}

/// A frame as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Source<'a> {
    pub(crate) layout: Layout,
    pub(crate) planes: Vec<View<'a>>,
    /// Where the first chroma sample lies, in luma samples from the first one.
    pub(crate) siting: (f64, f64),
}

impl<'a> Source<'a> {
    /// `None` when the planes are missing or shorter than the size says: adapters are trusted with memory, not with arithmetic.
    pub(crate) fn of(frame: &'a VideoFrame) -> Option<Source<'a>> {
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
        let upright = Source { layout, planes, siting };
        Some(match frame.rotation_deg % 360 {
            90 => upright.turned(frame, |x, y, _, h| (y, h - 1 - x)),
            180 => upright.turned(frame, |x, y, w, h| (w - 1 - x, h - 1 - y)),
            270 => upright.turned(frame, |x, y, w, _| (w - 1 - y, x)),
            _ => upright,
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
