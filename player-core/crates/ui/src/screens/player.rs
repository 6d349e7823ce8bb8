//! The player's own screen: picture, title, buttons, seek bar, time.

use kinora_display_list::{Binding, Clock, Curve, Fit, Group, Key, Node, Property, Video};
use kinora_time::{HostUs, MediaUs, SECOND_US, mul_div_floor};

use super::layer;
use super::overlay::volume_icon;
use crate::focus::Control;
use crate::icons::Icon;
use crate::layout::{Box2, PlayerLayout};
use crate::paint::{self, milli};
use crate::strings;
use crate::text::{Align, Face, plain};
use crate::theme::{self, size};
use crate::ui::{Layers, Ui};
use crate::view::{Phase, View};

/// Seconds of running time committed ahead, so that it goes on without the core.
const TIME_AHEAD: i64 = 10;
/// They are renewed when so many are left.
const TIME_RENEW: i64 = 2;

impl Ui {
    pub(crate) fn player_layers(&mut self, out: &mut Layers, now: HostUs, view: &View<'_>) {
        let m = self.m;
        let full = Box2::new(0, 0, m.w, m.h);
        let backdrop = if view.timeline != 0 && view.has_video {
            Node::Video(Video { timeline: view.timeline, rect: paint::rect(full), fit: Fit::Contain })
        } else {
            paint::fill(full, 0, theme::SURFACE)
        };
        out.push(layer::BACKDROP, vec![backdrop]);

        let time_face = Face::regular(m.px(size::SMALL)).tabular();
        let position_us = view.position_us(now);
        let longest_us = if view.live.is_some() { view.behind_us(position_us, now) } else { position_us };
        let hours = strings::needs_hours(view.duration_us.unwrap_or(0).max(longest_us));
        let widest = if hours { "−0:00:00" } else { "−00:00" };
        let time_w = self.text.width(widest, time_face);
        let speed_w = self.text.width(&strings::speed(view.rate_permille), Face::semibold(m.px(28)));
        let layout = PlayerLayout::new(&m, view, time_w, speed_w);
        self.track = layout.track;

        let shown = self.controls.shown();
        self.raise_captions(now, view, if shown { layout.top } else { m.h });
        let captions = self.caption_nodes(view);
        out.push(layer::CAPTIONS, captions);
        if !view.has_video && view.phase != Phase::Opening {
            let card = self.sound_card(view, layout.top);
            out.push(layer::CENTRE, card);
        }
        if !self.controls.drawn(now) {
            return;
        }
        if shown {
            self.placed.clone_from(&layout.placed);
        }
        let fade = self.controls;
        let scrims = self.scrims(view, &layout);
        out.push(layer::SCRIM, self.faded(&fade, 0, scrims));

        let menu_open = self.menu.is_some();
        let focused = (self.focus_visible && !menu_open && shown).then(|| layout.find(self.focus)).flatten();
        let is_bar = self.focus == Control::Seek;
        let ring_at = focused.map(|at| if is_bar { self.bar(&layout, true) } else { at });
        let radius = if is_bar { m.px(4) } else { m.px(theme::RADIUS_CONTROL) };
        if !menu_open {
            let ring = self.ring_nodes(now, ring_at, radius, false);
            out.push(layer::FOCUS, self.faded(&fade, 1, ring));
        }

        let buttons = self.button_nodes(now, view, &layout, shown);
        out.push(layer::BUTTONS, self.faded(&fade, 1, buttons));
        let seek = self.seek_nodes(now, view, &layout, shown);
        out.push(layer::SEEK, self.faded(&fade, 1, seek));
        let time = self.time_nodes(now, view, &layout, time_face, hours);
        out.push(layer::TIME, self.faded(&fade, 1, time));
        if shown {
            let bubble = self.bubble_nodes(now, view, &layout, hours);
            out.push(layer::BUBBLE, bubble);
            self.menu_layers(out, now, view, layout.top);
        }
    }

    fn scrims(&self, view: &View<'_>, layout: &PlayerLayout) -> Vec<Node> {
        let m = self.m;
        // Without a picture the surface is dark already.
        if !view.has_video {
            return Vec::new();
        }
        let foot = (m.h * 2 / 5).max((m.h - layout.top) * 3 / 2).min(m.h);
        let mut nodes = vec![paint::scrim(Box2::new(0, m.h - foot, m.w, foot), 720, false)];
        if layout.title.is_some() && !view.title.is_empty() {
            let head = (m.h * 3 / 10).max(m.margin_y() + m.px(216)).min(m.h);
            nodes.push(paint::scrim(Box2::new(0, 0, m.w, head), 640, true));
        }
        nodes
    }

