//! Every shape but video: instances of one quad.

use std::ops::Range;

use kinora_display_list::{Bounds, Clip, Color, Draw, Fill, Glyph, Placement, Shape};
use kinora_port::{ImageFormat, ImageStore, Picture, StoredImage};

use crate::images::Images;
use crate::{Gpu, bytes_of};

/// Farther than any surface.
const EVERYWHERE: Bounds = Bounds { x: -1e6, y: -1e6, w: 2e6, h: 2e6 };
/// Vectors of four numbers in an instance.
const VECTORS: usize = 9;
const INSTANCE_BYTES: u64 = VECTORS as u64 * 16;
/// How much a half-covered pixel of white text gains (README of the display list).
const LIGHT_TEXT_GAIN: f32 = 0.35;

/// The fields of `Instance` in `shapes.wgsl`.
#[derive(Clone, Copy, Default)]
struct Instance {
    quad: [f32; 4],
    rect: [f32; 4],
    numbers: [f32; 4],
    first: [f32; 4],
    second: [f32; 4],
    clip: [f32; 4],
    rounded: [f32; 4],
    more: [f32; 4],
    source: [f32; 4],
}

impl Instance {
    fn numbers(&self) -> impl Iterator<Item = f32> {
        let Instance { quad, rect, numbers, first, second, clip, rounded, more, source } = *self;
        [quad, rect, numbers, first, second, clip, rounded, more, source].into_iter().flatten()
    }
}

/// What is drawn by a pipeline of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A rectangle without a radius, a border or a clip, as those below controls that cover much of a film.
    Plain,
    Rect,
    Shadow,
    Image,
    Glyph,
}

/// Fragment entry points of `shapes.wgsl`, in the order of [`Kind`].
const ENTRY_POINTS: [&str; 5] = ["plain", "rect", "blur", "image", "glyph"];

impl Kind {
    /// Of what is no video.
    fn of(draw: &Draw) -> Option<Kind> {
        match &draw.shape {
            Shape::Video { .. } => None,
            Shape::Rect { radius, border, .. }
                if draw.clip.is_none() && *radius <= 0.0 && border.0 <= 0.0 =>
            {
                Some(Kind::Plain)
            }
            Shape::Rect { .. } => Some(Kind::Rect),
            Shape::Shadow { .. } => Some(Kind::Shadow),
            Shape::Image { .. } => Some(Kind::Image),
            Shape::Glyphs { .. } => Some(Kind::Glyph),
        }
    }
}

/// Instances in a row that use one pipeline and one texture.
struct Batch {
    kind: Kind,
    image: Option<u64>,
    instances: Range<u32>,
}

pub(crate) struct Shapes {
    pipelines: [wgpu::RenderPipeline; 5],
    surface: wgpu::Buffer,
    surface_group: wgpu::BindGroup,
    buffer: wgpu::Buffer,
    images: Images,
    instances: Vec<Instance>,
    batches: Vec<Batch>,
}

