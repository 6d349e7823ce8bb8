//! Where a cue stands: its settings (section 6.4) and regions (section 6.2), turned into the model's box.

use crate::cue::{Align, Anchor, Position};
use crate::number::{percent, permille};
use crate::position::{along, widest};

/// Height of a line: the default font size is 5 % of the height (section 7.2) and lines are about 1.07 of it in browsers.
const LINE_PERMILLE: i32 = 53;

/// A part of the picture in which cues roll up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    id: String,
    width: i32,
    lines: i32,
    anchor: (i32, i32),
    viewport: (i32, i32),
}

/// A `REGION` block's settings, on one line; without an id nothing can name it.
pub(super) fn region(text: &str) -> Option<Region> {
    let mut region =
        Region { id: String::new(), width: 1000, lines: 3, anchor: (0, 1000), viewport: (0, 1000) };
    let pair = |value: &str| {
        let (x, y) = value.split_once(',')?;
        Some((percent(x)?, percent(y)?))
    };
    for (name, value) in pairs(text) {
        match name {
            "id" => region.id = value.into(),
            "width" => region.width = percent(value).unwrap_or(region.width),
            "lines" => region.lines = value.parse::<u8>().map_or(region.lines, i32::from),
            "regionanchor" => region.anchor = pair(value).unwrap_or(region.anchor),
            "viewportanchor" => region.viewport = pair(value).unwrap_or(region.viewport),
            _ => {}
        }
    }
    (!region.id.is_empty()).then_some(region)
}

/// `name:value` words; a word with nothing on either side of the colon is ignored.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split_ascii_whitespace()
        .filter_map(|word| word.split_once(':').filter(|(name, value)| !name.is_empty() && !value.is_empty()))
}

/// A cue's settings as written.
#[derive(Debug)]
struct Settings<'a> {
    line: Option<(Line, Align)>,
    position: Option<(i32, Option<Align>)>,
    size: i32,
    align: Align,
    vertical: bool,
    region: Option<&'a Region>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// In thousandths of a line; negative from the bottom.
    Number(i32),
    /// Permille of the picture.
    Percent(i32),
}

/// The box that a settings line asks for. Vertical text is shown horizontally at the default place.
pub(super) fn position(text: &str, regions: &[Region]) -> Position {
    let mut settings = Settings {
        line: None,
        position: None,
        size: 1000,
        align: Align::Middle,
        vertical: false,
        region: None,
    };
    for (name, value) in pairs(text) {
        settings.set(name, value, regions);
    }
    settings.resolve()
}

impl<'a> Settings<'a> {
    fn set(&mut self, name: &str, value: &str, regions: &'a [Region]) {
        match name {
            "vertical" => self.vertical = matches!(value, "rl" | "lr"),
            "region" => self.region = regions.iter().rev().find(|region| region.id == value),
            "line" => self.line = line(value).or(self.line),
            "position" => {
                let (value, align) = value.split_once(',').map_or((value, None), |(v, a)| (v, Some(a)));
                let align = align.map(position_align);
                if let (Some(at), false) = (percent(value), align == Some(None)) {
                    self.position = Some((at, align.flatten()));
                }
            }
            "size" => self.size = percent(value).unwrap_or(self.size),
            "align" => self.align = text_align(value).unwrap_or(self.align),
            _ => {}
        }
    }

    fn resolve(self) -> Position {
        if self.vertical {
            return Position::default();
        }
        // Sections 7.1 "computed position" and "computed position alignment"; text runs left to right here.
        let (left_permille, anchor_x) = match self.position {
            Some((at, align)) => (at, align.unwrap_or(self.align)),
            None => (along(self.align, 0, 1000), self.align),
        };
        let width_permille = self.size.min(widest(anchor_x, left_permille));
        let mut out = Position {
            top_permille: None,
            left_permille,
            width_permille,
            anchor: Anchor { x: anchor_x, y: Align::End },
            align: self.align,
        };
        match (self.line, self.region) {
            // A cue in a region has no line and the full size (section 6.4 step 3).
            (None, Some(region)) if self.size == 1000 => region.place(&mut out),
            (Some((Line::Percent(at), align)), _) => {
                out.top_permille = Some(at);
                out.anchor.y = align;
            }
            // Lines count from 0 at the top and from -1, the usual place, at the bottom.
            (Some((Line::Number(n), _)), _) if n >= 0 => {
                out.top_permille = Some(scaled(n).min(1000));
                out.anchor.y = Align::Start;
            }
            (Some((Line::Number(n), _)), _) if n != -1000 => {
                out.top_permille = Some((1000 + scaled(n.saturating_add(1000))).max(0));
            }
            _ => {}
        }
        out
    }
}

