//! Captions: cues as boxes of text, committed ahead with the media times at which they show.

use std::rc::Rc;

use kinora_captions::{self as captions, Cue};
use kinora_display_list::{Group, Node, Property};
use kinora_time::HostUs;
use parley::Language;

use crate::layout::Box2;
use crate::paint::{self, milli};
use crate::text::{Align, Face, Shaped, Span};
use crate::theme;
use crate::ui::Ui;
use crate::view::View;

/// Height of the letters' em, permille of the picture's height: between Prime Video's and YouTube's.
const SIZE_PERMILLE: i32 = 50;
/// Distance from the picture's foot.
const FOOT_PERMILLE: i32 = 60;
/// Widest box, permille of the picture.
const WIDTH_PERMILLE: i32 = 840;
const MAX_LINES: usize = 4;
/// Cues taken from one view: more at once is a damaged file.
const MAX_CUES: usize = 48;
/// From this height down a placed cue makes room for the controls as well.
const LOW_PERMILLE: i32 = 600;

struct Block {
    text: Rc<Shaped>,
    card: Box2,
    pad_x: i32,
    first_baseline: i32,
    low: bool,
}

impl Ui {
    /// Sends low captions above `top`, or back down.
    pub(crate) fn raise_captions(&mut self, now: HostUs, view: &View<'_>, top: i32) {
        let picture = self.picture(view);
        let foot = picture.bottom() - picture.h * FOOT_PERMILLE / 1000;
        let by = (foot - (top - self.m.px(16))).clamp(0, picture.h);
        let duration = match (by > 0, self.config.reduced_motion) {
            (_, true) => 0,
            (true, _) => theme::FADE_IN_US,
            (false, _) => theme::FADE_OUT_US,
        };
        self.raise.go(by, now, duration);
    }

    pub(crate) fn caption_nodes(&mut self, view: &View<'_>) -> Vec<Node> {
        let picture = self.picture(view);
        let smallest = self.m.px(theme::size::SMALL);
        let face =
            Face { semibold: false, tabular: false, size: (picture.h * SIZE_PERMILLE / 1000).max(smallest) };
        let selected = view.caption_tracks.iter().find(|track| track.selected);
        let language = selected.and_then(|track| Language::parse(&track.language).ok());
        let mut low = Vec::new();
        let mut placed = Vec::new();
        let mut stacked: Vec<(i64, i64, Box2)> = Vec::new();
        for cue in view.cues.iter().take(MAX_CUES) {
            let Some(mut block) = self.block(cue, language, picture, face) else { continue };
            if cue.position.top_permille.is_none() {
                // Cues that show together stand over one another, the earlier one lower.
                for (from, to, other) in &stacked {
                    if *from < cue.end_us && cue.start_us < *to && block.card.bottom() > other.y {
                        let up = block.card.bottom() - other.y + self.m.px(4);
                        block.card.y -= up;
                        block.first_baseline -= up;
                    }
                }
                stacked.push((cue.start_us, cue.end_us, block.card));
            }
            let mut inner =
                vec![paint::fill(block.card, self.m.px(theme::RADIUS_CONTROL), theme::CAPTION_BOX)];
            let x = block.card.x + block.pad_x;
            inner.extend(self.text.draw(&block.text, x, block.first_baseline, theme::CAPTION_TEXT));
            let visible = (view.timeline != 0).then_some((view.timeline, cue.start_us, cue.end_us));
            let node = Node::Group(Group { visible, ..paint::group(inner) });
            if block.low { low.push(node) } else { placed.push(node) }
        }
        if !low.is_empty() {
            let mut group = paint::group(low);
            group.translate.1 = -milli(self.raise.target());
            group.bindings.extend(self.raise.binding(Property::TranslateY, |by| -milli(by)));
            placed.push(Node::Group(group));
        }
        placed
    }

    /// Where the picture is on the surface.
    fn picture(&self, view: &View<'_>) -> Box2 {
        let full = Box2::new(0, 0, self.m.w, self.m.h);
        let (w, h) = (i64::from(view.video_aspect.0), i64::from(view.video_aspect.1));
        if w == 0 || h == 0 || !view.has_video {
            return full;
        }
        let by_width = i64::from(self.m.w) * h / w;
        if by_width <= i64::from(self.m.h) {
            full.middle(self.m.w, by_width.max(1) as i32)
        } else {
            full.middle((i64::from(self.m.h) * w / h).max(1) as i32, self.m.h)
        }
    }

    fn block(&mut self, cue: &Cue, language: Option<Language>, picture: Box2, face: Face) -> Option<Block> {
        let spans = spans(cue);
        if spans.iter().all(|span| span.text.trim().is_empty()) {
            return None;
        }
        let position = &cue.position;
        let widest = position.width_permille.clamp(100, WIDTH_PERMILLE);
        let (pad_x, pad_y) = (face.size * 2 / 5, face.size / 6);
        // A narrow picture in a wide window leaves its captions legible rather than inside.
        let room = (picture.w * widest / 1000).max(self.m.safe().w.min(face.size * 16)) - 2 * pad_x;
        let align = match position.align {
            captions::Align::Start => Align::Left,
            captions::Align::Middle => Align::Centre,
            captions::Align::End => Align::Right,
        };
        let text = self.text.paragraph(spans, language, face, room, MAX_LINES, align);
        let line = face.line_height();
        let (w, h) = (text.width + 2 * pad_x, text.lines * line + 2 * pad_y);

        let part = |align, size: i32| match align {
            captions::Align::Start => 0,
            captions::Align::Middle => size / 2,
            captions::Align::End => size,
        };
        let x =
            picture.x + picture.w * position.left_permille.clamp(0, 1000) / 1000 - part(position.anchor.x, w);
        let y = match position.top_permille {
            None => picture.bottom() - picture.h * FOOT_PERMILLE / 1000 - h,
            Some(top) => picture.y + picture.h * top.clamp(0, 1000) / 1000 - part(position.anchor.y, h),
        };
        let safe = self.m.safe();
        let within = |at: i32, size: i32, from: i32, to: i32| at.min(to - size).max(from);
        let card = Box2::new(within(x, w, safe.x, safe.right()), within(y, h, safe.y, safe.bottom()), w, h);
        let low = position.top_permille.is_none_or(|top| top >= LOW_PERMILLE);
        let first_baseline = card.y + pad_y + line / 2 + face.half_cap();
        Some(Block { text, card, pad_x, first_baseline, low })
    }
}

fn spans(cue: &Cue) -> Vec<Span> {
    let mut out = Vec::new();
    for (i, line) in cue.lines.iter().take(MAX_LINES).enumerate() {
        if i > 0 {
            out.push(crate::text::plain("\n"));
        }
        out.extend(line.runs.iter().map(|run| Span {
            text: run.text.replace(['\n', '\r'], " "),
            bold: run.style.bold,
            italic: run.style.italic,
            underline: run.style.underline,
            color: run.style.color.filter(|color| color & 0xFF != 0),
        }));
    }
    out
}
