//! From retained layers to flat draws, hit tests and the time of the next change.

use crate::animate;
use crate::draw::{Bounds, Clip, Draw, Placement, Shape};
use crate::list::{HostUs, List};
use crate::model::*;

/// Larger coordinates are cut to this many pixels, so that nothing after this module meets an infinity.
const FAR_PX: f64 = 1e6;
/// Scale of one group and of all groups together.
const MAX_SCALE: f64 = 1000.0;

/// The media time of a timeline now; `None` if there is no such timeline.
pub type MediaNow<'a> = &'a dyn Fn(u64) -> Option<i64>;

/// Everything inherited from the groups around a node, in thousandths of a pixel.
#[derive(Clone, Copy)]
struct Context {
    x0: f64,
    y0: f64,
    scale: f64,
    /// Radians, clockwise.
    angle: f64,
    opacity: f64,
    clip: Option<Clip>,
}

const ROOT: Context = Context { x0: 0.0, y0: 0.0, scale: 1.0, angle: 0.0, opacity: 1.0, clip: None };

/// A group's properties at a moment, bindings applied.
struct Properties {
    translate: (f64, f64),
    scale: f64,
    angle: f64,
    opacity: f64,
    clip_width: Option<f64>,
}

/// The two kinds of clock that bindings and visible intervals follow.
struct Clocks<'a> {
    host_us: HostUs,
    media: MediaNow<'a>,
}

impl Clocks<'_> {
    fn read(&self, clock: Clock) -> Option<i64> {
        match clock {
            Clock::Host => Some(i64::try_from(self.host_us).unwrap_or(i64::MAX)),
            Clock::Media(timeline) => (self.media)(timeline),
        }
    }

    fn shows(&self, group: &Group) -> bool {
        let Some((timeline, from, to)) = group.visible else { return true };
        (self.media)(timeline).is_some_and(|now| (from..to).contains(&now))
    }

    fn properties(&self, group: &Group) -> Properties {
        let mut p = Properties {
            translate: (f64::from(group.translate.0), f64::from(group.translate.1)),
            scale: f64::from(group.scale_permille),
            angle: f64::from(group.rotate_millideg),
            opacity: f64::from(group.opacity_permille),
            clip_width: None,
        };
        for binding in &group.bindings {
            // The clock of a timeline that is gone drives nothing: the static value stays.
            let Some(at) = self.read(binding.clock) else { continue };
            let value = animate::value(binding, at);
            match binding.property {
                Property::Opacity => p.opacity = value,
                Property::TranslateX => p.translate.0 = value,
                Property::TranslateY => p.translate.1 = value,
                Property::Scale => p.scale = value,
                Property::Rotate => p.angle = value,
                Property::ClipWidth => p.clip_width = Some(value),
            }
        }
        p.scale = (p.scale / 1000.0).clamp(0.0, MAX_SCALE);
        p.angle = (p.angle / 1000.0).to_radians();
        p.opacity = (p.opacity / 1000.0).clamp(0.0, 1.0);
        p
    }
}

impl Context {
    /// What the children of `group` inherit.
    fn enter(&self, group: &Group, p: &Properties) -> Context {
        let origin = (f64::from(group.origin.0), f64::from(group.origin.1));
        let (sin, cos) = p.angle.sin_cos();
        // The origin stays where it is, then everything moves.
        let fixed = (
            origin.0 - p.scale * (cos * origin.0 - sin * origin.1) + p.translate.0,
            origin.1 - p.scale * (sin * origin.0 + cos * origin.1) + p.translate.1,
        );
        let (x0, y0) = self.point(fixed.0, fixed.1);
        let mut inner = Context {
            x0,
            y0,
            scale: (self.scale * p.scale).min(MAX_SCALE),
            angle: self.angle + p.angle,
            opacity: self.opacity * p.opacity,
            clip: self.clip,
        };
        if let Some((mut rect, radius)) = group.clip {
            if let Some(width) = p.clip_width {
                rect.w = width as i32;
            }
            let own = inner.bounds(rect);
            let bounds = self.clip.map_or(own, |outer| outer.bounds.intersect(&own));
            let radius = inner.radius(radius, own);
            inner.clip = Some(match self.clip {
                Some(outer) if radius == 0.0 && outer.radius > 0.0 => Clip { bounds, ..outer },
                _ if radius == 0.0 => Clip { bounds, rounded: bounds, radius },
                _ => Clip { bounds, rounded: own, radius },
            });
        }
        inner
    }

