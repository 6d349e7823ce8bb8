//! Following a shim that runs: what it says until the check is over, and what somebody in front of it does meanwhile.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use kinora_tests::Screen;

use super::{Order, Seen};

/// Most that is kept of what a shim writes.
const MAX_LOG: usize = 8 << 20;
/// Longest between two looks at the shim while it says nothing.
const PAUSE: Duration = Duration::from_millis(5);
/// Between two keys: no multiple of what a screen takes for a picture.
const KEY_EVERY: Duration = Duration::from_millis(307);

/// A shim that was started.
pub(super) trait Shim {
    /// The next line that it writes, if one comes in time; `Disconnected` once it has ended.
    fn line(&mut self, patience: Duration) -> Result<String, RecvTimeoutError>;
    /// Is told each word of the guest as it comes, and called every few milliseconds besides.
    fn heard(&mut self, words: Option<&str>) -> Result<(), String>;
    /// Ends it at once.
    fn kill(&mut self) -> Result<(), String>;
    /// Its memory, resident, in KiB.
    fn resident_kib(&mut self) -> Option<u64>;
    /// Its processor time so far, in milliseconds.
    fn cpu_ms(&mut self) -> Option<u64>;
}

/// Follows a shim until the guest has said its last word and the shim has ended, for which it may take `grace`, or until time is up.
pub(super) fn follow(shim: &mut dyn Shim, limit: Duration, grace: Duration) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let mut end = Instant::now() + limit;
    let mut last_word = false;
    while Instant::now() <= end {
        let line = match shim.line(PAUSE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                shim.heard(None)?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(seen),
        };
        if seen.log.len() < MAX_LOG {
            seen.log.push_str(&line);
            seen.log.push('\n');
        }
        let words = line.split_once("kit: ").map(|(_, words)| words);
        shim.heard(words)?;
        let Some(words) = words else { continue };
        if let Some(mark) = words.strip_prefix("mark ") {
            let name = mark.split(' ').next().unwrap_or_default();
            seen.resident_kib.extend(shim.resident_kib().map(|kib| (name.to_owned(), kib)));
            seen.cpu_ms.extend(shim.cpu_ms().map(|ms| (name.to_owned(), ms)));
        }
        if words == "kill" {
            // Whatever the guest waits for now must not come.
            shim.kill()?;
        }
        let last = ["passed", "failed ", "not-offered "].iter().any(|word| words.starts_with(word));
        if last && !last_word {
            last_word = true;
            end = end.min(Instant::now() + grace);
        }
        seen.words.push(words.to_owned());
        if words == "stays" {
            return Ok(seen);
        }
    }
    if !last_word {
        seen.log.push_str("(the kit ended the shim: its time was up)\n");
    }
    Ok(seen)
}

/// Somebody in front of the screen: looks all the time, and presses keys once the core is ready for them.
pub(super) struct Viewer {
    keys: std::slice::Iter<'static, &'static str>,
    next_key: Option<Instant>,
    /// When words with a time came, and what that was by the shim's clock, which may go at another pace than this machine's.
    times: Vec<(Instant, u64)>,
    look_every: Duration,
    looked: Option<Instant>,
    film: Vec<(Instant, Screen)>,
}

impl Viewer {
    /// Looks no more often than that.
    pub(super) fn new(order: &Order, look_every: Duration) -> Self {
        Viewer {
            keys: order.keys.iter(),
            next_key: None,
            times: Vec::new(),
            look_every,
            looked: None,
            film: Vec::new(),
        }
    }

    /// Takes in what the guest said.
    pub(super) fn heard(&mut self, words: &str) {
        let timed = words.starts_with("begin ") || words.starts_with("mark ");
        let at = words.rsplit(' ').next().and_then(|at| at.parse().ok()).filter(|_| timed);
        self.times.extend(at.map(|at| (Instant::now(), at)));
        if words.starts_with("mark ready ") {
            self.next_key = Some(Instant::now());
        }
    }

    /// A key to press now.
    pub(super) fn key(&mut self) -> Option<&'static str> {
        self.next_key.filter(|at| Instant::now() >= *at)?;
        self.next_key = Some(Instant::now() + KEY_EVERY);
        self.keys.next().copied()
    }

    /// Whether to look now.
    pub(super) fn looks(&mut self) -> bool {
        let now = Instant::now();
        let due = !self.times.is_empty() && self.looked.is_none_or(|last| now >= last + self.look_every);
        if due {
            self.looked = Some(now);
        }
        due
    }

    /// What was there when it looked.
    pub(super) fn saw(&mut self, screen: Screen) {
        if self.film.last().is_none_or(|(_, last)| *last != screen) {
            self.film.push((self.looked.unwrap_or_else(Instant::now), screen));
        }
    }

    /// All pictures, by the shim's clock: one that was seen between two words has a time between theirs.
    pub(super) fn film(self) -> Vec<(u64, Screen)> {
        let times = self.times;
        let shims = |at: Instant| {
            let next = times.partition_point(|(time, _)| *time <= at);
            // Nobody looks before the first word.
            let (from, from_us) = *times.get(next.checked_sub(1)?)?;
            let since_us = at.duration_since(from).as_micros() as u64;
            let Some(&(to, to_us)) = times.get(next) else { return Some(from_us + since_us) };
            let part = since_us as f64 / to.duration_since(from).as_micros().max(1) as f64;
            Some(from_us + (part * to_us.saturating_sub(from_us) as f64) as u64)
        };
        self.film.into_iter().filter_map(|(at, screen)| Some((shims(at)?, screen))).collect()
    }
}
