// The display list's shapes: one instanced quad each, and a fragment entry point for each kind: GPUs that are software run all
// sides of a branch for every pixel. The formulas are those of the CPU raster, which documents them; images are read texel by
// texel, so that no sampler's rounding comes between.

struct Surface { size: vec2f }
@group(0) @binding(0) var<uniform> surface: Surface;
@group(1) @binding(0) var texels: texture_2d<f32>;

struct Instance {
    @location(0) quad: vec4f,          // What to cover: left, top, right, bottom.
    @location(1) rect: vec4f,          // The shape: x, y, width, height. Glyphs: placement x0, y0, a, b.
    @location(2) numbers: vec4f,       // Radius, whether coverage (images), border or deviation or gain, dither.
    @location(3) first: vec4f,         // Premultiplied colour.
    @location(4) second: vec4f,        // Colour at the other end of a gradient.
    @location(5) clip: vec4f,          // Left, top, right, bottom.
    @location(6) rounded: vec4f,       // The rounded clip: x, y, width, height.
    @location(7) more: vec4f,          // Radius of the clip; gradient's direction (0 x, 1 y), from, to. Images: radius, cosine, sine.
    @location(8) source: vec4f,        // Texels: x, y, width, height. Glyphs: `more.yz` is where the glyph goes.
}

struct Varying {
    @builtin(position) position: vec4f,
    @location(0) @interpolate(flat) rect: vec4f,
    @location(1) @interpolate(flat) numbers: vec4f,
    @location(2) @interpolate(flat) first: vec4f,
    @location(3) @interpolate(flat) second: vec4f,
    @location(4) @interpolate(flat) clip: vec4f,
    @location(5) @interpolate(flat) rounded: vec4f,
    @location(6) @interpolate(flat) more: vec4f,
    @location(7) @interpolate(flat) source: vec4f,
}

@vertex
fn vertex(@builtin(vertex_index) corner: u32, in: Instance) -> Varying {
    let at = vec2f(select(in.quad.x, in.quad.z, (corner & 1u) == 1u), select(in.quad.y, in.quad.w, corner > 1u));
    let ndc = at / surface.size * vec2f(2.0, -2.0) + vec2f(-1.0, 1.0);
    return Varying(vec4f(ndc, 0.0, 1.0), in.rect, in.numbers, in.first, in.second, in.clip, in.rounded, in.more, in.source);
}

fn along(at: f32, start: f32, len: f32) -> f32 {
    return clamp(min(at + 0.5, start + len) - max(at - 0.5, start), 0.0, 1.0);
}

fn cover(rect: vec4f, radius: f32, at: vec2f) -> f32 {
    let corner = abs(at - rect.xy - rect.zw / 2.0) - rect.zw / 2.0 + radius;
    if radius > 0.0 && corner.x > 0.0 && corner.y > 0.0 {
        return clamp(radius + 0.5 - length(corner), 0.0, 1.0);
    }
    return along(at.x, rect.x, rect.z) * along(at.y, rect.y, rect.w);
}

fn erf(x: f32) -> f32 {
    let a = abs(x);
    let p = 1.0 + (0.278393 + (0.230389 + (0.000972 + 0.078108 * a) * a) * a) * a;
    let q = p * p;
    return sign(x) * (1.0 - 1.0 / (q * q));
}

fn shadow(at: vec2f, half: vec2f, radius: f32, sigma: f32) -> f32 {
    let scale = 0.70710678 / sigma;
    let low = max(at.y - half.y, -3.0 * sigma);
    let high = min(at.y + half.y, 3.0 * sigma);
    if low >= high {
        return 0.0;
    }
    let step = (high - low) / 6.0;
    var sum = 0.0;
    for (var i = 0; i < 6; i++) {
        let y = low + step * (f32(i) + 0.5);
        let corner = max(radius - half.y + abs(at.y - y), 0.0);
        let width = half.x - radius + sqrt(max(radius * radius - corner * corner, 0.0));
        sum += 0.5 * (erf((at.x + width) * scale) - erf((at.x - width) * scale)) * exp(-0.5 * y * y / (sigma * sigma));
    }
    return clamp(sum * step / (sigma * 2.5066283), 0.0, 1.0);
}

// Ordered dither: -0.5 to 0.5 of a step. The bits of x ^ y and y interleaved and reversed; a loop over them would not be unrolled.
fn dither(at: vec2f) -> f32 {
    let y = i32(at.y);
    let mixed = i32(at.x) ^ y;
    let value = ((mixed & 1) << 5u) | ((y & 1) << 4u) | ((mixed & 2) << 2u) | ((y & 2) << 1u) | ((mixed & 4) >> 1u) | ((y & 4) >> 2u);
    return ((f32(value) + 0.5) / 64.0 - 0.5) / 255.0;
}

