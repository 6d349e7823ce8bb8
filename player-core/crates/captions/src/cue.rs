/// Text shown over the picture for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// Shown from, microseconds of `media_time`.
    pub start_us: i64,
    /// Until, microseconds of `media_time`.
    pub end_us: i64,
    /// Top to bottom.
    pub lines: Vec<Line>,
    /// Where it stands.
    pub position: Position,
}

/// One line as the author broke it; the screen may break it further.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// In reading order.
    pub runs: Vec<Run>,
}

/// A stretch of text of one style.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// Plain Unicode text without line breaks or markup.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

/// What an author may say about a run. Sizes and fonts are the viewer's affair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Text colour `0xRRGGBBAA`, if other than the viewer's.
    pub color: Option<u32>,
    /// Background colour `0xRRGGBBAA`, if other than the viewer's.
    pub background: Option<u32>,
}

/// Placement of a cue's box, in permille of the picture; the default is the bottom centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Distance of the anchored edge from the top, if the author placed it.
    pub top_permille: Option<i32>,
    /// Distance of the anchored point from the left.
    pub left_permille: i32,
    /// Largest width of the box.
    pub width_permille: i32,
    /// Which part of the box stands at (`left`, `top`).
    pub anchor: Anchor,
    /// Alignment of the lines in the box.
    pub align: Align,
}

impl Default for Position {
    fn default() -> Self {
        Position {
            top_permille: None,
            left_permille: 500,
            width_permille: 1000,
            anchor: Anchor { x: Align::Middle, y: Align::End },
            align: Align::Middle,
        }
    }
}

/// A point of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Left, middle or right.
    pub x: Align,
    /// Top, middle or bottom.
    pub y: Align,
}

/// Start, middle or end along an axis (left to right, top to bottom).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Align {
    Start,
    Middle,
    End,
}
