//! Presenting with a GPU: wgpu draws into the window's own textures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kinora_host::realtime::{Clock, Refreshes, Screen};
use kinora_port::{Failure, ImageStore, Next, Picture, UiRaster, VideoOutput, Vsync, code};
use kinora_raster_gpu::GpuRaster;
use wgpu::{
    Adapter, AdapterInfo, CurrentSurfaceTexture, DeviceType, Instance, InstanceDescriptor, TextureFormat,
};
use winit::window::Window;

/// Texture formats whose values are taken as they are: video and colours are encoded already.
const FORMATS: [TextureFormat; 2] = [TextureFormat::Bgra8Unorm, TextureFormat::Rgba8Unorm];
/// Getting a texture faster than this was no wait for the screen.
const WAITED: Duration = Duration::from_millis(1);

/// A window drawn by a GPU.
pub(super) struct GpuOutput {
    window: Arc<Window>,
    screen: Arc<Screen>,
    clock: Clock,
    surface: wgpu::Surface<'static>,
    device: wgpu::Device,
    queue: wgpu::Queue,
    config: wgpu::SurfaceConfiguration,
    raster: GpuRaster,
    /// None where a CPU draws: what it has finished is seen at once.
    refreshes: Option<Refreshes>,
    lost: Arc<AtomicBool>,
}

impl GpuOutput {
    /// Takes the adapter that suits the window best; the error says why none does. `software`: even one that is a CPU.
    pub(super) fn new(
        window: Arc<Window>,
        screen: Arc<Screen>,
        clock: Clock,
        software: bool,
    ) -> Result<Self, String> {
        // What comes second is not even loaded unless it is needed.
        let (surface, adapter) = match adapter(&window, wgpu::Backends::PRIMARY) {
            Ok(found) if software || found.1.get_info().device_type != DeviceType::Cpu => found,
            other => adapter(&window, wgpu::Backends::GL).or(other)?,
        };
        let info = adapter.get_info();
        let is_cpu = info.device_type == DeviceType::Cpu;
        if is_cpu && !software {
            return Err(format!("{} is a CPU", info.name));
        }
        let (device, queue) = open(&adapter)?;
        let lost = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&lost);
        device.set_device_lost_callback(move |_, _| flag.store(true, Ordering::Relaxed));
        let flag = Arc::clone(&lost);
        device.on_uncaptured_error(Arc::new(move |error| {
            eprintln!("kinora: GPU: {error}");
            flag.store(true, Ordering::Relaxed);
        }));
        let formats = surface.get_capabilities(&adapter).formats;
        let format = FORMATS.into_iter().find(|format| formats.contains(format));
        let format = format.ok_or("it offers no plain 8-bit format for windows")?;
        let (width, height) = screen.size();
        let config = surface.get_default_config(&adapter, width.max(1), height.max(1));
        let config = wgpu::SurfaceConfiguration {
            format,
            present_mode: if is_cpu { wgpu::PresentMode::AutoNoVsync } else { wgpu::PresentMode::Fifo },
            // A GPU in software is waited for.
            desired_maximum_frame_latency: if is_cpu { 1 } else { 2 },
            ..config.ok_or("it cannot draw in this window")?
        };
        surface.configure(&device, &config);
        let raster = GpuRaster::new(device.clone(), queue.clone(), format);
        let refreshes = (!is_cpu).then(|| Refreshes::new(screen.period_us(), clock.now()));
        Ok(GpuOutput { window, screen, clock, surface, device, queue, config, raster, refreshes, lost })
    }

    /// The next texture to draw into; `None` when there is none to be had now, which is no fault.
    fn texture(&mut self) -> Result<Option<wgpu::SurfaceTexture>, Failure> {
        match self.surface.get_current_texture() {
            CurrentSurfaceTexture::Success(texture) => return Ok(Some(texture)),
            CurrentSurfaceTexture::Timeout | CurrentSurfaceTexture::Occluded => return Ok(None),
            CurrentSurfaceTexture::Lost | CurrentSurfaceTexture::Validation => return Err(lost()),
            // Dropped, since a surface with a texture out cannot be configured.
            CurrentSurfaceTexture::Suboptimal(_) | CurrentSurfaceTexture::Outdated => {}
        }
        self.surface.configure(&self.device, &self.config);
        match self.surface.get_current_texture() {
            CurrentSurfaceTexture::Success(texture) | CurrentSurfaceTexture::Suboptimal(texture) => {
                Ok(Some(texture))
            }
            CurrentSurfaceTexture::Lost | CurrentSurfaceTexture::Validation => Err(lost()),
            // Being resized: the next size is on its way.
            _ => Ok(None),
        }
    }
}

