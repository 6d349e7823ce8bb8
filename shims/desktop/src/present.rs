//! Which output the window is drawn with.

mod cpu;
pub(crate) mod gpu;

use std::sync::Arc;

use kinora_host::realtime::{Clock, Screen};
use kinora_port::VideoOutput;
use winit::window::Window;

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
}

impl Outputs {
    /// The wanted output, or the one that suits the system: the GPU, unless it is none or of no use.
    pub(crate) fn first(&self, wanted: Option<Presenter>) -> Result<Box<dyn VideoOutput>, String> {
        if wanted == Some(Presenter::Cpu) || (wanted.is_none() && !gpu::may_exist()) {
            return self.cpu();
        }
        let (window, screen) = (Arc::clone(&self.window), Arc::clone(&self.screen));
        match gpu::GpuOutput::new(window, screen, self.clock, wanted.is_some()) {
            Ok(output) => Ok(Box::new(output)),
            Err(reason) if wanted.is_some() => Err(format!("the GPU cannot be used: {reason}")),
            Err(_) => self.cpu(),
        }
    }

    /// The output that works everywhere.
    pub(crate) fn cpu(&self) -> Result<Box<dyn VideoOutput>, String> {
        let output = cpu::CpuOutput::new(Arc::clone(&self.window), Arc::clone(&self.screen));
        Ok(Box::new(output.map_err(|e| format!("cannot draw in the window: {e}"))?))
    }
}
