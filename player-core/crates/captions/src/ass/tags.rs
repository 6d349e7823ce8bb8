use super::script::{Event, NamedStyle, Script, from_legacy};
use crate::color;
use crate::cue::{Align, Cue, Position, Style};
use crate::number::permille;
use crate::position::{along, numpad, widest};
use crate::text::TextBuilder;

/// State that override tags change while an event's text is read.
struct Reader<'a> {
    script: &'a Script,
    named: NamedStyle,
    style: Style,
    /// The first of each counts, as in libass.
    alignment: Option<u8>,
    pos: Option<(i32, i32)>,
    wrap_style: u8,
    drawing: bool,
}

/// The cue of an event; `None` without visible text.
pub(super) fn cue(script: &Script, event: &Event<'_>, start_us: i64, end_us: i64) -> Option<Cue> {
    let named = script.style(event.style);
    let mut reader = Reader {
        script,
        named,
        style: named.style,
        alignment: None,
        pos: None,
        wrap_style: script.wrap_style,
        drawing: false,
    };
    let mut out = TextBuilder::new();
    let mut rest = event.text;
    // A brace that is never closed is text.
    while let Some((open, close)) = rest.find('{').and_then(|open| Some((open, rest[open..].find('}')?))) {
        reader.text(&rest[..open], &mut out);
        reader.tags(&rest[open + 1..open + close]);
        rest = &rest[open + close + 1..];
    }
    reader.text(rest, &mut out);
    let lines = out.finish();
    (!lines.is_empty()).then(|| Cue { start_us, end_us, lines, position: reader.position(event) })
}

impl Reader<'_> {
    fn text(&self, text: &str, out: &mut TextBuilder) {
        if self.drawing {
            return;
        }
        let soft = if self.wrap_style == 2 { "\n" } else { " " };
        let text = text.replace("\\N", "\n").replace("\\n", soft).replace("\\h", "\u{a0}");
        out.push(&text, self.style);
    }

    /// The inside of one pair of braces; comments and unknown tags pass.
    fn tags(&mut self, block: &str) {
        let mut depth = 0u32;
        let mut start = None;
        for (at, byte) in block.bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                // Tags inside the parentheses of `\t` are animation.
                b'\\' if depth == 0 => {
                    if let Some(start) = start.replace(at + 1) {
                        self.tag(&block[start..at]);
                    }
                }
                _ => {}
            }
        }
        if let Some(start) = start {
            self.tag(&block[start..]);
        }
    }

    fn tag(&mut self, tag: &str) {
        let end = tag.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tag.len());
        // `\1c` and `\1a` begin with their digit.
        let end = if tag.starts_with('1') { tag.len().min(2) } else { end };
        let (Some(name), Some(value)) = (tag.get(..end), tag.get(end..).map(str::trim)) else { return };
        let number = value.parse::<i32>().ok();
        let base = self.named.style;
        let on = |base: bool| number.map_or(base, |n| n == 1 || n >= 600);
        match name {
            "b" => self.style.bold = on(base.bold),
            "i" => self.style.italic = number.map_or(base.italic, |n| n == 1),
            "u" => self.style.underline = number.map_or(base.underline, |n| n == 1),
            "c" | "1c" => self.colour(value),
            "alpha" | "1a" => self.alpha(value),
            "an" => self.align(number),
            "a" => self.align(number.and_then(|n| u8::try_from(n).ok()).map(|n| i32::from(from_legacy(n)))),
            "pos" | "move" => self.place(value),
            "p" => self.drawing = number.is_some_and(|n| n > 0),
            "q" => self.wrap_style = value.parse().unwrap_or(self.script.wrap_style),
            _ if tag.starts_with('r') => {
                let style = tag[1..].trim();
                self.style = if style.is_empty() { base } else { self.script.style(style).style };
            }
            _ => {}
        }
    }

    /// Without a value the style's own colour returns. Transparency is set apart.
    fn colour(&mut self, value: &str) {
        let alpha = self.style.color.unwrap_or(0xff) & 0xff;
        self.style.color = match color::parse_ass(value) {
            Some(color) => Some(color & 0xffff_ff00 | alpha),
            None => self.named.style.color,
        };
    }

    fn alpha(&mut self, value: &str) {
        let color = self.style.color.unwrap_or(0xffff_ffff) | 0xff;
        // The lowest byte of the number is the transparency; as a colour it would be the red.
        self.style.color = match color::parse_ass(value) {
            Some(number) => Some(color & 0xffff_ff00 | (255 - (number >> 24))).filter(|c| *c != 0xffff_ffff),
            None => self.named.style.color,
        };
    }

    fn align(&mut self, number: Option<i32>) {
        let number = number.and_then(|n| u8::try_from(n).ok()).filter(|n| (1..=9).contains(n));
        self.alignment = self.alignment.or(number);
    }

    /// `(x,y)` of `\pos`, or the start of a `\move`.
    fn place(&mut self, value: &str) {
        let mut numbers = value.trim_matches(['(', ')']).split(',').map(|n| permille(n.trim()));
        if let (Some(Some(x)), Some(Some(y))) = (numbers.next(), numbers.next()) {
            self.pos = self.pos.or(Some((x, y)));
        }
    }

    fn position(&self, event: &Event<'_>) -> Position {
        let number = self.alignment.unwrap_or(self.named.alignment);
        let mut out = numpad(number).unwrap_or_default();
        let (width, height) = self.script.play_res;
        if let Some((x, y)) = self.pos {
            // Thousandths of a pixel over pixels are permille.
            out.left_permille = (x / width).clamp(0, 1000);
            out.top_permille = Some((y / height).clamp(0, 1000));
            out.width_permille = widest(out.anchor.x, out.left_permille);
            return out;
        }
        let margin = |n: usize, whole: i32| {
            let own = event.margins[n];
            (if own > 0 { own } else { self.named.margins[n] }) * 1000 / whole
        };
        let (left, right, vertical) =
            (margin(0, width).min(900), margin(1, width).min(900), margin(2, height));
        if left + right < 900 {
            out.left_permille = along(out.anchor.x, left, 1000 - right);
            out.width_permille = 1000 - left - right;
        }
        // An ordinary margin only means "at the bottom", which the viewer's screen knows better.
        const RAISED_PERMILLE: i32 = 120;
        match out.anchor.y {
            Align::Start => out.top_permille = Some(vertical.min(1000)),
            Align::End if vertical > RAISED_PERMILLE => out.top_permille = Some((1000 - vertical).max(0)),
            _ => {}
        }
        out
    }
}