impl VideoOutput for GpuOutput {
    fn size(&self) -> (u32, u32) {
        self.screen.size()
    }

    fn vsync(&self) -> Option<Vsync> {
        self.refreshes.as_ref().map(Refreshes::vsync)
    }

    fn present(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Result<(), Failure> {
        if (self.config.width, self.config.height) != (picture.width_px, picture.height_px) {
            (self.config.width, self.config.height) = (picture.width_px, picture.height_px);
            self.surface.configure(&self.device, &self.config);
        }
        // All of the window is drawn each time.
        self.screen.take_exposed();
        let began = self.clock.now();
        let Some(texture) = self.texture()? else { return Ok(()) };
        let now = self.clock.now();
        if let Some(refreshes) = &mut self.refreshes
            && now - began > WAITED.as_micros() as u64
        {
            refreshes.observe(now);
        }
        let mut view = texture.texture.create_view(&Default::default());
        self.raster.draw(picture, images, &mut view);
        self.window.pre_present_notify();
        self.queue.present(texture);
        if self.refreshes.is_none() {
            // Drawing takes the time it takes only if it is waited for; what is lost meanwhile is told below.
            let _ = self.device.poll(wgpu::PollType::wait_indefinitely());
        }
        if self.lost.load(Ordering::Relaxed) { Err(lost()) } else { Ok(()) }
    }
}

fn lost() -> Failure {
    Failure::new(Next::Rebuild, code::DEVICE_LOST, "the GPU or its surface is lost")
}

/// The adapter of some backends that suits the window best; `WGPU_BACKEND` says otherwise which.
fn adapter(
    window: &Arc<Window>,
    backends: wgpu::Backends,
) -> Result<(wgpu::Surface<'static>, Adapter), String> {
    let display = Box::new(Arc::clone(window));
    let mut wanted = InstanceDescriptor::new_with_display_handle(display);
    wanted.backends = backends;
    let instance = Instance::new(wanted.with_env());
    let surface = instance.create_surface(Arc::clone(window)).map_err(|e| e.to_string())?;
    let options = wgpu::RequestAdapterOptions { compatible_surface: Some(&surface), ..Default::default() };
    let adapter = pollster::block_on(instance.request_adapter(&options)).map_err(|e| e.to_string())?;
    Ok((surface, adapter))
}

/// Asks for no more than GLES 3 offers, but for textures as large as there are.
fn open(adapter: &Adapter) -> Result<(wgpu::Device, wgpu::Queue), String> {
    let limits = wgpu::Limits::downlevel_webgl2_defaults().using_resolution(adapter.limits());
    // There are few textures, and all are large.
    let memory_hints = wgpu::MemoryHints::MemoryUsage;
    let wanted = wgpu::DeviceDescriptor { required_limits: limits, memory_hints, ..Default::default() };
    pollster::block_on(adapter.request_device(&wanted)).map_err(|e| e.to_string())
}

/// Whether the system has a GPU at all: a look into a folder, where asking Vulkan would load all its drivers.
pub(crate) fn may_exist() -> bool {
    let mut nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let render = |node: std::fs::DirEntry| node.file_name().to_string_lossy().starts_with("renderD");
    nodes.any(render) || std::path::Path::new("/dev/nvidiactl").exists()
}

/// All adapters, for `doctor`.
pub(crate) fn adapters() -> Vec<AdapterInfo> {
    let instance = Instance::new(InstanceDescriptor::new_without_display_handle_from_env());
    let adapters =
        pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY | wgpu::Backends::GL));
    adapters.iter().map(Adapter::get_info).collect()
}
