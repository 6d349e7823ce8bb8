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

/// A shaped text and its face.
type Words = (std::rc::Rc<crate::text::Shaped>, Face);

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
        let heights = |texts: &[Words]| {
            texts.iter().map(|(shaped, face)| shaped.lines * face.line_height()).sum::<i32>()
                + gap * (texts.len() as i32 - 1).max(0)
        };
        let buttons_h = if buttons.is_empty() { 0 } else { m.px(40) + m.target() };
        // A low window takes smaller type and drops the icon, then the hint, then the reason: the name of what failed and the
        // buttons stay.
        let room = safe.h - 2 * pad - buttons_h;
        let mut with_icon = true;
        let mut texts = self.error_words(&error, [size::TITLE, size::BODY, size::SMALL], inner_w);
        if icon + gap + heights(&texts) > room {
            with_icon = false;
        }
        if !with_icon && heights(&texts) > room {
            texts = self.error_words(&error, [size::BODY, size::SMALL, size::SMALL], inner_w);
        }
        while texts.len() > 1 && heights(&texts) > room {
            texts.pop();
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
            // Its ring, not its square, lines up with the text.
            nodes.extend(self.text.icon(Icon::Warning, icon, x - icon / 12, y, theme::ERROR));
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
        let mut inner = Vec::new();
        for (control, label) in buttons {
            let size = self.button_box(label, None, 0, 0);
            if bx + size.w > card.right() - pad && bx > x {
                break;
            }
            let at = Box2::new(bx, by, size.w.min(inner_w), size.h);
            inner.extend(self.button(control, at, label, None));
            if self.focus_visible && self.focus == control {
                focused = Some(at);
            }
            bx += size.w + m.px(24);
        }
        let ring = self.ring_nodes(now, focused, m.px(theme::RADIUS_CONTROL), false);
        let fade = self.card;
        out.push(layer::CARD, self.faded(&fade, 1, nodes));
        out.push(layer::CARD_FOCUS, self.faded(&fade, 1, ring));
        out.push(layer::CARD_BUTTONS, self.faded(&fade, 1, inner));
    }

    /// Title, reason and hint, as far as they say anything.
    fn error_words(&mut self, error: &ErrorCard<'_>, sizes: [i32; 3], width: i32) -> Vec<Words> {
        let [title, reason, hint] = sizes.map(|size| self.m.px(size));
        let words = [
            (error.title, Face::semibold(title), 2),
            (error.reason, Face::regular(reason), 3),
            (error.hint, Face::regular(hint), 3),
        ];
        let words = words.into_iter().filter(|(text, ..)| !text.is_empty());
        words
            .map(|(text, face, lines)| {
                (self.text.paragraph(vec![plain(text)], None, face, width, lines, Align::Left), face)
            })
            .collect()
    }
}
