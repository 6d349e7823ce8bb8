//! Lines and measurements from the core, kept within bounds.

use std::collections::BTreeMap;

use kinora_port::HostUs;

/// Most lines a second; a flood is cut and counted.
const LINES_PER_SECOND: u32 = 50;
/// Most error lines kept.
const MAX_ERRORS: usize = 100;
/// From this level on what the core tells about itself is printed.
const INFORMATION: u32 = 3;
/// Most different measurements.
const MAX_MEASURES: usize = 256;

/// Where the core's `log` interface ends.
pub(crate) struct Log {
    /// Most detailed level printed: 0 nothing, 1 errors, 2 warnings, 3 information, 4 everything.
    level: u32,
    second: u64,
    lines: u32,
    pub(crate) measures: BTreeMap<String, i64>,
    /// The first error lines, for reports.
    pub(crate) errors: Vec<String>,
    /// All error lines.
    pub(crate) error_lines: u64,
}

impl Log {
    pub(crate) fn new(level: u32) -> Self {
        Log { level, second: 0, lines: 0, measures: BTreeMap::new(), errors: Vec::new(), error_lines: 0 }
    }

    /// A new call begins: states the time that limits are counted by.
    pub(crate) fn at(&mut self, now: HostUs) {
        let second = now / 1_000_000;
        if second != self.second {
            if self.lines > LINES_PER_SECOND {
                eprintln!("core: {} more lines left out", self.lines - LINES_PER_SECOND);
            }
            (self.second, self.lines) = (second, 0);
        }
    }

    pub(crate) fn write(&mut self, level: u32, message: &str) {
        if level <= 1 {
            self.error_lines += 1;
            if self.errors.len() < MAX_ERRORS {
                self.errors.push(message.to_owned());
            }
        }
        if level > self.level {
            return;
        }
        self.lines += 1;
        if self.lines <= LINES_PER_SECOND {
            let kind = match level {
                0 | 1 => "error",
                2 => "warning",
                3 => "info",
                _ => "debug",
            };
            eprintln!("core {kind}: {}", printable(message));
        }
    }

    pub(crate) fn measure(&mut self, name: String, value: i64) {
        if self.measures.len() < MAX_MEASURES || self.measures.contains_key(&name) {
            self.measures.insert(name, value);
        }
    }

    /// The run is over: the last value of each measurement is printed, with what is printed of its lines.
    pub(crate) fn end(&self) {
        if self.level >= INFORMATION && !self.measures.is_empty() {
            let words = self.measures.iter().map(|(name, value)| format!(" {name}={value}"));
            eprintln!("core measures:{}", printable(&words.collect::<String>()));
        }
    }
}

/// Control characters must not reach a terminal.
fn printable(message: &str) -> String {
    message.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_escape_sequence_loses_its_control_character() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }

    #[test]
    fn measure_beyond_the_cap_is_ignored() {
        let mut log = Log::new(0);
        for i in 0..1000 {
            log.measure(format!("m{i}"), i);
        }
        log.measure("m0".into(), -1);
        assert_eq!((log.measures.len(), log.measures["m0"]), (MAX_MEASURES, -1));
    }
}
