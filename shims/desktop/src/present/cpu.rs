//! Presenting without a GPU: the CPU raster draws straight into memory shared with the display server.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use kinora_host::realtime::Screen;
use kinora_port::{Failure, ImageStore, Next, Picture, PixelRect, UiRaster, VideoOutput, Vsync, code};
use kinora_raster_cpu::{Canvas, CpuRaster};
use softbuffer::{Context, Rect, SoftBufferError, Surface};
use winit::raw_window_handle::{HasDisplayHandle, RawDisplayHandle};
use winit::window::Window;

/// Most buffers a display server is known to use in turn.
const MAX_BUFFERS: usize = 4;

/// A window drawn by the CPU.
pub(super) struct CpuOutput {
    window: Arc<Window>,
    surface: Surface<Arc<Window>, Arc<Window>>,
    screen: Arc<Screen>,
    size: (u32, u32),
    /// The rasters of the buffers, the last presented first: a buffer of age `n` belongs to the `n`th.
    rasters: VecDeque<CpuRaster>,
    /// What the last presented picture changed.
    last: Vec<PixelRect>,
    /// Requests to an X server stay in the connection's own memory until something is waited for.
    keeps_back: bool,
}

impl CpuOutput {
    pub(super) fn new(window: Arc<Window>, screen: Arc<Screen>) -> Result<Self, SoftBufferError> {
        let is_wayland = matches!(window.display_handle()?.as_raw(), RawDisplayHandle::Wayland(_));
        let surface = Surface::new(&Context::new(Arc::clone(&window))?, Arc::clone(&window))?;
        Ok(CpuOutput {
            window,
            surface,
            screen,
            size: (0, 0),
            rasters: VecDeque::new(),
            last: Vec::new(),
            keeps_back: !is_wayland,
        })
    }

    fn draw(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Result<(), SoftBufferError> {
        let (width, height) = (picture.width_px, picture.height_px);
        if self.size != (width, height) {
            let sides = NonZeroU32::new(width).zip(NonZeroU32::new(height));
            let (w, h) = sides.expect("the presenter draws no empty pictures");
            self.surface.resize(w, h)?;
            self.size = (width, height);
        }
        let exposed = self.screen.take_exposed();
        let mut buffer = self.surface.buffer_mut()?;
        let age = usize::from(buffer.age());
        // Of a new buffer nothing is known, nor by a new raster.
        let mut raster = age.checked_sub(1).and_then(|index| self.rasters.remove(index)).unwrap_or_default();
        let canvas = Canvas::new(&mut buffer, width, height, width as usize);
        let changed =
            raster.draw(picture, images, &mut canvas.expect("the buffer has the size it was given"));
        // What differs from the screen is what this picture changed in a buffer `age` old, or the one before changed on the screen.
        let mut damage = changed.clone();
        match age {
            0 => damage = vec![PixelRect { x: 0, y: 0, w: width, h: height }],
            1 => {}
            _ => damage.extend_from_slice(&self.last),
        }
        if exposed {
            damage = vec![PixelRect { x: 0, y: 0, w: width, h: height }];
        }
        if damage.is_empty() {
            self.rasters.insert(age - 1, raster);
            return Ok(());
        }
        let damage: Vec<Rect> = damage.iter().filter_map(rect).collect();
        self.window.pre_present_notify();
        buffer.present_with_damage(&damage)?;
        if self.keeps_back {
            // Asking for the buffer waits until it is free, and so sends everything off.
            self.surface.buffer_mut()?;
        }
        self.rasters.push_front(raster);
        self.rasters.truncate(MAX_BUFFERS);
        self.last = changed;
        Ok(())
    }
}

fn rect(area: &PixelRect) -> Option<Rect> {
    let (width, height) = (NonZeroU32::new(area.w)?, NonZeroU32::new(area.h)?);
    Some(Rect { x: area.x, y: area.y, width, height })
}

impl VideoOutput for CpuOutput {
    fn size(&self) -> (u32, u32) {
        self.screen.size()
    }

    fn vsync(&self) -> Option<Vsync> {
        // Neither X11 nor wl_shm tells when a buffer is scanned out.
        None
    }

    fn present(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Result<(), Failure> {
        self.draw(picture, images).map_err(|e| Failure::new(Next::Rebuild, code::DEVICE_LOST, e.to_string()))
    }
}
