//! What differs between two pictures.

use std::sync::{Arc, Weak};

use kinora_display_list::{Draw, Shape};
use kinora_port::{ImageStore, Picture, PixelRect, VideoFrame};

use crate::placement::{on_surface, place};

/// More rectangles than this cost more in passes than they save in pixels.
const MAX_RECTS: usize = 8;

/// A draw with the state of what it refers to, and the pixels it can touch.
pub(crate) struct Entry {
    draw: Draw,
    resource: Resource,
    pub(crate) bounds: PixelRect,
}

enum Resource {
    None,
    /// Generation, if the image is there.
    Image(Option<u64>),
    /// Does not keep the frame's memory, only its identity.
    Frame(Option<Weak<VideoFrame>>),
    /// The frames are left out; the hole for them is here.
    Hole(PixelRect),
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        let same = match (&self.resource, &other.resource) {
            (Resource::None, Resource::None) => true,
            (Resource::Image(a), Resource::Image(b)) => a == b,
            (Resource::Frame(Some(a)), Resource::Frame(Some(b))) => a.ptr_eq(b),
            (Resource::Frame(None), Resource::Frame(None)) => true,
            (Resource::Hole(a), Resource::Hole(b)) => a == b,
            _ => false,
        };
        same && self.draw == other.draw
    }
}

/// The entries of a picture, in drawing order; the frames of one timeline may be left out.
pub(crate) fn entries(picture: &Picture<'_>, images: &ImageStore, left_out: Option<u64>) -> Vec<Entry> {
    picture.draws.iter().map(|draw| entry(draw, picture, images, left_out)).collect()
}

fn entry(draw: &Draw, picture: &Picture<'_>, images: &ImageStore, left_out: Option<u64>) -> Entry {
    let (width, height) = (picture.width_px, picture.height_px);
    let b = draw.bounds();
    let outer = [b.x.floor(), b.y.floor(), (b.x + b.w).ceil(), (b.y + b.h).ceil()].map(|edge| edge as i32);
    let mut bounds = on_surface(outer, width, height);
    let generation = |key: u64| images.get(key).map(|image| image.generation);
    let resource = match &draw.shape {
        Shape::Image { key, .. } => Resource::Image(generation(*key)),
        Shape::Glyphs { page, .. } => Resource::Image(generation(*page)),
        Shape::Video { timeline, rect, fit } => {
            let frame = picture.frame(*timeline);
            // The black around a picture does not change with its frames.
            let placed = frame.and_then(|frame| place(frame, rect, *fit));
            if let Some(p) = placed {
                bounds = on_surface([p.x, p.y, p.x + p.w as i32, p.y + p.h as i32], width, height);
            }
            if placed.is_some() && left_out == Some(*timeline) {
                Resource::Hole(bounds)
            } else {
                Resource::Frame(frame.map(Arc::downgrade))
            }
        }
        _ => Resource::None,
    };
    Entry { draw: draw.clone(), resource, bounds }
}

/// Disjoint rectangles that contain every difference.
pub(crate) fn difference(old: &[Entry], new: &[Entry]) -> Vec<PixelRect> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    // Of as many draws as before most are the same ones, a few changed.
    let paired = old.len() == new.len();
    let changed = |i: usize| !paired || old[i] != new[i];
    let mut rects = Vec::new();
    for side in [old, new] {
        for (_, entry) in side.iter().enumerate().filter(|(i, _)| changed(*i)) {
            add(&mut rects, entry.bounds);
        }
    }
    if rects.len() > MAX_RECTS {
        rects = rects.into_iter().reduce(union).into_iter().collect();
    }
    rects
}

/// Adds a rectangle to disjoint ones, uniting those it meets.
fn add(rects: &mut Vec<PixelRect>, mut rect: PixelRect) {
    if rect.w == 0 || rect.h == 0 {
        return;
    }
    while let Some(met) = rects.iter().position(|other| meets(&rect, other)) {
        rect = union(rect, rects.swap_remove(met));
    }
    rects.push(rect);
}

fn union(a: PixelRect, b: PixelRect) -> PixelRect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    PixelRect { x, y, w: (a.x + a.w).max(b.x + b.w) - x, h: (a.y + a.h).max(b.y + b.h) - y }
}

/// The part inside both; empty when they do not meet.
pub(crate) fn intersect(a: &PixelRect, b: &PixelRect) -> PixelRect {
    let (x, y) = (a.x.max(b.x), a.y.max(b.y));
    let (right, bottom) = ((a.x + a.w).min(b.x + b.w), (a.y + a.h).min(b.y + b.h));
    PixelRect { x, y, w: right.saturating_sub(x), h: bottom.saturating_sub(y) }
}

fn meets(a: &PixelRect, b: &PixelRect) -> bool {
    let both = intersect(a, b);
    both.w > 0 && both.h > 0
}
