use crate::color;
use crate::cue::Style;
use crate::text::lines;

/// What a script says ahead of its events.
#[derive(Debug)]
pub(super) struct Script {
    /// Size of the plane that positions and margins are on.
    pub(super) play_res: (i32, i32),
    /// `\n` breaks lines only in wrap style 2.
    pub(super) wrap_style: u8,
    styles: Vec<(String, NamedStyle)>,
}

/// A `Style` line.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedStyle {
    pub(super) style: Style,
    /// By the numeric keypad.
    pub(super) alignment: u8,
    /// Left, right, vertical.
    pub(super) margins: [i32; 3],
}

impl Default for NamedStyle {
    fn default() -> Self {
        NamedStyle { style: Style::default(), alignment: 2, margins: [0; 3] }
    }
}

const STYLE_FIELDS: &str = "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
    Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, \
    Encoding";

impl Script {
    /// Reads everything but events; an empty text gives the defaults.
    pub(super) fn read(text: &str) -> Script {
        /// Each event looks through them.
        const MOST_STYLES: usize = 1000;
        let mut script = Script { play_res: (0, 0), wrap_style: 0, styles: Vec::new() };
        let mut format: Vec<String> = names(STYLE_FIELDS);
        let mut section = String::new();
        for line in lines(text) {
            let line = line.trim();
            if line.starts_with('[') {
                section = line.to_ascii_lowercase();
                continue;
            }
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match key.as_str() {
                "playresx" => script.play_res.0 = size(value),
                "playresy" => script.play_res.1 = size(value),
                "wrapstyle" => script.wrap_style = value.parse().unwrap_or(0),
                "format" if section.contains("styles") => format = names(value),
                "style" if script.styles.len() < MOST_STYLES => {
                    script.styles.push(style(&format, value, section == "[v4 styles]"));
                }
                _ => {}
            }
        }
        // libass: 384x288 when nothing is said, else 4:3, with one exception for 1280.
        script.play_res = match script.play_res {
            (0, 0) => (384, 288),
            (0, 1024) => (1280, 1024),
            (0, y) => ((y * 4 / 3).max(1), y),
            (1280, 0) => (1280, 1024),
            (x, 0) => (x, (x * 3 / 4).max(1)),
            both => both,
        };
        script
    }

    /// A style by its name, else the one called `Default`, else the built-in one. The last of a name counts.
    pub(super) fn style(&self, name: &str) -> NamedStyle {
        let find =
            |name: &str| self.styles.iter().rev().find(|(known, _)| known == name).map(|(_, style)| *style);
        find(name.trim().trim_start_matches('*')).or_else(|| find("Default")).unwrap_or_default()
    }
}

/// 0 for anything that is no sensible size.
fn size(value: &str) -> i32 {
    value.parse().ok().filter(|size| (1..=32_768).contains(size)).unwrap_or(0)
}

fn names(format: &str) -> Vec<String> {
    format.split(',').map(|name| name.trim().to_ascii_lowercase()).collect()
}

fn style(format: &[String], values: &str, legacy: bool) -> (String, NamedStyle) {
    let mut out = NamedStyle::default();
    let mut name = String::new();
    for (field, value) in format.iter().zip(values.split(',')) {
        let value = value.trim();
        let flag = value.parse::<i32>().is_ok_and(|v| v != 0);
        match field.as_str() {
            "name" => name = value.trim_start_matches('*').into(),
            // Plain white is what every script says by default; it must not override the viewer's choice.
            "primarycolour" => {
                out.style.color = color::parse_ass(value).filter(|color| *color != 0xffff_ffff)
            }
            "bold" => out.style.bold = flag,
            "italic" => out.style.italic = flag,
            "underline" => out.style.underline = flag,
            "alignment" => {
                let number = value.parse().unwrap_or(2);
                out.alignment = if legacy { from_legacy(number) } else { number };
            }
            "marginl" => out.margins[0] = margin(value),
            "marginr" => out.margins[1] = margin(value),
            "marginv" => out.margins[2] = margin(value),
            _ => {}
        }
    }
    (name, out)
}

/// A margin in script pixels; 0 also for nonsense.
pub(super) fn margin(value: &str) -> i32 {
    value.trim().parse::<i32>().unwrap_or(0).clamp(0, 32_768)
}

/// SSA numbers alignments 1 to 3 at the bottom, plus 4 at the top, plus 8 in the middle.
pub(super) fn from_legacy(number: u8) -> u8 {
    let column = number & 3;
    match number & 12 {
        _ if column == 0 => 2,
        4 => column + 6,
        8 => column + 3,
        _ => column,
    }
}

/// The order of an event's fields.
#[derive(Debug)]
pub(super) struct EventFormat(Vec<String>);

/// An event's fields as written.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) start: &'a str,
    pub(super) end: &'a str,
    pub(super) style: &'a str,
    pub(super) margins: [i32; 3],
    pub(super) text: &'a str,
}

impl Default for EventFormat {
    fn default() -> Self {
        EventFormat(names("Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"))
    }
}

impl EventFormat {
    /// The fields of a Matroska block.
    pub(super) fn matroska() -> Self {
        EventFormat(names("ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text"))
    }

    /// A `Format` line's; `None` for one that is not of events.
    pub(super) fn read(line: &str) -> Option<Self> {
        let names = names(line);
        (names.last().map(String::as_str) == Some("text")).then_some(EventFormat(names))
    }

    /// Takes a line apart; its last field, the text, keeps its commas.
    pub(super) fn split<'a>(&self, line: &'a str) -> Event<'a> {
        let mut event = Event::default();
        for (name, value) in self.0.iter().zip(line.splitn(self.0.len(), ',')) {
            match name.as_str() {
                "start" => event.start = value,
                "end" => event.end = value,
                "style" => event.style = value,
                "marginl" => event.margins[0] = margin(value),
                "marginr" => event.margins[1] = margin(value),
                "marginv" => event.margins[2] = margin(value),
                "text" => event.text = value,
                _ => {}
            }
        }
        event
    }
}
