//! From text to placed glyphs: parley lays out, results are rounded to whole pixels.

use parley::{
    Alignment, AlignmentOptions, FontFamily, FontFeature, FontFeatures, FontStyle, FontWeight, Layout,
    LineHeight, OverflowWrap, PositionedLayoutItem, StyleProperty,
};

use super::atlas::Patch;
use super::han::Form;
use super::{Align, Key, Span, Text};

const ELLIPSIS: char = '…';
const TABULAR: [FontFeature; 1] = [FontFeature::new(parley::setting::Tag::new(b"tnum"), 1)];

/// One mark of a shaped text, relative to the left end of the first baseline.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ink {
    Glyph { patch: Patch, x: i32, y: i32, color: Option<u32> },
    Line { x: i32, y: i32, w: i32, h: i32, color: Option<u32> },
}

/// A text ready to be drawn.
#[derive(Debug, Default)]
pub(crate) struct Shaped {
    pub(crate) inks: Vec<Ink>,
    /// Of the widest line.
    pub(crate) width: i32,
    /// Number of lines.
    pub(crate) lines: i32,
}

impl Text {
    pub(super) fn shape(&mut self, key: &Key) -> Shaped {
        let (layout, text) = self.lay_out(key, &key.spans);
        let overflows = |layout: &Layout<u32>| {
            layout.len() > key.max_lines || layout.full_width() > key.width as f32 + 0.5
        };
        if !overflows(&layout) {
            return self.collect(layout, &text, key);
        }
        // The longest beginning that fits with an ellipsis, by bisection over characters.
        let total = key.spans.iter().map(|span| span.text.chars().count()).sum::<usize>().min(4096);
        let (mut fits, mut too_long) = (0, total);
        while fits + 1 < too_long {
            let middle = (fits + too_long) / 2;
            let (layout, _) = self.lay_out(key, &cut(&key.spans, middle));
            if overflows(&layout) {
                too_long = middle;
            } else {
                fits = middle;
            }
        }
        let (layout, text) = self.lay_out(key, &cut(&key.spans, fits));
        self.collect(layout, &text, key)
    }

    fn form(&self, text: &str, key: &Key) -> Option<Form> {
        Form::of(text, [key.language, self.language])
    }

    fn lay_out(&mut self, key: &Key, spans: &[Span]) -> (Layout<u32>, String) {
        let face = key.face;
        let text: String = spans.iter().map(|span| span.text.as_str()).collect();
        let language = self.form(&text, key).and_then(Form::locale).or(key.language).or(self.language);
        let mut builder = self.layout.ranged_builder(&mut self.fonts.context, &text, 1.0, true);
        builder.push_default(StyleProperty::FontFamily(FontFamily::from(super::fonts::FAMILY)));
        builder.push_default(StyleProperty::FontSize(face.size as f32));
        builder.push_default(StyleProperty::LineHeight(LineHeight::Absolute(face.line_height() as f32)));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        builder.push_default(StyleProperty::Locale(language));
        if face.semibold {
            builder.push_default(StyleProperty::FontWeight(FontWeight::new(600.0)));
        }
        if face.tabular {
            builder.push_default(StyleProperty::FontFeatures(FontFeatures::from(TABULAR.as_slice())));
        }
        let mut at = 0;
        for span in spans {
            let range = at..at + span.text.len();
            at = range.end;
            if span.bold {
                builder.push(StyleProperty::FontWeight(FontWeight::new(600.0)), range.clone());
            }
            if span.italic {
                builder.push(StyleProperty::FontStyle(FontStyle::Italic), range.clone());
            }
            if span.underline {
                builder.push(StyleProperty::Underline(true), range.clone());
            }
            if let Some(color) = span.color {
                builder.push(StyleProperty::Brush(color), range);
            }
        }
        let mut layout = builder.build(&text);
        layout.break_all_lines((key.max_lines > 1).then_some(key.width as f32));
        (layout, text)
    }

    /// Rounds to whole pixels and notes characters without a glyph.
    fn collect(&mut self, mut layout: Layout<u32>, text: &str, key: &Key) -> Shaped {
        let face = key.face;
        // Aligning in the width of the widest line makes the box as narrow as the text.
        let inner = layout.width().ceil();
        layout.break_all_lines(Some(inner.max(1.0).min(key.width as f32).max(layout.width()) + 0.01));
        let alignment = match key.align {
            Align::Left => Alignment::Left,
            Align::Centre => Alignment::Center,
            Align::Right => Alignment::Right,
        };
        layout.align(alignment, AlignmentOptions::default());

        let mut shaped = Shaped { inks: Vec::new(), width: inner as i32, lines: layout.len() as i32 };
        let mut missing: Vec<char> = Vec::new();
        for (row, line) in layout.lines().enumerate() {
            let y = row as i32 * face.line_height();
            for run in line.runs() {
                for cluster in run.clusters().filter(|cluster| cluster.glyphs().any(|glyph| glyph.id == 0)) {
                    missing.extend(text.get(cluster.text_range()).unwrap_or("").chars());
                }
            }
            for item in line.items() {
                let PositionedLayoutItem::GlyphRun(run) = item else { continue };
                let color = Some(run.style().brush).filter(|color| *color != 0);
                let font = self.face_index(run.run().font());
                let synthesis = run.run().synthesis();
                for glyph in run.positioned_glyphs() {
                    let patch = Patch::Glyph {
                        font,
                        glyph: glyph.id as u16,
                        size: run.run().font_size() as u16,
                        embolden: synthesis.embolden(),
                        skew: synthesis.skew().unwrap_or(0.0) as i8,
                    };
                    let dy = (glyph.y - run.baseline()).round() as i32;
                    shaped.inks.push(Ink::Glyph { patch, x: glyph.x.round() as i32, y: y + dy, color });
                }
                if run.style().underline.is_some() {
                    let thick = (face.size / 16).max(1);
                    let (x, w) = (run.offset().round() as i32, run.advance().round() as i32);
                    shaped.inks.push(Ink::Line { x, y: y + face.size / 9, w, h: thick, color });
                }
            }
        }
        let form = self.form(text, key);
        self.fonts.note_missing(&missing, form);
        shaped
    }

    fn face_index(&mut self, font: &parley::FontData) -> u16 {
        let same = |face: &parley::FontData| face.data.id() == font.data.id() && face.index == font.index;
        let index = self.faces.iter().position(same).unwrap_or_else(|| {
            self.faces.push(font.clone());
            self.faces.len() - 1
        });
        index as u16
    }
}

/// The first `count` characters and an ellipsis in the style of the last.
fn cut(spans: &[Span], count: usize) -> Vec<Span> {
    let mut left = count;
    let mut out: Vec<Span> = Vec::new();
    for span in spans {
        let text: String = span.text.chars().take(left).collect();
        left -= text.chars().count();
        out.push(Span { text, ..span.clone() });
        if left == 0 {
            break;
        }
    }
    if let Some(last) = out.last_mut() {
        let kept = last.text.trim_end().len();
        last.text.truncate(kept);
        last.text.push(ELLIPSIS);
    }
    out
}
