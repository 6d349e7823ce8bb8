//! The display list: any bytes as a patch, and any tree packed and unpacked again.

use arbitrary::{Arbitrary, Result, Unstructured};
use kinora_display_list::*;

/// Packed, a patch unpacks to what it was.
pub(crate) fn tree(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut list = List::default();
    for generation in 1..4 {
        let Ok(layers) = layers(&mut u) else { return };
        let patch = encode(&layers);
        assert_eq!(decode(&patch), Ok(layers), "packed and unpacked");
        apply(&mut list, generation, &patch);
        exercise(&list);
    }
}

/// Any bytes: refused, or understood in the one form that packing gives.
pub(crate) fn bytes(data: &[u8]) {
    let with_magic = [&encode(&[])[..4], data].concat();
    if let Ok(layers) = decode(&with_magic) {
        assert_eq!(encode(&layers), with_magic, "one thing, one form");
    }
    let mut list = List::default();
    apply(&mut list, 1, &with_magic);
    exercise(&list);
    // The rest of a patch that breaks off is refused, and leaves the list as it was.
    for len in [data.len() / 2, data.len().saturating_sub(1)] {
        let cut = &with_magic[..4 + len];
        apply(&mut list, 2, cut);
        exercise(&list);
    }
}

fn apply(list: &mut List, next: u64, patch: &[u8]) {
    let before: Vec<Layer> = list.layers().cloned().collect();
    let base = list.generation();
    match list.apply(base, next, patch) {
        Ok(()) => assert_eq!(list.generation(), next),
        Err(_) => {
            assert_eq!(list.generation(), base);
            assert!(list.layers().eq(&before), "a refused patch changed the list");
        }
    }
}

/// Everything a shim asks of a list at a vsync.
fn exercise(list: &List) {
    for host_us in [0, 1, 1_000_000, u64::MAX] {
        let media_us = i64::try_from(host_us).unwrap_or(i64::MIN);
        let media = |timeline: u64| (timeline != 2).then_some(media_us);
        for draw in list.draw(host_us, &media) {
            let b = draw.bounds();
            assert!([b.x, b.y, b.w, b.h].iter().all(|v| v.is_finite()), "{draw:?}");
        }
        list.hit(0, 0, host_us, &media);
        list.hit(i32::MAX, i32::MIN, host_us, &media);
        let next = list.next_change(host_us, &|timeline| (timeline != 2).then_some((media_us, 1000)));
        assert!(next.is_none_or(|at| at >= host_us), "a change in the past");
    }
}

fn layers(u: &mut Unstructured<'_>) -> Result<Vec<Layer>> {
    (0..u.int_in_range(0..=3)?)
        .map(|_| Ok(Layer { id: u.int_in_range(0..=5)?, z: u.arbitrary()?, nodes: nodes(u, 0)? }))
        .collect()
}

fn nodes(u: &mut Unstructured<'_>, depth: u32) -> Result<Vec<Node>> {
    (0..u.int_in_range(0..=3)?).map(|_| node(u, depth)).collect()
}

fn node(u: &mut Unstructured<'_>, depth: u32) -> Result<Node> {
    Ok(match u.int_in_range(0..=6)? {
        0 if depth == 0 => Node::Video(Video {
            timeline: u.arbitrary()?,
            rect: rect(u)?,
            fit: *u.choose(&[Fit::Contain, Fit::Cover, Fit::Fill])?,
        }),
        1 => Node::Shadow(Shadow {
            rect: rect(u)?,
            radius: u.arbitrary()?,
            sigma: u.arbitrary()?,
            color: u.arbitrary()?,
        }),
        2 => Node::Image(Image {
            key: u.arbitrary()?,
            rect: rect(u)?,
            source: u.arbitrary()?,
            radius: u.arbitrary()?,
            tint: u.arbitrary()?,
        }),
        3 => Node::Glyphs(Glyphs { page: u.arbitrary()?, color: u.arbitrary()?, glyphs: glyphs(u)? }),
        4 | 5 if depth < 16 => Node::Group(group(u, depth + 1)?),
        _ => Node::Rect(RoundRect {
            rect: rect(u)?,
            radius: u.arbitrary()?,
            fill: fill(u)?,
            border: u.arbitrary()?,
        }),
    })
}

/// Coordinates of a screen mostly, any at times.
fn rect(u: &mut Unstructured<'_>) -> Result<Rect> {
    let mut side = || if u.ratio(3, 4)? { u.int_in_range(-100_000..=4_000_000) } else { u.arbitrary() };
    Ok(Rect { x: side()?, y: side()?, w: side()?, h: side()? })
}

fn fill(u: &mut Unstructured<'_>) -> Result<Fill> {
    if u.arbitrary()? {
        return Ok(Fill::Solid(u.arbitrary()?));
    }
    let mut stops = Vec::new();
    for _ in 0..u.int_in_range(2..=4)? {
        stops.push((u.int_in_range(0..=1000)?, u.arbitrary()?));
    }
    stops.sort_by_key(|stop| stop.0);
    Ok(Fill::Linear { vertical: u.arbitrary()?, stops })
}

fn glyphs(u: &mut Unstructured<'_>) -> Result<Vec<Glyph>> {
    let one = |u: &mut Unstructured<'_>| {
        let (x, y) = u.arbitrary()?;
        let (source_x, source_y, w, h) = u.arbitrary()?;
        Ok(Glyph { x, y, source_x, source_y, w, h })
    };
    (0..u.int_in_range(0..=4)?).map(|_| one(u)).collect()
}

fn group(u: &mut Unstructured<'_>, depth: u32) -> Result<Group> {
    Ok(Group {
        translate: u.arbitrary()?,
        origin: u.arbitrary()?,
        scale_permille: u.arbitrary()?,
        rotate_millideg: u.arbitrary()?,
        opacity_permille: u.arbitrary()?,
        clip: if u.arbitrary()? { Some((rect(u)?, u.arbitrary()?)) } else { None },
        hit: if u.arbitrary()? { Some((u.arbitrary()?, rect(u)?)) } else { None },
        visible: if u.arbitrary()? {
            Some((u.int_in_range(1..=3)?, u.arbitrary()?, u.arbitrary()?))
        } else {
            None
        },
        bindings: (0..u.int_in_range(0..=2)?).map(|_| binding(u)).collect::<Result<_>>()?,
        children: nodes(u, depth)?,
    })
}

fn binding(u: &mut Unstructured<'_>) -> Result<Binding> {
    let property = *u.choose(&[
        Property::Opacity,
        Property::TranslateX,
        Property::TranslateY,
        Property::Scale,
        Property::Rotate,
        Property::ClipWidth,
    ])?;
    let curve = *u.choose(&[Curve::Linear, Curve::EaseOut, Curve::EaseInOut, Curve::Spring, Curve::Step])?;
    let mut times: Vec<i64> =
        (0..u.int_in_range(1..=4)?).map(|_| i64::arbitrary(u)).collect::<Result<_>>()?;
    times.sort_unstable();
    times.dedup();
    let keys =
        times.into_iter().map(|at_us| Ok(Key { at_us, value: u.arbitrary()? })).collect::<Result<_>>()?;
    let clock = if u.arbitrary()? { Clock::Host } else { Clock::Media(u.int_in_range(1..=3)?) };
    Ok(Binding { property, clock, keys, curve, repeat_us: u.arbitrary()? })
}
