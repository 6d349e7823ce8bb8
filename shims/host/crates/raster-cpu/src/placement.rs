//! Where a video's picture lands in its rectangle.

use kinora_display_list::{Bounds, Fit};
use kinora_port::{PixelRect, VideoFrame};

/// A turned frame scaled onto whole pixels. Values may lie outside the surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoPlacement {
    /// Left edge of what is shown, in pixels of the surface.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width, at least 1.
    pub w: u32,
    /// Height, at least 1.
    pub h: u32,
    /// The part of the turned frame that is shown: left, top, width, height in its pixels.
    pub source: [f64; 4],
}

/// Size of a frame once turned, in its own pixels.
pub fn turned_size(frame: &VideoFrame) -> (u32, u32) {
    if matches!(frame.rotation_deg % 360, 90 | 270) {
        (frame.height, frame.width)
    } else {
        (frame.width, frame.height)
    }
}

/// Rounds a rectangle's edges to whole pixels: left, top, right, bottom.
pub fn snap(rect: &Bounds) -> [i32; 4] {
    [rect.x, rect.y, rect.x + rect.w, rect.y + rect.h].map(|edge| edge.round() as i32)
}

/// The part of a snapped rectangle that is on the surface.
pub fn on_surface([left, top, right, bottom]: [i32; 4], width: u32, height: u32) -> PixelRect {
    let cut = |edge: i32, side: u32| u32::try_from(edge).unwrap_or(0).min(side);
    let (x, y) = (cut(left, width), cut(top, height));
    PixelRect { x, y, w: cut(right, width).saturating_sub(x), h: cut(bottom, height).saturating_sub(y) }
}

/// Widest and highest placement: four 4K screens side by side. Filters are made for every pixel of it, also those off the surface.
const MAX_SIDE: f64 = 16_384.0;

/// Places a frame in `rect`; `None` when one of them is empty or the rectangle is larger than any screen.
pub fn place(frame: &VideoFrame, rect: &Bounds, fit: Fit) -> Option<VideoPlacement> {
    let [left, top, right, bottom] = snap(rect);
    let (w, h) = (f64::from(right) - f64::from(left), f64::from(bottom) - f64::from(top));
    let (source_w, source_h) = turned_size(frame);
    if !(1.0..=MAX_SIDE).contains(&w) || !(1.0..=MAX_SIDE).contains(&h) || source_w == 0 || source_h == 0 {
        return None;
    }
    let (source_w, source_h) = (f64::from(source_w), f64::from(source_h));
    let par = match frame.par {
        (0, _) | (_, 0) => 1.0,
        (x, y) => f64::from(x) / f64::from(y),
    };
    // The pixel aspect is that of the coded frame: a quarter turn inverts it.
    let par = if frame.rotation_deg % 180 == 90 { 1.0 / par } else { par };
    let aspect = source_w * par / source_h;
    let whole = [0.0, 0.0, source_w, source_h];
    let (shown_w, shown_h, source) = match fit {
        Fit::Fill => (w, h, whole),
        Fit::Contain if aspect * h > w => (w, (w / aspect).round().clamp(1.0, h), whole),
        Fit::Contain => ((h * aspect).round().clamp(1.0, w), h, whole),
        Fit::Cover if aspect * h > w => {
            let cut = source_w * (w / (aspect * h));
            (w, h, [(source_w - cut) / 2.0, 0.0, cut, source_h])
        }
        Fit::Cover => {
            let cut = source_h * (aspect * h / w);
            (w, h, [0.0, (source_h - cut) / 2.0, source_w, cut])
        }
    };
    Some(VideoPlacement {
        x: left + ((w - shown_w) / 2.0).floor() as i32,
        y: top + ((h - shown_h) / 2.0).floor() as i32,
        w: shown_w as u32,
        h: shown_h as u32,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_port::{Cicp, PixelFormat};

    fn placed(size: (u32, u32), par: (u32, u32), rotation_deg: u32, fit: Fit) -> (i32, i32, u32, u32) {
        let frame = VideoFrame {
            pts_us: 0,
            duration_us: 0,
            width: size.0,
            height: size.1,
            format: PixelFormat::Gray8,
            planes: vec![],
            par,
            rotation_deg,
            cicp: Cicp::default(),
        };
        let p = place(&frame, &Bounds { x: 0.0, y: 0.0, w: 1280.0, h: 720.0 }, fit).unwrap();
        (p.x, p.y, p.w, p.h)
    }

    #[test]
    fn place_contain_keeps_aspect_of_pixels_and_turn() {
        assert_eq!(placed((1920, 1080), (1, 1), 0, Fit::Contain), (0, 0, 1280, 720));
        assert_eq!(placed((720, 576), (64, 45), 0, Fit::Contain), (0, 0, 1280, 720));
        assert_eq!(placed((640, 480), (1, 1), 0, Fit::Contain), (160, 0, 960, 720));
        assert_eq!(placed((1920, 1080), (1, 1), 90, Fit::Contain), (437, 0, 405, 720));
        assert_eq!(placed((2560, 1080), (0, 1), 0, Fit::Contain), (0, 90, 1280, 540));
    }

    #[test]
    fn place_cover_fills_and_cuts_the_source() {
        assert_eq!(placed((640, 480), (1, 1), 0, Fit::Cover), (0, 0, 1280, 720));
    }
}
