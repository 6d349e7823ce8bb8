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
mod video;

use std::collections::BTreeMap;

use kinora_display_list::{Draw, Fit, Shape};
use kinora_port::{ImageStore, Picture, PixelRect, UiRaster};

pub use canvas::Canvas;
use damage::{Entry, intersect};
use placement::{on_surface, place, snap};
use video::VideoDrawer;

const BLACK: u32 = 0xFF00_0000;

/// Draws into one buffer. With several buffers in turn (a swap chain), use one raster for each.
#[derive(Default)]
pub struct CpuRaster {
    /// Size and content of the buffer after the last draw.
    shown: Option<((u32, u32), Vec<Entry>)>,
    videos: BTreeMap<u64, VideoDrawer>,
}

impl CpuRaster {
    /// States that the buffer's content is lost: the next draw draws everything.
    pub fn forget(&mut self) {
        self.shown = None;
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
        if shown.w > 0 && shown.h > 0 {
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
        let size = (canvas.width().min(picture.width_px), canvas.height().min(picture.height_px));
        let all = PixelRect { x: 0, y: 0, w: size.0, h: size.1 };
        let entries = damage::entries(picture, images);
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
}