    fn button_nodes(
        &mut self,
        now: HostUs,
        view: &View<'_>,
        layout: &PlayerLayout,
        reacts: bool,
    ) -> Vec<Node> {
        let m = self.m;
        let mut nodes = Vec::new();
        if let Some(at) = layout.title.filter(|_| view.has_video || view.phase == Phase::Opening) {
            let face = Face::semibold(m.px(size::TITLE));
            let title = self.text.line(view.title, face, at.w);
            nodes.extend(self.text.draw(&title, at.x, at.y + 2 * face.half_cap() + m.px(2), theme::TEXT));
            if view.queue_len > 1 {
                let small = Face::regular(m.px(size::SMALL)).tabular();
                let place = strings::place(view.queue_index, view.queue_len);
                let place = self.text.line(&place, small, at.w);
                let y = at.y + 2 * face.half_cap() + m.px(22) + 2 * small.half_cap();
                nodes.extend(self.text.draw(&place, at.x, y, theme::TEXT));
            }
        }
        for placed in layout.placed.iter().filter(|placed| placed.control != Control::Seek) {
            let (control, at) = (placed.control, placed.at);
            let focused = self.focus_visible && self.focus == control && self.menu.is_none();
            let mut inner = Vec::new();
            let plate = match (focused, self.hover == Some(control)) {
                _ if control == Control::Volume => None,
                (true, _) => Some(theme::FOCUSED),
                (false, true) => Some(theme::HOVER),
                (false, false) => None,
            };
            inner.extend(plate.map(|color| paint::fill(at, m.px(theme::RADIUS_CONTROL), color)));
            inner.extend(match control {
                Control::Speed => self.speed_label(view, at, focused),
                Control::Volume => self.volume_slider(view, at),
                Control::Live => self.live_mark(now, view, at),
                _ => self.control_icon(view, control, at, focused),
            });
            let hit = reacts.then(|| (control.id(), paint::rect(at)));
            nodes.push(Node::Group(Group { hit, ..paint::group(inner) }));
        }
        nodes
    }

    fn control_icon(&mut self, view: &View<'_>, control: Control, at: Box2, focused: bool) -> Vec<Node> {
        let m = self.m;
        let captions_on = view.caption_tracks.iter().any(|track| track.selected);
        let (icon, color) = match control {
            Control::Play if view.phase == Phase::Ended => (Icon::Replay, theme::TEXT),
            Control::Play if matches!(view.phase, Phase::Paused) => (Icon::Play, theme::TEXT),
            Control::Play => (Icon::Pause, theme::TEXT),
            Control::Back => (Icon::Back10, theme::TEXT),
            Control::Forward => (Icon::Forward10, theme::TEXT),
            Control::Previous => (Icon::Previous, theme::TEXT),
            Control::Next if view.queue_index + 1 >= view.queue_len => (Icon::Next, theme::TEXT_DISABLED),
            Control::Next => (Icon::Next, theme::TEXT),
            Control::Mute => (volume_icon(view.volume_permille, view.muted), theme::TEXT),
            Control::Captions if captions_on => (Icon::CaptionsOn, theme::TEXT),
            Control::Captions => (Icon::Captions, theme::TEXT),
            Control::Audio => (Icon::Audio, theme::TEXT),
            _ if view.fullscreen => (Icon::LeaveFullscreen, theme::TEXT),
            _ => (Icon::EnterFullscreen, theme::TEXT),
        };
        // Half units of the grid again, see `Metrics::icon`.
        let plain = if control == Control::Play { (m.icon() * 4 / 3 + 6) / 12 * 12 } else { m.icon() };
        // Drawn larger rather than scaled up, which would blur it; an even difference keeps the centre.
        let side = if focused { plain + (plain * 6 / 100 + 1) / 2 * 2 } else { plain };
        let (cx, cy) = at.centre();
        self.text.icon(icon, side, cx - side / 2, cy - side / 2, color)
    }

