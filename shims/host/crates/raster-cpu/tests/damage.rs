//! Redrawing what changed gives the same pixels as drawing everything, and the reported rectangles contain every change.

use std::sync::Arc;

use kinora_display_list::{Bounds, Clip, Draw, Fill, Fit, Glyph, Placement, Shape};
use kinora_port::{Cicp, ImageFormat, ImageStore, Picture, PixelFormat, Plane, UiRaster, VideoFrame};
use kinora_raster_cpu::{Canvas, CpuRaster};
use proptest::prelude::*;

const W: u32 = 48;
const H: u32 = 32;

fn bounds() -> impl Strategy<Value = Bounds> {
    (-100i32..500, -100i32..400, 0i32..400, 0i32..300).prop_map(|(x, y, w, h)| Bounds {
        x: x as f32 / 10.0,
        y: y as f32 / 10.0,
        w: w as f32 / 10.0,
        h: h as f32 / 10.0,
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let color = prop_oneof![Just(0xFF80_40FFu32), Just(0x2040_8080), any::<u32>()];
    let numbers = (0u32..8, color, 0u32..360)
        .prop_map(|(n, color, turn)| (n as f32, color, (turn as f32).to_radians()));
    prop_oneof![
        (bounds(), numbers.clone()).prop_map(|(rect, (n, color, _))| Shape::Rect {
            rect,
            radius: n.min(rect.w / 2.0).min(rect.h / 2.0),
            fill: Fill::Solid(color),
            border: (n / 4.0, !color)
        }),
        (bounds(), numbers.clone(), any::<bool>()).prop_map(|(rect, (_, color, _), vertical)| Shape::Rect {
            rect,
            radius: 0.0,
            fill: Fill::Linear { vertical, stops: vec![(0, color), (500, !color), (500, 0), (1000, color)] },
            border: (0.0, 0)
        }),
        (bounds(), numbers.clone()).prop_map(|(rect, (n, color, _))| Shape::Shadow {
            rect,
            radius: n.min(rect.w / 2.0).min(rect.h / 2.0),
            sigma: n / 2.0,
            color
        }),
        (bounds(), numbers.clone(), any::<bool>()).prop_map(|(rect, (_, tint, turn), turned)| Shape::Image {
            key: 1,
            rect,
            turn: if turned { (turn.cos(), turn.sin()) } else { (1.0, 0.0) },
            source: (0, 0, 0, 0),
            radius: 0.0,
            tint
        }),
        (bounds(), numbers, any::<bool>()).prop_map(|(rect, (n, color, turn), whole)| Shape::Glyphs {
            page: 2,
            color,
            placement: if whole {
                Placement { x0: rect.x.round(), y0: rect.y.round(), a: 1.0, b: 0.0 }
            } else {
                Placement { x0: rect.x, y0: rect.y, a: n * turn.cos(), b: n * turn.sin() }
            },
            glyphs: vec![
                Glyph { x: 1, y: 2, source_x: 0, source_y: 1, w: 5, h: 6 },
                Glyph { x: 8, y: 2, source_x: 2, source_y: 0, w: 6, h: 8 }
            ]
        }),
    ]
}

fn draw() -> impl Strategy<Value = Draw> {
    let clip = (bounds(), bounds(), 0u32..5).prop_map(|(bounds, rounded, radius)| Clip {
        bounds: bounds.intersect(&rounded),
        rounded,
        radius: (radius as f32).min(rounded.w / 2.0).min(rounded.h / 2.0),
    });
    (proptest::option::of(clip), shape()).prop_map(|(clip, shape)| Draw { clip, shape })
}

/// A list before and after some draws were replaced, removed or added.
fn lists() -> impl Strategy<Value = (Vec<Draw>, Vec<Draw>)> {
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), proptest::option::of(draw())), 0..3);
    (proptest::collection::vec(draw(), 1..8), edits, any::<bool>()).prop_map(|(before, edits, video)| {
        let mut after = before.clone();
        for (at, edit) in edits {
            let at = at.index(after.len() + 1);
            match edit {
                Some(draw) if at < after.len() && at % 2 == 0 => after[at] = draw,
                Some(draw) => after.insert(at, draw),
                None if at < after.len() => drop(after.remove(at)),
                None => {}
            }
        }
        let hole = |rect| Draw { clip: None, shape: Shape::Video { timeline: 1, rect, fit: Fit::Contain } };
        let with_hole = |draws: Vec<Draw>| {
            let rect = Bounds { x: 3.0, y: 0.0, w: 40.0, h: 30.0 };
            video.then(|| hole(rect)).into_iter().chain(draws).collect::<Vec<_>>()
        };
        (with_hole(before), with_hole(after))
    })
}

