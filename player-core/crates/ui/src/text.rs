//! Text and icons as glyphs of A8 pages: shaped once, cached, and placed on whole pixels.

pub(crate) mod atlas;
mod fonts;
mod han;
mod shape;

use std::collections::HashMap;
use std::rc::Rc;

use kinora_display_list::{Color, Glyph, Glyphs, Node};
use parley::{Language, LayoutContext};
use swash::scale::ScaleContext;

use crate::icons::Icon;
use atlas::{Atlas, Coverage, Patch};
use fonts::Fonts;
pub(crate) use shape::{Ink, Shaped};

/// Shaped texts kept. Forgetting all of them at once is simpler than counting uses and costs a millisecond every few minutes.
const MAX_CACHED: usize = 512;
/// Height of Inter's capitals, permille of the size.
const CAP_PERMILLE: i32 = 727;

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Face {
    /// Physical pixels.
    pub(crate) size: i32,
    /// Weight 600 instead of 400.
    pub(crate) semibold: bool,
    /// Digits of one width, so that running time does not shake.
    pub(crate) tabular: bool,
}

impl Face {
    pub(crate) const fn regular(size: i32) -> Face {
        Face { size, semibold: false, tabular: false }
    }

    pub(crate) const fn semibold(size: i32) -> Face {
        Face { size, semibold: true, tabular: false }
    }

    pub(crate) const fn tabular(self) -> Face {
        Face { tabular: true, ..self }
    }

    /// From the middle of capitals to the baseline.
    pub(crate) fn half_cap(&self) -> i32 {
        (self.size * CAP_PERMILLE + 1000) / 2000
    }

    /// Distance of baselines.
    pub(crate) fn line_height(&self) -> i32 {
        (self.size * 13 + 5) / 10
    }
}

/// A stretch of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    pub(crate) underline: bool,
    /// Overrides the colour given when it is drawn.
    pub(crate) color: Option<Color>,
}

/// Where lines stand in a paragraph's box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

/// A text and everything its shape depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    spans: Vec<Span>,
    language: Option<Language>,
    face: Face,
    width: i32,
    max_lines: usize,
    align: Align,
}

/// Fonts, shaped texts and pages.
pub(crate) struct Text {
    fonts: Fonts,
    layout: LayoutContext<u32>,
    scale: ScaleContext,
    atlas: Atlas,
    cache: HashMap<Key, Rc<Shaped>>,
    /// Faces in use; a patch names one by its index.
    faces: Vec<parley::FontData>,
    /// The device's.
    language: Option<Language>,
}

impl Text {
    pub(crate) fn new(locale: &str) -> Text {
        Text {
            fonts: Fonts::new(),
            layout: LayoutContext::new(),
            scale: ScaleContext::new(),
            atlas: Atlas::new(),
            cache: HashMap::new(),
            faces: Vec::new(),
            language: Language::parse(locale).ok(),
        }
    }

    pub(crate) fn missing_scripts(&self) -> Vec<[u8; 4]> {
        self.fonts.missing().to_vec()
    }

    pub(crate) fn add_font(&mut self, bytes: Vec<u8>, faces: &[([u8; 4], u32)]) -> Vec<[u8; 4]> {
        self.cache.clear();
        self.fonts.add(bytes, faces)
    }

    pub(crate) fn atlas(&mut self) -> &mut Atlas {
        &mut self.atlas
    }

    /// One line from its baseline, cut with an ellipsis beyond `width`.
    pub(crate) fn line(&mut self, text: &str, face: Face, width: i32) -> Rc<Shaped> {
        self.paragraph(vec![plain(text)], None, face, width, 1, Align::Left)
    }

    /// Lines from the first one's baseline, broken at `width`; text beyond `max_lines` is cut with an ellipsis. Without a language it is
    /// taken for text in the device's.
    pub(crate) fn paragraph(
        &mut self,
        spans: Vec<Span>,
        language: Option<Language>,
        face: Face,
        width: i32,
        max_lines: usize,
        align: Align,
    ) -> Rc<Shaped> {
        let key = Key { spans, language, face, width: width.max(1), max_lines, align };
        if let Some(shaped) = self.cache.get(&key) {
            return shaped.clone();
        }
        if self.cache.len() >= MAX_CACHED {
            self.cache.clear();
        }
        let shaped = Rc::new(self.shape(&key));
        self.cache.insert(key, shaped.clone());
        shaped
    }

