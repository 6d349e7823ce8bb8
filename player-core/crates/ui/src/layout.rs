//! Where things stand, in whole physical pixels. Every function here is total: any surface gives rectangles inside it that do not
//! overlap; what does not fit is left out, least important first.

use crate::focus::Control;
use crate::view::{Surface, UiConfig, View};

/// A rectangle of whole physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Box2 {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) w: i32,
    pub(crate) h: i32,
}

impl Box2 {
    pub(crate) const fn new(x: i32, y: i32, w: i32, h: i32) -> Box2 {
        Box2 { x, y, w, h }
    }

    pub(crate) fn centre(&self) -> (i32, i32) {
        (self.x + self.w / 2, self.y + self.h / 2)
    }

    pub(crate) fn right(&self) -> i32 {
        self.x + self.w
    }

    pub(crate) fn bottom(&self) -> i32 {
        self.y + self.h
    }

    /// Grown on every side.
    pub(crate) fn grow(&self, by: i32) -> Box2 {
        Box2::new(self.x - by, self.y - by, self.w + 2 * by, self.h + 2 * by)
    }

    /// A box of the given size in the middle of this one.
    pub(crate) fn middle(&self, w: i32, h: i32) -> Box2 {
        Box2::new(self.x + (self.w - w).div_euclid(2), self.y + (self.h - h).div_euclid(2), w, h)
    }
}

/// The surface and what a design pixel is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Metrics {
    pub(crate) w: i32,
    pub(crate) h: i32,
    /// Physical pixels a thousand design pixels.
    unit: i32,
    pub(crate) tv: bool,
    pub(crate) pointer: bool,
    /// Physical pixels a thousand logical ones.
    scale: i32,
}

impl Metrics {
    pub(crate) fn new(surface: Surface, config: &UiConfig) -> Metrics {
        let side = |px: u32| px.clamp(1, 1 << 15) as i32;
        let (w, h) = (side(surface.width_px), side(surface.height_px));
        let scale = surface.scale_permille.clamp(500, 8000) as i32;
        let fit = (w * 1000 / 1920).min(h * 1000 / 1080);
        // Below 720p a window shows less instead of smaller: text of 22 design pixels stays at 14 logical ones.
        let least = if config.tv { 500 } else { scale * 2 / 3 };
        Metrics { w, h, unit: fit.max(least), tv: config.tv, pointer: config.pointer, scale }
    }

    /// Design pixels to physical ones, at least 1 for anything that is there at all.
    pub(crate) fn px(&self, design: i32) -> i32 {
        let px = (design * self.unit + 500).div_euclid(1000);
        if design > 0 { px.max(1) } else { px }
    }

    /// Side of something to hit.
    pub(crate) fn target(&self) -> i32 {
        if self.tv { self.px(64) } else { self.px(56).max(40 * self.scale / 1000) }
    }

    /// Icons keep to multiples of their grid's half unit where they can, which keeps their straight lines on whole pixels.
    pub(crate) fn icon(&self) -> i32 {
        let px = self.px(36);
        if px >= 24 { px / 6 * 6 } else { px }
    }

    /// Distance from the left and right edge: overscan on a television, comfort in a window.
    pub(crate) fn margin_x(&self) -> i32 {
        if self.tv { (self.w + 19) / 20 } else { self.px(40).min(self.w / 16) }
    }

    /// Distance from the top and bottom edge.
    pub(crate) fn margin_y(&self) -> i32 {
        if self.tv { (self.h + 19) / 20 } else { self.px(32).min(self.h / 16) }
    }

    /// The surface without its margins.
    pub(crate) fn safe(&self) -> Box2 {
        let (x, y) = (self.margin_x(), self.margin_y());
        Box2::new(x, y, self.w - 2 * x, self.h - 2 * y)
    }
}

/// A control and the area that reacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) control: Control,
    pub(crate) at: Box2,
}