impl Shapes {
    pub(crate) fn new(gpu: &Gpu) -> Shapes {
        let images = Images::new(gpu);
        let uniform = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let surface_layout = gpu.bind_layout(&[(wgpu::ShaderStages::VERTEX, uniform)]);
        let surface = gpu.buffer(16, wgpu::BufferUsages::UNIFORM);
        let surface_group = gpu.bind(&surface_layout, vec![surface.as_entire_binding()]);
        let attributes: Vec<_> = (0..VECTORS as u32)
            .map(|location| wgpu::VertexAttribute {
                format: wgpu::VertexFormat::Float32x4,
                offset: u64::from(location) * 16,
                shader_location: location,
            })
            .collect();
        let layout = wgpu::VertexBufferLayout {
            array_stride: INSTANCE_BYTES,
            step_mode: wgpu::VertexStepMode::Instance,
            attributes: &attributes,
        };
        let module = gpu.device.create_shader_module(wgpu::include_wgsl!("shapes.wgsl"));
        let groups = [&surface_layout, images.layout()];
        let blend = Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING);
        let pipelines = ENTRY_POINTS.map(|entry| {
            gpu.pipeline(&module, ["vertex", entry], &[], blend, &groups, &[Some(layout.clone())])
        });
        let buffer = gpu.buffer(64 * INSTANCE_BYTES, wgpu::BufferUsages::VERTEX);
        Shapes {
            pipelines,
            surface,
            surface_group,
            buffer,
            images,
            instances: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Uploads the instances and images of a picture.
    pub(crate) fn prepare(&mut self, gpu: &Gpu, picture: &Picture<'_>, images: &ImageStore) {
        self.instances.clear();
        self.batches.clear();
        self.images.begin();
        for draw in picture.draws {
            let Some(kind) = Kind::of(draw) else { continue };
            let image = match draw.shape {
                Shape::Image { key, .. } | Shape::Glyphs { page: key, .. } => {
                    let Some(image) = self.images.need(gpu, images, key) else { continue };
                    Some((key, image))
                }
                _ => None,
            };
            let from = self.instances.len() as u32;
            add(draw, image.map(|(_, image)| image), &mut self.instances);
            let to = self.instances.len() as u32;
            let image = image.map(|(key, _)| key);
            match self.batches.last_mut() {
                Some(last) if (last.kind, last.image) == (kind, image) => last.instances.end = to,
                _ => self.batches.push(Batch { kind, image, instances: from..to }),
            }
        }
        let bytes = bytes_of(self.instances.iter().flat_map(Instance::numbers));
        if self.buffer.size() < bytes.len() as u64 {
            let size = (bytes.len() as u64).next_power_of_two();
            self.buffer = gpu.buffer(size, wgpu::BufferUsages::VERTEX);
        }
        gpu.queue.write_buffer(&self.buffer, 0, &bytes);
        let size = [picture.width_px as f32, picture.height_px as f32, 0.0, 0.0];
        gpu.queue.write_buffer(&self.surface, 0, &bytes_of(size));
    }

    pub(crate) fn record(&self, pass: &mut wgpu::RenderPass<'_>) {
        pass.set_bind_group(0, &self.surface_group, &[]);
        pass.set_vertex_buffer(0, self.buffer.slice(..));
        for batch in &self.batches {
            pass.set_pipeline(&self.pipelines[batch.kind as usize]);
            pass.set_bind_group(1, self.images.group(batch.image), &[]);
            pass.draw(0..4, batch.instances.clone());
        }
    }
}

fn corners(b: &Bounds) -> [f32; 4] {
    [b.x, b.y, b.x + b.w, b.y + b.h]
}

fn flat(b: &Bounds) -> [f32; 4] {
    [b.x, b.y, b.w, b.h]
}

fn premultiplied(color: Color) -> [f32; 4] {
    let [r, g, b, a] = color.to_be_bytes().map(|v| f32::from(v) / 255.0);
    [r * a, g * a, b * a, a]
}

/// Appends the instances of a draw.
fn add(draw: &Draw, image: Option<&StoredImage>, out: &mut Vec<Instance>) {
    let everywhere = Clip { bounds: EVERYWHERE, rounded: EVERYWHERE, radius: 0.0 };
    let clip = draw.clip.unwrap_or(everywhere);
    // Every pixel that is covered in part, whole.
    let [left, top, right, bottom] = corners(&draw.bounds());
    let base = Instance {
        quad: [left.floor(), top.floor(), right.ceil(), bottom.ceil()],
        clip: corners(&clip.bounds),
        rounded: flat(&clip.rounded),
        more: [clip.radius, 0.0, 0.0, 1.0],
        ..Instance::default()
    };
    match &draw.shape {
        Shape::Video { .. } => {}
        Shape::Rect { rect, radius, fill, border } => {
            let base = Instance { rect: flat(rect), numbers: [*radius, 0.0, 0.0, 0.0], ..base };
            match fill {
                Fill::Solid(color) => {
                    let color = premultiplied(*color);
                    out.push(Instance { first: color, second: color, ..base });
                }
                Fill::Linear { vertical, stops } => gradient(&base, rect, *vertical, stops, out),
            }
            if border.0 > 0.0 {
                let color = premultiplied(border.1);
                let numbers = [*radius, 0.0, border.0, 0.0];
                out.push(Instance { numbers, first: color, second: color, ..base });
            }
        }
        Shape::Shadow { rect, radius, sigma, color } => out.push(Instance {
            rect: flat(rect),
            numbers: [*radius, 0.0, sigma.max(0.1), 0.0],
            first: premultiplied(*color),
            ..base
        }),
        Shape::Image { rect, turn, source, radius, tint, .. } => {
            let Some((image, source)) = image.and_then(|image| Some((image, inside(image, *source)?))) else {
                return;
            };
            let coverage = f32::from(image.format == ImageFormat::A8);
            out.push(Instance {
                rect: flat(rect),
                numbers: [*radius, coverage, 0.0, 0.0],
                first: premultiplied(*tint),
                more: [clip.radius, turn.0, turn.1, 0.0],
                source,
                ..base
            });
        }
        Shape::Glyphs { color, placement, glyphs, .. } => {
            let Some(page) = image else { return };
            let [r, g, b, _] = color.to_be_bytes().map(|v| f32::from(v) / 255.0);
            let gain = LIGHT_TEXT_GAIN * (0.2126 * r + 0.7152 * g + 0.0722 * b);
            let base = Instance {
                rect: [placement.x0, placement.y0, placement.a, placement.b],
                numbers: [0.0, 0.0, gain, 0.0],
                first: premultiplied(*color),
                ..base
            };
            for glyph in glyphs.iter().filter(|glyph| glyph.w > 0 && glyph.h > 0) {
                let (x, y) = (u32::from(glyph.source_x), u32::from(glyph.source_y));
                let (w, h) = (u32::from(glyph.w), u32::from(glyph.h));
                if let Some(source) = inside(page, (x, y, w, h)) {
                    let more = [clip.radius, glyph.x as f32, glyph.y as f32, 0.0];
                    out.push(Instance { quad: glyph_quad(placement, glyph), more, source, ..base });
                }
            }
        }
    }
}

/// An instance for each way from stop to stop, and for the ends.
fn gradient(base: &Instance, rect: &Bounds, vertical: bool, stops: &[(u32, Color)], out: &mut Vec<Instance>) {
    let (Some(&first), Some(&last)) = (stops.first(), stops.last()) else { return };
    let (axis, start, len) = if vertical { (1, rect.y, rect.h) } else { (0, rect.x, rect.w) };
    let place = |at: u32| start + len * at as f32 / 1000.0;
    let before = (base.quad[axis], place(first.0), first.1, first.1);
    let after = (place(last.0), base.quad[axis + 2], last.1, last.1);
    let between = stops.windows(2).map(|pair| (place(pair[0].0), place(pair[1].0), pair[0].1, pair[1].1));
    for (from, to, color, next) in [before].into_iter().chain(between).chain([after]) {
        // The clip may have cut the quad shorter than the gradient is.
        let (low, high) = (from.max(base.quad[axis]), to.min(base.quad[axis + 2]));
        if low >= high {
            continue;
        }
        let mut instance = *base;
        (instance.quad[axis], instance.quad[axis + 2]) = (low, high);
        instance.numbers[3] = 1.0;
        instance.more = [base.more[0], axis as f32, from, to];
        (instance.first, instance.second) = (premultiplied(color), premultiplied(next));
        out.push(instance);
    }
}

/// The source rectangle as numbers, if the image has it.
fn inside(image: &StoredImage, (x, y, w, h): (u32, u32, u32, u32)) -> Option<[f32; 4]> {
    if (x, y, w, h) == (0, 0, 0, 0) {
        return Some([0.0, 0.0, image.width as f32, image.height as f32]);
    }
    let fits = |at: u32, len: u32, side: u32| len > 0 && at.checked_add(len).is_some_and(|end| end <= side);
    (fits(x, w, image.width) && fits(y, h, image.height)).then_some([x as f32, y as f32, w as f32, h as f32])
}

/// The whole pixels that a glyph can touch; bilinear sampling reaches half a texel beyond its edge.
fn glyph_quad(placement: &Placement, glyph: &Glyph) -> [f32; 4] {
    let reach = if placement.is_whole_pixel() { 0.0 } else { 0.5 };
    let (left, top) = (glyph.x as f32 - reach, glyph.y as f32 - reach);
    let (right, bottom) =
        (glyph.x as f32 + f32::from(glyph.w) + reach, glyph.y as f32 + f32::from(glyph.h) + reach);
    let corners =
        [(left, top), (right, top), (left, bottom), (right, bottom)].map(|(x, y)| placement.apply(x, y));
    let (xs, ys) = (corners.map(|c| c.0), corners.map(|c| c.1));
    let low = |v: [f32; 4]| v.into_iter().fold(f32::MAX, f32::min).floor();
    let high = |v: [f32; 4]| v.into_iter().fold(f32::MIN, f32::max).ceil();
    [low(xs), low(ys), high(xs), high(ys)]
}
