//! What lies over every screen: spinner, volume, notices; and the helpers that all screens share.

use kinora_display_list::{Binding, Clock, Curve, Group, Key, Node, Property};
use kinora_time::HostUs;

use super::layer;
use crate::anim::Fade;
use crate::icons::Icon;
use crate::layout::Box2;
use crate::paint::{self, milli};
use crate::text::Face;
use crate::theme::{self, size};
use crate::ui::{Layers, Ring, Ui};

impl Ui {
    pub(crate) fn overlay_layers(&mut self, out: &mut Layers, now: HostUs) {
        out.push(layer::SPINNER, self.spinner());
        if self.volume.fade.drawn(now) {
            out.push(layer::VOLUME, self.volume_bar());
        }
        if self.notice.fade.drawn(now) {
            out.push(layer::NOTICE, self.notice_pill());
        }
    }

    /// Children that appear and go with `fade`, rising (1) or sinking (-1) while they appear.
    pub(crate) fn faded(&self, fade: &Fade, rise: i32, children: Vec<Node>) -> Vec<Node> {
        if children.is_empty() {
            return children;
        }
        let mut group = paint::group(children);
        group.opacity_permille = fade.tween().target();
        group.bindings.extend(fade.tween().binding(Property::Opacity, |value| value));
        if rise != 0 && !self.config.reduced_motion {
            let far = milli(self.m.px(theme::RISE) * rise);
            group.translate.1 = if fade.shown() { 0 } else { far };
            let map = |value: i32| far / 1000 * (1000 - value);
            group.bindings.extend(fade.tween().binding(Property::TranslateY, map));
        }
        vec![Node::Group(group)]
    }

    /// The ring around what is focused, springing from where it was. `inside`: at its edge, over it; else at a distance, with
    /// a shadow, under it.
    pub(crate) fn ring_nodes(
        &mut self,
        now: HostUs,
        focused: Option<Box2>,
        radius: i32,
        inside: bool,
    ) -> Vec<Node> {
        let Some(to) = focused else {
            self.ring = None;
            return Vec::new();
        };
        let ring = match self.ring {
            Some(ring) if ring.to == to => ring,
            Some(ring) => Ring { from: ring.to, to, since_us: now },
            None => Ring { from: to, to, since_us: now },
        };
        self.ring = Some(ring);

        let width = self.m.px(3);
        let grow = if inside { 0 } else { self.m.px(4) + width };
        let mut nodes = vec![paint::bordered(to.grow(grow), radius + grow, 0, width, theme::ACCENT)];
        if !inside {
            nodes.insert(0, paint::shadow(to, radius, self.m.px(12), theme::SHADOW));
        }
        let mut group = paint::group(nodes);
        let ((ax, ay), (bx, by)) = (ring.from.centre(), to.centre());
        group.origin = (milli(bx), milli(by));
        let mut bind = |property, from, to| {
            if from != to {
                group.bindings.push(spring(property, ring.since_us, from, to));
            }
        };
        // Between a button and the bar a scaled ring would be a caricature: it fades over.
        let (small, large) = (ring.from.w.min(to.w).max(1), ring.from.w.max(to.w));
        if self.config.reduced_motion || large > 4 * small {
            if ring.from != to {
                bind(Property::Opacity, 0, 1000);
            }
        } else {
            bind(Property::TranslateX, milli(ax - bx), 0);
            bind(Property::TranslateY, milli(ay - by), 0);
            bind(Property::Scale, ring.from.w * 1000 / to.w.max(1), 1000);
        }
        vec![Node::Group(group)]
    }

