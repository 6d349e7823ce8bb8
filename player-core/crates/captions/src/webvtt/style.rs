//! The classes that cues name: the eight colours every browser knows, and simple `STYLE` rules.

use crate::color;
use crate::cue::Style;

/// Rules of `::cue(.class)` and `::cue`, in their order. Other selectors are ignored: they need a document.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rules: Vec<(String, String)>,
}

impl Sheet {
    /// Adds a `STYLE` block's rules.
    pub(super) fn add(&mut self, css: &str) {
        /// Each class of each tag looks through them.
        const MOST: usize = 128;
        for rule in css.split('}') {
            let Some((selectors, declarations)) = rule.split_once('{') else { continue };
            for selector in selectors.split(',') {
                let Some(argument) = selector.rsplit_once("::cue").map(|(_, argument)| argument.trim())
                else {
                    continue;
                };
                let class = match argument.strip_prefix('(').and_then(|a| a.strip_suffix(')')) {
                    Some(inner) => match inner.rsplit_once('.') {
                        Some((_, class)) if !class.is_empty() => class,
                        _ => continue,
                    },
                    None if argument.is_empty() => "",
                    None => continue,
                };
                if self.rules.len() < MOST {
                    self.rules.push((class.into(), declarations.into()));
                }
            }
        }
    }

    /// The style of text outside all tags.
    pub(super) fn base(&self) -> Style {
        let mut style = Style::default();
        self.apply("", &mut style);
        style
    }

    /// What a class adds to `style`.
    pub(super) fn apply_class(&self, class: &str, style: &mut Style) {
        // Section 5.1 "default CSS style sheet for cue classes".
        if let Some(color) = default_color(class.strip_prefix("bg_").unwrap_or(class)) {
            let target = if class.starts_with("bg_") { &mut style.background } else { &mut style.color };
            *target = Some(color);
        }
        if !class.is_empty() {
            self.apply(class, style);
        }
    }

    fn apply(&self, class: &str, style: &mut Style) {
        for (_, declarations) in self.rules.iter().filter(|(name, _)| name == class) {
            for declaration in declarations.split(';') {
                let Some((property, value)) = declaration.split_once(':') else { continue };
                declare(property.trim(), value.trim(), style);
            }
        }
    }
}

fn declare(property: &str, value: &str, style: &mut Style) {
    match property {
        "color" => style.color = color::parse(value).or(style.color),
        "background-color" | "background" => style.background = color::parse(value).or(style.background),
        "font-weight" => style.bold = matches!(value, "bold" | "bolder" | "600" | "700" | "800" | "900"),
        "font-style" => style.italic = matches!(value, "italic" | "oblique"),
        "text-decoration" => style.underline = value.contains("underline"),
        _ => {}
    }
}

fn default_color(class: &str) -> Option<u32> {
    let known = ["white", "lime", "cyan", "red", "yellow", "magenta", "blue", "black"];
    known.contains(&class).then(|| color::parse(class)).flatten()
}
