//! A film below the interface, for screens that lay one picture over another by themselves.

use std::sync::Arc;

use kinora_display_list::{Bounds, Shape};
use kinora_port::{Picture, PixelFormat, VideoFrame};

use crate::color::{Transfer, matrix, transfer};
use crate::placement::{VideoPlacement, place, turned_size};
use crate::planes::{Kind, Source};

/// The only film of a picture, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Underlay {
    /// Whose frames are shown.
    pub timeline: u64,
    /// Size of a frame once turned, in its own pixels.
    pub size: (u32, u32),
    /// In pixels of the screen.
    pub placement: VideoPlacement,
    /// How its samples are to be shown as they are; `None` where they have to be converted: HDR, turned frames, other layouts than 4:2:0 of
    /// 8 bits.
    pub colors: Option<Colors>,
}

/// What samples of Y'CbCr mean on an SDR screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colors {
    /// H.273 matrix coefficients, never unspecified.
    pub matrix: u8,
    /// Samples use the full range.
    pub full_range: bool,
}

/// The film that a picture shows, brought to a screen of this size, and its frame. `None` if there is no frame, more than one film, or a part
/// of it outside the screen.
pub fn underlay<'a>(
    picture: &'a Picture<'_>,
    (width, height): (u32, u32),
) -> Option<(Underlay, &'a Arc<VideoFrame>)> {
    let mut films = picture.draws.iter().filter_map(|draw| match &draw.shape {
        Shape::Video { timeline, rect, fit } => Some((*timeline, rect, *fit, picture.frame(*timeline)?)),
        _ => None,
    });
    let (timeline, rect, fit, frame) = films.next()?;
    if films.next().is_some() {
        return None;
    }
    let (x, y) = (width as f32 / picture.width_px as f32, height as f32 / picture.height_px as f32);
    let rect = Bounds { x: rect.x * x, y: rect.y * y, w: rect.w * x, h: rect.h * y };
    let placement = place(frame, &rect, fit)?;
    let inside = |from: i32, len: u32, side: u32| from >= 0 && from as u32 + len <= side;
    let whole = inside(placement.x, placement.w, width) && inside(placement.y, placement.h, height);
    whole.then(|| (Underlay { timeline, size: turned_size(frame), placement, colors: colors(frame) }, frame))
}

fn colors(frame: &VideoFrame) -> Option<Colors> {
    let as_it_is = matches!(frame.format, PixelFormat::Yuv420p | PixelFormat::Nv12)
        && frame.rotation_deg.is_multiple_of(360)
        && transfer(frame) == Transfer::Sdr;
    as_it_is.then(|| Colors { matrix: matrix(frame), full_range: frame.cicp.full_range })
}

/// Copies a frame of 8-bit 4:2:0 as NV12: rows `stride` bytes apart, first those of Y, then those of Cb and Cr in turn. `stride` is even and
/// at least the width. A frame with less memory than its size says is left out.
pub fn write_nv12(frame: &VideoFrame, out: &mut [u8], stride: usize) {
    let Some(source) = Source::coded(frame) else { return };
    let mut rows = out.chunks_exact_mut(stride);
    let as_they_are = if source.layout.kind == Kind::SemiPlanar { 2 } else { 1 };
    let (planes, chroma) = source.planes.split_at(as_they_are);
    for plane in planes {
        for (y, row) in (0..plane.height).zip(&mut rows) {
            let samples = plane.row(y, 0, plane.width);
            row[..samples.len()].copy_from_slice(samples);
        }
    }
    if let [cb, cr] = chroma {
        for (y, row) in (0..cb.height).zip(&mut rows) {
            let samples = cb.row(y, 0, cb.width).iter().zip(cr.row(y, 0, cr.width));
            for (pair, (&cb, &cr)) in row.as_chunks_mut().0.iter_mut().zip(samples) {
                *pair = [cb, cr];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_display_list::{Draw, Fit};
    use kinora_port::{Cicp, Plane};

    fn frame(format: PixelFormat, planes: &[(usize, &[u8])]) -> VideoFrame {
        let plane =
            |&(stride, bytes): &(usize, &[u8])| Plane { data: Arc::new(bytes.to_vec()), offset: 0, stride };
        VideoFrame {
            pts_us: 0,
            duration_us: 0,
            width: 3,
            height: 3,
            format,
            planes: planes.iter().map(plane).collect(),
            par: (1, 1),
            rotation_deg: 0,
            cicp: Cicp::default(),
        }
    }

    const LUMA: (usize, &[u8]) = (3, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    /// Rows of four bytes: 3x3 samples, then 2x2 pairs.
    const NV12: [u8; 20] = [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 10, 20, 11, 21, 12, 22, 13, 23];

    #[test]
    fn write_nv12_of_planar_and_semi_planar_frames_is_the_same() {
        let planar = frame(PixelFormat::Yuv420p, &[LUMA, (2, &[10, 11, 12, 13]), (2, &[20, 21, 22, 23])]);
        let pairs: (usize, &[u8]) = (5, &[10, 20, 11, 21, 0, 12, 22, 13, 23]);
        for frame in [planar, frame(PixelFormat::Nv12, &[LUMA, pairs])] {
            let mut out = [0; 20];
            write_nv12(&frame, &mut out, 4);
            assert_eq!(out, NV12, "{:?}", frame.format);
        }
        let mut out = [7; 20];
        write_nv12(&frame(PixelFormat::Yuv420p, &[LUMA]), &mut out, 4);
        assert_eq!(out, [7; 20]);
    }

    fn film(timeline: u64, rect: Bounds) -> Draw {
        Draw { clip: None, shape: Shape::Video { timeline, rect, fit: Fit::Contain } }
    }

    const FULL: Bounds = Bounds { x: 0.0, y: 0.0, w: 1280.0, h: 720.0 };

    #[test]
    fn underlay_of_a_larger_screen_is_placed_in_its_pixels() {
        let frame = Arc::new(VideoFrame { width: 1920, height: 800, ..frame(PixelFormat::Yuv420p, &[]) });
        let videos = [(1, Some(frame.clone())), (2, None)];
        let found = |draws: &[Draw]| {
            let picture = Picture { width_px: 1280, height_px: 720, draws, videos: &videos };
            Some(underlay(&picture, (1920, 1080))?.0)
        };
        let placement = VideoPlacement { x: 0, y: 140, w: 1920, h: 800, source: [0.0, 0.0, 1920.0, 800.0] };
        let colors = Some(Colors { matrix: 1, full_range: false });
        let expected = Underlay { timeline: 1, size: (1920, 800), placement, colors };
        assert_eq!(found(&[film(1, FULL), film(2, FULL)]), Some(expected));
        assert_eq!(found(&[film(2, FULL)]), None);
        assert_eq!(found(&[film(1, FULL), film(1, FULL)]), None);
        assert_eq!(found(&[film(1, Bounds { x: 1.0, ..FULL })]), None);
    }

    #[test]
    fn colors_of_what_has_to_be_converted_are_none() {
        let plain = frame(PixelFormat::Nv12, &[]);
        assert_eq!(colors(&plain), Some(Colors { matrix: 6, full_range: false }));
        let hdr = Cicp { transfer: 16, ..Cicp::default() };
        for other in [
            VideoFrame { rotation_deg: 180, ..plain.clone() },
            VideoFrame { cicp: hdr, ..plain.clone() },
            VideoFrame { format: PixelFormat::P010, ..plain },
        ] {
            assert_eq!(colors(&other), None);
        }
    }
}
