//! The figures of a run as JSON.

use std::path::Path;
use std::time::Duration;

use kinora_host::{CoreStats, Phases};
use kinora_pipeline::{Kind, StreamStats};
use serde_json::{Value, json};

use crate::tap::Seen;

/// Everything the report is made of.
pub(crate) struct Report {
    pub(crate) duration_us: u64,
    pub(crate) streams: Vec<StreamStats>,
    pub(crate) seen: Seen,
    pub(crate) core: CoreStats,
    /// Whether time passed as it does for people.
    pub(crate) real_time: bool,
    pub(crate) core_start: Duration,
    pub(crate) first_frame: Option<Duration>,
    pub(crate) errors: Vec<String>,
    /// What the window or box was told, in order.
    pub(crate) shell: Vec<Value>,
}

/// Writes the report.
pub(crate) fn write(report: &Report, path: &Path) -> Result<(), String> {
    let text = format!("{:#}\n", report.json());
    std::fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

impl Report {
    fn json(&self) -> Value {
        json!({
            "duration_us": self.duration_us,
            "video": self.video(),
            "audio": self.audio(),
            "first_frame_ms": self.first_frame.map(millis),
            "core_start_ms": millis(self.core_start),
            "core": {
                "calls": self.core.calls.calls,
                "cpu_ms": self.core.calls.total_us as f64 / 1000.0,
                "p50_us": self.core.calls.p50_us,
                "p99_us": self.core.calls.p99_us,
                "max_us": self.core.calls.max_us,
                "memory_bytes": self.core.memory_bytes,
                "display_bytes": self.core.display_bytes,
                "measures": self.core.measures,
            },
            "swap": self.swap(),
            "errors": self.errors,
            "shell": self.shell,
        })
    }

    /// Of several video streams (items of a queue) the figures are added up, and the last one names the codec.
    fn video(&self) -> Value {
        let streams: Vec<_> = self.streams.iter().filter(|s| s.kind == Kind::Video).collect();
        let Some(last) = streams.last() else { return Value::Null };
        let sum = |f: fn(&StreamStats) -> u64| streams.iter().map(|s| f(s)).sum::<u64>();
        let (width, height) = self.seen.frame_size.unzip();
        json!({
            "codec": last.codec,
            "decoder": last.decoder,
            "width": width,
            "height": height,
            "decoded": sum(|s| s.decoded),
            "presented": sum(|s| s.presented),
            "dropped": sum(|s| s.dropped),
            "damaged": sum(|s| s.damaged),
        })
    }

    /// Times of phases are medians.
    fn swap(&self) -> Value {
        let swaps = &self.core.swaps;
        let phase = |of: fn(&Phases) -> Duration| at(500, swaps.phases.iter().map(of)).map(millis);
        let sum = |f: fn(&StreamStats) -> u64| self.streams.iter().map(f).sum::<u64>();
        json!({
            "count": swaps.count,
            "failed": swaps.failed,
            "reasons": swaps.reasons,
            "gave_way": swaps.gave_way.iter().map(|build| json!({
                "why": build.why,
                "after_us": build.after_us,
                "back_us": build.back_us,
            })).collect::<Vec<_>>(),
            "dropped_frames": sum(|s| s.dropped),
            "underruns": sum(|s| s.underruns),
            "ui_gap_ms_p99": at(990, swaps.gaps.iter().copied()).filter(|_| self.real_time).map(millis),
            "phases_ms": {
                "load": phase(|p| p.load),
                "instantiate": phase(|p| p.instantiate),
                "snapshot": phase(|p| p.snapshot),
                "start": phase(|p| p.start),
                "handle": phase(|p| p.handle),
                "land": phase(|p| p.land),
            },
        })
    }

    fn audio(&self) -> Value {
        let streams: Vec<_> =
            self.streams.iter().filter(|s| s.kind == Kind::Audio && s.decoded > 0).collect();
        let Some(last) = streams.last() else { return Value::Null };
        let sum = |f: fn(&StreamStats) -> u64| streams.iter().map(|s| f(s)).sum::<u64>();
        let (rate, channels) = self.seen.sound_format.unzip();
        json!({
            "codec": last.codec,
            "decoder": last.decoder,
            "rate": rate,
            "channels": channels,
            "heard_from_us": self.seen.heard_from_us,
            "samples": sum(|s| s.samples),
            "underruns": sum(|s| s.underruns),
            "damaged": sum(|s| s.damaged),
        })
    }
}

/// The value that so many of a thousand do not exceed.
fn at(permille: usize, values: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut sorted: Vec<Duration> = values.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) * permille / 1000).copied()
}

fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
