// A video's rectangle: the frame scaled, turned and converted, black around it.

struct Frame {
    quad: vec4f,                 // The whole rectangle on the surface, as device coordinates: left, top, right, bottom.
    shown: vec4f,                // Where the picture is, in pixels: left, top, right, bottom.
    luma: array<vec4f, 2>,       // Pixel (x, y, 1) to texture coordinates of luma, a row each.
    chroma: array<vec4f, 2>,     // The same of chroma.
    weigh: array<vec4f, 3>,      // A texel's channels to a sample in parts of 255: Y, Cb, Cr.
    matrix: array<vec4f, 3>,     // (Y, Cb, Cr, 1) to R'G'B'.
    spread: vec4f,               // Distance between the samples averaged when reducing, in pixels; whether HDR; whether samples have two bytes.
}
@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var linear: sampler;
@group(0) @binding(2) var first: texture_2d<f32>;
@group(0) @binding(3) var second: texture_2d<f32>;
@group(0) @binding(4) var third: texture_2d<f32>;
@group(0) @binding(5) var tones: texture_3d<f32>;

@vertex
fn vertex(@builtin(vertex_index) corner: u32) -> @builtin(position) vec4f {
    let x = select(frame.quad.x, frame.quad.z, (corner & 1u) == 1u);
    let y = select(frame.quad.y, frame.quad.w, corner > 1u);
    return vec4f(x, y, 0.0, 1.0);
}

// Bilinear without the sampler, whose result may be no finer than 8 bits: too coarse for chroma, which the matrix doubles, and
// for samples of two bytes.
fn fine(plane: texture_2d<f32>, weigh: vec4f, coordinate: vec2f) -> f32 {
    let last = vec2f(textureDimensions(plane)) - 1.0;
    let place = clamp(coordinate * (last + 1.0) - 0.5, vec2f(0.0), last);
    let low = vec2i(place);
    let high = min(low + 1, vec2i(last));
    let part = place - vec2f(low);
    let above = mix(textureLoad(plane, low, 0), textureLoad(plane, vec2i(high.x, low.y), 0), part.x);
    let below = mix(textureLoad(plane, vec2i(low.x, high.y), 0), textureLoad(plane, high, 0), part.x);
    return dot(weigh, mix(above, below, part.y));
}

fn samples(at: vec2f) -> vec3f {
    let place = vec3f(at, 1.0);
    let luma = vec2f(dot(frame.luma[0].xyz, place), dot(frame.luma[1].xyz, place));
    let chroma = vec2f(dot(frame.chroma[0].xyz, place), dot(frame.chroma[1].xyz, place));
    var y = 0.0;
    if frame.spread.w > 0.5 {
        y = fine(first, frame.weigh[0], luma);
    } else {
        y = frame.weigh[0].x * textureSampleLevel(first, linear, luma, 0.0).x;
    }
    return vec3f(y, fine(second, frame.weigh[1], chroma), fine(third, frame.weigh[2], chroma));
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
fn fragment(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at = position.xy;
    if any(at < frame.shown.xy) || any(at > frame.shown.zw) {
        return vec4f(0.0, 0.0, 0.0, 1.0);
    }
    var found = vec3f(0.0);
    if frame.spread.x > 0.0 || frame.spread.y > 0.0 {
        let d = frame.spread.xy;
        found = (samples(at - d) + samples(at + d) + samples(at + vec2f(d.x, -d.y)) + samples(at + vec2f(-d.x, d.y))) / 4.0;
    } else {
        found = samples(at);
    }
    let all = vec4f(found, 1.0);
    let color = vec3f(dot(frame.matrix[0], all), dot(frame.matrix[1], all), dot(frame.matrix[2], all));
    if frame.spread.z > 0.5 {
        return vec4f(tonemap(color), 1.0);
    }
    return vec4f(color, 1.0);
}
