//! What the core costs while it plays a file and a stream.

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora_tests::{play, scratch};
use serde_json::Value;

use crate::calm::Machine;
use crate::film::film;
use crate::report::Row;
use crate::usage::spent;

pub(crate) fn bench(machine: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let film = film()?;
    let stream = stream(&film)?;
    for (name, source, share) in [("file", film, 2.0), ("HLS", stream, 5.0)] {
        let source = source.to_string_lossy();
        let reports = machine.alone(|| {
            let played = play("bench/core", &source, &[]);
            played.expect_played()?;
            Ok(played.report())
        })?;
        let figures = |figure: &dyn Fn(&Value) -> f64| reports.iter().map(figure).collect::<Vec<_>>();
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        let cpu = |r: &Value| number(&r["core"]["cpu_ms"]) * 1e5 / number(&r["duration_us"]);
        let p99 = |r: &Value| number(&r["core"]["p99_us"]) / 1e3;
        let memory = |r: &Value| number(&r["core"]["memory_bytes"]) / f64::from(1 << 20);
        rows.push(Row::alone(format!("core, {name}: CPU of media time"), "%", figures(&cpu), share));
        rows.push(Row::alone(format!("core, {name}: calls p99"), "ms", figures(&p99), 4.0));
        rows.push(Row::alone(format!("core, {name}: Wasm memory"), "MiB", figures(&memory), 64.0));
        if name == "file" {
            let start = |r: &Value| number(&r["core_start_ms"]);
            rows.push(Row::alone("core: load", "ms", figures(&start), 20.0));
        }
    }
    Ok(())
}

/// The film as HLS with fragmented MP4 segments of four seconds.
fn stream(film: &Path) -> Result<PathBuf, String> {
    let playlist = scratch("bench/stream").join("film.m3u8");
    spent(
        Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-i"])
            .arg(film)
            .args(["-c", "copy", "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod"])
            .args(["-hls_segment_type", "fmp4"])
            .arg(&playlist),
    )?;
    Ok(playlist)
}
