//! Memory that the display shows.

use std::io;
use std::sync::Arc;

use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::dumbbuffer::{DumbBuffer, DumbMapping};
use drm::control::{Device, framebuffer};
use kinora_port::{ImageStore, Picture, PixelRect, UiRaster};
use kinora_raster_cpu::{Canvas, CpuRaster};

use super::Card;

/// A dumb buffer: plain memory that every driver can show, drawn by the processor.
pub(super) struct Buffer {
    card: Arc<Card>,
    pub(super) framebuffer: framebuffer::Handle,
    dumb: DumbBuffer,
    mapping: DumbMapping<'static>,
    raster: CpuRaster,
    /// Where the raster draws if reading from the mapping is slow, which blending does.
    shadow: Option<Vec<u32>>,
}

impl Buffer {
    /// A black buffer.
    pub(super) fn new(card: &Arc<Card>, (width, height): (u32, u32)) -> io::Result<Buffer> {
        let dumb = card.create_dumb_buffer((width, height), DrmFourcc::Xrgb8888, 32)?;
        // The mapping borrows the description of a buffer; one that is leaked, forty bytes each, makes it last as long as it is needed.
        let mut mapping = card.map_dumb_buffer(Box::leak(Box::new(dumb)))?;
        mapping.fill(0);
        let shadow = card.prefers_shadow.then(|| vec![0; mapping.len() / 4]);
        let framebuffer = card.add_framebuffer(&dumb, 24, 32)?;
        let card = Arc::clone(card);
        Ok(Buffer { card, framebuffer, dumb, mapping, raster: CpuRaster::default(), shadow })
    }

    /// Makes the buffer show the picture; what changed in it.
    pub(super) fn draw(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Vec<PixelRect> {
        let stride = self.dumb.pitch() as usize / 4;
        let (width, height) = self.dumb.size();
        let shown: &mut [u32] = bytemuck::cast_slice_mut(&mut self.mapping);
        let drawn = self.shadow.as_deref_mut().unwrap_or(shown);
        let canvas = Canvas::new(drawn, width, height, stride);
        let changed =
            self.raster.draw(picture, images, &mut canvas.expect("the driver made it large enough"));
        if let Some(shadow) = &self.shadow {
            let shown: &mut [u32] = bytemuck::cast_slice_mut(&mut self.mapping);
            for rect in &changed {
                for y in rect.y..rect.y + rect.h {
                    let from = y as usize * stride + rect.x as usize;
                    let row = from..from + rect.w as usize;
                    shown[row.clone()].copy_from_slice(&shadow[row]);
                }
            }
        }
        changed
    }
}

impl Drop for Buffer {
    /// What still shows it goes dark.
    fn drop(&mut self) {
        // A card that is gone has taken its buffers along.
        let _ = self.card.destroy_framebuffer(self.framebuffer);
        let _ = self.card.destroy_dumb_buffer(self.dumb);
    }
}