    /// Committed as soon as the player waits; it shows by itself once that has lasted.
    fn spinner(&mut self) -> Vec<Node> {
        let Some(since) = self.waiting_since_us else { return Vec::new() };
        let side = self.m.px(72) / 2 * 2;
        let full = Box2::new(0, 0, self.m.w, self.m.h);
        let at = full.middle(side, side);
        let disc = at.grow(side / 3);
        let arc = self.text.icon(Icon::Spinner, side, at.x, at.y, theme::TEXT);
        let ring = self.text.icon(Icon::SpinnerTrack, side, at.x, at.y, theme::TRACK);
        let start = (since + theme::SPINNER_DELAY_US) as i64;
        let (cx, cy) = (milli(at.x) + side * 500, milli(at.y) + side * 500);
        let mut turning = Group { origin: (cx, cy), ..paint::group(arc) };
        turning.bindings.push(Binding {
            property: Property::Rotate,
            clock: Clock::Host,
            keys: vec![
                Key { at_us: start, value: 0 },
                Key { at_us: start + i64::from(theme::SPINNER_TURN_US), value: 360_000 },
            ],
            curve: Curve::Linear,
            repeat_us: theme::SPINNER_TURN_US,
        });
        let mut children = vec![paint::fill(disc, disc.w / 2, theme::DISC)];
        children.extend(ring);
        children.push(Node::Group(turning));
        let mut group = Group { opacity_permille: 0, ..paint::group(children) };
        group.bindings.push(Binding {
            property: Property::Opacity,
            clock: Clock::Host,
            keys: vec![
                Key { at_us: start, value: 0 },
                Key { at_us: start + theme::FADE_IN_US as i64, value: 1000 },
            ],
            curve: Curve::EaseOut,
            repeat_us: 0,
        });
        vec![Node::Group(group)]
    }

    /// The brief vertical bar at the right.
    fn volume_bar(&mut self) -> Vec<Node> {
        let m = self.m;
        let (level, muted) = self.volume.what;
        let safe = m.safe();
        let (w, h) = (m.px(64), m.px(288).min(safe.h));
        let card = Box2::new(safe.right() - w, (m.h - h) / 2, w, h);
        let radius = m.px(theme::RADIUS_CARD);
        let icon_side = m.icon();
        let pad = m.px(16);
        let bar_w = m.px(6);
        let foot = card.bottom() - pad - icon_side - m.px(12);
        let bar = Box2::new(card.x + (w - bar_w) / 2, card.y + m.px(20), bar_w, foot - card.y - m.px(20));
        let mut nodes = vec![
            paint::shadow(card, radius, m.px(16), theme::SHADOW),
            paint::bordered(card, radius, theme::CARD, m.px(1), theme::HAIRLINE),
        ];
        if bar.h > 0 {
            nodes.push(paint::fill(bar, bar_w / 2, theme::TRACK));
            let level = if muted { 0 } else { level.min(1000) as i32 };
            let full = bar.h * level / 1000;
            if full > 0 {
                nodes.push(paint::fill(Box2::new(bar.x, foot - full, bar_w, full), bar_w / 2, theme::TEXT));
            }
        }
        let icon = volume_icon(level, muted);
        let x = card.x + (w - icon_side) / 2;
        nodes.extend(self.text.icon(icon, icon_side, x, card.bottom() - pad - icon_side, theme::TEXT));
        let fade = self.volume.fade;
        self.faded(&fade, 0, nodes)
    }

    /// A sentence in a pill, in the upper part of the screen.
    fn notice_pill(&mut self) -> Vec<Node> {
        let m = self.m;
        let face = Face::semibold(m.px(size::BODY));
        let safe = m.safe();
        let pad = m.px(28);
        let text = self.text.line(&self.notice.what, face, safe.w - 2 * pad);
        let (w, h) = (text.width + 2 * pad, m.px(64));
        let y = (m.h * 18 / 100).max(safe.y + m.px(56)).min(m.h - h);
        let card = Box2::new((m.w - w) / 2, y, w, h);
        let radius = m.px(theme::RADIUS_CARD);
        let mut nodes = vec![
            paint::shadow(card, radius, m.px(16), theme::SHADOW),
            paint::bordered(card, radius, theme::CARD, m.px(1), theme::HAIRLINE),
        ];
        let (_, cy) = card.centre();
        nodes.extend(self.text.draw(&text, card.x + pad, cy + face.half_cap(), theme::TEXT));
        let fade = self.notice.fade;
        self.faded(&fade, -1, nodes)
    }
}

fn spring(property: Property, since_us: HostUs, from: i32, to: i32) -> Binding {
    let end = since_us.saturating_add(theme::FOCUS_US);
    Binding {
        property,
        clock: Clock::Host,
        keys: vec![Key { at_us: since_us as i64, value: from }, Key { at_us: end as i64, value: to }],
        curve: Curve::Spring,
        repeat_us: 0,
    }
}

pub(crate) fn volume_icon(level: u32, muted: bool) -> Icon {
    match level {
        _ if muted => Icon::Muted,
        0 => Icon::Muted,
        1..500 => Icon::VolumeLow,
        _ => Icon::VolumeHigh,
    }
}
