//! Cards that list tracks or speeds.

use kinora_display_list::{Group, Node};
use kinora_time::HostUs;

use super::layer;
use crate::action::Action;
use crate::anim::Fade;
use crate::bindings::SPEEDS;
use crate::focus::{Control, Direction};
use crate::icons::Icon;
use crate::layout::{Box2, Placed};
use crate::paint;
use crate::strings;
use crate::text::Face;
use crate::theme::{self, size};
use crate::ui::{Layers, Ui};
use crate::view::View;

/// Which menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MenuKind {
    Captions,
    Audio,
    Speed,
    Builds,
}

/// A line of a menu.
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) selected: bool,
    pub(crate) action: Action,
}

/// An open menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Menu {
    pub(crate) kind: MenuKind,
    /// The focused row.
    pub(crate) focus: u16,
    /// The first row that shows.
    first: u16,
    /// Rows that fit, as of the last frame.
    shown: u16,
    fade: Fade,
}

impl MenuKind {
    fn title(self) -> &'static str {
        match self {
            MenuKind::Captions => strings::CAPTIONS,
            MenuKind::Audio => strings::AUDIO,
            MenuKind::Speed => strings::SPEED,
            MenuKind::Builds => strings::PLAYER_CORE,
        }
    }

    /// Its lines, at most a thousand.
    pub(crate) fn rows(self, view: &View<'_>) -> Vec<Row> {
        match self {
            MenuKind::Captions => {
                let off = Row {
                    label: strings::OFF.to_owned(),
                    selected: !view.caption_tracks.iter().any(|track| track.selected),
                    action: Action::SelectCaptions(None),
                };
                let tracks = view.caption_tracks.iter().enumerate().take(999).map(|(i, track)| Row {
                    label: strings::track(track, i),
                    selected: track.selected,
                    action: Action::SelectCaptions(Some(track.id)),
                });
                std::iter::once(off).chain(tracks).collect()
            }
            MenuKind::Audio => view
                .audio_tracks
                .iter()
                .enumerate()
                .take(999)
                .map(|(i, track)| Row {
                    label: strings::track(track, i),
                    selected: track.selected,
                    action: Action::SelectAudio(track.id),
                })
                .collect(),
            MenuKind::Builds => view
                .builds
                .iter()
                .enumerate()
                .take(999)
                .map(|(i, build)| Row {
                    label: build.title.clone(),
                    selected: build.chosen,
                    action: Action::ChooseBuild(i),
                })
                .collect(),
            MenuKind::Speed => SPEEDS
                .iter()
                .map(|speed| Row {
                    label: strings::speed(*speed),
                    selected: *speed == view.rate_permille,
                    action: Action::SetRate(*speed),
                })
                .collect(),
        }
    }
}

impl Menu {
    /// A menu focused on what is chosen.
    pub(crate) fn open(kind: MenuKind, view: &View<'_>, now: HostUs) -> Menu {
        let focus = kind.rows(view).iter().position(|row| row.selected).unwrap_or(0) as u16;
        let mut fade = Fade::HIDDEN;
        fade.set(true, now);
        Menu { kind, focus, first: 0, shown: u16::MAX, fade }
    }

    /// Keeps the focus on a row and in sight.
    fn settle(&mut self, rows: u16) {
        self.focus = self.focus.min(rows.saturating_sub(1));
        let last_first = rows.saturating_sub(self.shown);
        let lowest = (self.focus + 1).saturating_sub(self.shown);
        self.first = self.first.max(lowest).min(self.focus).min(last_first);
    }
}

impl Ui {
    pub(crate) fn move_in_menu(&mut self, way: Direction, view: &View<'_>) {
        let Some(menu) = &mut self.menu else { return };
        let rows = menu.kind.rows(view).len() as u16;
        match way {
            Direction::Up => menu.focus = menu.focus.saturating_sub(1),
            Direction::Down => menu.focus = menu.focus.saturating_add(1),
            // Sideways leaves, as the card hangs over its button.
            Direction::Left | Direction::Right => {
                self.menu = None;
                self.ring = None;
                return;
            }
        }
        menu.settle(rows);
    }

    pub(crate) fn scroll_menu(&mut self, rows: i32, view: &View<'_>) {
        let Some(menu) = &mut self.menu else { return };
        let all = menu.kind.rows(view).len() as u16;
        let first =
            i32::from(menu.first).saturating_add(rows).clamp(0, i32::from(all.saturating_sub(menu.shown)));
        menu.first = first as u16;
        menu.focus = menu.focus.clamp(menu.first, menu.first.saturating_add(menu.shown.saturating_sub(1)));
    }

