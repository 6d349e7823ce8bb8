//! Video: planes as textures, converted in the fragment shader.
//!
//! A 16-bit sample is uploaded as two 8-bit channels that the shader interpolates and puts together: every GLES 3 device can
//! do it, where 16-bit normalised textures are optional and integer ones need a pipeline of their own. Chroma of 8 bits is uploaded
//! as signed pairs: samplers of GPUs in software interpolate unsigned bytes in bytes, which is too coarse for it, and signed ones in
//! floats.

use std::sync::{Arc, Weak};

use kinora_display_list::Shape;
use kinora_port::{Picture, VideoFrame};
use kinora_raster_cpu::color::{Transfer, YuvToRgb};
use kinora_raster_cpu::placement::{VideoPlacement, place, snap, turned_size};
use kinora_raster_cpu::planes::{Kind, Layout, Source, View};
use kinora_raster_cpu::tonemap::{SIDE, Tonemap};

use crate::{Gpu, bytes_of};

/// Vectors of four numbers in `Frame` of `video.wgsl`.
const UNIFORM_BYTES: u64 = 13 * 16;

/// A plane that the frame makes this much smaller still gives a good picture with one sample a pixel, which reaches two of it.
const REACH: f64 = 1.5;

/// Entry point for samples of a byte.
const VIDEO: &str = "video";
/// What draws black around a picture.
const BLACK: Way = Way { entry: "black", samples: [1, 1] };

/// What a pipeline is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Way {
    /// Fragment entry point of `video.wgsl`: samples of a byte, of two, or those of HDR, or none.
    entry: &'static str,
    /// Samples of luma and of chroma that are averaged.
    samples: [u32; 2],
}

pub(crate) struct Videos {
    module: wgpu::ShaderModule,
    /// Those that were needed so far.
    pipelines: Vec<(Way, wgpu::RenderPipeline)>,
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    /// One for each video of the list.
    slots: Vec<Slot>,
    /// Slots of the current picture.
    shown: usize,
}

/// What shows one video.
struct Slot {
    way: Way,
    /// Whether the picture is smaller than its rectangle.
    framed: bool,
    uniform: wgpu::Buffer,
    planes: Vec<wgpu::Texture>,
    /// Chroma on its way into its texture.
    pairs: Vec<u8>,
    /// The table of the frame's transfer.
    tones: (Transfer, wgpu::Texture),
    group: Option<wgpu::BindGroup>,
    frame: Weak<VideoFrame>,
}

impl Videos {
    pub(crate) fn new(gpu: &Gpu) -> Videos {
        use wgpu::{BindingType, SamplerBindingType, ShaderStages, TextureSampleType, TextureViewDimension};
        let texture = |view_dimension| BindingType::Texture {
            sample_type: TextureSampleType::Float { filterable: true },
            view_dimension,
            multisampled: false,
        };
        let uniform = BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let plane = (ShaderStages::FRAGMENT, texture(TextureViewDimension::D2));
        let layout = gpu.bind_layout(&[
            (ShaderStages::VERTEX_FRAGMENT, uniform),
            (ShaderStages::FRAGMENT, BindingType::Sampler(SamplerBindingType::Filtering)),
            plane,
            plane,
            plane,
            (ShaderStages::FRAGMENT, texture(TextureViewDimension::D3)),
        ]);
        let sampler = gpu.device.create_sampler(&wgpu::SamplerDescriptor {
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            // There are no smaller levels, and a GPU in software need not look which it is.
            lod_max_clamp: 0.0,
            ..Default::default()
        });
        Videos { module: module(gpu), pipelines: Vec::new(), layout, sampler, slots: Vec::new(), shown: 0 }
    }