    /// A dot and a word, red and white while what plays is live.
    fn live_mark(&mut self, now: HostUs, view: &View<'_>, at: Box2) -> Vec<Node> {
        let m = self.m;
        let live = view.behind_us(view.position_us(now), now) == 0;
        let (dot, word) =
            if live { (theme::ERROR, theme::TEXT) } else { (theme::TEXT_SECONDARY, theme::TEXT_SECONDARY) };
        let face = Face::semibold(m.px(size::SMALL));
        let label = self.text.line(strings::LIVE, face, at.w);
        let (side, gap) = (m.px(12) / 2 * 2, m.px(10));
        let (cx, cy) = at.centre();
        let x = cx - (side + gap + label.width) / 2;
        let mut nodes = vec![paint::fill(Box2::new(x, cy - side / 2, side, side), side / 2, dot)];
        nodes.extend(self.text.draw(&label, x + side + gap, cy + face.half_cap(), word));
        nodes
    }

    fn speed_label(&mut self, view: &View<'_>, at: Box2, focused: bool) -> Vec<Node> {
        let design = if focused { 28 } else { 26 };
        let face = Face::semibold(self.m.px(design));
        let label = self.text.line(&strings::speed(view.rate_permille), face, at.w);
        let (cx, cy) = at.centre();
        self.text.draw(&label, cx - label.width / 2, cy + face.half_cap(), theme::TEXT)
    }

    /// The line of the volume control inside its area.
    pub(crate) fn volume_line(&self, at: Box2) -> Box2 {
        let h = self.m.px(4);
        at.middle((at.w - 2 * self.m.px(12)).max(1), h)
    }

    fn volume_slider(&mut self, view: &View<'_>, at: Box2) -> Vec<Node> {
        let m = self.m;
        let line = self.volume_line(at);
        let level = if view.muted { 0 } else { view.volume_permille.min(1000) as i32 };
        let full = line.w * level / 1000;
        let knob = m.px(16) / 2 * 2;
        let cy = line.y + line.h / 2;
        vec![
            paint::fill(line, line.h / 2, theme::TRACK),
            paint::fill(Box2 { w: full.max(1), ..line }, line.h / 2, theme::TEXT),
            paint::fill(
                Box2::new(line.x + full - knob / 2, cy - knob / 2, knob, knob),
                knob / 2,
                0xFFFF_FFFF,
            ),
        ]
    }

    /// The seek bar's line, thick while it is pointed at, dragged or focused.
    fn bar(&self, layout: &PlayerLayout, thick: bool) -> Box2 {
        let h = self.m.px(if thick { 8 } else { 4 });
        Box2::new(layout.track.x, layout.track.centre().1 - h / 2, layout.track.w, h)
    }

