use crate::model::*;

/// Magic and version at the start of a patch.
pub(crate) const MAGIC: &[u8; 4] = b"KDL1";

/// Packs layers into a patch for `display.commit`. A layer without nodes removes that layer.
pub fn encode(layers: &[Layer]) -> Vec<u8> {
    let mut out = Writer(MAGIC.to_vec());
    out.u32(layers.len() as u32);
    for layer in layers {
        out.u32(layer.id);
        out.i32(layer.z);
        out.nodes(&layer.nodes);
    }
    out.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, v: u8) {
        self.0.push(v);
    }
    fn u16(&mut self, v: u16) {
        self.0.extend(v.to_le_bytes());
    }
    fn u32(&mut self, v: u32) {
        self.0.extend(v.to_le_bytes());
    }
    fn i32(&mut self, v: i32) {
        self.0.extend(v.to_le_bytes());
    }
    fn u64(&mut self, v: u64) {
        self.0.extend(v.to_le_bytes());
    }
    fn i64(&mut self, v: i64) {
        self.0.extend(v.to_le_bytes());
    }
    fn rect(&mut self, r: Rect) {
        for v in [r.x, r.y, r.w, r.h] {
            self.i32(v);
        }
    }

    fn nodes(&mut self, nodes: &[Node]) {
        self.u32(nodes.len() as u32);
        for node in nodes {
            match node {
                Node::Group(n) => self.group(n),
                Node::Rect(n) => {
                    self.u8(2);
                    self.rect(n.rect);
                    self.i32(n.radius);
                    self.fill(&n.fill);
                    self.i32(n.border.0);
                    self.u32(n.border.1);
                }
                Node::Shadow(n) => {
                    self.u8(3);
                    self.rect(n.rect);
                    self.i32(n.radius);
                    self.i32(n.sigma);
                    self.u32(n.color);
                }
                Node::Image(n) => {
                    self.u8(4);
                    self.u64(n.key);
                    self.rect(n.rect);
                    let (x, y, w, h) = n.source;
                    for v in [x, y, w, h] {
                        self.u32(v);
                    }
                    self.i32(n.radius);
                    self.u32(n.tint);
                }
                Node::Glyphs(n) => {
                    self.u8(5);
                    self.u64(n.page);
                    self.u32(n.color);
                    self.u32(n.glyphs.len() as u32);
                    for g in &n.glyphs {
                        self.i32(g.x);
                        self.i32(g.y);
                        for v in [g.source_x, g.source_y, g.w, g.h] {
                            self.u16(v);
                        }
                    }
                }
                Node::Video(n) => {
                    self.u8(6);
                    self.u64(n.timeline);
                    self.rect(n.rect);
                    self.u8(match n.fit {
                        Fit::Contain => 0,
                        Fit::Cover => 1,
                        Fit::Fill => 2,
                    });
                }
            }
        }
    }

    fn group(&mut self, n: &Group) {
        self.u8(1);
        let present =
            u8::from(n.clip.is_some()) | u8::from(n.hit.is_some()) << 1 | u8::from(n.visible.is_some()) << 2;
        self.u8(present);
        for v in [n.translate.0, n.translate.1, n.origin.0, n.origin.1] {
            self.i32(v);
        }
        for v in [n.scale_permille, n.rotate_millideg, n.opacity_permille] {
            self.i32(v);
        }
        if let Some((rect, radius)) = n.clip {
            self.rect(rect);
            self.i32(radius);
        }
        if let Some((id, rect)) = n.hit {
            self.u64(id);
            self.rect(rect);
        }
        if let Some((timeline, from_us, to_us)) = n.visible {
            self.u64(timeline);
            self.i64(from_us);
            self.i64(to_us);
        }
        self.u32(n.bindings.len() as u32);
        for b in &n.bindings {
            self.binding(b);
        }
        self.nodes(&n.children);
    }

    fn binding(&mut self, b: &Binding) {
        self.u8(match b.property {
            Property::Opacity => 0,
            Property::TranslateX => 1,
            Property::TranslateY => 2,
            Property::Scale => 3,
            Property::Rotate => 4,
            Property::ClipWidth => 5,
        });
        self.u8(match b.curve {
            Curve::Linear => 0,
            Curve::EaseOut => 1,
            Curve::EaseInOut => 2,
            Curve::Spring => 3,
            Curve::Step => 4,
        });
        self.u64(match b.clock {
            Clock::Host => 0,
            Clock::Media(timeline) => timeline,
        });
        self.u32(b.repeat_us);
        self.u32(b.keys.len() as u32);
        for k in &b.keys {
            self.i64(k.at_us);
            self.i32(k.value);
        }
    }

    fn fill(&mut self, fill: &Fill) {
        match fill {
            Fill::Solid(color) => {
                self.u8(0);
                self.u32(*color);
            }
            Fill::Linear { vertical, stops } => {
                self.u8(if *vertical { 2 } else { 1 });
                self.u32(stops.len() as u32);
                for (at, color) in stops {
                    self.u32(*at);
                    self.u32(*color);
                }
            }
        }
    }
}
