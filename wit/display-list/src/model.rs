/// A thousandth of a physical pixel.
pub type MilliPx = i32;
/// Straight sRGB, `0xRRGGBBAA`.
pub type Color = u32;

/// A numbered layer: replaced as a whole by a commit that names it. Layers are drawn in order of `z`, then `id`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layer {
    /// Names it in later commits.
    pub id: u32,
    /// Drawing order, lowest first.
    pub z: i32,
    /// In drawing order; groups nest. An empty layer draws nothing and is forgotten.
    pub nodes: Vec<Node>,
}

/// One drawing instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Nodes that move, fade and are clipped together.
    Group(Group),
    /// A rounded rectangle.
    Rect(RoundRect),
    /// The soft shadow of a rounded rectangle.
    Shadow(Shadow),
    /// A part of an image.
    Image(Image),
    /// Glyphs (or icons) of one colour from one A8 page.
    Glyphs(Glyphs),
    /// Where a timeline's picture shows. Must stand before any other kind of node of the whole list, outside groups; at most two.
    Video(Video),
}

/// An axis-aligned rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Rect {
    pub x: MilliPx,
    pub y: MilliPx,
    pub w: MilliPx,
    pub h: MilliPx,
}

/// A group: its children are transformed (scaled and turned about `origin`, then moved), clipped and faded together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Movement to the right and down.
    pub translate: (MilliPx, MilliPx),
    /// Fixed point of scale and rotation, in the group's coordinates.
    pub origin: (MilliPx, MilliPx),
    /// Uniform scale.
    pub scale_permille: i32,
    /// Clockwise turn in thousandths of a degree. Only glyphs and images turn; rectangles keep to the axes.
    pub rotate_millideg: i32,
    /// Multiplies the alpha of every child (children that overlap show through one another).
    pub opacity_permille: i32,
    /// Nothing is drawn outside: a rectangle in the group's coordinates and its corner radius.
    pub clip: Option<(Rect, MilliPx)>,
    /// Reported to the core when the pointer is over `rect` (in the group's coordinates).
    pub hit: Option<(u64, Rect)>,
    /// The children are drawn only while the timeline's media time is inside `[from, to)` microseconds.
    pub visible: Option<(u64, i64, i64)>,
    /// Properties that move by themselves; each replaces the static value.
    pub bindings: Vec<Binding>,
    /// Drawn in order.
    pub children: Vec<Node>,
}

impl Default for Group {
    fn default() -> Self {
        Group {
            translate: (0, 0),
            origin: (0, 0),
            scale_permille: 1000,
            rotate_millideg: 0,
            opacity_permille: 1000,
            clip: None,
            hit: None,
            visible: None,
            bindings: Vec::new(),
            children: Vec::new(),
        }
    }
}

/// Animates one property of a group from a clock, without calls to the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// What it drives.
    pub property: Property,
    /// The clock that drives it.
    pub clock: Clock,
    /// Value held before the first and after the last key; at least one key, times strictly increasing.
    pub keys: Vec<Key>,
    /// Shape of the way from one key to the next.
    pub curve: Curve,
    /// Keys repeat with this period, microseconds from the first key; 0 never.
    pub repeat_us: u32,
}

/// A value at an instant of the binding's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Microseconds of the clock.
    pub at_us: i64,
    /// In the property's unit.
    pub value: i32,
}

/// The clock of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The shim's monotonic clock.
    Host,
    /// The media time of a timeline.
    Media(u64),
}

/// A property of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// `opacity_permille`.
    Opacity,
    /// First part of `translate`.
    TranslateX,
    /// Second part of `translate`.
    TranslateY,
    /// `scale_permille`.
    Scale,
    /// `rotate_millideg`.
    Rotate,
    /// Width of the clip rectangle.
    ClipWidth,
}

/// Shape of an animation between two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// Constant speed.
    Linear,
    /// Fast, then slowing: `1 - (1 - t)^3`.
    EaseOut,
    /// Slow at both ends: `3t^2 - 2t^3`.
    EaseInOut,
    /// Critically damped spring that has settled at the second key: `1 - (1 + 8t) e^(-8t)`, scaled to reach 1.
    Spring,
    /// Holds the first value until the second key.
    Step,
}

/// How a rectangle is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fill {
    /// One colour.
    Solid(Color),
    /// From `from` at the top (or left) edge to the opposite one; `stops` are (permille, colour), increasing.
    Linear {
        /// Along the y axis, else along x.
        vertical: bool,
        /// At least two.
        stops: Vec<(u32, Color)>,
    },
}

/// A rounded rectangle, filled and with an optional border inside its edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundRect {
    /// Its bounds.
    pub rect: Rect,
    /// Corner radius, cut to half the shorter side.
    pub radius: MilliPx,
    /// Inside.
    pub fill: Fill,
    /// Width (0: none) and colour of the border.
    pub border: (MilliPx, Color),
}

/// A Gaussian-blurred rounded rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shadow {
    /// Bounds before blurring.
    pub rect: Rect,
    /// Corner radius before blurring.
    pub radius: MilliPx,
    /// Standard deviation of the blur.
    pub sigma: MilliPx,
    /// Colour.
    pub color: Color,
}

/// A part of an image scaled to a rectangle, bilinear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// Key given to `put-image`.
    pub key: u64,
    /// Where it goes.
    pub rect: Rect,
    /// Source in whole pixels: x, y, width, height; all 0: everything.
    pub source: (u32, u32, u32, u32),
    /// Corner radius.
    pub radius: MilliPx,
    /// Multiplies (A8: is) the colour.
    pub tint: Color,
}

/// Glyphs from an A8 page. Unscaled they land on whole pixels and are copied texel by texel, so that text is crisp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyphs {
    /// Key of the A8 page.
    pub page: u64,
    /// Colour of all of them.
    pub color: Color,
    /// The glyphs.
    pub glyphs: Vec<Glyph>,
}

/// One glyph: a rectangle of the page and where its top left corner goes, in whole physical pixels of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Glyph {
    pub x: i32,
    pub y: i32,
    pub source_x: u16,
    pub source_y: u16,
    pub w: u16,
    pub h: u16,
}

/// A rectangle showing a timeline's video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Video {
    /// The timeline.
    pub timeline: u64,
    /// Bounds in which the picture is placed.
    pub rect: Rect,
    /// How it is placed.
    pub fit: Fit,
}

/// How a picture is placed in its rectangle; the rest is black.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// All of it, aspect kept.
    Contain,
    /// Filling the rectangle, aspect kept, cut at the edges.
    Cover,
    /// Stretched.
    Fill,
}
