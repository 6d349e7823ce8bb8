//! Cue text: section 6.4 "cue text parsing rules", tags to runs of one style.

use super::style::Sheet;
use crate::cue::{Line, Style};
use crate::text::{TextBuilder, enclosed};

/// Nesting deeper than this is garbage; it would only cost memory.
const DEEPEST: usize = 64;

/// The styled lines of a cue's text. Ruby text follows its base in parentheses; voices and timestamps show nothing of themselves.
pub(super) fn lines(text: &str, sheet: &Sheet) -> Vec<Line> {
    let mut out = TextBuilder::new();
    let mut open: Vec<(&str, Style)> = vec![("", sheet.base())];
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push(&entities(&rest[..at]), current(&open));
        let markup = &rest[at + 1..];
        // An unclosed tag takes the rest of the cue (section 6.4: the tokenizer ends inside it).
        let Some((tag, after)) = enclosed(markup, b'>') else { return out.finish() };
        match tag.strip_prefix('/') {
            Some(name) => close(name.trim(), &mut open, &mut out),
            None => start(tag, &mut open, &mut out, sheet),
        }
        rest = after;
    }
    out.push(&entities(rest), current(&open));
    out.finish()
}

fn current(open: &[(&str, Style)]) -> Style {
    open.last().map(|(_, style)| *style).unwrap_or_default()
}

fn start<'a>(tag: &'a str, open: &mut Vec<(&'a str, Style)>, out: &mut TextBuilder, sheet: &Sheet) {
    let head = tag.split([' ', '\t', '\n']).next().unwrap_or("");
    let mut classes = head.split('.');
    let name = classes.next().unwrap_or("");
    let mut style = current(open);
    match name {
        "b" => style.bold = true,
        "i" => style.italic = true,
        "u" => style.underline = true,
        "rt" if open.iter().any(|(name, _)| *name == "ruby") => out.push("(", style),
        "c" | "v" | "lang" | "ruby" => {}
        // Timestamps and tags unknown to the standard are passed over.
        _ => return,
    }
    classes.for_each(|class| sheet.apply_class(class, &mut style));
    if open.len() < DEEPEST {
        open.push((name, style));
    }
}

/// Only the innermost tag can be closed, except that `</ruby>` also ends its open `<rt>` (section 6.4).
fn close(name: &str, open: &mut Vec<(&str, Style)>, out: &mut TextBuilder) {
    let innermost = open.last().map_or("", |(name, _)| *name);
    if innermost == "rt" && matches!(name, "rt" | "ruby") {
        open.pop();
        out.push(")", current(open));
    }
    if open.len() > 1 && open.last().is_some_and(|(innermost, _)| *innermost == name) && name != "rt" {
        open.pop();
    }
}

/// Character references: the named ones that captions use and all numeric ones; others stay as they are.
fn entities(text: &str) -> String {
    const NAMED: &[(&str, &str)] = &[
        ("amp", "&"),
        ("lt", "<"),
        ("gt", ">"),
        ("quot", "\""),
        ("apos", "'"),
        ("nbsp", "\u{a0}"),
        ("lrm", "\u{200e}"),
        ("rlm", "\u{200f}"),
        ("ndash", "\u{2013}"),
        ("mdash", "\u{2014}"),
        ("hellip", "\u{2026}"),
        ("copy", "\u{a9}"),
        ("eacute", "\u{e9}"),
    ];
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let decoded = enclosed(part, b';').and_then(|(name, after)| {
            let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, value)| String::from(*value));
            Some((named.or_else(|| numeric(name).map(String::from))?, after))
        });
        match decoded {
            Some((value, after)) => {
                out.push_str(&value);
                out.push_str(after);
            }
            None => {
                out.push('&');
                out.push_str(part);
            }
        }
    }
    out
}

fn numeric(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code).filter(|c| !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::plain;

    fn styled(text: &str, sheet: &Sheet) -> Vec<(String, Style)> {
        lines(text, sheet).into_iter().flat_map(|l| l.runs).map(|r| (r.text, r.style)).collect()
    }

    #[test]
    fn lines_tags_style_and_vanish() {
        let got =
            styled("<v.loud Mary>Hi <b.x>bold</b> <00:01.000><i>it<u>both</i></u></i>!", &Sheet::default());
        let d = Style::default();
        let italic = Style { italic: true, ..d };
        assert_eq!(
            got,
            [
                ("Hi ".into(), d),
                ("bold".into(), Style { bold: true, ..d }),
                (" ".into(), d),
                ("it".into(), italic),
                ("both".into(), Style { underline: true, ..italic }),
                ("!".into(), d),
            ]
        );
    }

    #[test]
    fn lines_classes_colour_by_default_and_by_sheet() {
        let mut sheet = Sheet::default();
        sheet.add("::cue { color: white }\n::cue(.red), ::cue(v.loud) { color: #112233; font-weight: bold }");
        let got = styled("a<c.yellow.bg_blue>b</c><c.red>c</c><c.loud>d</c>", &sheet);
        let style =
            |bold, color, background| Style { bold, color: Some(color), background, ..Style::default() };
        assert_eq!(
            got,
            [
                ("a".into(), style(false, 0xffff_ffff, None)),
                ("b".into(), style(false, 0xffff_00ff, Some(0x0000_ffff))),
                ("cd".into(), style(true, 0x1122_33ff, None)),
            ]
        );
    }

    #[test]
    fn lines_entities_decode_and_unknown_ones_stay() {
        let text = "&lt;b&gt; &amp;amp; R&D &#233;&#xE9; &bogus; &#0;&";
        assert_eq!(plain(&lines(text, &Sheet::default())), "<b> &amp; R&D éé &bogus; &#0;&");
    }

    #[test]
    fn lines_ruby_text_follows_its_base() {
        let text = "<ruby>漢<rt>kan</rt>字<rt>ji</ruby>!";
        assert_eq!(plain(&lines(text, &Sheet::default())), "漢(kan)字(ji)!");
    }

    #[test]
    fn lines_unclosed_tag_takes_the_rest() {
        assert_eq!(plain(&lines("a <b", &Sheet::default())), "a");
        assert_eq!(plain(&lines("a <x>b</y>c", &Sheet::default())), "a bc");
    }
}