    /// Uploads the frames of a picture that are new.
    pub(crate) fn prepare(&mut self, gpu: &Gpu, picture: &Picture<'_>) {
        self.shown = 0;
        for draw in picture.draws {
            let Shape::Video { timeline, rect, fit } = &draw.shape else { continue };
            let Some(frame) = picture.frame(*timeline) else { continue };
            let (Some(source), Some(placement)) = (Source::coded(frame), place(frame, rect, *fit)) else {
                continue;
            };
            let colors = YuvToRgb::of(frame);
            let entry = match (colors.transfer, source.layout.bytes) {
                (Transfer::Sdr, 1) => VIDEO,
                (Transfer::Sdr, _) => "wide_video",
                _ => "hdr_video",
            };
            let spreads = [(1, 1), source.layout.sub].map(|sub| spread(frame, &placement, sub));
            let samples = spreads.map(|spread| if spread == [0.0; 2] { 1 } else { 2 });
            let way = Way { entry, samples };
            self.make_pipeline(gpu, way);
            if self.slots.len() == self.shown {
                self.slots.push(Slot {
                    way,
                    framed: false,
                    uniform: gpu.buffer(UNIFORM_BYTES, wgpu::BufferUsages::UNIFORM),
                    planes: Vec::new(),
                    pairs: Vec::new(),
                    tones: (Transfer::Sdr, tones(gpu, Transfer::Sdr)),
                    group: None,
                    frame: Weak::new(),
                });
            }
            let slot = &mut self.slots[self.shown];
            if colors.transfer != slot.tones.0 {
                slot.tones = (colors.transfer, tones(gpu, colors.transfer));
                slot.group = None;
            }
            slot.way = way;
            if !slot.upload(gpu, frame, &source) {
                continue;
            }
            if slot.group.is_none() {
                slot.group = Some(bind(gpu, &self.layout, &self.sampler, slot));
            }
            let whole = snap(rect);
            let (right, bottom) = (placement.x + placement.w as i32, placement.y + placement.h as i32);
            let shown = [placement.x, placement.y, right, bottom];
            let framed = whole != shown;
            slot.framed = framed;
            let quads = [quad(whole, picture), quad(shown, picture), shown.map(|edge| edge as f32)];
            let numbers = uniform(quads, frame, &source, way, &placement, spreads, &colors);
            gpu.queue.write_buffer(&slot.uniform, 0, &bytes_of(numbers));
            self.shown += 1;
            if framed {
                self.make_pipeline(gpu, BLACK);
            }
        }
    }

    fn make_pipeline(&mut self, gpu: &Gpu, way: Way) {
        if self.pipelines.iter().any(|(made, _)| *made == way) {
            return;
        }
        let [luma, chroma] = way.samples.map(f64::from);
        let constants = [("luma_samples", luma), ("chroma_samples", chroma)];
        let entries = [if way == BLACK { "whole" } else { "picture" }, way.entry];
        let pipeline = gpu.pipeline(&self.module, entries, &constants, None, &[&self.layout], &[]);
        self.pipelines.push((way, pipeline));
    }

    pub(crate) fn record(&self, pass: &mut wgpu::RenderPass<'_>) {
        for slot in &self.slots[..self.shown] {
            for way in slot.framed.then_some(BLACK).into_iter().chain([slot.way]) {
                let made = self.pipelines.iter().find(|(made, _)| *made == way);
                let Some((_, pipeline)) = made else { continue };
                pass.set_pipeline(pipeline);
                pass.set_bind_group(0, &slot.group, &[]);
                pass.draw(0..4, 0..1);
            }
        }
    }
}

/// The shader, without the checks that untrusted ones get: they cost a branch for each texel and a counter for each loop, of every pixel.
#[expect(unsafe_code, reason = "a shader of our own")]
fn module(gpu: &Gpu) -> wgpu::ShaderModule {
    // SAFETY: it clamps each texel's place to its texture; its loops turn twice at most; it has neither arrays with an index that
    // varies nor integer divisions.
    unsafe {
        let checks = wgpu::ShaderRuntimeChecks::unchecked();
        gpu.device.create_shader_module_trusted(wgpu::include_wgsl!("video.wgsl"), checks)
    }
}

/// What a texture is filled with.
struct Plane<'a> {
    size: (u32, u32),
    format: wgpu::TextureFormat,
    data: &'a [u8],
    stride: u32,
}

impl Way {
    /// Whether chroma is uploaded as signed pairs.
    fn pairs(self, layout: &Layout) -> bool {
        self.entry == VIDEO && layout.kind != Kind::Gray
    }

    /// The planes as the entry point reads them.
    fn planes<'a>(self, source: &'a Source<'_>, pairs: &'a mut Vec<u8>) -> Vec<Plane<'a>> {
        let stored = source.planes.iter().map(|plane| Plane {
            size: (plane.width as u32, plane.height as u32),
            format: match plane.element {
                1 => wgpu::TextureFormat::R8Unorm,
                2 => wgpu::TextureFormat::Rg8Unorm,
                _ => wgpu::TextureFormat::Rgba8Unorm,
            },
            data: plane.data(),
            stride: plane.stride() as u32,
        });
        if !self.pairs(&source.layout) {
            return stored.collect();
        }
        let size = signed_pairs(&source.planes[1..], pairs);
        let chroma = Plane { size, format: wgpu::TextureFormat::Rg8Snorm, data: pairs, stride: size.0 * 2 };
        stored.take(1).chain([chroma]).collect()
    }
}

