//! Rules about source files: their length, and what may stand where.

use crate::env::root;

/// Longest Rust file, lines.
const MAX_LINES: usize = 700;

/// What a core crate must not touch: it would not be a function of its events any more.
const AMBIENT: &[&str] = &[
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::process",
    "time::Instant",
    "SystemTime",
    "wit_bindgen",
    "wasmtime",
];

pub(super) fn check(files: &[String], offences: &mut Vec<String>) {
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        let Ok(text) = std::fs::read_to_string(root().join(file)) else { continue };
        if text.lines().count() > MAX_LINES {
            offences.push(format!("{file}: longer than {MAX_LINES} lines; it is more than one thing"));
        }
        let in_shim = file.starts_with("shims/");
        let in_core_crate =
            file.starts_with("player-core/crates/") && file.contains("/src/") && !is_test_module(file);
        for (i, line) in code_lines(&text) {
            // The checker names what it looks for.
            if !in_shim && !file.starts_with("xtask/src/tidy/") {
                if has_word(line, "unsafe") {
                    offences.push(format!("{file}:{i}: `unsafe` outside shims/"));
                }
                if line.contains("target_os") {
                    offences.push(format!("{file}:{i}: `cfg(target_os)` outside shims/"));
                }
            }
            if in_core_crate && let Some(found) = AMBIENT.iter().find(|ambient| line.contains(**ambient)) {
                offences.push(format!("{file}:{i}: `{found}` in the core"));
            }
        }
    }
}

/// Whether a file is a module that is compiled for tests only.
fn is_test_module(file: &str) -> bool {
    let path = std::path::Path::new(file);
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|s| s.to_str())) else {
        return false;
    };
    // Declared by `lib.rs` beside it, or by `foo.rs` beside the folder `foo` it lies in.
    let parents = [folder.join("lib.rs"), folder.with_extension("rs")];
    parents.iter().filter_map(|parent| std::fs::read_to_string(root().join(parent)).ok()).any(|text| {
        let text = text.replace("pub(crate) ", "");
        text.contains(&format!("#[cfg(test)]\nmod {stem};"))
    })
}

/// Lines of code before the file's tests, numbered from 1, without comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    lines.take_while(|(_, line)| *line != "#[cfg(test)]").filter(|(_, line)| !line.starts_with("//"))
}

/// Whether `word` stands in `line` as a whole identifier.
fn has_word(line: &str, word: &str) -> bool {
    let identifier = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(identifier) && !after.is_some_and(identifier)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_word_inside_an_identifier_is_not_found() {
        assert!(has_word("pub unsafe fn f()", "unsafe"));
        assert!(!has_word("allow(unsafe_code)", "unsafe"));
    }

    #[test]
    fn code_lines_stop_at_tests_and_skip_comments() {
        let text = "a\n// b\nc\n#[cfg(test)]\nd";
        assert_eq!(code_lines(text).collect::<Vec<_>>(), [(1, "a"), (3, "c")]);
    }
}