    /// The open menu, its right edge at the safe area's and its foot above `bottom`.
    pub(crate) fn menu_layers(&mut self, out: &mut Layers, now: HostUs, view: &View<'_>, bottom: i32) {
        let Some(mut menu) = self.menu else { return };
        let m = self.m;
        let rows = menu.kind.rows(view);
        let pad = m.px(12);
        let row_h = m.target();
        let header = Face::regular(m.px(size::SMALL));
        let face = Face::regular(m.px(size::BODY).min(row_h * 6 / 10));
        let header_h = row_h * 3 / 4;
        let top = m.margin_y();
        let room = (bottom - m.px(16) - top - header_h - 2 * pad) / row_h.max(1);
        if room < 1 || rows.is_empty() {
            self.menu = None;
            return;
        }
        menu.shown = (rows.len() as i32).min(room) as u16;
        menu.settle(rows.len() as u16);
        self.menu = Some(menu);

        let check = m.icon() * 5 / 6 / 2 * 2;
        let indent = m.px(12);
        let text_x = indent + check + m.px(12);
        let safe = m.safe();
        let widest = rows.iter().map(|row| self.text.width(&row.label, face)).max().unwrap_or(0);
        let w = (text_x + widest + m.px(32)).clamp(m.px(240), m.px(560)).min(safe.w - 2 * pad) + 2 * pad;
        let h = header_h + i32::from(menu.shown) * row_h + 2 * pad;
        let card = Box2::new(safe.right() - w, bottom - m.px(16) - h, w, h);

        let radius = m.px(theme::RADIUS_CARD);
        let mut nodes = vec![
            paint::shadow(card, radius, m.px(16), theme::SHADOW),
            paint::bordered(card, radius, theme::CARD, m.px(1), theme::HAIRLINE),
        ];
        let title = self.text.line(menu.kind.title(), header, w - 2 * (pad + indent));
        let baseline = card.y + pad + header_h / 2 + header.half_cap();
        nodes.extend(self.text.draw(&title, card.x + pad + indent, baseline, theme::TEXT_SECONDARY));

        let mut focused = None;
        for (i, row) in rows.iter().enumerate().skip(menu.first.into()).take(menu.shown.into()) {
            let i = i as u16;
            let y = card.y + pad + header_h + i32::from(i - menu.first) * row_h;
            let at = Box2::new(card.x + pad, y, w - 2 * pad, row_h);
            let control = Control::Item(i);
            self.placed.push(Placed { control, at });
            let mut inner = Vec::new();
            let is_focused = self.focus_visible && menu.focus == i;
            if is_focused {
                focused = Some(at);
            }
            if is_focused || self.hover == Some(control) {
                inner.push(paint::fill(at, m.px(theme::RADIUS_CONTROL), theme::HOVER));
            }
            let (_, cy) = at.centre();
            if row.selected {
                inner.extend(self.text.icon(
                    Icon::Check,
                    check,
                    at.x + indent - m.px(4),
                    cy - check / 2,
                    theme::TEXT,
                ));
            }
            let face = Face { semibold: row.selected, ..face };
            let label = self.text.line(&row.label, face, at.w - text_x - indent / 2);
            inner.extend(self.text.draw(&label, at.x + text_x, cy + face.half_cap(), theme::TEXT));
            nodes.push(Node::Group(Group {
                hit: Some((control.id(), paint::rect(at))),
                ..paint::group(inner)
            }));
        }
        if rows.len() > usize::from(menu.shown) {
            nodes.push(self.thumb(
                &menu,
                rows.len() as i32,
                card,
                header_h + pad,
                i32::from(menu.shown) * row_h,
            ));
        }
        let hit = Some((Control::Menu.id(), paint::rect(card)));
        let fade = menu.fade;
        out.push(layer::MENU, self.faded(&fade, 1, vec![Node::Group(Group { hit, ..paint::group(nodes) })]));
        let ring = self.ring_nodes(now, focused, m.px(theme::RADIUS_CONTROL), true);
        out.push(layer::MENU_FOCUS, self.faded(&fade, 1, ring));
    }

    /// Where in a long menu the rows that show are.
    fn thumb(&self, menu: &Menu, rows: i32, card: Box2, top: i32, h: i32) -> Node {
        let w = self.m.px(4);
        let inset = self.m.px(8);
        let h = h - 2 * inset;
        let thumb_h = (h * i32::from(menu.shown) / rows).max(self.m.px(16)).min(h);
        let travel = h - thumb_h;
        let last = (rows - i32::from(menu.shown)).max(1);
        let y = card.y + top + inset + travel * i32::from(menu.first) / last;
        paint::fill(
            Box2::new(card.right() - (self.m.px(12) + w) / 2, y, w, thumb_h),
            w / 2,
            theme::TEXT_DISABLED,
        )
    }
}
