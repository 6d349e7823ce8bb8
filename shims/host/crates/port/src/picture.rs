use std::sync::Arc;

use kinora_display_list::Draw;

use crate::{Failure, HostUs, ImageStore, VideoFrame};

/// Everything a screen shows at one moment.
#[derive(Clone, Copy, Default)]
pub struct Picture<'a> {
    /// Width of the surface in pixels.
    pub width_px: u32,
    /// Height of the surface in pixels.
    pub height_px: u32,
    /// The evaluated display list. What no draw covers is black.
    pub draws: &'a [Draw],
    /// The frame each timeline shows now; a timeline without one, or not named here, shows black. A raster tells frames apart by
    /// the identity of the `Arc`.
    pub videos: &'a [(u64, Option<Arc<VideoFrame>>)],
}

impl Picture<'_> {
    /// The frame a timeline shows.
    pub fn frame(&self, timeline: u64) -> Option<&Arc<VideoFrame>> {
        self.videos.iter().find(|(id, _)| *id == timeline)?.1.as_ref()
    }
}

/// A rectangle of whole pixels of a surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PixelRect {
    pub x: u32,
    pub y: u32,
    pub w: u32,
    pub h: u32,
}

/// Draws pictures into a target of its kind: a pixel buffer, a texture.
///
/// Owned by the presenter's thread, which alone calls it. One raster belongs to one target: it may remember what that shows and draw only
/// what differs. It never fails on a picture: what it cannot draw (an unknown image, a frame of a strange layout) stays black or is left out.
pub trait UiRaster<Target: ?Sized>: Send {
    /// Makes `target` show the picture. Returns the rectangles that may have changed since the last call, without overlap: all
    /// that must be uploaded. Takes milliseconds of CPU, and blocks for nothing else.
    fn draw(&mut self, picture: &Picture<'_>, images: &ImageStore, target: &mut Target) -> Vec<PixelRect>;
}

/// Draws nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct NullRaster;

impl<Target: ?Sized> UiRaster<Target> for NullRaster {
    fn draw(&mut self, _: &Picture<'_>, _: &ImageStore, _: &mut Target) -> Vec<PixelRect> {
        Vec::new()
    }
}

/// When a screen refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vsync {
    /// A refresh that happened.
    pub last_us: HostUs,
    /// Time between refreshes.
    pub period_us: u32,
}

/// A screen. Owned by the presenter's thread, which alone calls it.
///
/// Platform: a window (softbuffer or wgpu), KMS, ASurfaceControl, a canvas.
pub trait VideoOutput: Send {
    /// Size of the drawable area in pixels, for the next picture.
    fn size(&self) -> (u32, u32);
    /// The screen's rhythm, as well as it can be told; `None` while unknown.
    fn vsync(&self) -> Option<Vsync>;
    /// Shows the picture at the next refresh. May block for one refresh, no longer: an output whose platform blocks when hidden must give
    /// up waiting by itself. A picture of another size than [`VideoOutput::size`] is shown cut or with a black margin.
    /// Fails with `rebuild` when the screen is lost.
    fn present(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Result<(), Failure>;
}

/// A screen of some size that nobody sees.
#[derive(Debug, Clone, Copy)]
pub struct NullOutput {
    /// What [`VideoOutput::size`] answers.
    pub size: (u32, u32),
}

impl VideoOutput for NullOutput {
    fn size(&self) -> (u32, u32) {
        self.size
    }
    fn vsync(&self) -> Option<Vsync> {
        None
    }
    fn present(&mut self, _: &Picture<'_>, _: &ImageStore) -> Result<(), Failure> {
        Ok(())
    }
}
