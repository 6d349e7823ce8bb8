//! Packing and unpacking are inverse, and no bytes do harm.

use kinora_display_list::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn rect() -> impl Strategy<Value = Rect> {
    any::<(i32, i32, i32, i32)>().prop_map(|(x, y, w, h)| Rect { x, y, w, h })
}

fn fill() -> impl Strategy<Value = Fill> {
    prop_oneof![
        any::<u32>().prop_map(Fill::Solid),
        (any::<bool>(), vec((0u32..=1000, any::<u32>()), 2..5)).prop_map(|(vertical, mut stops)| {
            stops.sort_by_key(|stop| stop.0);
            Fill::Linear { vertical, stops }
        }),
    ]
}

fn binding() -> impl Strategy<Value = Binding> {
    let property = prop_oneof![
        Just(Property::Opacity),
        Just(Property::TranslateX),
        Just(Property::TranslateY),
        Just(Property::Scale),
        Just(Property::Rotate),
        Just(Property::ClipWidth),
    ];
    let curve = prop_oneof![
        Just(Curve::Linear),
        Just(Curve::EaseOut),
        Just(Curve::EaseInOut),
        Just(Curve::Spring),
        Just(Curve::Step),
    ];
    let clock = prop_oneof![Just(Clock::Host), (1u64..4).prop_map(Clock::Media)];
    let keys = proptest::collection::btree_map(prop_oneof![any::<i64>(), 0i64..1000], any::<i32>(), 1..5);
    (property, curve, clock, any::<u32>(), keys).prop_map(|(property, curve, clock, repeat_us, keys)| {
        let keys = keys.into_iter().map(|(at_us, value)| Key { at_us, value }).collect();
        Binding { property, clock, keys, curve, repeat_us }
    })
}

fn leaf() -> impl Strategy<Value = Node> {
    let glyph = any::<(i32, i32, u16, u16, u16, u16)>().prop_map(|(x, y, source_x, source_y, w, h)| Glyph {
        x,
        y,
        source_x,
        source_y,
        w,
        h,
    });
    prop_oneof![
        (rect(), any::<i32>(), fill(), any::<(i32, u32)>())
            .prop_map(|(rect, radius, fill, border)| Node::Rect(RoundRect { rect, radius, fill, border })),
        (rect(), any::<(i32, i32, u32)>()).prop_map(|(rect, (radius, sigma, color))| Node::Shadow(Shadow {
            rect,
            radius,
            sigma,
            color
        })),
        (rect(), any::<(u64, i32, u32)>(), any::<(u32, u32, u32, u32)>()).prop_map(
            |(rect, (key, radius, tint), source)| Node::Image(Image { key, rect, source, radius, tint })
        ),
        (any::<(u64, u32)>(), vec(glyph, 0..4)).prop_map(|((page, color), glyphs)| Node::Glyphs(Glyphs {
            page,
            color,
            glyphs
        })),
    ]
}

fn group(children: impl Strategy<Value = Vec<Node>>) -> impl Strategy<Value = Node> {
    let numbers = any::<((i32, i32), (i32, i32), i32, i32, i32)>();
    let parts = (
        option::of((rect(), any::<i32>())),
        option::of((any::<u64>(), rect())),
        option::of((1u64..4, any::<i64>(), any::<i64>())),
        vec(binding(), 0..3),
    );
    (numbers, parts, children).prop_map(|(numbers, (clip, hit, visible, bindings), children)| {
        let (translate, origin, scale_permille, rotate_millideg, opacity_permille) = numbers;
        Node::Group(Group {
            translate,
            origin,
            scale_permille,
            rotate_millideg,
            opacity_permille,
            clip,
            hit,
            visible,
            bindings,
            children,
        })
    })
}

fn layers() -> impl Strategy<Value = Vec<Layer>> {
    let node = leaf().prop_recursive(4, 24, 4, |inner| group(vec(inner, 0..4)));
    let video = (any::<u64>(), rect()).prop_map(|(timeline, rect)| {
        Node::Video(Video { timeline, rect, fit: if timeline % 2 == 0 { Fit::Cover } else { Fit::Fill } })
    });
    let layer =
        (any::<(u32, i32)>(), vec(video, 0..2), vec(node, 0..4)).prop_map(|((id, z), videos, nodes)| Layer {
            id,
            z,
            nodes: videos.into_iter().chain(nodes).collect(),
        });
    vec(layer, 0..3)
}

/// Uses everything that can be asked of a list and checks what every raster relies on.
fn exercise(list: &List) {
    for host_us in [0, 500, u64::MAX] {
        let media = |timeline: u64| (timeline != 2).then_some(i64::try_from(host_us).unwrap_or(i64::MIN));
        for draw in list.draw(host_us, &media) {
            let b = draw.bounds();
            assert!(b.x.is_finite() && b.y.is_finite() && b.w.is_finite() && b.h.is_finite(), "{draw:?}");
            assert!(!b.is_empty());
        }
        list.hit(5, 5, host_us, &media);
        let next = list.next_change(host_us, &|timeline| Some((media(timeline)?, 1000)));
        assert!(next.is_none_or(|next| next >= host_us));
    }
}

proptest! {
    #[test]
    fn decode_of_encoded_layers_gives_them_back(layers in layers()) {
        prop_assert_eq!(decode(&encode(&layers)), Ok(layers));
    }

    #[test]
    fn list_of_any_valid_layers_evaluates_to_finite_draws(layers in layers()) {
        let mut list = List::default();
        if list.apply(0, 1, &encode(&layers)).is_ok() {
            exercise(&list);
        }
    }

    #[test]
    fn list_of_arbitrary_bytes_never_panics(mut bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        bytes.splice(0..0, *b"KDL1\x01\0\0\0");
        let mut list = List::default();
        if list.apply(0, 1, &bytes).is_ok() {
            exercise(&list);
        }
    }

    #[test]
    fn list_of_damaged_patch_never_panics(
        layers in layers(), flips in vec(any::<(prop::sample::Index, u8)>(), 1..6), cut in any::<prop::sample::Index>()
    ) {
        let mut bytes = encode(&layers);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let mut list = List::default();
        if list.apply(0, 1, &bytes).is_ok() {
            exercise(&list);
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = decode(&bytes);
    }
}