/// The player's controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlayerLayout {
    /// In reading order.
    pub(crate) placed: Vec<Placed>,
    /// The bar itself, over the full width where it can be dragged.
    pub(crate) track: Box2,
    /// Right edge and middle of the elapsed time.
    pub(crate) elapsed: Option<Box2>,
    /// Where the remaining time stands.
    pub(crate) remaining: Option<Box2>,
    /// Room for the title, if any.
    pub(crate) title: Option<Box2>,
    /// Above this line captions and cards have room.
    pub(crate) top: i32,
}

impl PlayerLayout {
    pub(crate) fn find(&self, control: Control) -> Option<Box2> {
        self.placed.iter().find(|placed| placed.control == control).map(|placed| placed.at)
    }

    /// `time_w` and `speed_w` are the widths of the widest time label and of the speed's.
    pub(crate) fn new(m: &Metrics, view: &View<'_>, time_w: i32, speed_w: i32) -> PlayerLayout {
        let safe = m.safe();
        let side = m.target();
        let mut out = PlayerLayout {
            placed: Vec::new(),
            track: Box2::default(),
            elapsed: None,
            remaining: None,
            title: None,
            top: safe.bottom(),
        };

        // The row of the seek bar, at the bottom.
        let row_h = if m.tv { side } else { m.px(40).max(32 * m.scale / 1000) };
        let row = Box2::new(safe.x, safe.bottom() - row_h, safe.w, row_h);
        let play = m.px(if m.tv { 80 } else { 72 }).max(side);
        let has_row = row.y > safe.y;
        if has_row {
            out.seek_row(m, view, row, time_w);
            out.top = row.y;
        }

        // The buttons over it.
        let buttons = Box2::new(safe.x, row.y - m.px(8) - play, safe.w, play);
        if has_row && buttons.y >= 0 && safe.w >= play {
            out.button_row(m, view, buttons, play, speed_w + m.px(16));
            out.top = buttons.y;
        }
        let title_h = m.px(64);
        if safe.y + title_h + m.px(48) <= out.top {
            out.title = Some(Box2::new(safe.x, safe.y, safe.w, title_h));
        }
        out
    }

    fn seek_row(&mut self, m: &Metrics, view: &View<'_>, row: Box2, time_w: i32) {
        let gap = m.px(24);
        let bar_least = m.px(160);
        let has_end = view.duration_us.is_some() && view.live.is_none();
        let (mut left, mut right) = (row.x, row.right());
        if row.w >= time_w + gap + bar_least {
            self.elapsed = Some(Box2::new(row.x, row.y, time_w, row.h));
            left += time_w + gap;
        }
        if has_end && self.elapsed.is_some() && row.w >= 2 * (time_w + gap) + bar_least {
            self.remaining = Some(Box2::new(row.right() - time_w, row.y, time_w, row.h));
            right -= time_w + gap;
        }
        let live_w = m.px(112);
        if view.live.is_some() && right - left >= live_w {
            let at = Box2::new(row.right() - live_w, row.y, live_w, row.h);
            self.placed.push(Placed { control: Control::Live, at });
            right = (right - live_w - gap).max(left);
        }
        let track_h = m.px(4);
        self.track = Box2::new(left, row.y + (row.h - track_h) / 2, right - left, track_h);
        if view.can_seek() {
            self.placed
                .push(Placed { control: Control::Seek, at: Box2::new(left, row.y, right - left, row.h) });
        }
    }

