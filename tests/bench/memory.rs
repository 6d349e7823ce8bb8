//! The core's memory over an hour.

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora_tests::{Media, make, play, scratch};

use crate::calm::Machine;
use crate::report::{Bar, Row};
use crate::usage::spent;

/// An hour with as many pictures and blocks of sound as any film, but small ones: what the core keeps of each is the same.
const HOUR: Media = Media {
    name: "hour.mp4",
    args: "-f lavfi -i testsrc2=size=320x180:rate=30:duration=3600 -f lavfi -i sine=sample_rate=48000:duration=3600 \
        -c:v libx264 -preset ultrafast -g 60 -pix_fmt yuv420p -c:a aac -b:a 64k -movflags +faststart",
};
/// Seconds after which everything is as it stays.
const SETTLED: &str = "600";
const MIB: f64 = (1 << 20) as f64;

pub(crate) fn bench(_: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let hour = make(&HOUR)?;
    let stream = stream(&hour)?;
    for (name, source) in [("file", hour), ("HLS", stream)] {
        // A run on the virtual clock is the same each time: two runs are one that was looked at twice.
        let settled = memory(&source, &["--until", SETTLED])?;
        let end = memory(&source, &[])?;
        rows.push(Row::alone(format!("an hour, {name}: Wasm memory"), "MiB", vec![end / MIB], 64.0));
        let growth = vec![(end - settled) / MIB];
        rows.push(Row {
            bar: Bar::Within(0.0),
            ..Row::alone(format!("an hour, {name}: growth from minute 10 on"), "MiB", growth, 0.0)
        });
    }
    Ok(())
}

/// Bytes of linear memory at the end of a run.
fn memory(source: &Path, extra: &[&str]) -> Result<f64, String> {
    let played = play("bench/memory", &source.to_string_lossy(), extra);
    played.expect_played()?;
    played.report()["core"]["memory_bytes"].as_f64().ok_or_else(|| "the report has no memory".into())
}

/// The hour as HLS.
fn stream(hour: &Path) -> Result<PathBuf, String> {
    let playlist = scratch("bench/hour").join("hour.m3u8");
    spent(
        Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-i"])
            .arg(hour)
            .args(["-c", "copy", "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod"])
            .args(["-hls_segment_type", "fmp4"])
            .arg(&playlist),
    )?;
    Ok(playlist)
}
