//! Nothing is open.

use kinora_display_list::{Group, Node};
use kinora_time::HostUs;

use super::layer;
use crate::focus::Control;
use crate::icons::Icon;
use crate::layout::{Box2, Placed};
use crate::paint;
use crate::strings;
use crate::text::Face;
use crate::theme::{self, size};
use crate::ui::{Layers, Ui};
use crate::view::View;

impl Ui {
    pub(crate) fn idle_layers(&mut self, out: &mut Layers, now: HostUs, view: &View<'_>) {
        let m = self.m;
        let full = Box2::new(0, 0, m.w, m.h);
        out.push(layer::BACKDROP, vec![paint::fill(full, 0, theme::SURFACE)]);

        let mark = m.px(144) / 24 * 24;
        let name = Face::semibold(m.px(size::LARGE));
        let button_h = m.target();
        let hint = Face::regular(m.px(size::SMALL));
        let button_gap = m.px(48);
        let (mark_gap, hint_gap) = (m.px(32), m.px(24));
        let cap = 2 * name.half_cap();
        let button_part = if view.can_open { button_gap + button_h } else { 0 };
        let whole = mark + mark_gap + cap + button_part + hint_gap + 2 * hint.half_cap();
        // A low window keeps the button.
        let with_mark = whole <= m.safe().h;
        let whole = if with_mark { whole } else { whole - mark - mark_gap };
        let cx = m.w / 2;
        let mut y = (m.h - whole) / 2;
        let mut nodes = Vec::new();
        if with_mark {
            nodes.extend(self.text.icon(Icon::Mark, mark, cx - mark / 2, y, theme::TEXT));
            y += mark + mark_gap;
        }
        let text = self.text.line(strings::NAME, name, m.safe().w);
        nodes.extend(self.text.draw(&text, cx - text.width / 2, y + cap, theme::TEXT));
        y += cap;

        if view.can_open {
            y += button_gap;
            let at = self.button_box(strings::OPEN, Some(Icon::Folder), cx, y);
            let button = self.button(Control::Open, at, strings::OPEN, Some(Icon::Folder));
            out.push(layer::CARD_BUTTONS, button);
            let focused = (self.focus_visible && self.focus == Control::Open).then_some(at);
            let ring = self.ring_nodes(now, focused, m.px(theme::RADIUS_CONTROL), false);
            out.push(layer::CARD_FOCUS, ring);
            y += button_h;
        }
        y += hint_gap + 2 * hint.half_cap();
        let words = match (m.pointer, view.can_open) {
            (true, true) => strings::DROP_HINT,
            (true, false) => strings::DROP,
            (false, _) => strings::NOTHING_OPEN,
        };
        if !view.can_open || m.pointer {
            let text = self.text.line(words, hint, m.safe().w);
            nodes.extend(self.text.draw(&text, cx - text.width / 2, y, theme::TEXT_SECONDARY));
        }
        out.push(layer::CARD, nodes);
        self.menu_layers(out, now, view, m.safe().bottom());
    }

    fn button_face(&self) -> Face {
        Face::semibold(self.m.px(size::BODY).min(self.m.target() / 2))
    }

    /// Box of a button with a label, centred on `cx`.
    pub(crate) fn button_box(&mut self, label: &str, icon: Option<Icon>, cx: i32, y: i32) -> Box2 {
        let face = self.button_face();
        let icon_w = icon.map_or(0, |_| self.m.icon() + self.m.px(12));
        let w = self.text.width(label, face) + icon_w + 2 * self.m.px(28);
        Box2::new(cx - w / 2, y, w, self.m.target())
    }

    /// A button with a label.
    pub(crate) fn button(
        &mut self,
        control: Control,
        at: Box2,
        label: &str,
        icon: Option<Icon>,
    ) -> Vec<Node> {
        let m = self.m;
        self.placed.push(Placed { control, at });
        let face = self.button_face();
        let radius = m.px(theme::RADIUS_CONTROL);
        let focused = self.focus_visible && self.focus == control;
        let plate = if focused { theme::FOCUSED } else { theme::RAISED };
        let mut inner = vec![paint::bordered(at, radius, plate, m.px(1), theme::HAIRLINE)];
        if self.hover == Some(control) && !focused {
            inner.push(paint::fill(at, radius, theme::HOVER));
        }
        let (_, cy) = at.centre();
        let mut x = at.x + m.px(28);
        if let Some(icon) = icon {
            let side = m.icon();
            inner.extend(self.text.icon(icon, side, x, cy - side / 2, theme::TEXT));
            x += side + m.px(12);
        }
        let text = self.text.line(label, face, at.right() - x);
        inner.extend(self.text.draw(&text, x, cy + face.half_cap(), theme::TEXT));
        vec![Node::Group(Group { hit: Some((control.id(), paint::rect(at))), ..paint::group(inner) })]
    }
}
