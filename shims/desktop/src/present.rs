//! Which output the window is drawn with.

mod cpu;
pub(crate) mod gpu;

use std::sync::Arc;

use kinora_host::realtime::{Clock, Screen};
use kinora_port::{Failure, ImageStore, Picture, VideoOutput, Vsync};
use winit::event_loop::EventLoopProxy;
use winit::raw_window_handle::{HasDisplayHandle, RawDisplayHandle};
use winit::window::Window;

use crate::app::Ask;

/// Who draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presenter {
    Gpu,
    Cpu,
}

/// Makes outputs for a window.
pub(crate) struct Outputs {
    pub(crate) window: Arc<Window>,
    pub(crate) screen: Arc<Screen>,
    pub(crate) clock: Clock,
    pub(crate) proxy: EventLoopProxy<Ask>,
}

impl Outputs {
    /// The wanted output, or the one that suits the system: the GPU, unless it is none or of no use.
    pub(crate) fn first(&self, wanted: Option<Presenter>) -> Result<Box<dyn VideoOutput>, String> {
        if wanted == Some(Presenter::Cpu) || (wanted.is_none() && !gpu::may_exist()) {
            return self.cpu();
        }
        let (window, screen) = (Arc::clone(&self.window), Arc::clone(&self.screen));
        match gpu::GpuOutput::new(window, screen, self.clock, wanted.is_some()) {
            Ok(output) => Ok(self.waking(output)),
            Err(reason) if wanted.is_some() => Err(format!("the GPU cannot be used: {reason}")),
            Err(_) => self.cpu(),
        }
    }

    /// The output that works everywhere.
    pub(crate) fn cpu(&self) -> Result<Box<dyn VideoOutput>, String> {
        let output = cpu::CpuOutput::new(Arc::clone(&self.window), Arc::clone(&self.screen));
        Ok(self.waking(output.map_err(|e| format!("cannot draw in the window: {e}"))?))
    }

    fn waking(&self, output: impl VideoOutput + 'static) -> Box<dyn VideoOutput> {
        match self.window.display_handle().map(|handle| handle.as_raw()) {
            Ok(RawDisplayHandle::Wayland(_)) => Box::new(output),
            _ => Box::new(Waking { output, proxy: self.proxy.clone() }),
        }
    }
}

/// An output over a connection to an X server that the window's events share. While it waits for the server it may read events of the
/// window, which then lie in the connection's queue, where the main thread, asleep until there is something to read, would not look.
struct Waking<O> {
    output: O,
    proxy: EventLoopProxy<Ask>,
}

impl<O: VideoOutput> VideoOutput for Waking<O> {
    fn size(&self) -> (u32, u32) {
        self.output.size()
    }

    fn vsync(&self) -> Option<Vsync> {
        self.output.vsync()
    }

    fn present(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Result<(), Failure> {
        let presented = self.output.present(picture, images);
        // The loop may be gone already.
        let _ = self.proxy.send_event(Ask::LookAround);
        presented
    }
}