    fn button_row(&mut self, m: &Metrics, view: &View<'_>, row: Box2, play: i32, speed_w: i32) {
        let (side, gap) = (m.target(), m.px(8));
        // What is drawn of an icon, from 3 to 21 of its 24 units, lines up with the margin; its area hangs over.
        let inset = (side - m.icon()) / 2 + m.icon() / 8;
        let (edge_l, edge_r) = (row.x - inset.min(row.x), row.right() + inset.min(row.x));
        let y = row.y + (row.h - side) / 2;

        let wide = |n: i32| play + 2 * n * (side + m.px(16));
        let half = |middle: i32| (edge_r - edge_l - middle) / 2 - 2 * gap;
        let many = view.queue_len > 1;
        let around = [(2, many), (1, true), (0, true)]
            .into_iter()
            .find(|&(n, wanted)| {
                wanted && (n == 0 || (n == 1 && !view.can_seek()) || half(wide(n)) >= 2 * side + gap)
            })
            .map_or(0, |(n, _)| n);
        let middle = wide(around);

        let mut left: Vec<(Control, i32)> = Vec::new();
        if m.pointer {
            left = vec![(Control::Mute, side), (Control::Volume, m.px(144))];
        }
        let mut right: Vec<(Control, i32)> = Vec::new();
        if !view.caption_tracks.is_empty() {
            right.push((Control::Captions, side));
        }
        if view.audio_tracks.len() > 1 {
            right.push((Control::Audio, side));
        }
        right.push((Control::Speed, side.max(speed_w)));
        if view.can_fullscreen {
            right.push((Control::Fullscreen, side));
        }
        let room = half(middle);
        let width =
            |items: &[(Control, i32)]| items.iter().map(|item| item.1 + gap).sum::<i32>() - gap.min(room);
        while !left.is_empty() && width(&left) > room {
            left.pop();
        }
        for least in [Control::Speed, Control::Audio, Control::Captions, Control::Fullscreen] {
            if width(&right) > room {
                right.retain(|item| item.0 != least);
            }
        }

        let mut x = edge_l;
        for (control, w) in left {
            self.placed.push(Placed { control, at: Box2::new(x, y, w, side) });
            x += w + gap;
        }
        let centre = row.x + row.w / 2;
        let mut transport = Vec::new();
        if around >= 2 {
            transport.push(Control::Previous);
        }
        if around >= 1 && view.can_seek() {
            transport.push(Control::Back);
        }
        transport.push(Control::Play);
        if around >= 1 && view.can_seek() {
            transport.push(Control::Forward);
        }
        if around >= 2 {
            transport.push(Control::Next);
        }
        let total: i32 = transport.iter().map(|c| if *c == Control::Play { play } else { side }).sum::<i32>()
            + (transport.len() as i32 - 1) * m.px(16);
        let mut x = centre - total / 2;
        for control in transport {
            let size = if control == Control::Play { play } else { side };
            self.placed.push(Placed { control, at: Box2::new(x, row.y + (row.h - size) / 2, size, size) });
            x += size + m.px(16);
        }
        let mut x = edge_r - width(&right).max(0);
        for (control, w) in right {
            self.placed.push(Placed { control, at: Box2::new(x, y, w, side) });
            x += w + gap;
        }
    }
}

#[cfg(test)]
mod tests {
    use kinora_time::{Anchor, LiveEdge};
    use proptest::prelude::*;

    use super::*;
    use crate::focus::{Direction, neighbour};
    use crate::view::TrackLabel;

    fn metrics(w: u32, h: u32, scale_permille: u32, tv: bool) -> Metrics {
        let config = UiConfig { pointer: !tv, tv, reduced_motion: false, locale: String::new() };
        Metrics::new(Surface { width_px: w, height_px: h, scale_permille }, &config)
    }

    const LIVE: LiveEdge =
        LiveEdge { anchor: Anchor { media_us: 0, host_us: 0, rate_permille: 1000 }, slack_us: 0 };