    fn seek_nodes(&mut self, now: HostUs, view: &View<'_>, layout: &PlayerLayout, reacts: bool) -> Vec<Node> {
        if layout.track.w <= 0 {
            return Vec::new();
        }
        let m = self.m;
        let dragging = self.drag.is_some_and(|drag| drag.control == Control::Seek);
        let focused = self.focus_visible && self.focus == Control::Seek;
        let thick = dragging || focused || self.hover == Some(Control::Seek);
        let bar = self.bar(layout, thick);
        let round = bar.h / 2;
        // What has no end has no bar.
        let Some(duration) = view.bar_us() else { return Vec::new() };
        let mut nodes = vec![paint::fill(bar, round, theme::TRACK)];

        let along = |at: MediaUs| {
            let into = at.saturating_sub(view.start_us).clamp(0, duration);
            mul_div_floor(into, bar.w.into(), duration) as i32
        };
        for span in view.buffered.iter().take(16) {
            let (from, to) = (along(span.from_us), along(span.to_us));
            if to > from {
                nodes.push(paint::fill(
                    Box2 { x: bar.x + from, w: to - from, ..bar },
                    round,
                    theme::BUFFERED,
                ));
            }
        }

        // The clock moves the bar; a place that is only wanted stands still.
        let held = match self.drag {
            Some(drag) if dragging => Some(drag.media_us),
            _ if view.timeline == 0 || view.phase == Phase::Ended => Some(view.position_us(now)),
            _ => view.seek_target_us,
        };
        let keys = |scale: i32| {
            let end = view.start_us.saturating_add(duration);
            vec![
                Key { at_us: view.start_us, value: 0 },
                Key { at_us: end, value: milli(bar.w) / 1000 * scale },
            ]
        };
        let follow = |property| Binding {
            property,
            clock: Clock::Media(view.timeline),
            keys: keys(1000),
            curve: Curve::Linear,
            repeat_us: 0,
        };
        let reached = held.map_or(0, along);
        let mut played = paint::group(vec![paint::fill(bar, round, theme::ACCENT)]);
        played.clip = Some((paint::rect(Box2 { w: reached, ..bar }), 0));
        let knob = m.px(match (thick, m.tv) {
            (false, false) => 14,
            (false, true) => 18,
            (true, false) => 20,
            (true, true) => 28,
        }) / 2
            * 2;
        let at = Box2::new(bar.x - knob / 2, bar.y + bar.h / 2 - knob / 2, knob, knob);
        let mut handle = paint::group(vec![
            paint::shadow(at, knob / 2, m.px(4), theme::SHADOW),
            paint::fill(at, knob / 2, theme::ACCENT),
        ]);
        handle.translate.0 = milli(reached);
        if held.is_none() {
            played.bindings.push(follow(Property::ClipWidth));
            handle.bindings.push(follow(Property::TranslateX));
        }
        nodes.push(Node::Group(played));
        if view.can_seek() {
            nodes.push(Node::Group(handle));
            if let Some(area) = layout.find(Control::Seek).filter(|_| reacts) {
                let hit = Some((Control::Seek.id(), paint::rect(area)));
                nodes.push(Node::Group(Group { hit, ..Group::default() }));
            }
        }
        nodes
    }

    fn time_nodes(
        &mut self,
        now: HostUs,
        view: &View<'_>,
        layout: &PlayerLayout,
        face: Face,
        hours: bool,
    ) -> Vec<Node> {
        let Some(left) = layout.elapsed else { return Vec::new() };
        let dragged = self.drag.filter(|drag| drag.control == Control::Seek).map(|drag| drag.media_us);
        let position = dragged.unwrap_or_else(|| view.position_us(now));
        if view.live.is_some() {
            let behind_us = view.behind_us(position, now);
            if behind_us == 0 {
                return Vec::new();
            }
            let words = strings::minus(behind_us.div_euclid(SECOND_US), hours);
            let label = self.text.line(&words, face, left.w);
            return self.text.draw(&label, left.x, left.centre().1 + face.half_cap(), theme::TEXT);
        }
        let second = position.saturating_sub(view.start_us).div_euclid(SECOND_US);
        let runs = view.clock.rate_permille > 0
            && view.timeline != 0
            && dragged.is_none()
            && view.seek_target_us.is_none()
            && view.phase != Phase::Ended;
        if !runs || second < self.time_base || second >= self.time_base + TIME_AHEAD - TIME_RENEW {
            self.time_base = second;
        }
        let count = if runs { TIME_AHEAD } else { 1 };
        let mut nodes = Vec::new();
        for second in self.time_base..self.time_base + count {
            let mut inner = Vec::new();
            let baseline = left.centre().1 + face.half_cap();
            let elapsed = self.text.line(&strings::time(second, hours), face, left.w);
            inner.extend(self.text.draw(&elapsed, left.x, baseline, theme::TEXT));
            if let (Some(right), Some(duration)) = (layout.remaining, view.duration_us) {
                // Whole seconds of both, so that the two labels change together.
                let rest = (duration.div_euclid(SECOND_US) - second).max(0);
                let remaining = self.text.line(&strings::minus(rest, hours), face, right.w);
                let x = right.right() - remaining.width;
                inner.extend(self.text.draw(&remaining, x, baseline, theme::TEXT_SECONDARY));
            }
            let mut group = paint::group(inner);
            if runs {
                let from = view.start_us.saturating_add(second.saturating_mul(SECOND_US));
                let from = if second == self.time_base { MediaUs::MIN } else { from };
                let to = view.start_us.saturating_add((second + 1).saturating_mul(SECOND_US));
                let to = if second + 1 == self.time_base + count { MediaUs::MAX } else { to };
                group.visible = Some((view.timeline, from, to));
            }
            nodes.push(Node::Group(group));
        }
        nodes
    }

