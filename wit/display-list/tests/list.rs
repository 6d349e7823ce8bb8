//! Commits, evaluation, hit tests and wake-up times.

use kinora_display_list::*;

fn rect(x: i32, y: i32, w: i32, h: i32) -> Rect {
    Rect { x: x * 1000, y: y * 1000, w: w * 1000, h: h * 1000 }
}

fn filled(r: Rect, color: Color) -> Node {
    Node::Rect(RoundRect { rect: r, radius: 0, fill: Fill::Solid(color), border: (0, 0) })
}

fn layer(id: u32, nodes: Vec<Node>) -> Layer {
    Layer { id, z: 0, nodes }
}

fn list(nodes: Vec<Node>) -> List {
    let mut list = List::default();
    list.apply(0, 1, &encode(&[layer(1, nodes)])).unwrap();
    list
}

fn fade(clock: Clock, keys: &[(i64, i32)]) -> Group {
    let keys = keys.iter().map(|&(at_us, value)| Key { at_us, value }).collect();
    let bindings =
        vec![Binding { property: Property::Opacity, clock, keys, curve: Curve::EaseOut, repeat_us: 0 }];
    Group { bindings, children: vec![filled(rect(0, 0, 10, 10), 0xFFFF_FFFF)], ..Group::default() }
}

fn none(_: u64) -> Option<i64> {
    None
}

fn only(draws: Vec<Draw>) -> Draw {
    assert_eq!(draws.len(), 1, "{draws:?}");
    draws.into_iter().next().unwrap()
}

#[test]
fn apply_with_wrong_base_changes_nothing() {
    let mut list = list(vec![filled(rect(0, 0, 1, 1), 0xFF)]);
    let patch = encode(&[layer(2, vec![filled(rect(0, 0, 2, 2), 0xFF)])]);
    assert_eq!(list.apply(7, 8, &patch), Err(ApplyError::WrongBase { current: 1 }));
    assert_eq!((list.generation(), list.layers().count()), (1, 1));
    list.apply(1, 2, &patch).unwrap();
    assert_eq!((list.generation(), list.layers().count()), (2, 2));
    list.apply(2, 3, &encode(&[layer(1, vec![])])).unwrap();
    assert_eq!(list.layers().map(|l| l.id).collect::<Vec<_>>(), [2]);
    list.apply(0, 9, &encode(&[])).unwrap();
    assert_eq!((list.generation(), list.layers().count()), (9, 0));
}

#[test]
fn apply_with_video_above_other_nodes_is_refused() {
    let video = |timeline| Node::Video(Video { timeline, rect: rect(0, 0, 9, 9), fit: Fit::Contain });
    let mut list = list(vec![video(1), video(2), filled(rect(0, 0, 1, 1), 0xFF)]);
    for nodes in [vec![video(3)], vec![filled(rect(0, 0, 1, 1), 0xFF), video(3)]] {
        let refused = list.apply(1, 2, &encode(&[layer(2, nodes)]));
        assert_eq!(refused, Err(ApplyError::Malformed(Malformed::Structure)));
    }
    assert_eq!(list.generation(), 1);
}

#[test]
fn apply_over_the_node_cap_is_refused() {
    let mut list = List::default();
    let many = vec![filled(rect(0, 0, 1, 1), 0xFF); MAX_NODES];
    list.apply(0, 1, &encode(&[layer(1, many)])).unwrap();
    let one = encode(&[layer(2, vec![filled(rect(0, 0, 1, 1), 0xFF)])]);
    assert_eq!(list.apply(1, 2, &one), Err(ApplyError::TooLarge));
    assert_eq!(list.apply(1, 2, &vec![0; MAX_BYTES + 1]), Err(ApplyError::TooLarge));
}

#[test]
fn apply_with_a_layer_twice_is_refused() {
    let patch = encode(&[layer(1, vec![]), layer(1, vec![])]);
    assert_eq!(List::default().apply(0, 1, &patch), Err(ApplyError::Malformed(Malformed::Structure)));
}

#[test]
fn draw_in_nested_groups_multiplies_transform_opacity_and_clip() {
    let inner = Group {
        translate: (5000, 0),
        opacity_permille: 500,
        clip: Some((rect(0, 0, 8, 8), 0)),
        children: vec![filled(rect(0, 0, 10, 10), 0xFF00_00FF)],
        ..Group::default()
    };
    let outer = Group {
        translate: (100_000, 0),
        origin: (0, 0),
        scale_permille: 2000,
        opacity_permille: 500,
        clip: Some((rect(0, 0, 10, 10), 2000)),
        children: vec![Node::Group(inner)],
        ..Group::default()
    };
    let draw = only(list(vec![Node::Group(outer)]).draw(0, &none));
    let clip = draw.clip.unwrap();
    assert_eq!(clip.bounds, Bounds { x: 110.0, y: 0.0, w: 10.0, h: 16.0 });
    assert_eq!((clip.rounded, clip.radius), (Bounds { x: 100.0, y: 0.0, w: 20.0, h: 20.0 }, 4.0));
    let Shape::Rect { rect, fill, .. } = draw.shape else { panic!() };
    assert_eq!(rect, Bounds { x: 110.0, y: 0.0, w: 20.0, h: 20.0 });
    assert_eq!(fill, Fill::Solid(0xFF00_0040));
}