    fn full(tracks: &[TrackLabel]) -> View<'_> {
        View {
            duration_us: Some(5_000_000_000),
            seekable: true,
            can_fullscreen: true,
            queue_len: 3,
            audio_tracks: tracks,
            caption_tracks: tracks,
            ..View::idle()
        }
    }

    fn tracks() -> Vec<TrackLabel> {
        let track = |id| TrackLabel { id, label: String::new(), language: String::new(), selected: false };
        (1..4).map(track).collect()
    }

    fn apart(a: &Box2, b: &Box2) -> bool {
        a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y
    }

    proptest! {
        #[test]
        fn controls_on_any_surface_stay_inside_and_apart(
            (w, h) in (1..5000u32, 1..3000u32),
            scale in prop_oneof![Just(1000u32), Just(1500), Just(2000), 500..4000u32],
            tv in any::<bool>(),
            live in any::<bool>(),
        ) {
            let (m, tracks) = (metrics(w, h, scale, tv), tracks());
            let view = View { live: live.then_some(LIVE), ..full(&tracks) };
            let layout = PlayerLayout::new(&m, &view, m.px(96), m.px(60));
            let boxes: Vec<Box2> = layout.placed.iter().map(|p| p.at)
                .chain(layout.elapsed).chain(layout.remaining).chain(layout.title).collect();
            for (i, a) in boxes.iter().enumerate() {
                prop_assert!(a.x >= 0 && a.y >= 0 && a.right() <= m.w && a.bottom() <= m.h, "{a:?} outside {m:?}");
                for b in &boxes[i + 1..] {
                    prop_assert!(apart(a, b), "{a:?} over {b:?} on {m:?}");
                }
            }
        }

        #[test]
        fn every_control_is_reached_from_every_other_with_a_dpad(
            (w, h) in (200..4000u32, 150..2200u32),
            tv in any::<bool>(),
            live in any::<bool>(),
        ) {
            let (m, tracks) = (metrics(w, h, 1000, tv), tracks());
            let view = View { live: live.then_some(LIVE), ..full(&tracks) };
            let placed = PlayerLayout::new(&m, &view, m.px(96), m.px(60)).placed;
            for start in &placed {
                let mut reached = vec![start.control];
                let mut at = 0;
                while let Some(&control) = reached.get(at) {
                    for way in [Direction::Up, Direction::Down, Direction::Left, Direction::Right] {
                        reached.extend(neighbour(&placed, control, way).filter(|next| !reached.contains(next)));
                    }
                    at += 1;
                }
                prop_assert_eq!(reached.len(), placed.len());
            }
        }
    }

    #[test]
    fn controls_on_a_television_keep_to_the_safe_area() {
        for (w, h) in [(1280, 720), (1920, 1080), (3840, 2160)] {
            let (m, tracks) = (metrics(w, h, 1000, true), tracks());
            let layout = PlayerLayout::new(&m, &full(&tracks), m.px(96), m.px(60));
            for placed in layout.placed.iter().filter(|p| p.control != Control::Seek) {
                let drawn = placed.at.middle(m.icon() * 3 / 4, m.icon());
                assert!(drawn.x >= m.margin_x() && drawn.right() <= m.w - m.margin_x(), "{placed:?}");
                assert!(placed.at.h >= m.px(64) && placed.at.bottom() <= m.h - m.margin_y(), "{placed:?}");
            }
        }
    }

    #[test]
    fn design_surface_has_every_control() {
        let tracks = tracks();
        for (w, h, scale, tv) in
            [(1920, 1080, 1000, false), (1920, 1080, 1000, true), (1280, 720, 1000, false)]
        {
            let m = metrics(w, h, scale, tv);
            let layout = PlayerLayout::new(&m, &full(&tracks), m.px(96), m.px(60));
            assert_eq!(layout.placed.len(), if tv { 10 } else { 12 }, "{w}x{h}");
            assert!(layout.title.is_some() && layout.remaining.is_some());
        }
    }

    #[test]
    fn narrow_window_keeps_play_and_full_screen() {
        let tracks = tracks();
        let m = metrics(260, 400, 1000, false);
        let layout = PlayerLayout::new(&m, &full(&tracks), m.px(96), m.px(60));
        assert!(layout.find(Control::Play).is_some() && layout.find(Control::Fullscreen).is_some());
        assert!(layout.find(Control::Speed).is_none());
    }
}
