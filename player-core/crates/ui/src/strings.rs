//! Every word of the interface, and numbers as people read them.

use kinora_time::{MediaUs, SECOND_US};

use crate::view::TrackLabel;

pub(crate) const NAME: &str = "Kinora";
pub(crate) const OPEN: &str = "Open a file";
pub(crate) const DROP_HINT: &str = "or drop files here";
pub(crate) const DROP: &str = "Drop files here to play them";
pub(crate) const NOTHING_OPEN: &str = "Nothing is open";
pub(crate) const RETRY: &str = "Try again";
pub(crate) const SKIP: &str = "Play next";
pub(crate) const CAPTIONS: &str = "Captions";
pub(crate) const AUDIO: &str = "Audio";
pub(crate) const SPEED: &str = "Speed";
pub(crate) const PLAYER_CORE: &str = "Player core";
pub(crate) const OFF: &str = "Off";
pub(crate) const CAPTIONS_OFF: &str = "Captions off";
pub(crate) const LOOP_ON: &str = "Repeat on";
pub(crate) const LOOP_OFF: &str = "Repeat off";
pub(crate) const LIVE: &str = "LIVE";
pub(crate) const FAILED: &str = "Something went wrong";

/// `m:ss`, or `h:mm:ss` when `hours`, so that a label keeps its width while it runs.
pub(crate) fn time(seconds: i64, hours: bool) -> String {
    let s = seconds.max(0);
    if hours {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    } else {
        format!("{}:{:02}", s / 60, s % 60)
    }
}

/// Time left, or how far behind: `−m:ss`.
pub(crate) fn minus(seconds: i64, hours: bool) -> String {
    format!("−{}", time(seconds, hours))
}

/// Whether times up to `us` need hours.
pub(crate) fn needs_hours(us: MediaUs) -> bool {
    us >= 3600 * SECOND_US
}

/// `1×`, `1.25×`.
pub(crate) fn speed(permille: i32) -> String {
    let (whole, rest) = (permille / 1000, permille % 1000);
    let fraction = format!("{rest:03}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{whole}×") } else { format!("{whole}.{fraction}×") }
}

/// What a track is called: its label, else its language, else its number.
pub(crate) fn track(track: &TrackLabel, index: usize) -> String {
    [&track.label, &track.language]
        .into_iter()
        .find(|name| !name.trim().is_empty())
        .map_or_else(|| format!("Track {}", index + 1), |name| name.trim().to_owned())
}

/// Place in the queue.
pub(crate) fn place(index: usize, len: usize) -> String {
    format!("{} of {len}", index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_an_hour_long_item_keeps_its_width() {
        assert_eq!(time(5, true), "0:00:05");
        assert_eq!(time(3725, true), "1:02:05");
        assert_eq!(time(65, false), "1:05");
        assert_eq!(time(-3, false), "0:00");
    }

    #[test]
    fn speed_shows_no_needless_digits() {
        assert_eq!([500, 1000, 1250, 2000].map(speed), ["0.5×", "1×", "1.25×", "2×"]);
    }
}
