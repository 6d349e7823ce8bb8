//! Textures of the store's images.

use std::collections::BTreeMap;

use kinora_port::{ImageFormat, ImageStore, StoredImage};

use crate::Gpu;

/// Pictures for which a texture that nothing draws is kept: some seconds.
const KEPT_PICTURES: u64 = 300;

/// A texture with what it was made of.
struct Cached {
    generation: u64,
    used_in: u64,
    texture: wgpu::Texture,
    group: wgpu::BindGroup,
}

/// Textures by image key.
pub(crate) struct Images {
    layout: wgpu::BindGroupLayout,
    /// Bound where a shape has no image.
    blank: wgpu::BindGroup,
    cached: BTreeMap<u64, Cached>,
    picture: u64,
}

impl Images {
    pub(crate) fn new(gpu: &Gpu) -> Images {
        let texture = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let layout = gpu.bind_layout(&[(wgpu::ShaderStages::FRAGMENT, texture)]);
        let blank = bind(gpu, &layout, &gpu.texture((1, 1, 1), wgpu::TextureFormat::R8Unorm));
        Images { layout, blank, cached: BTreeMap::new(), picture: 0 }
    }

    pub(crate) fn layout(&self) -> &wgpu::BindGroupLayout {
        &self.layout
    }

    /// Begins a picture; lets go of textures long unused.
    pub(crate) fn begin(&mut self) {
        self.picture += 1;
        let oldest = self.picture.saturating_sub(KEPT_PICTURES);
        self.cached.retain(|_, cached| cached.used_in >= oldest);
    }

    /// Makes sure that the texture of an image is current; `None` if the store does not hold the image.
    pub(crate) fn need<'i>(
        &mut self,
        gpu: &Gpu,
        images: &'i ImageStore,
        key: u64,
    ) -> Option<&'i StoredImage> {
        let image = images.get(key)?;
        let (format, pixel) = match image.format {
            ImageFormat::A8 => (wgpu::TextureFormat::R8Unorm, 1),
            ImageFormat::Rgba8 => (wgpu::TextureFormat::Rgba8Unorm, 4),
        };
        // GLES 3 promises no more than 2048; what the device cannot hold is left out, as a missing image is.
        if image.width.max(image.height) > gpu.device.limits().max_texture_dimension_2d {
            return None;
        }
        let fits = |cached: &Cached| {
            (cached.texture.width(), cached.texture.height(), cached.texture.format())
                == (image.width, image.height, format)
        };
        let reusable = self.cached.remove(&key).filter(fits);
        let (made_from, texture, group) = match reusable {
            Some(cached) => (Some(cached.generation), cached.texture, cached.group),
            None => {
                let texture = gpu.texture((image.width, image.height, 1), format);
                let group = bind(gpu, &self.layout, &texture);
                (None, texture, group)
            }
        };
        if made_from != Some(image.generation) {
            gpu.fill(&texture, &image.pixels, image.width * pixel);
        }
        let cached = Cached { generation: image.generation, used_in: self.picture, texture, group };
        self.cached.insert(key, cached);
        Some(image)
    }

    /// What to bind for an image, or for none.
    pub(crate) fn group(&self, key: Option<u64>) -> &wgpu::BindGroup {
        key.and_then(|key| self.cached.get(&key)).map_or(&self.blank, |cached| &cached.group)
    }
}

fn bind(gpu: &Gpu, layout: &wgpu::BindGroupLayout, texture: &wgpu::Texture) -> wgpu::BindGroup {
    let view = texture.create_view(&Default::default());
    gpu.bind(layout, vec![wgpu::BindingResource::TextureView(&view)])
}