fn images() -> ImageStore {
    let mut images = ImageStore::new(10_000);
    let rgba: Vec<u8> = (0..7 * 5).flat_map(|i| [i * 7, i * 3, 100, 255]).collect();
    images.put(1, ImageFormat::Rgba8, 7, 5, rgba).unwrap();
    images.put(2, ImageFormat::A8, 8, 8, (0..64).map(|i| i * 4).collect()).unwrap();
    images
}

fn frame(seed: u8, format: PixelFormat, rotation_deg: u32) -> Arc<VideoFrame> {
    let plane = |stride: usize, rows: usize| Plane {
        data: Arc::new(
            (0..stride * rows).map(|i| (i as u8).wrapping_mul(13).wrapping_add(seed)).collect::<Vec<u8>>(),
        ),
        offset: 0,
        stride,
    };
    let planes = vec![plane(70, 17), plane(70, 17), plane(70, 17)];
    let (par, cicp) = ((4, 3), Cicp { transfer: if seed == 3 { 16 } else { 1 }, ..Cicp::default() });
    Arc::new(VideoFrame {
        pts_us: 0,
        duration_us: 0,
        width: 33,
        height: 17,
        format,
        planes,
        par,
        rotation_deg,
        cicp,
    })
}

fn draw_on(
    raster: &mut CpuRaster,
    pixels: &mut [u32],
    images: &ImageStore,
    draws: &[Draw],
    video: Option<Arc<VideoFrame>>,
) -> Vec<kinora_port::PixelRect> {
    let picture = Picture { width_px: W, height_px: H, draws, videos: &[(1, video)] };
    let mut canvas = Canvas::new(pixels, W, H, W as usize).unwrap();
    raster.draw(&picture, images, &mut canvas)
}

proptest! {
    #[test]
    fn redraw_of_changes_equals_drawing_everything((before, after) in lists(), frames in 0usize..4) {
        let first = (frames > 0).then(|| frame(1, PixelFormat::Yuv420p, 0));
        let second = match frames {
            0 | 1 => first.clone(),
            2 => Some(frame(2, PixelFormat::Nv12, 90)),
            _ => Some(frame(3, PixelFormat::P010, 0)),
        };
        let images = images();
        let mut raster = CpuRaster::default();
        let mut pixels = vec![0; (W * H) as usize];
        draw_on(&mut raster, &mut pixels, &images, &before, first);
        let old = pixels.clone();
        let damage = draw_on(&mut raster, &mut pixels, &images, &after, second.clone());

        let mut whole = vec![0; (W * H) as usize];
        draw_on(&mut CpuRaster::default(), &mut whole, &images, &after, second);
        prop_assert_eq!(&pixels, &whole);
        for i in 0..pixels.len() {
            let (x, y) = (i as u32 % W, i as u32 / W);
            let inside = damage.iter().any(|r| (r.x..r.x + r.w).contains(&x) && (r.y..r.y + r.h).contains(&y));
            prop_assert!(inside || pixels[i] == old[i], "{x} {y}");
        }
    }
}

#[test]
fn redraw_of_an_unchanged_picture_is_nothing() {
    let draws = [Draw {
        clip: None,
        shape: Shape::Video {
            timeline: 1,
            rect: Bounds { x: 0.0, y: 0.0, w: 48.0, h: 32.0 },
            fit: Fit::Cover,
        },
    }];
    let (mut raster, mut pixels) = (CpuRaster::default(), vec![0; (W * H) as usize]);
    let shown = frame(1, PixelFormat::Yuv444p, 270);
    assert_eq!(draw_on(&mut raster, &mut pixels, &images(), &draws, Some(shown.clone())).len(), 1);
    assert_eq!(draw_on(&mut raster, &mut pixels, &images(), &draws, Some(shown)), []);
}

#[test]
fn frame_with_short_planes_shows_black() {
    let draws = [Draw {
        clip: None,
        shape: Shape::Video {
            timeline: 1,
            rect: Bounds { x: 0.0, y: 0.0, w: 48.0, h: 32.0 },
            fit: Fit::Fill,
        },
    }];
    let mut short = VideoFrame::clone(&frame(1, PixelFormat::Yuv420p, 0));
    short.height = 400;
    let mut pixels = vec![1; (W * H) as usize];
    draw_on(&mut CpuRaster::default(), &mut pixels, &images(), &draws, Some(Arc::new(short)));
    assert!(pixels.iter().all(|&p| p == 0xFF00_0000));
}
