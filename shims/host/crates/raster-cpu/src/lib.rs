//! Draws pictures into pixel buffers on the CPU: for windows without a GPU, for boxes with dumb buffers, and for tests.
//!
//! A [`CpuRaster`] belongs to one buffer and redraws only what changed in it. Video is scaled and converted row by row in fixed point
//! ([`color`], [`placement`], [`planes`] and [`tonemap`] are shared with the GPU raster); shapes are drawn in floating point from signed
//! distances, analytically anti-aliased.

mod canvas;
pub mod color;
mod damage;
pub mod placement;
pub mod planes;
pub mod tonemap;
mod ui;
pub mod underlay;
mod video;

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_display_list::{Draw, Fit, Shape};
use kinora_port::{ImageStore, Picture, PixelRect, UiRaster, VideoFrame};

pub use canvas::Canvas;
use damage::{Entry, intersect};
use placement::{VideoPlacement, on_surface, place, snap, turned_size};
use video::VideoDrawer;

const BLACK: u32 = 0xFF00_0000;
const CLEAR: u32 = 0;

/// Draws into one buffer. With several buffers in turn (a swap chain), use one raster for each.
#[derive(Default)]
pub struct CpuRaster {
    /// Size and content of the buffer after the last draw.
    shown: Option<((u32, u32), Vec<Entry>)>,
    videos: BTreeMap<u64, VideoDrawer>,
    left_out: Option<u64>,
    /// A copy of the buffer, to draw on.
    shadow: Option<Vec<u32>>,
}

impl CpuRaster {
    /// For a buffer from which reading is slow, which blending does: pictures are drawn elsewhere, and what changed is copied.
    pub fn shadowed() -> CpuRaster {
        CpuRaster { shadow: Some(Vec::new()), ..CpuRaster::default() }
    }

    /// States that the buffer's content is lost: the next draw draws everything.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// From the next draw on a timeline's frames are left out: a hole shows where they would be, and what is drawn over it has an alpha, by
    /// which its colours are multiplied. Without one every pixel is opaque.
    pub fn leave_out(&mut self, timeline: Option<u64>) {
        self.left_out = timeline;
    }

    /// Draws a frame alone, turned for display, over the whole canvas.
    pub fn draw_frame(&mut self, frame: &Arc<VideoFrame>, canvas: &mut Canvas<'_>) {
        let (w, h) = (canvas.width(), canvas.height());
        let (source_w, source_h) = turned_size(frame);
        let source = [0.0, 0.0, f64::from(source_w), f64::from(source_h)];
        let placement = VideoPlacement { x: 0, y: 0, w, h, source };
        self.forget();
        self.videos.entry(0).or_default().draw(frame, &placement, PixelRect { x: 0, y: 0, w, h }, canvas);
    }

    /// Draws what changed.
    fn redraw(
        &mut self,
        picture: &Picture<'_>,
        images: &ImageStore,
        canvas: &mut Canvas<'_>,
    ) -> Vec<PixelRect> {
        let size = (canvas.width().min(picture.width_px), canvas.height().min(picture.height_px));
        let all = PixelRect { x: 0, y: 0, w: size.0, h: size.1 };
        let entries = damage::entries(picture, images, self.left_out);
        let mut damage = match &self.shown {
            Some((shown_size, shown)) if *shown_size == size => damage::difference(shown, &entries),
            _ => vec![all],
        };
        for rect in &mut damage {
            *rect = intersect(rect, &all);
        }
        damage.retain(|rect| rect.w > 0 && rect.h > 0);
        self.videos.retain(|timeline, _| picture.videos.iter().any(|(id, _)| id == timeline));
        for &area in &damage {
            let scene = Scene { picture, images, area };
            // Most redraws are a video's next frame, which covers its area by itself.
            let covered = matches!(picture.draws.first(), Some(Draw { shape: Shape::Video { rect, .. }, .. })
                if intersect(&on_surface(snap(rect), size.0, size.1), &area) == area);
            if !covered {
                canvas.fill(area, BLACK);
            }
            for (draw, entry) in picture.draws.iter().zip(&entries) {
                if let Shape::Video { timeline, rect, fit } = &draw.shape {
                    self.video((*timeline, rect, *fit), scene, canvas);
                    continue;
                }
                let part = intersect(&entry.bounds, &area);
                if part.w > 0 && part.h > 0 {
                    ui::paint(draw, Scene { area: part, ..scene }, canvas);
                }
            }
        }
        self.shown = Some((size, entries));
        damage
    }

    fn video(
        &mut self,
        (timeline, rect, fit): (u64, &kinora_display_list::Bounds, Fit),
        scene: Scene<'_>,
        canvas: &mut Canvas<'_>,
    ) {
        let Scene { picture, area, .. } = scene;
        let (width, height) = (canvas.width(), canvas.height());
        let whole = intersect(&on_surface(snap(rect), width, height), &area);
        let placed = picture.frame(timeline).and_then(|frame| Some((frame, place(frame, rect, fit)?)));
        let Some((frame, p)) = placed else { return canvas.fill(whole, BLACK) };
        let bounds = on_surface([p.x, p.y, p.x + p.w as i32, p.y + p.h as i32], width, height);
        let shown = intersect(&bounds, &whole);
        if shown != whole {
            canvas.fill(whole, BLACK);
        }
        if self.left_out == Some(timeline) {
            canvas.fill(shown, CLEAR);
        } else if shown.w > 0 && shown.h > 0 {
            self.videos.entry(timeline).or_default().draw(frame, &p, shown, canvas);
        }
    }
}

/// What is being drawn and where.
#[derive(Clone, Copy)]
struct Scene<'a> {
    picture: &'a Picture<'a>,
    images: &'a ImageStore,
    area: PixelRect,
}

impl<'c> UiRaster<Canvas<'c>> for CpuRaster {
    /// Pixels of the canvas outside the picture's size stay as they are.
    fn draw(
        &mut self,
        picture: &Picture<'_>,
        images: &ImageStore,
        canvas: &mut Canvas<'c>,
    ) -> Vec<PixelRect> {
        let Some(mut shadow) = self.shadow.take() else { return self.redraw(picture, images, canvas) };
        let (width, height) = (canvas.width(), canvas.height());
        shadow.resize(width as usize * height as usize, 0);
        let drawn = Canvas::new(&mut shadow, width, height, width as usize);
        let mut drawn = drawn.expect("it has just been made large enough");
        let changed = self.redraw(picture, images, &mut drawn);
        for rect in &changed {
            for y in rect.y..rect.y + rect.h {
                canvas.row(y, rect.x, rect.w).copy_from_slice(drawn.row(y, rect.x, rect.w));
            }
        }
        self.shadow = Some(shadow);
        changed
    }
}
