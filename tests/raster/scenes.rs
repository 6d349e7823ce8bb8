//! Scenes that use every shape, and what must be true of their pictures whoever draws them.

use std::sync::Arc;

use kinora_display_list::{
    Fill, Fit, Glyph, Glyphs, Group, Image, Layer, List, Node, Rect, RoundRect, Shadow, Video, encode,
};
use kinora_port::{Cicp, ImageFormat, ImageStore, Picture, PixelFormat, VideoFrame};

use crate::support::{Pixels, frame, on_cpu};

pub(crate) const WIDTH: u32 = 640;
pub(crate) const HEIGHT: u32 = 360;

/// A scene: its list, images and the frame of timeline 1.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) list: List,
    pub(crate) images: ImageStore,
    pub(crate) frame: Option<Arc<VideoFrame>>,
}

impl Scene {
    /// Draws the scene with `draw`.
    pub(crate) fn show(&self, draw: impl FnOnce(&Picture<'_>, &ImageStore) -> Pixels) -> Pixels {
        let draws = self.list.draw(0, &|_| None);
        let videos = [(1, self.frame.clone())];
        let picture = Picture { width_px: WIDTH, height_px: HEIGHT, draws: &draws, videos: &videos };
        draw(&picture, &self.images)
    }
}

const DISC: u64 = 1;
const POSTER: u64 = 2;
const AMBER: u32 = 0xFFB4_54FF;
const TEXT: u32 = 0xFFFF_FFEB;

fn px(x: f32, y: f32, w: f32, h: f32) -> Rect {
    let milli = |v: f32| (v * 1000.0).round() as i32;
    Rect { x: milli(x), y: milli(y), w: milli(w), h: milli(h) }
}

fn rounded(rect: Rect, radius: f32, fill: Fill, border: (f32, u32)) -> Node {
    let milli = |v: f32| (v * 1000.0) as i32;
    Node::Rect(RoundRect { rect, radius: milli(radius), fill, border: (milli(border.0), border.1) })
}

fn solid(rect: Rect, radius: f32, color: u32) -> Node {
    rounded(rect, radius, Fill::Solid(color), (0.0, 0))
}

fn image(key: u64, rect: Rect, radius: i32, tint: u32) -> Node {
    Node::Image(Image { key, rect, source: (0, 0, 0, 0), radius, tint })
}

/// A run of discs, rings and triangles.
fn glyphs(x: i32, y: i32, count: i32, color: u32) -> Node {
    let glyph = |i: i32| Glyph { x: x + i * 14, y, source_x: (i % 3 * 16) as u16, source_y: 0, w: 16, h: 16 };
    Node::Glyphs(Glyphs { page: DISC, color, glyphs: (0..count).map(glyph).collect() })
}

fn images() -> ImageStore {
    let mut images = ImageStore::new(1 << 20);
    // Three shapes of 16 pixels, their edges one pixel soft.
    let coverage = |x: usize, y: usize| {
        let (dx, dy) = ((x % 16) as f32 + 0.5 - 8.0, y as f32 + 0.5 - 8.0);
        let distance = match x / 16 {
            0 => dx.hypot(dy) - 6.0,
            1 => (dx.hypot(dy) - 5.0).abs() - 1.5,
            _ => (dx * 0.5 + dy.abs() * 0.87 - 3.0).max(-dx - 5.0),
        };
        ((0.5 - distance).clamp(0.0, 1.0) * 255.0) as u8
    };
    let page = (0..16 * 48).map(|i| coverage(i % 48, i / 48)).collect();
    images.put(DISC, ImageFormat::A8, 48, 16, page).expect("fits");
    let poster = (0..40 * 60).flat_map(|i| {
        let (x, y) = (i % 40, i / 40);
        let check = if (x / 5 + y / 5) % 2 == 0 { 40 } else { 0 };
        [(x * 5 + check) as u8, (y * 3 + check) as u8, 120, 255]
    });
    images.put(POSTER, ImageFormat::Rgba8, 40, 60, poster.collect()).expect("fits");
    images
}

/// A film frame: slow colour ramps with bright and dark parts.
pub(crate) fn film(width: u32, height: u32) -> VideoFrame {
    let (w, h) = (width as usize, height as usize);
    let luma = (0..w * h).map(|i| {
        let (x, y) = (i % w, i / w);
        (30 + (x * 160 / w) + if (x / 20 + y / 20) % 2 == 0 { 30 } else { 0 }) as u8
    });
    let (cw, ch) = (w.div_ceil(2), h.div_ceil(2));
    let cb = (0..cw * ch).map(|i| (90 + i % cw * 70 / cw) as u8);
    let cr = (0..cw * ch).map(|i| (100 + i / cw * 60 / ch) as u8);
    let raw = luma.chain(cb).chain(cr).collect();
    frame(PixelFormat::Yuv420p, width, height, raw, Cicp { matrix: 1, ..Cicp::default() })
}

fn scene(name: &'static str, nodes: Vec<Node>, frame: Option<VideoFrame>) -> Scene {
    let mut list = List::default();
    list.apply(0, 1, &encode(&[Layer { id: 1, z: 0, nodes }])).expect("valid scene");
    Scene { name, list, images: images(), frame: frame.map(Arc::new) }
}

/// Controls over a film.
fn player() -> Scene {
    let whole = px(0.0, 0.0, WIDTH as f32, HEIGHT as f32);
    let scrim = Fill::Linear { vertical: true, stops: vec![(0, 0), (500, 0x0000_0050), (1000, 0x0000_00B8)] };
    let bar = Group {
        clip: Some((px(0.0, 0.0, 312.5, 4.0), 2000)),
        translate: (48_000, 310_000),
        children: vec![
            solid(px(0.0, 0.0, 500.0, 4.0), 2.0, 0xFFFF_FF4C),
            solid(px(0.0, 0.0, 205.3, 4.0), 0.0, AMBER),
        ],
        ..Group::default()
    };
    let focused = Group {
        origin: (320_000, 270_000),
        scale_permille: 1060,
        children: vec![
            Node::Shadow(Shadow {
                rect: px(296.0, 246.0, 48.0, 48.0),
                radius: 24_000,
                sigma: 6000,
                color: 0x0000_0099,
            }),
            rounded(px(292.0, 242.0, 56.0, 56.0), 28.0, Fill::Solid(0), (3.0, AMBER)),
            solid(px(296.0, 246.0, 48.0, 48.0), 24.0, 0x1E23_2AFF),
            glyphs(312, 262, 1, TEXT),
        ],
        ..Group::default()
    };
    scene(
        "player",
        vec![
            Node::Video(Video { timeline: 1, rect: whole, fit: Fit::Contain }),
            rounded(px(0.0, 216.0, 640.0, 144.0), 0.0, scrim, (0.0, 0)),
            Node::Group(bar),
            solid(px(247.3, 306.0, 12.0, 12.0), 6.0, AMBER),
            glyphs(48, 326, 12, TEXT),
            glyphs(400, 326, 12, 0x1010_10FF),
            Node::Group(focused),
        ],
        Some(film(WIDTH, HEIGHT)),
    )
}

/// Cards on the dark surface: no video.
fn cards() -> Scene {
    let card = |i: usize| {
        let x = 40.0 + 150.0 * i as f32;
        Node::Group(Group {
            opacity_permille: [1000, 1000, 700, 1000][i],
            children: vec![
                Node::Shadow(Shadow {
                    rect: px(x, 70.0, 120.0, 180.0),
                    radius: 12_000,
                    sigma: 10_000,
                    color: 0x0000_00CC,
                }),
                image(POSTER, px(x, 66.4, 120.0, 180.0), 12_000, 0xFFFF_FFFF),
                rounded(px(x, 66.4, 120.0, 180.0), 12.0, Fill::Solid(0), (1.0 + i as f32 * 0.5, 0xFFFF_FF30)),
                glyphs(x as i32, 260, 8, [TEXT, AMBER, 0xFF6B_5EFF, 0xFFFF_FFA3][i]),
            ],
            ..Group::default()
        })
    };
    let across =
        Fill::Linear { vertical: false, stops: vec![(0, 0x0B0D_10FF), (400, AMBER), (1000, 0x2040_80FF)] };
    let turned = Group {
        origin: (560_000, 320_000),
        rotate_millideg: 20_000,
        children: vec![
            image(POSTER, px(540.0, 300.0, 40.0, 40.0), 4000, 0xFFFF_FFFF),
            glyphs(470, 312, 3, TEXT),
        ],
        ..Group::default()
    };
    scene(
        "cards",
        vec![
            solid(px(0.0, 0.0, 640.0, 360.0), 0.0, 0x0B0D_10FF),
            rounded(px(0.0, 20.0, 640.0, 20.5), 0.0, across, (0.0, 0)),
            Node::Group(Group { children: (0..4).map(card).collect(), ..Group::default() }),
            Node::Group(turned),
            solid(px(40.0, 320.0, 300.0, 0.5), 0.0, 0xFFFF_FFFF),
            image(DISC, px(60.0, 325.0, 96.0, 32.0), 0, AMBER),
        ],
        None,
    )
}

/// A turned phone film beside a cut anamorphic one would need two frames; this is the turned one with black at its sides.
fn portrait() -> Scene {
    let rect = px(0.0, 0.0, WIDTH as f32, HEIGHT as f32);
    let film = VideoFrame { rotation_deg: 90, ..film(360, 202) };
    scene("portrait", vec![Node::Video(Video { timeline: 1, rect, fit: Fit::Contain })], Some(film))
}

/// All of them.
pub(crate) fn all() -> Vec<Scene> {
    vec![player(), cards(), portrait()]
}

#[test]
fn scenes_show_what_they_hold() {
    for scene in all() {
        let pixels = scene.show(on_cpu);
        println!("{}: {}", scene.name, pixels.save(&format!("{}-cpu", scene.name)).display());
        let at = |x: u32, y: u32| pixels.words[(y * WIDTH + x) as usize];
        match scene.name {
            "player" => {
                assert_eq!(at(100, 312), AMBER >> 8 | 0xFF00_0000, "played part");
                assert!(at(320, 269) & 0xFF > 0xD0, "glyph on the button");
            }
            "cards" => assert_eq!(at(2, 200), 0xFF0B_0D10, "surface"),
            _ => assert_eq!((at(10, 100), at(629, 100)), (0xFF00_0000, 0xFF00_0000), "black at the sides"),
        }
    }
}