/// Thousandths of a line as permille of the picture.
fn scaled(line: i32) -> i32 {
    (i64::from(line) * i64::from(LINE_PERMILLE) / 1000).clamp(-10_000, 10_000) as i32
}

impl Region {
    /// Cues roll in at the region's last line (section 7.3).
    fn place(&self, out: &mut Position) {
        let height = self.lines * LINE_PERMILLE;
        let left = self.viewport.0 - self.width * self.anchor.0 / 1000;
        let top = self.viewport.1 - height * self.anchor.1 / 1000;
        out.top_permille = Some((top + height).clamp(0, 1000));
        out.left_permille = (left + self.width * out.left_permille / 1000).clamp(0, 1000);
        out.width_permille = self.width * out.width_permille / 1000;
    }
}

fn line(value: &str) -> Option<(Line, Align)> {
    let (value, align) = match value.split_once(',') {
        Some((value, "start")) => (value, Align::Start),
        Some((value, "center")) => (value, Align::Middle),
        Some((value, "end")) => (value, Align::End),
        Some(_) => return None,
        None => (value, Align::Start),
    };
    let line =
        if value.ends_with('%') { Line::Percent(percent(value)?) } else { Line::Number(permille(value)?) };
    Some((line, align))
}

fn position_align(value: &str) -> Option<Align> {
    match value {
        "line-left" => Some(Align::Start),
        "center" | "middle" => Some(Align::Middle),
        "line-right" => Some(Align::End),
        _ => None,
    }
}

/// `middle` is what early files wrote for `center`.
fn text_align(value: &str) -> Option<Align> {
    match value {
        "start" | "left" => Some(Align::Start),
        "center" | "middle" => Some(Align::Middle),
        "end" | "right" => Some(Align::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_without_settings_is_the_default() {
        assert_eq!(position("", &[]), Position::default());
        assert_eq!(position("line:-1 bogus: :x align:sideways", &[]), Position::default());
    }

    #[test]
    fn position_line_percent_and_size_place_the_box() {
        let p = position("line:10% position:20%,line-left size:35% align:start", &[]);
        assert_eq!((p.top_permille, p.left_permille, p.width_permille), (Some(100), 200, 350));
        assert_eq!((p.anchor, p.align), (Anchor { x: Align::Start, y: Align::Start }, Align::Start));
    }

    #[test]
    fn position_line_numbers_count_from_both_ends() {
        assert_eq!(position("line:0", &[]).top_permille, Some(0));
        assert_eq!(position("line:2", &[]).top_permille, Some(106));
        let up = position("line:-3", &[]);
        assert_eq!((up.top_permille, up.anchor.y), (Some(894), Align::End));
    }

    #[test]
    fn position_auto_follows_the_alignment_and_stays_in_the_picture() {
        assert_eq!(position("align:right", &[]).left_permille, 1000);
        let p = position("position:90% align:start size:50%", &[]);
        assert_eq!((p.left_permille, p.width_permille), (900, 100));
    }

    #[test]
    fn position_in_a_region_stands_at_its_bottom() {
        let bill = region("id:bill width:40% lines:2 regionanchor:100%,100% viewportanchor:90%,90%")
            .expect("has an id");
        let p = position("region:bill align:left", &[bill]);
        assert_eq!((p.top_permille, p.left_permille, p.width_permille), (Some(900), 500, 400));
    }
}
