//! Draws pictures with wgpu, in two pipelines that need no more than GLES 3: video, and instanced quads for all shapes.
//!
//! The target's format must not be an sRGB one: video and colours are already encoded. What is drawn agrees with the CPU raster
//! but for rounding, and for video made smaller, which is averaged from fewer samples.

mod images;
pub mod offscreen;
mod shapes;
mod video;

use kinora_port::{ImageStore, Picture, PixelRect, UiRaster};

use shapes::Shapes;
use video::Videos;

/// The device that everything is made with.
#[derive(Clone)]
struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// Of the targets.
    format: wgpu::TextureFormat,
}

/// Draws into textures of one format.
pub struct GpuRaster {
    gpu: Gpu,
    videos: Videos,
    shapes: Shapes,
}

impl GpuRaster {
    /// Makes the pipelines for targets of `format`, which must not be an sRGB format.
    pub fn new(device: wgpu::Device, queue: wgpu::Queue, format: wgpu::TextureFormat) -> GpuRaster {
        let gpu = Gpu { device, queue, format };
        GpuRaster { videos: Videos::new(&gpu), shapes: Shapes::new(&gpu), gpu }
    }

    /// Records a pass that draws the whole picture over `target`, and uploads what it needs.
    pub fn render(
        &mut self,
        picture: &Picture<'_>,
        images: &ImageStore,
        target: &wgpu::TextureView,
        encoder: &mut wgpu::CommandEncoder,
    ) {
        self.videos.prepare(&self.gpu, picture);
        self.shapes.prepare(&self.gpu, picture, images);
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("picture"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        });
        self.videos.record(&mut pass);
        self.shapes.record(&mut pass);
    }
}

impl UiRaster<wgpu::TextureView> for GpuRaster {
    /// Submits the pass; the whole surface counts as changed.
    fn draw(
        &mut self,
        picture: &Picture<'_>,
        images: &ImageStore,
        target: &mut wgpu::TextureView,
    ) -> Vec<PixelRect> {
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        self.render(picture, images, target, &mut encoder);
        self.gpu.queue.submit([encoder.finish()]);
        vec![PixelRect { x: 0, y: 0, w: picture.width_px, h: picture.height_px }]
    }
}

impl Gpu {
    /// A pipeline that draws quads as strips of four vertices, with two of the module's entry points and its constants; `blend`, over what is there.
    fn pipeline(
        &self,
        module: &wgpu::ShaderModule,
        [vertex, fragment]: [&str; 2],
        constants: &[(&str, f64)],
        blend: Option<wgpu::BlendState>,
        groups: &[&wgpu::BindGroupLayout],
        buffers: &[Option<wgpu::VertexBufferLayout<'_>>],
    ) -> wgpu::RenderPipeline {
        let groups: Vec<Option<&wgpu::BindGroupLayout>> = groups.iter().map(|group| Some(*group)).collect();
        let layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(fragment),
            bind_group_layouts: &groups,
            immediate_size: 0,
        });
        self.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(fragment),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module,
                entry_point: Some(vertex),
                compilation_options: Default::default(),
                buffers,
            },
            primitive: wgpu::PrimitiveState {
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                ..Default::default()
            },
            depth_stencil: None,
            multisample: Default::default(),
            fragment: Some(wgpu::FragmentState {
                module,
                entry_point: Some(fragment),
                compilation_options: wgpu::PipelineCompilationOptions { constants, ..Default::default() },
                targets: &[Some(wgpu::ColorTargetState {
                    format: self.format,
                    blend,
                    write_mask: wgpu::ColorWrites::ALL,
                })],
            }),
            multiview_mask: None,
            cache: None,
        })
    }

    fn bind_layout(&self, entries: &[(wgpu::ShaderStages, wgpu::BindingType)]) -> wgpu::BindGroupLayout {
        let entries: Vec<_> = (0..)
            .zip(entries)
            .map(|(binding, &(visibility, ty))| wgpu::BindGroupLayoutEntry {
                binding,
                visibility,
                ty,
                count: None,
            })
            .collect();
        self.device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
    }

    fn bind(
        &self,
        layout: &wgpu::BindGroupLayout,
        resources: Vec<wgpu::BindingResource<'_>>,
    ) -> wgpu::BindGroup {
        let entries: Vec<_> = (0..)
            .zip(resources)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
            .collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    }

    fn buffer(&self, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage: usage | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// A texture to be filled from memory.
    fn texture(&self, (width, height, depth): (u32, u32, u32), format: wgpu::TextureFormat) -> wgpu::Texture {
        self.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d { width, height, depth_or_array_layers: depth },
            mip_level_count: 1,
            sample_count: 1,
            dimension: if depth > 1 { wgpu::TextureDimension::D3 } else { wgpu::TextureDimension::D2 },
            format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        })
    }

    /// Fills a texture with rows that are `stride` bytes apart.
    fn fill(&self, texture: &wgpu::Texture, bytes: &[u8], stride: u32) {
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(stride),
            rows_per_image: Some(texture.height()),
        };
        self.queue.write_texture(texture.as_image_copy(), bytes, layout, texture.size());
    }
}

/// Numbers as the shaders read them.
fn bytes_of(numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    numbers.into_iter().flat_map(f32::to_ne_bytes).collect()
}