    fn point(&self, x: f64, y: f64) -> (f64, f64) {
        let (sin, cos) = self.angle.sin_cos();
        let far = FAR_PX * 1000.0;
        (
            (self.x0 + self.scale * (cos * x - sin * y)).clamp(-far, far),
            (self.y0 + self.scale * (sin * x + cos * y)).clamp(-far, far),
        )
    }

    fn length(&self, milli_px: MilliPx) -> f32 {
        (f64::from(milli_px.max(0)) * self.scale / 1000.0).min(FAR_PX) as f32
    }

    /// A rectangle keeps to the axes: in a turned group its middle turns, its sides do not.
    fn bounds(&self, rect: Rect) -> Bounds {
        let (w, h) = (f64::from(rect.w.max(0)), f64::from(rect.h.max(0)));
        let middle = self.point(f64::from(rect.x) + w / 2.0, f64::from(rect.y) + h / 2.0);
        let (w, h) = ((w * self.scale).min(FAR_PX * 1000.0), (h * self.scale).min(FAR_PX * 1000.0));
        Bounds {
            x: ((middle.0 - w / 2.0) / 1000.0) as f32,
            y: ((middle.1 - h / 2.0) / 1000.0) as f32,
            w: (w / 1000.0) as f32,
            h: (h / 1000.0) as f32,
        }
    }

    fn radius(&self, radius: MilliPx, rect: Bounds) -> f32 {
        self.length(radius).min(rect.w / 2.0).min(rect.h / 2.0)
    }

    fn color(&self, color: Color) -> Color {
        let alpha = (f64::from(color & 0xFF) * self.opacity).round() as u32;
        color & !0xFF | alpha
    }

    fn fill(&self, fill: &Fill) -> Fill {
        match fill {
            Fill::Solid(color) => Fill::Solid(self.color(*color)),
            Fill::Linear { vertical, stops } => Fill::Linear {
                vertical: *vertical,
                stops: stops.iter().map(|&(at, color)| (at, self.color(color))).collect(),
            },
        }
    }

    fn placement(&self) -> Placement {
        let (x0, y0) = (self.x0 / 1000.0, self.y0 / 1000.0);
        if self.scale == 1.0 && self.angle == 0.0 {
            // Unscaled text stays on whole pixels even while it moves: crisp beats smooth at this size.
            return Placement { x0: x0.round() as f32, y0: y0.round() as f32, a: 1.0, b: 0.0 };
        }
        let (sin, cos) = self.angle.sin_cos();
        Placement { x0: x0 as f32, y0: y0 as f32, a: (self.scale * cos) as f32, b: (self.scale * sin) as f32 }
    }

    /// The draw of a node that is no group; `None` when it cannot be seen.
    fn leaf(&self, node: &Node) -> Option<Draw> {
        let shape = match node {
            Node::Group(_) => return None,
            Node::Video(n) => {
                let rect = self.bounds(n.rect);
                Shape::Video { timeline: n.timeline, rect, fit: n.fit }
            }
            Node::Rect(n) => {
                let rect = self.bounds(n.rect);
                Shape::Rect {
                    rect,
                    radius: self.radius(n.radius, rect),
                    fill: self.fill(&n.fill),
                    border: (self.length(n.border.0), self.color(n.border.1)),
                }
            }
            Node::Shadow(n) => {
                let rect = self.bounds(n.rect);
                let color = self.color(n.color);
                Shape::Shadow {
                    rect,
                    radius: self.radius(n.radius, rect),
                    sigma: self.length(n.sigma),
                    color,
                }
            }
            Node::Image(n) => {
                let rect = self.bounds(n.rect);
                let (sin, cos) = self.angle.sin_cos();
                Shape::Image {
                    key: n.key,
                    rect,
                    turn: (cos as f32, sin as f32),
                    source: n.source,
                    radius: self.radius(n.radius, rect),
                    tint: self.color(n.tint),
                }
            }
            Node::Glyphs(n) => Shape::Glyphs {
                page: n.page,
                color: self.color(n.color),
                placement: self.placement(),
                glyphs: n.glyphs.clone(),
            },
        };
        let draw = Draw { clip: self.clip, shape };
        (!draw.bounds().is_empty() && draw.is_visible()).then_some(draw)
    }
}

impl Draw {
    fn is_visible(&self) -> bool {
        let seen = |color: &Color| color & 0xFF != 0;
        match &self.shape {
            Shape::Video { .. } => true,
            Shape::Rect { fill, border, .. } => {
                (border.0 > 0.0 && seen(&border.1))
                    || match fill {
                        Fill::Solid(color) => seen(color),
                        Fill::Linear { stops, .. } => stops.iter().any(|(_, color)| seen(color)),
                    }
            }
            Shape::Shadow { color, .. } | Shape::Glyphs { color, .. } => seen(color),
            Shape::Image { tint, .. } => seen(tint),
        }
    }
}

