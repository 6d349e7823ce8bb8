//! SubRip (`.srt`): no standard; read as FFmpeg and mpv do.

use crate::cue::{Cue, Position, Style};
use crate::number::{clock_us, leading};
use crate::position::numpad;
use crate::text::{Issues, TextBuilder, enclosed, lines};
use crate::{Parsed, color};

/// Reads a whole file. Cues come in the file's order; they may overlap.
///
/// A cue begins at its timing line, whatever stands before; a line with only a number just before a timing line is its
/// number, so blank lines and numbers inside a cue are text.
pub fn parse(text: &str) -> Parsed {
    let mut cues = Vec::new();
    let mut issues = Issues::default();
    let mut open: Option<(i64, i64, String)> = None;
    let mut number: Option<&str> = None;
    let mut finish = |open: Option<(i64, i64, String)>, cues: &mut Vec<Cue>| {
        let Some((start_us, end_us, body)) = open else { return };
        if end_us <= start_us {
            issues.add(|| format!("cue at {start_us} us ends before it starts"));
            return;
        }
        cues.extend(payload(start_us, end_us, &body));
    };
    for line in lines(text) {
        if let Some((start_us, end_us)) = timing(line) {
            number = None;
            finish(open.replace((start_us, end_us, String::new())), &mut cues);
            continue;
        }
        let Some((_, _, body)) = &mut open else { continue };
        if let Some(held) = number.take() {
            body.push_str(held);
            body.push('\n');
        }
        if !line.trim().is_empty() && line.trim().bytes().all(|b| b.is_ascii_digit()) {
            number = Some(line);
        } else {
            body.push_str(line);
            body.push('\n');
        }
    }
    if let (Some((_, _, body)), Some(held)) = (&mut open, number) {
        body.push_str(held);
    }
    finish(open, &mut cues);
    if cues.is_empty() {
        issues.add(|| "no SubRip cue found".into());
    }
    Parsed { cues, issues: issues.into_vec(), timestamp_map: None }
}

/// `00:00:01,000 --> 00:00:02,000`, followed by anything (old files put coordinates there).
fn timing(line: &str) -> Option<(i64, i64)> {
    let (from, to) = line.split_once("-->")?;
    Some((clock(from)?, clock(to)?))
}

/// `[H:]M:S[,ms]`; the digits after `,` or `.` are a number of milliseconds however many they are, as for FFmpeg.
fn clock(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (first, rest) = leading(text)?;
    let (second, rest) = leading(rest.strip_prefix(':')?.trim_start())?;
    let (h, m, (s, rest)) = match rest.strip_prefix(':') {
        Some(rest) => (first, second, leading(rest.trim_start())?),
        None => (0, first, (second, rest)),
    };
    let ms =
        rest.strip_prefix([',', '.']).and_then(|rest| leading(rest.trim_start())).map_or(0, |(ms, _)| ms);
    Some(clock_us(h, m, s, ms))
}

/// The text of one cue with its tags, as in a file or in a Matroska `S_TEXT/UTF8` block; `None` without visible text.
pub(crate) fn payload(start_us: i64, end_us: i64, body: &str) -> Option<Cue> {
    let mut out = TextBuilder::new();
    let mut position = Position::default();
    let mut stack: Vec<(&str, Style)> = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find(['<', '{']) {
        let (before, markup) = rest.split_at(at);
        let style = stack.last().map(|(_, style)| *style).unwrap_or_default();
        out.push(before, style);
        rest = if let Some((tag, after)) = html_tag(markup) {
            apply(tag, &mut stack);
            after
        } else if let Some((tag, after)) = override_tag(markup) {
            if let Some(placed) = tag.strip_prefix("an").and_then(|n| n.trim().parse().ok()).and_then(numpad)
            {
                position = placed;
            }
            after
        } else {
            out.push(&markup[..1], style);
            &markup[1..]
        };
    }
    out.push(rest, stack.last().map(|(_, style)| *style).unwrap_or_default());
    let lines = out.finish();
    (!lines.is_empty()).then_some(Cue { start_us, end_us, lines, position })
}

/// A tag SubRip knows, without its brackets, and what follows; anything else in angle brackets is text ("<3").
fn html_tag(markup: &str) -> Option<(&str, &str)> {
    let (tag, after) = enclosed(markup.strip_prefix('<')?, b'>')?;
    let name = tag_name(tag.strip_prefix('/').unwrap_or(tag));
    ["b", "i", "u", "s", "font"].iter().any(|known| name.eq_ignore_ascii_case(known)).then_some((tag, after))
}

fn tag_name(tag: &str) -> &str {
    tag.trim().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("")
}

/// `{\an8}`: only the placement has a meaning here, the other tags borrowed from ASS are dropped.
fn override_tag(markup: &str) -> Option<(&str, &str)> {
    enclosed(markup.strip_prefix("{\\")?, b'}')
}

fn apply<'a>(tag: &'a str, stack: &mut Vec<(&'a str, Style)>) {
    /// Deeper nesting is garbage; it would only cost memory.
    const DEEPEST: usize = 64;
    if let Some(closing) = tag.strip_prefix('/') {
        // Tags are often closed in the wrong order: the innermost of that name goes, and those inside it keep their effect.
        let name = tag_name(closing);
        if let Some(at) = stack.iter().rposition(|(open, _)| tag_name(open).eq_ignore_ascii_case(name)) {
            let inner: Vec<&str> = stack.drain(at..).skip(1).map(|(open, _)| open).collect();
            inner.into_iter().for_each(|open| apply(open, stack));
        }
        return;
    }
    if stack.len() >= DEEPEST {
        return;
    }
    let mut style = stack.last().map(|(_, style)| *style).unwrap_or_default();
    match tag_name(tag).to_ascii_lowercase().as_str() {
        "b" => style.bold = true,
        "i" => style.italic = true,
        "u" => style.underline = true,
        "font" => style.color = attribute(tag, "color").and_then(color::parse).or(style.color),
        _ => {}
    }
    stack.push((tag, style));
}

/// The value of `name=value`, `name="value"` or `name='value'`.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.to_ascii_lowercase().find(name)?;
    let value = tag[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next(),
        _ => value.split_ascii_whitespace().next(),
    }
}

#[cfg(test)]
mod tests;
