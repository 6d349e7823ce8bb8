//! Memory that the display shows.

use std::io;
use std::sync::Arc;

use drm::buffer::{Buffer as _, DrmFourcc, DrmModifier, Handle, PlanarBuffer};
use drm::control::dumbbuffer::{DumbBuffer, DumbMapping};
use drm::control::{Device, FbCmd2Flags, framebuffer};
use kinora_port::{ImageStore, Picture, PixelRect, UiRaster, VideoFrame};
use kinora_raster_cpu::underlay::write_nv12;
use kinora_raster_cpu::{Canvas, CpuRaster};

use super::Card;

/// A dumb buffer: plain memory that every driver can show, written by the processor.
pub(super) struct Buffer {
    card: Arc<Card>,
    pub(super) size: (u32, u32),
    dumb: DumbBuffer,
    mapping: DumbMapping<'static>,
    /// As the display may take it: as it is; colours with their alpha, where the driver knows any.
    pub(super) framebuffers: Vec<framebuffer::Handle>,
    raster: CpuRaster,
}

impl Buffer {
    /// A buffer of zeros for colours (XRGB8888) or NV12.
    pub(super) fn new(card: &Arc<Card>, size: (u32, u32), format: DrmFourcc) -> io::Result<Buffer> {
        let (width, height) = size;
        let nv12 = format == DrmFourcc::Nv12;
        // Half as many rows of chroma stand below those of the luma.
        let rows = (width.next_multiple_of(2), height + height.div_ceil(2));
        let (size_kept, bits) = if nv12 { (rows, 8) } else { (size, 32) };
        let dumb = card.create_dumb_buffer(size_kept, format, bits)?;
        // The mapping borrows the description of a buffer; one that is leaked, forty bytes each, makes it last as long as it is needed.
        let mut mapping = card.map_dumb_buffer(Box::leak(Box::new(dumb)))?;
        mapping.fill(0);
        let raster = if card.prefers_shadow { CpuRaster::shadowed() } else { CpuRaster::default() };
        let (card, framebuffers) = (Arc::clone(card), Vec::new());
        let mut buffer = Buffer { card, size, dumb, mapping, framebuffers, raster };
        if nv12 {
            let framebuffer = buffer.card.add_planar_framebuffer(&buffer, FbCmd2Flags::empty())?;
            buffer.framebuffers.push(framebuffer);
        } else {
            buffer.framebuffers.push(buffer.card.add_framebuffer(&dumb, 24, 32)?);
            buffer.framebuffers.extend(buffer.card.add_framebuffer(&dumb, 32, 32));
        }
        Ok(buffer)
    }

    /// Two to be shown in turn: the first is, while the second is drawn.
    pub(super) fn pair(card: &Arc<Card>, size: (u32, u32), format: DrmFourcc) -> io::Result<[Buffer; 2]> {
        Ok([Buffer::new(card, size, format)?, Buffer::new(card, size, format)?])
    }

    /// Makes the buffer show the picture, but for the film that is shown on another plane; what changed in it.
    pub(super) fn draw(
        &mut self,
        picture: &Picture<'_>,
        images: &ImageStore,
        elsewhere: Option<u64>,
    ) -> Vec<PixelRect> {
        self.raster.leave_out(elsewhere);
        self.raster.draw(picture, images, &mut canvas(&mut self.mapping, &self.dumb))
    }

    /// Makes the buffer show a frame of a film alone.
    pub(super) fn write(&mut self, frame: &Arc<VideoFrame>) {
        if self.dumb.format() == DrmFourcc::Nv12 {
            write_nv12(frame, &mut self.mapping, self.dumb.pitch() as usize);
        } else {
            self.raster.draw_frame(frame, &mut canvas(&mut self.mapping, &self.dumb));
        }
    }
}

fn canvas<'a>(mapping: &'a mut DumbMapping<'_>, dumb: &DumbBuffer) -> Canvas<'a> {
    let (width, height) = dumb.size();
    let canvas = Canvas::new(bytemuck::cast_slice_mut(mapping), width, height, dumb.pitch() as usize / 4);
    canvas.expect("the driver made it large enough")
}

impl Drop for Buffer {
    /// What still shows it goes dark.
    fn drop(&mut self) {
        // A card that is gone has taken its buffers along.
        for framebuffer in &self.framebuffers {
            let _ = self.card.destroy_framebuffer(*framebuffer);
        }
        let _ = self.card.destroy_dumb_buffer(self.dumb);
    }
}

/// NV12: luma, then pairs of chroma.
impl PlanarBuffer for Buffer {
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn format(&self) -> DrmFourcc {
        DrmFourcc::Nv12
    }

    fn modifier(&self) -> Option<DrmModifier> {
        None
    }

    fn pitches(&self) -> [u32; 4] {
        [self.dumb.pitch(), self.dumb.pitch(), 0, 0]
    }

    fn handles(&self) -> [Option<Handle>; 4] {
        [Some(self.dumb.handle()), Some(self.dumb.handle()), None, None]
    }

    fn offsets(&self) -> [u32; 4] {
        [0, self.dumb.pitch() * self.size.1, 0, 0]
    }
}
