//! The interface with a hole for the film, laid over the film, is the picture drawn at once.

use std::sync::Arc;

use kinora_display_list::{Bounds, Clip, Draw, Fill, Fit, Shape};
use kinora_port::{Cicp, ImageFormat, ImageStore, Picture, PixelFormat, Plane, UiRaster, VideoFrame};
use kinora_raster_cpu::{Canvas, CpuRaster};

const W: u32 = 64;
const H: u32 = 48;

fn bounds(x: f32, y: f32, w: f32, h: f32) -> Bounds {
    Bounds { x, y, w, h }
}

fn draws() -> Vec<Draw> {
    let rect = |rect, radius, fill, border| Shape::Rect { rect, radius, fill, border };
    let stops = vec![(0, 0x0000_0000), (1000, 0x1020_30E0)];
    let shapes = [
        Shape::Video { timeline: 1, rect: bounds(0.0, 0.0, 64.0, 48.0), fit: Fit::Contain },
        rect(bounds(0.0, 20.0, 64.0, 28.0), 0.0, Fill::Linear { vertical: true, stops }, (0.0, 0)),
        Shape::Shadow { rect: bounds(8.0, 8.0, 20.0, 10.0), radius: 3.0, sigma: 2.0, color: 0x0000_0080 },
        rect(bounds(8.5, 8.5, 20.0, 10.0), 3.0, Fill::Solid(0x8040_20C0), (1.5, 0xFFFF_FFFF)),
        rect(bounds(30.0, 0.0, 10.0, 48.0), 0.0, Fill::Solid(0x2060_A0FF), (0.0, 0)),
        Shape::Image {
            key: 1,
            rect: bounds(40.0, 30.0, 16.0, 12.0),
            turn: (0.8, 0.6),
            source: (0, 0, 0, 0),
            radius: 2.0,
            tint: 0xFFFF_FFC0,
        },
    ];
    let clip =
        Clip { bounds: bounds(0.0, 0.0, 60.0, 46.0), rounded: bounds(0.0, 0.0, 60.0, 46.0), radius: 4.0 };
    let clip = |shape: &Shape| (!matches!(shape, Shape::Video { .. })).then_some(clip);
    shapes.into_iter().map(|shape| Draw { clip: clip(&shape), shape }).collect()
}

fn images() -> ImageStore {
    let mut images = ImageStore::new(10_000);
    let rgba = (0..6 * 4).flat_map(|i| [i * 4, i * 2, i, 100 + i * 5]).collect();
    images.put(1, ImageFormat::Rgba8, 6, 4, rgba).unwrap();
    images
}

fn frame(seed: u8) -> Arc<VideoFrame> {
    let plane = |stride: usize, rows: usize| Plane {
        data: Arc::new(
            (0..stride * rows).map(|i| (i as u8).wrapping_mul(13).wrapping_add(seed)).collect::<Vec<u8>>(),
        ),
        offset: 0,
        stride,
    };
    Arc::new(VideoFrame {
        pts_us: 0,
        duration_us: 0,
        width: 32,
        height: 18,
        format: PixelFormat::Yuv420p,
        planes: vec![plane(32, 18), plane(16, 9), plane(16, 9)],
        par: (1, 1),
        rotation_deg: 0,
        cicp: Cicp::default(),
    })
}

struct Screen {
    raster: CpuRaster,
    pixels: Vec<u32>,
}

impl Screen {
    fn new(left_out: Option<u64>) -> Screen {
        let mut raster = CpuRaster::default();
        raster.leave_out(left_out);
        Screen { raster, pixels: vec![0; (W * H) as usize] }
    }

    /// How many rectangles changed.
    fn draw(&mut self, draws: &[Draw], frame: &Arc<VideoFrame>) -> usize {
        let picture = Picture { width_px: W, height_px: H, draws, videos: &[(1, Some(frame.clone()))] };
        let mut canvas = Canvas::new(&mut self.pixels, W, H, W as usize).unwrap();
        self.raster.draw(&picture, &images(), &mut canvas).len()
    }
}

#[test]
fn interface_over_the_film_equals_the_picture_drawn_at_once() {
    let (draws, frame) = (draws(), frame(7));
    let [mut once, mut film, mut interface] = [None, None, Some(1)].map(Screen::new);
    once.draw(&draws, &frame);
    film.draw(&draws[..1], &frame);
    interface.draw(&draws, &frame);
    assert_eq!(interface.pixels[(6 * W + 2) as usize], 0, "a hole where nothing is drawn over the film");
    for (i, &above) in interface.pixels.iter().enumerate() {
        let channel = |pixel: u32, shift: u32| (pixel >> shift & 0xFF) as f32;
        let left = 1.0 - channel(above, 24) / 255.0;
        for shift in [16, 8, 0] {
            let laid = channel(above, shift) + channel(film.pixels[i], shift) * left;
            // Each shape drawn rounds once more.
            let off = (laid - channel(once.pixels[i], shift)).abs();
            assert!(off <= 3.0, "{i}: {above:08x} over {:08x}, {:08x}", film.pixels[i], once.pixels[i]);
        }
    }
}

#[test]
fn frames_that_are_left_out_change_nothing() {
    let draws = draws();
    let mut screen = Screen::new(Some(1));
    assert_eq!(screen.draw(&draws, &frame(1)), 1);
    let drawn = screen.pixels.clone();
    assert_eq!(screen.draw(&draws, &frame(2)), 0);
    assert_eq!(screen.draw(&draws[..5], &frame(3)), 1);
    screen.draw(&draws, &frame(3));
    assert_eq!(screen.pixels, drawn);
    screen.raster.leave_out(None);
    assert!(screen.draw(&draws, &frame(3)) > 0);
    assert!(screen.pixels.iter().all(|pixel| pixel >> 24 == 255));
}

#[test]
fn shadowed_raster_shows_the_same() {
    let (mut plain, mut shadowed) = (Screen::new(None), Screen::new(None));
    shadowed.raster = CpuRaster::shadowed();
    let draws = draws();
    for (draws, seed) in [(&draws[..], 1), (&draws[..3], 1), (&draws[..], 2)] {
        assert_eq!(shadowed.draw(draws, &frame(seed)), plain.draw(draws, &frame(seed)));
        assert_eq!(shadowed.pixels, plain.pixels);
    }
}

#[test]
fn draw_frame_covers_the_whole_canvas() {
    let mut pixels = vec![0; 20 * 10];
    let mut canvas = Canvas::new(&mut pixels, 18, 10, 20).unwrap();
    CpuRaster::default().draw_frame(&frame(1), &mut canvas);
    let opaque = pixels.chunks(20).all(|row| row[..18].iter().all(|p| p >> 24 == 255) && row[18..] == [0, 0]);
    assert!(opaque);
}