    /// When the committed running time has to be renewed.
    pub(crate) fn time_wake(&self, view: &View<'_>) -> Option<HostUs> {
        let renew = self.time_base + TIME_AHEAD - TIME_RENEW;
        view.clock.host_at(view.start_us.saturating_add(renew.saturating_mul(SECOND_US)))
    }

    /// The time under the pointer, or the one a key seeks to.
    fn bubble_nodes(
        &mut self,
        now: HostUs,
        view: &View<'_>,
        layout: &PlayerLayout,
        hours: bool,
    ) -> Vec<Node> {
        let dragging = self.drag.is_some_and(|drag| drag.control == Control::Seek);
        let by_key = self.focus_visible && self.focus == Control::Seek && view.seek_target_us.is_some();
        if !view.can_seek() || !(dragging || by_key || self.hover == Some(Control::Seek)) {
            return Vec::new();
        }
        let m = self.m;
        let pointed = dragging || self.hover == Some(Control::Seek);
        let at = if pointed { self.media_at_pointer(view) } else { view.position_us(now) };
        let duration = view.bar_us().unwrap_or(1);
        let x = layout.track.x
            + mul_div_floor(at.saturating_sub(view.start_us), layout.track.w.into(), duration) as i32;
        let face = Face::semibold(m.px(size::SMALL)).tabular();
        let words = match view.live {
            Some(_) => match view.behind_us(at, now) {
                0 => strings::LIVE.to_owned(),
                behind_us => strings::minus(behind_us.div_euclid(SECOND_US), hours),
            },
            None => strings::time(at.saturating_sub(view.start_us).div_euclid(SECOND_US), hours),
        };
        let label = self.text.line(&words, face, layout.track.w.max(1));
        let (w, h) = (label.width + 2 * m.px(10), m.px(34));
        let safe = m.safe();
        let left = (x - w / 2).clamp(safe.x.min(safe.right() - w), (safe.right() - w).max(safe.x));
        let card = Box2::new(left, layout.track.y - m.px(14) - h, w, h);
        let radius = m.px(theme::RADIUS_CONTROL);
        let mut nodes = vec![
            paint::shadow(card, radius, m.px(8), theme::SHADOW),
            paint::bordered(card, radius, theme::CARD, m.px(1), theme::HAIRLINE),
        ];
        let baseline = card.centre().1 + face.half_cap();
        nodes.extend(self.text.draw(&label, card.x + (w - label.width) / 2, baseline, theme::TEXT));
        nodes
    }

    /// What an item without a picture shows: the mark and its title in the middle.
    fn sound_card(&mut self, view: &View<'_>, bottom: i32) -> Vec<Node> {
        let m = self.m;
        let safe = m.safe();
        let mark = m.px(192) / 24 * 24;
        let face = Face::semibold(m.px(size::LARGE));
        let small = Face::regular(m.px(size::SMALL)).tabular();
        let title = self.text.paragraph(vec![plain(view.title)], None, face, safe.w, 2, Align::Centre);
        let title_h = if view.title.is_empty() { 0 } else { m.px(40) + title.lines * face.line_height() };
        let place_h = if view.queue_len > 1 { m.px(8) + small.line_height() } else { 0 };
        let room = bottom - safe.y;
        let with_mark = mark + title_h + place_h <= room;
        if title_h + place_h > room {
            return Vec::new();
        }
        let whole = if with_mark { mark } else { 0 } + title_h + place_h;
        let mut y = safe.y + (room - whole) / 2;
        let cx = m.w / 2;
        let mut nodes = Vec::new();
        if with_mark {
            nodes.extend(self.text.icon(Icon::Mark, mark, cx - mark / 2, y, theme::TEXT_SECONDARY));
            y += mark;
        }
        if title_h > 0 {
            let baseline = y + m.px(40) + face.line_height() / 2 + face.half_cap();
            nodes.extend(self.text.draw(&title, cx - title.width / 2, baseline, theme::TEXT));
            y += title_h;
        }
        if place_h > 0 {
            let place = strings::place(view.queue_index, view.queue_len);
            let place = self.text.line(&place, small, safe.w);
            let baseline = y + m.px(8) + small.line_height() / 2 + small.half_cap();
            nodes.extend(self.text.draw(&place, cx - place.width / 2, baseline, theme::TEXT_SECONDARY));
        }
        nodes
    }
}
