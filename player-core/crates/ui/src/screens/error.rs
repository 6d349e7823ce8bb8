//! What failed, why, and what to do.

use kinora_time::HostUs;

use super::layer;
use crate::focus::Control;
use crate::icons::Icon;
use crate::layout::Box2;
use crate::paint;
use crate::strings;
use crate::text::{Align, Face, plain};
use crate::theme::{self, size};
use crate::ui::{Layers, Ui};
use crate::view::{ErrorCard, View};

impl Ui {
    pub(crate) fn error_layers(&mut self, out: &mut Layers, now: HostUs, view: &View<'_>) {
        let m = self.m;
        out.push(layer::BACKDROP, vec![paint::fill(Box2::new(0, 0, m.w, m.h), 0, theme::SURFACE)]);
        let unknown =
            ErrorCard { title: strings::FAILED, reason: "", hint: "", can_retry: false, can_skip: false };
        let error = view.error.unwrap_or(unknown);

        let safe = m.safe();
        let pad = m.px(48).min(safe.w / 16);
        let w = m.px(880).min(safe.w);
        let inner_w = w - 2 * pad;
        let icon = m.px(60) / 6 * 6;
        let faces = [
            Face::semibold(m.px(size::TITLE)),
            Face::regular(m.px(size::BODY)),
            Face::regular(m.px(size::SMALL)),
        ];
        let words = [(error.title, 2), (error.reason, 3), (error.hint, 3)];
        let mut texts = Vec::new();
        for ((text, lines), face) in words.into_iter().zip(faces) {
            if !text.is_empty() {
                let shaped = self.text.paragraph(vec![plain(text)], face, inner_w, lines, Align::Left);
                texts.push((shaped, face));
            }
        }
        let mut buttons = Vec::new();
        if error.can_retry {
            buttons.push((Control::Retry, strings::RETRY));
        }
        if error.can_skip {
            buttons.push((Control::Skip, strings::SKIP));
        }
        if view.can_open {
            buttons.push((Control::Open, strings::OPEN));
        }

        let gap = m.px(20);
        let heights = |texts: &[(std::rc::Rc<crate::text::Shaped>, Face)]| {
            texts.iter().map(|(shaped, face)| shaped.lines * face.line_height()).sum::<i32>()
                + gap * (texts.len() as i32 - 1).max(0)
        };
        let buttons_h = if buttons.is_empty() { 0 } else { m.px(40) + m.target() };
        // A low window drops the icon, then the hint, then the reason: the name of what failed and the buttons stay.
        let mut with_icon = true;
        loop {
            let icon_h = if with_icon { icon + gap } else { 0 };
            if 2 * pad + icon_h + heights(&texts) + buttons_h <= safe.h {
                break;
            }
            if with_icon {
                with_icon = false;
            } else if texts.len() > 1 {
                texts.pop();
            } else {
                break;
            }
        }
        let icon_h = if with_icon { icon + gap } else { 0 };
        let h = (2 * pad + icon_h + heights(&texts) + buttons_h).min(m.h);
        let card = Box2::new((m.w - w) / 2, (m.h - h) / 2, w, h);
        let radius = m.px(theme::RADIUS_CARD);
        let mut nodes = vec![
            paint::shadow(card, radius, m.px(24), theme::SHADOW),
            paint::bordered(card, radius, theme::CARD, m.px(1), theme::HAIRLINE),
        ];
        let (x, mut y) = (card.x + pad, card.y + pad);
        if with_icon {
            nodes.extend(self.text.icon(Icon::Warning, icon, x, y, theme::ERROR));
            y += icon + gap;
        }
        let colours = [theme::TEXT, theme::TEXT, theme::TEXT_SECONDARY];
        for ((shaped, face), colour) in texts.iter().zip(colours) {
            let baseline = y + face.line_height() / 2 + face.half_cap();
            nodes.extend(self.text.draw(shaped, x, baseline, colour));
            y += shaped.lines * face.line_height() + gap;
        }

        let mut bx = x;
        let by = card.bottom() - pad - m.target();
        let mut focused = None;
        for (control, label) in buttons {
            let size = self.button_box(label, None, 0, 0);
            if bx + size.w > card.right() - pad && bx > x {
                break;
            }
            let at = Box2::new(bx, by, size.w.min(inner_w), size.h);
            nodes.extend(self.button(control, at, label, None));
            if self.focus_visible && self.focus == control {
                focused = Some(at);
            }
            bx += size.w + m.px(24);
        }
        let ring = self.ring_nodes(now, focused, m.px(theme::RADIUS_CONTROL), 4);
        let fade = self.card;
        out.push(layer::CARD, self.faded(&fade, 1, nodes));
        out.push(layer::CARD_FOCUS, self.faded(&fade, 1, ring));
    }
}
