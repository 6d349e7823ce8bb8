// A video's rectangle: the frame scaled, turned and converted, black around it.

struct Frame {
    whole: vec4f,                // The rectangle on the surface, as device coordinates: left, top, right, bottom.
    quad: vec4f,                 // The picture in it, likewise.
    shown: vec4f,                // The picture again, in pixels.
    luma: array<vec4f, 2>,       // Pixel (x, y, 1) to texture coordinates of luma, a row each; last how far beside it the samples lie that are averaged when reducing.
    chroma: array<vec4f, 2>,     // The same of chroma, which is often enlarged where luma is reduced.
    weigh: array<vec4f, 3>,      // A texel's channels to a sample in parts of 255: Y, Cb, Cr.
    matrix: array<vec4f, 3>,     // (Y, Cb, Cr, 1) to R'G'B'.
}
@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var linear: sampler;
@group(0) @binding(2) var first: texture_2d<f32>;
@group(0) @binding(3) var second: texture_2d<f32>;
@group(0) @binding(4) var third: texture_2d<f32>;
@group(0) @binding(5) var tones: texture_3d<f32>;

// Coordinates are left to the rasteriser, which goes from one to the next with an addition.
struct Varying {
    @builtin(position) position: vec4f,
    @location(0) luma: vec2f,
    @location(1) chroma: vec2f,
}

fn vertex(edges: vec4f, index: u32) -> vec2f {
    return vec2f(select(edges.x, edges.z, (index & 1u) == 1u), select(edges.y, edges.w, index > 1u));
}

fn coordinate(x: vec4f, y: vec4f, at: vec2f) -> vec2f {
    let place = vec3f(at, 1.0);
    return vec2f(dot(x.xyz, place), dot(y.xyz, place));
}

@vertex
fn picture(@builtin(vertex_index) index: u32) -> Varying {
    let at = vertex(frame.shown, index);
    let position = vec4f(vertex(frame.quad, index), 0.0, 1.0);
    return Varying(position, coordinate(frame.luma[0], frame.luma[1], at), coordinate(frame.chroma[0], frame.chroma[1], at));
}

@vertex
fn whole(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(vertex(frame.whole, index), 0.0, 1.0);
}

// What is around the picture.
@fragment
fn black() -> @location(0) vec4f {
    return vec4f(0.0, 0.0, 0.0, 1.0);
}

// Bilinear without the sampler, whose result may be no finer than 8 bits: too coarse for samples of two bytes. Texels from `low` to `high`, and how far from one to the other.
struct Between {
    low: vec2i,
    high: vec2i,
    part: vec2f,
}

fn between(plane: texture_2d<f32>, coordinate: vec2f) -> Between {
    let last = vec2f(textureDimensions(plane)) - 1.0;
    let place = clamp(coordinate * (last + 1.0) - 0.5, vec2f(0.0), last);
    let low = vec2i(place);
    return Between(low, min(low + 1, vec2i(last)), place - vec2f(low));
}

fn fine(plane: texture_2d<f32>, weigh: vec4f, at: Between) -> f32 {
    let above = mix(textureLoad(plane, at.low, 0), textureLoad(plane, vec2i(at.high.x, at.low.y), 0), at.part.x);
    let below = mix(textureLoad(plane, vec2i(at.low.x, at.high.y), 0), textureLoad(plane, at.high, 0), at.part.x);
    return dot(weigh, mix(above, below, at.part.y));
}

// How many samples are averaged: two where the plane is made smaller, else one. Known when the pipeline is made, since a GPU in software
// goes through a loop of unknown length for the most that it can be.
override luma_samples: i32 = 1;
override chroma_samples: i32 = 1;

// Where the `index`th of two samples lies: on the diagonal through the pixel's middle.
fn beside(middle: vec2f, spread: vec2f, index: i32) -> vec2f {
    return middle + spread * (f32(index) * 2.0 - 1.0);
}

fn luma(at: vec2f) -> f32 {
    let spread = vec2f(frame.luma[0].w, frame.luma[1].w);
    var sum = 0.0;
    for (var index = 0; index < luma_samples; index++) {
        sum += textureSampleLevel(first, linear, beside(at, spread, index), 0.0).x;
    }
    return frame.weigh[0].x * sum / f32(luma_samples);
}

fn fine_luma(at: vec2f) -> f32 {
    let spread = vec2f(frame.luma[0].w, frame.luma[1].w);
    var sum = 0.0;
    for (var index = 0; index < luma_samples; index++) {
        sum += fine(first, frame.weigh[0], between(first, beside(at, spread, index)));
    }
    return sum / f32(luma_samples);
}

// Of signed pairs.
fn chroma(at: vec2f) -> vec2f {
    let spread = vec2f(frame.chroma[0].w, frame.chroma[1].w);
    var sum = vec2f(0.0);
    for (var index = 0; index < chroma_samples; index++) {
        sum += textureSampleLevel(second, linear, beside(at, spread, index), 0.0).xy;
    }
    return vec2f(frame.weigh[1].x, frame.weigh[2].y) * sum / f32(chroma_samples);
}

fn fine_chroma(at: vec2f) -> vec2f {
    let spread = vec2f(frame.chroma[0].w, frame.chroma[1].w);
    var sum = vec2f(0.0);
    for (var index = 0; index < chroma_samples; index++) {
        // Both planes of chroma are of one size.
        let texels = between(second, beside(at, spread, index));
        sum += vec2f(fine(second, frame.weigh[1], texels), fine(third, frame.weigh[2], texels));
    }
    return sum / f32(chroma_samples);
}

fn converted(luma: f32, chroma: vec2f) -> vec3f {
    let all = vec4f(luma, chroma, 1.0);
    return vec3f(dot(frame.matrix[0], all), dot(frame.matrix[1], all), dot(frame.matrix[2], all));
}

// Tetrahedral interpolation, as the CPU raster does it and for its reason.
fn tonemap(color: vec3f) -> vec3f {
    let place = clamp(color, vec3f(0.0), vec3f(1.0)) * 32.0;
    let low = min(floor(place), vec3f(31.0));
    let part = place - low;
    let high = max(part.x, max(part.y, part.z));
    let least = min(part.x, min(part.y, part.z));
    let middle = part.x + part.y + part.z - high - least;
    let near = select(select(vec3f(0.0, 0.0, 1.0), vec3f(0.0, 1.0, 0.0), part.y == high), vec3f(1.0, 0.0, 0.0), part.x == high);
    let left_out = select(select(vec3f(1.0, 0.0, 0.0), vec3f(0.0, 1.0, 0.0), part.y == least), vec3f(0.0, 0.0, 1.0), part.z == least);
    let corner = vec3i(low);
    let further = vec3f(1.0) - left_out;
    return textureLoad(tones, corner, 0).rgb * (1.0 - high)
        + textureLoad(tones, corner + vec3i(near), 0).rgb * (high - middle)
        + textureLoad(tones, corner + vec3i(further), 0).rgb * (middle - least)
        + textureLoad(tones, corner + vec3i(1), 0).rgb * least;
}

@fragment
fn video(in: Varying) -> @location(0) vec4f {
    return vec4f(converted(luma(in.luma), chroma(in.chroma)), 1.0);
}

// Samples of two bytes.
@fragment
fn wide_video(in: Varying) -> @location(0) vec4f {
    return vec4f(converted(fine_luma(in.luma), fine_chroma(in.chroma)), 1.0);
}

@fragment
fn hdr_video(in: Varying) -> @location(0) vec4f {
    return vec4f(tonemap(converted(fine_luma(in.luma), fine_chroma(in.chroma))), 1.0);
}