fn texel(source: vec4f, at: vec2f) -> vec4f {
    return textureLoad(texels, vec2i(source.xy + at), 0);
}

// Bilinear; edge texels repeat.
fn sample(source: vec4f, at: vec2f) -> vec4f {
    let place = clamp(at - 0.5, vec2f(0.0), source.zw - 1.0);
    let low = floor(place);
    let high = min(low + 1.0, source.zw - 1.0);
    let part = place - low;
    let above = mix(texel(source, low), texel(source, vec2f(high.x, low.y)), part.x);
    let below = mix(texel(source, vec2f(low.x, high.y)), texel(source, high), part.x);
    return mix(above, below, part.y);
}

fn coverage_at(source: vec4f, at: vec2f) -> f32 {
    let inside = all(at >= vec2f(0.0)) && all(at < source.zw);
    return select(0.0, texel(source, clamp(at, vec2f(0.0), source.zw - 1.0)).r, inside);
}

// Bilinear; nothing beyond the edge.
fn sample_cut(source: vec4f, at: vec2f) -> f32 {
    let low = floor(at - 0.5);
    let part = at - 0.5 - low;
    let above = mix(coverage_at(source, low), coverage_at(source, low + vec2f(1.0, 0.0)), part.x);
    let below = mix(coverage_at(source, low + vec2f(0.0, 1.0)), coverage_at(source, low + 1.0), part.x);
    return mix(above, below, part.y);
}

fn clipped(color: vec4f, in: Varying) -> vec4f {
    let at = in.position.xy;
    return color * cover(vec4f(in.clip.xy, in.clip.zw - in.clip.xy), 0.0, at) * cover(in.rounded, in.more.x, at);
}

fn filled(in: Varying) -> vec4f {
    let at = in.position.xy;
    let part = clamp((select(at.x, at.y, in.more.y > 0.5) - in.more.z) / (in.more.w - in.more.z), 0.0, 1.0);
    return mix(in.first, in.second, part);
}

fn dithered(color: vec4f, in: Varying) -> vec4f {
    let by = select(0.0, dither(in.position.xy), in.numbers.w > 0.5 && color.a > 0.0);
    return vec4f(color.rgb + by, color.a);
}

// Without a radius, a border or a clip.
@fragment
fn plain(in: Varying) -> @location(0) vec4f {
    let at = in.position.xy;
    let covered = along(at.x, in.rect.x, in.rect.z) * along(at.y, in.rect.y, in.rect.w);
    return dithered(filled(in) * covered, in);
}

// Of a border only what is outside its inner edge.
@fragment
fn rect(in: Varying) -> @location(0) vec4f {
    let at = in.position.xy;
    let radius = in.numbers.x;
    var color = filled(in) * cover(in.rect, radius, at);
    let border = in.numbers.z;
    if border > 0.0 {
        let inner = vec4f(in.rect.xy + border, max(in.rect.zw - 2.0 * border, vec2f(0.0)));
        color *= 1.0 - cover(inner, max(radius - border, 0.0), at);
    }
    return dithered(clipped(color, in), in);
}

@fragment
fn blur(in: Varying) -> @location(0) vec4f {
    let half = in.rect.zw / 2.0;
    let covered = shadow(in.position.xy - in.rect.xy - half, half, in.numbers.x, in.numbers.z);
    return clipped(in.first * covered, in);
}

// Colours or coverage.
@fragment
fn image(in: Varying) -> @location(0) vec4f {
    let rect = in.rect;
    let middle = rect.xy + rect.zw / 2.0;
    let d = in.position.xy - middle;
    let turned = vec2f(in.more.y * d.x + in.more.z * d.y, in.more.y * d.y - in.more.z * d.x) + middle;
    let found = sample(in.source, (turned - rect.xy) * in.source.zw / rect.zw);
    let color = in.first * select(found, vec4f(found.r), in.numbers.y > 0.5);
    return clipped(color * cover(rect, in.numbers.x, turned), in);
}

// Texel by texel or scaled.
@fragment
fn glyph(in: Varying) -> @location(0) vec4f {
    let d = in.position.xy - in.rect.xy;
    let scale = in.rect.zw;
    let place = vec2f(scale.x * d.x + scale.y * d.y, scale.x * d.y - scale.y * d.x) / dot(scale, scale) - in.more.yz;
    let covered = sample_cut(in.source, place);
    return clipped(in.first * (covered + in.numbers.z * covered * (1.0 - covered)), in);
}