    /// Width of a text that is not cut.
    pub(crate) fn width(&mut self, text: &str, face: Face) -> i32 {
        self.line(text, face, i32::from(i16::MAX)).width
    }

    /// Nodes that draw `shaped` with the left end of its first baseline at (`x`, `y`).
    pub(crate) fn draw(&mut self, shaped: &Shaped, x: i32, y: i32, color: Color) -> Vec<Node> {
        let mut out = Vec::new();
        for ink in &shaped.inks {
            let (patch, gx, gy, own) = match *ink {
                Ink::Glyph { patch, x, y, color } => (patch, x, y, color),
                Ink::Line { x: lx, y: ly, w, h, color: own } => {
                    out.push(crate::paint::fill(
                        crate::layout::Box2::new(x + lx, y + ly, w, h),
                        0,
                        own.unwrap_or(color),
                    ));
                    continue;
                }
            };
            self.push_patch(&mut out, patch, (x + gx, y + gy), own.unwrap_or(color));
        }
        out
    }

    /// Nodes that draw an icon in a square of `size` at (`x`, `y`).
    pub(crate) fn icon(&mut self, icon: Icon, size: i32, x: i32, y: i32, color: Color) -> Vec<Node> {
        let size = size.clamp(1, 1000) as u16;
        let mut out = Vec::new();
        self.push_patch(&mut out, Patch::Icon { icon: icon as u16, size }, (x, y), color);
        out
    }

    /// Adds a patch to the last node when page and colour agree, else in a node of its own.
    fn push_patch(&mut self, out: &mut Vec<Node>, patch: Patch, (x, y): (i32, i32), color: Color) {
        let (scale, faces) = (&mut self.scale, &self.faces);
        let slot = self.atlas.slot(patch, || match patch {
            Patch::Icon { icon, size } => Icon::from_index(icon).map(|icon| icon.coverage(u32::from(size))),
            Patch::Glyph { font, .. } => rasterise(scale, faces.get(usize::from(font))?, patch),
        });
        let Some(slot) = slot else { return };
        let glyph = Glyph {
            x: x + slot.left,
            y: y - slot.top,
            source_x: slot.x,
            source_y: slot.y,
            w: slot.w,
            h: slot.h,
        };
        match out.last_mut() {
            Some(Node::Glyphs(last)) if last.page == slot.page && last.color == color => {
                last.glyphs.push(glyph);
            }
            _ => out.push(Node::Glyphs(Glyphs { page: slot.page, color, glyphs: vec![glyph] })),
        }
    }
}

/// Text in the paragraph's own style.
pub(crate) fn plain(text: &str) -> Span {
    Span { text: text.to_owned(), bold: false, italic: false, underline: false, color: None }
}

fn rasterise(context: &mut ScaleContext, face: &parley::FontData, patch: Patch) -> Option<Coverage> {
    let Patch::Glyph { font, glyph, size, embolden, skew } = patch else { return None };
    let data = swash::FontRef::from_index(face.data.data(), usize::try_from(face.index).ok()?)?;
    let mut scaler = context
        .builder_with_id(data, [face.data.id(), u64::from(font)])
        .size(f32::from(size))
        .hint(false)
        .build();
    let mut render = swash::scale::Render::new(&[swash::scale::Source::Outline]);
    if embolden {
        render.embolden(f32::from(size) / 48.0);
    }
    if skew != 0 {
        let angle = zeno::Angle::from_degrees(f32::from(skew));
        render.transform(Some(zeno::Transform::skew(angle, zeno::Angle::ZERO)));
    }
    let image = render.render(&mut scaler, glyph)?;
    Some(Coverage {
        w: image.placement.width,
        h: image.placement.height,
        left: image.placement.left,
        top: image.placement.top,
        bytes: image.data,
    })
}
