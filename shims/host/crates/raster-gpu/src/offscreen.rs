//! A texture to draw into and read back: for tests and for runs without a window.

use kinora_port::{ImageStore, Picture, UiRaster};

use crate::GpuRaster;

/// Rows of a copy to memory begin at multiples of this.
const ROW_ALIGN: u32 = wgpu::COPY_BYTES_PER_ROW_ALIGNMENT;

/// A device without a window.
pub struct Offscreen {
    device: wgpu::Device,
    queue: wgpu::Queue,
    raster: GpuRaster,
    name: String,
}

impl Offscreen {
    /// Takes any adapter, also a software one, limited to what GLES 3 offers; `WGPU_BACKEND` (`vulkan`, `gl`) chooses. `None` when there
    /// is none.
    pub fn new() -> Option<Offscreen> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let adapter = pollster::block_on(instance.request_adapter(&Default::default())).ok()?;
        let limits = wgpu::Limits::downlevel_webgl2_defaults().using_resolution(adapter.limits());
        let wanted = wgpu::DeviceDescriptor { required_limits: limits, ..Default::default() };
        let (device, queue) = pollster::block_on(adapter.request_device(&wanted)).ok()?;
        let raster = GpuRaster::new(device.clone(), queue.clone(), wgpu::TextureFormat::Bgra8Unorm);
        let info = adapter.get_info();
        Some(Offscreen { device, queue, raster, name: format!("{} ({:?})", info.name, info.backend) })
    }

    /// What draws: adapter and interface.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The picture's pixels, `0xFFRRGGBB`, rows from the top. Blocks until they are drawn; `None` when the device is lost.
    pub fn draw(&mut self, picture: &Picture<'_>, images: &ImageStore) -> Option<Vec<u32>> {
        let (width, height) = (picture.width_px, picture.height_px);
        let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
        let texture = self.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("offscreen"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Bgra8Unorm,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        self.raster.draw(picture, images, &mut texture.create_view(&Default::default()));
        let stride = (width * 4).next_multiple_of(ROW_ALIGN);
        let memory = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("offscreen"),
            size: u64::from(stride) * u64::from(height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let layout =
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(stride), rows_per_image: None };
        let into = wgpu::TexelCopyBufferInfo { buffer: &memory, layout };
        encoder.copy_texture_to_buffer(texture.as_image_copy(), into, size);
        self.queue.submit([encoder.finish()]);
        memory.map_async(wgpu::MapMode::Read, .., |_| {});
        self.device.poll(wgpu::PollType::wait_indefinitely()).ok()?;
        let bytes = memory.get_mapped_range(..).ok()?;
        let rows =
            bytes.chunks_exact(stride as usize).flat_map(|row| row[..width as usize * 4].as_chunks::<4>().0);
        Some(rows.map(|&bgra| u32::from_le_bytes(bgra)).collect())
    }
}