impl List {
    /// What to draw at `host_us`, first at the bottom.
    pub fn draw(&self, host_us: HostUs, media: MediaNow<'_>) -> Vec<Draw> {
        fn walk(nodes: &[Node], context: &Context, clocks: &Clocks<'_>, out: &mut Vec<Draw>) {
            for node in nodes {
                match node {
                    Node::Group(group) if clocks.shows(group) => {
                        let inner = context.enter(group, &clocks.properties(group));
                        if inner.opacity > 0.0 {
                            walk(&group.children, &inner, clocks, out);
                        }
                    }
                    node => out.extend(context.leaf(node)),
                }
            }
        }
        let mut out = Vec::new();
        let clocks = Clocks { host_us, media };
        for layer in self.layers() {
            walk(&layer.nodes, &ROOT, &clocks, &mut out);
        }
        out
    }

    /// The id of the topmost hit rectangle under a point (thousandths of a pixel); 0 when there is none. Groups that are
    /// hidden or wholly transparent take no hits, and a clip cuts the hit rectangles inside it.
    pub fn hit(&self, x: MilliPx, y: MilliPx, host_us: HostUs, media: MediaNow<'_>) -> u64 {
        fn inside(b: &Bounds, (x, y): (f32, f32)) -> bool {
            (b.x..b.x + b.w).contains(&x) && (b.y..b.y + b.h).contains(&y)
        }
        fn walk(nodes: &[Node], context: &Context, clocks: &Clocks<'_>, at: (f32, f32)) -> Option<u64> {
            nodes.iter().rev().find_map(|node| {
                let Node::Group(group) = node else { return None };
                if !clocks.shows(group) {
                    return None;
                }
                let inner = context.enter(group, &clocks.properties(group));
                if inner.opacity <= 0.0 || inner.clip.is_some_and(|clip| !inside(&clip.bounds, at)) {
                    return None;
                }
                walk(&group.children, &inner, clocks, at).or_else(|| {
                    let (id, rect) = group.hit?;
                    inside(&inner.bounds(rect), at).then_some(id)
                })
            })
        }
        let clocks = Clocks { host_us, media };
        let at = (x as f32 / 1000.0, y as f32 / 1000.0);
        self.layers().rev().find_map(|layer| walk(&layer.nodes, &ROOT, &clocks, at)).unwrap_or(0)
    }

    /// When the picture next changes by itself: `host_us` (or a moment after) while something moves, `None` when nothing will.
    /// `media` gives a timeline's media time and the rate at which it advances, in permille; 0 while it rests.
    pub fn next_change(&self, host_us: HostUs, media: &dyn Fn(u64) -> Option<(i64, i32)>) -> Option<HostUs> {
        fn walk(nodes: &[Node], clocks: &Clocks<'_>, soonest: &mut dyn FnMut(Clock, Option<i64>)) {
            for node in nodes {
                let Node::Group(group) = node else { continue };
                if let Some((timeline, from, to)) = group.visible {
                    let clock = Clock::Media(timeline);
                    let now = clocks.read(clock);
                    soonest(clock, now.and_then(|now| [from, to].into_iter().find(|&edge| edge > now)));
                    if !clocks.shows(group) {
                        continue;
                    }
                }
                for binding in &group.bindings {
                    let now = clocks.read(binding.clock);
                    soonest(binding.clock, now.and_then(|now| animate::next_change(binding, now)));
                }
                // A spinner that has faded out costs nothing.
                if clocks.properties(group).opacity > 0.0 {
                    walk(&group.children, clocks, soonest);
                }
            }
        }
        let position = |timeline| media(timeline).map(|(at, _)| at);
        let clocks = Clocks { host_us, media: &position };
        let mut next: Option<HostUs> = None;
        let mut soonest = |clock, at: Option<i64>| {
            let (Some(at), Some(now)) = (at, clocks.read(clock)) else { return };
            let wait = at.saturating_sub(now).max(0) as u64;
            let wait = match clock {
                Clock::Host => wait,
                Clock::Media(timeline) => match media(timeline) {
                    Some((_, rate)) if rate > 0 => wait.saturating_mul(1000).div_ceil(rate as u64),
                    _ => return,
                },
            };
            let at = host_us.saturating_add(wait);
            next = Some(next.map_or(at, |other| other.min(at)));
        };
        for layer in self.layers() {
            walk(&layer.nodes, &clocks, &mut soonest);
        }
        next
    }
}
