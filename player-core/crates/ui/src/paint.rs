//! Nodes from whole-pixel boxes.

use kinora_display_list::{Color, Fill, Group, MilliPx, Node, Rect, RoundRect, Shadow};

use crate::layout::Box2;

/// A whole-pixel box in the display list's unit.
pub(crate) fn rect(b: Box2) -> Rect {
    Rect { x: milli(b.x), y: milli(b.y), w: milli(b.w), h: milli(b.h) }
}

pub(crate) fn milli(px: i32) -> MilliPx {
    px.saturating_mul(1000)
}

/// A filled rounded rectangle.
pub(crate) fn fill(b: Box2, radius: i32, color: Color) -> Node {
    Node::Rect(RoundRect { rect: rect(b), radius: milli(radius), fill: Fill::Solid(color), border: (0, 0) })
}

/// A rectangle with a border inside its edge.
pub(crate) fn bordered(b: Box2, radius: i32, color: Color, width: i32, border: Color) -> Node {
    Node::Rect(RoundRect {
        rect: rect(b),
        radius: milli(radius),
        fill: Fill::Solid(color),
        border: (milli(width), border),
    })
}

/// A soft shadow under a box.
pub(crate) fn shadow(b: Box2, radius: i32, sigma: i32, color: Color) -> Node {
    Node::Shadow(Shadow { rect: rect(b), radius: milli(radius), sigma: milli(sigma), color })
}

/// Black that eases from nothing to `permille` of opacity along the y axis; `up`: strongest at the top.
pub(crate) fn scrim(b: Box2, permille: u32, up: bool) -> Node {
    // Smoothstep in eight pieces over three quarters, because a straight ramp shows an edge where it begins, then full strength
    // where text stands.
    let mut stops: Vec<(u32, Color)> = (0..=8)
        .map(|i| (i * 94, i * 125))
        .chain([(1000, 1000)])
        .map(|(at, t)| {
            let eased = t * t / 1000 * (3000 - 2 * t) / 1000;
            (if up { 1000 - at } else { at }, eased * permille / 1000 * 255 / 1000)
        })
        .collect();
    stops.sort_by_key(|stop| stop.0);
    Node::Rect(RoundRect {
        rect: rect(b),
        radius: 0,
        fill: Fill::Linear { vertical: true, stops },
        border: (0, 0),
    })
}

/// A group of nodes.
pub(crate) fn group(children: Vec<Node>) -> Group {
    Group { children, ..Group::default() }
}