#[test]
fn draw_scaled_about_origin_keeps_the_origin() {
    let children = vec![filled(rect(10, 10, 20, 20), 0xFF)];
    let group = Group { origin: (20_000, 20_000), scale_permille: 1500, children, ..Group::default() };
    let draw = only(list(vec![Node::Group(group)]).draw(0, &none));
    assert_eq!(draw.bounds(), Bounds { x: 5.0, y: 5.0, w: 30.0, h: 30.0 });
}

#[test]
fn draw_of_glyphs_lands_on_whole_pixels_unless_scaled() {
    let glyph = Glyph { x: 3, y: 4, source_x: 0, source_y: 0, w: 5, h: 6 };
    let glyphs = Node::Glyphs(Glyphs { page: 1, color: 0xFF, glyphs: vec![glyph] });
    let placement = |group: Group| {
        let group = Group { children: vec![glyphs.clone()], ..group };
        let Shape::Glyphs { placement, .. } = only(list(vec![Node::Group(group)]).draw(0, &none)).shape
        else {
            panic!()
        };
        placement
    };
    let moved = placement(Group { translate: (2400, 2600), ..Group::default() });
    assert_eq!(moved, Placement { x0: 2.0, y0: 3.0, a: 1.0, b: 0.0 });
    assert!(moved.is_whole_pixel());
    assert!(!placement(Group { scale_permille: 1060, ..Group::default() }).is_whole_pixel());
}

#[test]
fn draw_outside_visible_interval_is_empty() {
    let children = vec![filled(rect(0, 0, 1, 1), 0xFF)];
    let list = list(vec![Node::Group(Group { visible: Some((9, 100, 200)), children, ..Group::default() })]);
    let count = |at: Option<i64>| list.draw(0, &|timeline| at.filter(|_| timeline == 9)).len();
    assert_eq!([Some(99), Some(100), Some(199), Some(200), None].map(count), [0, 1, 1, 0, 0]);
}

#[test]
fn hit_of_overlapping_groups_is_the_topmost_inside_its_clip() {
    let target = |id, r| Group { hit: Some((id, r)), ..Group::default() };
    let child = Node::Group(target(2, rect(0, 0, 50, 50)));
    let clipped = Group {
        translate: (10_000, 10_000),
        clip: Some((rect(0, 0, 20, 20), 0)),
        children: vec![child],
        ..Group::default()
    };
    let ghost = Group { opacity_permille: 0, ..target(3, rect(0, 0, 100, 100)) };
    let list =
        list(vec![Node::Group(target(1, rect(0, 0, 100, 100))), Node::Group(clipped), Node::Group(ghost)]);
    let at = |x, y| list.hit(x * 1000, y * 1000, 0, &none);
    assert_eq!((at(5, 5), at(15, 15), at(31, 31), at(100, 5)), (1, 2, 1, 0));
}

#[test]
fn next_change_follows_host_and_media_clocks() {
    let host = list(vec![Node::Group(fade(Clock::Host, &[(1000, 0), (2000, 1000)]))]);
    let next = |at| host.next_change(at, &|_| None);
    assert_eq!((next(0), next(1000), next(1500), next(2000)), (Some(1000), Some(1000), Some(1500), None));

    let children = vec![filled(rect(0, 0, 1, 1), 0xFF)];
    let cue = list(vec![Node::Group(Group { visible: Some((9, 100, 200)), children, ..Group::default() })]);
    let next = |position, rate| cue.next_change(50, &|_| Some((position, rate)));
    assert_eq!(next(0, 1000), Some(150));
    assert_eq!(next(0, 2000), Some(100));
    assert_eq!(next(100, 500), Some(250));
    assert_eq!((next(200, 1000), next(0, 0)), (None, None));
}

#[test]
fn next_change_under_a_transparent_group_is_none() {
    let spinner = fade(Clock::Host, &[(0, 1000), (1_000_000, 0)]);
    let hidden = Group { opacity_permille: 0, children: vec![Node::Group(spinner)], ..Group::default() };
    assert_eq!(list(vec![Node::Group(hidden)]).next_change(10, &|_| None), None);
}