/// Pairs of chroma samples less 128, of one plane that has them in turn or of two; how many across and down.
fn signed_pairs(chroma: &[View<'_>], out: &mut Vec<u8>) -> (u32, u32) {
    let (width, height) = (chroma[0].width, chroma[0].height);
    out.resize(2 * width * height, 0);
    for (y, row) in out.chunks_exact_mut((2 * width).max(1)).enumerate() {
        let samples = chroma[0].row(y, 0, width);
        match chroma.get(1) {
            Some(other) => {
                for ((pair, cb), cr) in row.chunks_exact_mut(2).zip(samples).zip(other.row(y, 0, width)) {
                    pair.copy_from_slice(&[cb ^ 0x80, cr ^ 0x80]);
                }
            }
            None => row.iter_mut().zip(samples).for_each(|(signed, sample)| *signed = sample ^ 0x80),
        }
    }
    (width as u32, height as u32)
}

impl Slot {
    /// Brings the frame's planes into textures; `false` when the device has none that large.
    fn upload(&mut self, gpu: &Gpu, frame: &Arc<VideoFrame>, source: &Source<'_>) -> bool {
        if self.frame.ptr_eq(&Arc::downgrade(frame)) {
            return true;
        }
        if frame.width.max(frame.height) > gpu.device.limits().max_texture_dimension_2d {
            return false;
        }
        let planes = self.way.planes(source, &mut self.pairs);
        let held = self.planes.iter().map(|t| ((t.width(), t.height()), t.format()));
        if !held.eq(planes.iter().map(|plane| (plane.size, plane.format))) {
            let texture = |plane: &Plane<'_>| gpu.texture((plane.size.0, plane.size.1, 1), plane.format);
            self.planes = planes.iter().map(texture).collect();
            self.group = None;
        }
        for (texture, plane) in self.planes.iter().zip(&planes) {
            gpu.fill(texture, plane.data, plane.stride);
        }
        self.frame = Arc::downgrade(frame);
        true
    }
}

fn bind(gpu: &Gpu, layout: &wgpu::BindGroupLayout, sampler: &wgpu::Sampler, slot: &Slot) -> wgpu::BindGroup {
    // Gray has one plane, and pairs are one: the last there is stands for the others, weighed by its own channels.
    let last = slot.planes.len() - 1;
    let view = |plane: usize| slot.planes[plane.min(last)].create_view(&Default::default());
    let (views, tones) = ([view(0), view(1), view(2)], slot.tones.1.create_view(&Default::default()));
    let mut resources = vec![slot.uniform.as_entire_binding(), wgpu::BindingResource::Sampler(sampler)];
    resources.extend(views.iter().chain([&tones]).map(wgpu::BindingResource::TextureView));
    gpu.bind(layout, resources)
}

/// The table of an HDR transfer; for SDR, which reads none, the smallest texture of three dimensions.
fn tones(gpu: &Gpu, transfer: Transfer) -> wgpu::Texture {
    let format = wgpu::TextureFormat::Rgba8Unorm;
    if transfer == Transfer::Sdr {
        return gpu.texture((1, 1, 2), format);
    }
    let side = SIDE as u32;
    let texture = gpu.texture((side, side, side), format);
    gpu.fill(&texture, &Tonemap::new(transfer).rgba(), side * 4);
    texture
}

/// Device coordinates of a rectangle's edges.
fn quad([left, top, right, bottom]: [i32; 4], picture: &Picture<'_>) -> [f32; 4] {
    let x = |edge: i32| edge as f32 / picture.width_px as f32 * 2.0 - 1.0;
    let y = |edge: i32| 1.0 - edge as f32 / picture.height_px as f32 * 2.0;
    [x(left), y(top), x(right), y(bottom)]
}

/// The numbers of `Frame` in `video.wgsl`.
fn uniform(
    quads: [[f32; 4]; 3],
    frame: &VideoFrame,
    source: &Source<'_>,
    way: Way,
    p: &VideoPlacement,
    spreads: [[f32; 2]; 2],
    colors: &YuvToRgb,
) -> Vec<f32> {
    let luma = to_coded(frame, p);
    let (width, height) = (f64::from(frame.width), f64::from(frame.height));
    let [near, far] = spreads;
    let luma_rows = [scaled(luma[0], 1.0 / width, 0.0, near), scaled(luma[1], 1.0 / height, 0.0, near)];
    let chroma_rows = match source.planes.get(1).filter(|_| source.layout.sub != (1, 1)) {
        Some(plane) => {
            let ((sub_x, sub_y), at) = (source.layout.sub, source.siting);
            // A chroma sample's index is (luma index - siting) / sub; coordinates are half a sample further.
            let row = |row, len: usize, sub: u32, at: f64| {
                let sub = f64::from(sub);
                scaled(row, 1.0 / (sub * len as f64), (0.5 - (0.5 + at) / sub) / len as f64, far)
            };
            [row(luma[0], plane.width, sub_x, at.0), row(luma[1], plane.height, sub_y, at.1)]
        }
        None => luma_rows,
    };
    let mut matrix = [[0.0; 4]; 3];
    for (out, row) in matrix.iter_mut().zip(colors.matrix) {
        let offset: f32 = row.iter().zip(colors.offset).map(|(factor, offset)| factor * offset).sum();
        *out = [row[0] / 255.0, row[1] / 255.0, row[2] / 255.0, -offset / 255.0];
    }
    if source.layout.kind == Kind::Gray || way.pairs(&source.layout) {
        // Cb and Cr are not there, or less than they are by what neutral ones are.
        for row in &mut matrix {
            row[3] += (row[1] + row[2]) * 128.0;
        }
    }
    let vectors = quads.into_iter().chain(luma_rows).chain(chroma_rows);
    vectors.chain(weights(&source.layout, way)).chain(matrix).flatten().collect()
}

/// How far, in pixels, the samples that are averaged lie from a pixel's middle, in x and in y: not at all where a plane with a sample for so many
/// pixels of the frame is not made much smaller.
fn spread(frame: &VideoFrame, p: &VideoPlacement, (sub_x, sub_y): (u32, u32)) -> [f32; 2] {
    let reduces =
        |len: u32, span: f64, sub| if span > REACH * f64::from(len) * f64::from(sub) { 0.25 } else { 0.0 };
    let turned = !frame.rotation_deg.is_multiple_of(180);
    let (sub_x, sub_y) = if turned { (sub_y, sub_x) } else { (sub_x, sub_y) };
    [reduces(p.w, p.source[2], sub_x), reduces(p.h, p.source[3], sub_y)]
}

/// From a pixel of the surface to a place in the coded frame, in its pixels, edges whole: a row for x, one for y.
fn to_coded(frame: &VideoFrame, p: &VideoPlacement) -> [[f64; 3]; 2] {
    let [x, y, w, h] = p.source;
    let (step_x, step_y) = (w / f64::from(p.w), h / f64::from(p.h));
    let u = [step_x, 0.0, x - f64::from(p.x) * step_x];
    let v = [0.0, step_y, y - f64::from(p.y) * step_y];
    let (turned_w, turned_h) = turned_size(frame);
    let mirrored = |row: [f64; 3], len: u32| [-row[0], -row[1], f64::from(len) - row[2]];
    match frame.rotation_deg % 360 {
        90 => [v, mirrored(u, turned_w)],
        180 => [mirrored(u, turned_w), mirrored(v, turned_h)],
        270 => [mirrored(v, turned_h), u],
        _ => [u, v],
    }
}

/// A row in other units, with what it makes of the distance between the samples that are averaged.
fn scaled(row: [f64; 3], by: f64, plus: f64, [x, y]: [f32; 2]) -> [f32; 4] {
    let spread = (row[0] * f64::from(x) + row[1] * f64::from(y)) * by;
    [(row[0] * by) as f32, (row[1] * by) as f32, (row[2] * by + plus) as f32, spread as f32]
}

/// What each channel of a plane's texel adds to a sample counted in 8-bit steps.
fn weights(layout: &Layout, way: Way) -> [[f32; 4]; 3] {
    let one = [255.0, 0.0, 0.0, 0.0];
    if way.pairs(layout) {
        return [one, [127.0, 0.0, 0.0, 0.0], [0.0, 127.0, 0.0, 0.0]];
    }
    // Low byte, high byte: ten low bits count quarters, ten high bits (P010) the high byte whole steps.
    let wide = if layout.kind == Kind::SemiPlanar {
        [255.0 / 256.0, 255.0, 0.0, 0.0]
    } else {
        [255.0 / 4.0, 255.0 * 64.0, 0.0, 0.0]
    };
    let [low, high, ..] = wide;
    match (layout.kind, layout.bytes) {
        (Kind::Gray, 1) => [one, [0.0; 4], [0.0; 4]],
        (Kind::Gray, _) => [wide, [0.0; 4], [0.0; 4]],
        (Kind::SemiPlanar, 1) => [one, one, [0.0, 255.0, 0.0, 0.0]],
        (Kind::SemiPlanar, _) => [wide, wide, [0.0, 0.0, low, high]],
        (_, 1) => [one; 3],
        (_, _) => [wide; 3],
    }
}
