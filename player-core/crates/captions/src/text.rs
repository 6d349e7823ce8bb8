use crate::cue::{Line, Run, Style};

/// Collects styled text into lines, merging neighbours of one style.
#[derive(Debug)]
pub(crate) struct TextBuilder {
    lines: Vec<Line>,
}

impl TextBuilder {
    pub(crate) fn new() -> Self {
        TextBuilder { lines: vec![Line::default()] }
    }

    /// Appends text; `\n` starts a new line and other control characters vanish.
    pub(crate) fn push(&mut self, text: &str, style: Style) {
        for (i, part) in text.split('\n').enumerate() {
            if i > 0 {
                self.lines.push(Line::default());
            }
            let part: String = part.chars().filter(|c| !c.is_control() || *c == '\t').collect();
            let Some(line) = self.lines.last_mut() else { return };
            match line.runs.last_mut() {
                _ if part.is_empty() => {}
                Some(run) if run.style == style => run.text.push_str(&part),
                _ => line.runs.push(Run { text: part, style }),
            }
        }
    }

    /// The lines, without blank ones at either end and without white space at the ends of each.
    pub(crate) fn finish(mut self) -> Vec<Line> {
        self.lines.iter_mut().for_each(trim);
        let used = |line: &Line| !line.runs.is_empty();
        let Some(first) = self.lines.iter().position(used) else { return Vec::new() };
        let last = self.lines.iter().rposition(used).unwrap_or(first);
        self.lines.truncate(last + 1);
        self.lines.drain(..first);
        self.lines
    }
}

/// Breakable white space only: an author's U+00A0 is there to stay.
fn blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn trim(line: &mut Line) {
    while let Some(run) = line.runs.first_mut() {
        run.text.drain(..run.text.len() - run.text.trim_start_matches(blank).len());
        if !run.text.is_empty() {
            break;
        }
        line.runs.remove(0);
    }
    while let Some(run) = line.runs.last_mut() {
        run.text.truncate(run.text.trim_end_matches(blank).len());
        if !run.text.is_empty() {
            break;
        }
        line.runs.pop();
    }
}

/// Every line ending as `\n`, so that parsers know one kind.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A lone CR ends a line, too (old Macs, WebVTT); CRLF counts once.
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The inside of a tag up to its closing byte, and what follows. Tags are short: without the limit a file of opening brackets
/// would take quadratic time.
pub(crate) fn enclosed(text: &str, closing: u8) -> Option<(&str, &str)> {
    const LONGEST: usize = 1024;
    let at = text.bytes().take(LONGEST).position(|b| b == closing)?;
    Some((&text[..at], &text[at + 1..]))
}

/// What was wrong with a file, each kind of trouble once per place and bounded, since every line of garbage would add one.
#[derive(Debug, Default)]
pub(crate) struct Issues(Vec<String>);

impl Issues {
    const MOST: usize = 50;

    pub(crate) fn add(&mut self, issue: impl FnOnce() -> String) {
        if self.0.len() < Self::MOST {
            self.0.push(issue());
        }
    }

    pub(crate) fn into_vec(self) -> Vec<String> {
        self.0
    }
}

#[cfg(test)]
pub(crate) fn plain(lines: &[Line]) -> String {
    let text = |line: &Line| line.runs.iter().map(|run| run.text.as_str()).collect::<String>();
    lines.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builder_blank_lines_at_the_ends_vanish_and_inside_stay() {
        let mut builder = TextBuilder::new();
        builder.push("\n  a ", Style::default());
        builder.push(" \n\nb\n ", Style { bold: true, ..Style::default() });
        assert_eq!(plain(&builder.finish()), "a\n\nb");
    }

    #[test]
    fn lines_every_ending_splits_once() {
        assert_eq!(lines("\u{feff}a\r\nb\rc\n\nd").collect::<Vec<_>>(), ["a", "b", "c", "", "d"]);
    }
}
