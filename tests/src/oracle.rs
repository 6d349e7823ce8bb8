//! What FFmpeg says.

use std::path::Path;
use std::process::Command;

/// A line a frame, `pts_us md5`, as the player is to present them: container times rounded down to microseconds.
pub fn framemd5(file: &Path) -> Result<Vec<String>, String> {
    let text = run(
        "ffmpeg",
        Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-noautorotate", "-copyts", "-i"])
            .arg(file)
            // FFmpeg would round the times of Matroska to its guess of the frame rate: the container's are asked for.
            .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "-1"])
            .args(["-f", "framemd5", "-"]),
    )?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let base =
        text.lines().find_map(|line| line.strip_prefix("#tb 0: ")).ok_or("framemd5 without a time base")?;
    let (num, den) = base.split_once('/').ok_or("a time base is a fraction")?;
    let (num, den): (i128, i128) =
        (num.parse().map_err(|_| "time base")?, den.parse().map_err(|_| "time base")?);
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let [_, _, pts, _, _, md5] = fields[..] else { return Err(format!("framemd5 says `{line}`")) };
            let pts: i128 = pts.parse().map_err(|_| format!("framemd5 says `{line}`"))?;
            Ok(format!("{} {md5}", (pts * num * 1_000_000).div_euclid(den)))
        })
        .collect()
}

/// The first audio stream, decoded to interleaved floats in its own rate and layout.
pub fn pcm_f32(file: &Path) -> Result<Vec<f32>, String> {
    pcm_of_track(file, 0)
}

/// The same of any audio stream, counted from 0.
pub fn pcm_of_track(file: &Path, track: u32) -> Result<Vec<f32>, String> {
    let bytes = run(
        "ffmpeg",
        Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-i"]).arg(file).args([
            "-map",
            &format!("0:a:{track}"),
            "-f",
            "f32le",
            "-",
        ]),
    )?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// Number of frames of the first video stream by `ffprobe -count_frames`; `None` without one.
pub fn probe_frames(file: &Path) -> Result<Option<u64>, String> {
    let text = run(
        "ffprobe",
        Command::new("ffprobe")
            .args(["-v", "error", "-count_frames", "-select_streams", "v:0"])
            .args(["-show_entries", "stream=nb_read_frames", "-of", "default=nw=1:nk=1"])
            .arg(file),
    )?;
    Ok(String::from_utf8_lossy(&text).lines().next().and_then(|line| line.trim().parse().ok()))
}

fn run(name: &str, command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|e| format!("{name}: {e}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)))
}
