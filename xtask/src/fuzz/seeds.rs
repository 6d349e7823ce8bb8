//! Inputs to begin with: small files of every container, made by FFmpeg, and what of the fixtures is small enough.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::folder;
use crate::env::run;

/// Longest file taken: longer ones make every run slow.
const MAX_BYTES: u64 = 48 << 10;

const VIDEO: &str = "-f lavfi -i testsrc=s=16x16:r=10:d=0.8";
const AUDIO: &str = "-f lavfi -i sine=r=16000:d=0.4";
const AVC: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 5 -pix_fmt yuv420p";
const TEXT: &str = "-f lavfi -i sine=r=16000:d=3 -i TEXT -c:a aac -b:a 16k";

/// Target, file, and FFmpeg's arguments; `VIDEO`, `AUDIO`, `AVC` and `TEXT` stand for those above.
const RECIPES: &[(&str, &str, &str)] = &[
    ("mp4", "avc.mp4", "VIDEO AUDIO AVC -c:a aac -b:a 16k"),
    ("mp4", "faststart.mp4", "VIDEO AVC -movflags +faststart"),
    (
        "mp4",
        "fragmented.mp4",
        "VIDEO AUDIO AVC -c:a aac -b:a 16k -movflags +frag_keyframe+empty_moov+default_base_moof",
    ),
    ("mp4", "segments.mp4", "VIDEO AVC -movflags +dash+global_sidx -frag_duration 300000 -f mp4"),
    (
        "mp4",
        "hevc.mp4",
        "VIDEO -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p -tag:v hvc1",
    ),
    ("mp4", "vp9.mp4", "VIDEO -c:v libvpx-vp9 -b:v 30k -deadline realtime"),
    ("mp4", "alac.m4a", "AUDIO -c:a alac -t 0.05"),
    ("mp4", "opus.mp4", "AUDIO -c:a libopus -b:a 8k -strict -2"),
    ("mp4", "flac.mp4", "AUDIO -c:a flac -t 0.05 -strict -2"),
    ("mp4", "ac3.mp4", "AUDIO -ar 48000 -c:a ac3 -b:a 32k -ac 1"),
    ("mp4", "pcm.mov", "AUDIO -c:a pcm_s16be -t 0.02"),
    ("mp4", "text.mp4", "TEXT -c:s mov_text -metadata:s:s:0 language=eng"),
    ("matroska", "avc.mkv", "VIDEO AUDIO AVC -c:a libopus -b:a 8k"),
    ("matroska", "vp9.webm", "VIDEO -c:v libvpx-vp9 -b:v 30k -deadline realtime"),
    ("matroska", "mp3.mka", "AUDIO -c:a libmp3lame -b:a 16k"),
    ("matroska", "vorbis.mka", "AUDIO -c:a libvorbis -q:a 0"),
    ("matroska", "flac.mka", "AUDIO -c:a flac -t 0.05"),
    ("matroska", "pcm.mka", "AUDIO -c:a pcm_s16le -t 0.02"),
    ("matroska", "text.mkv", "TEXT -c:s srt"),
    ("matroska", "ass.mkv", "TEXT -c:s ass"),
    ("matroska", "vtt.mkv", "TEXT -c:s webvtt"),
    ("matroska", "live.mkv", "AUDIO -c:a aac -b:a 16k -live 1"),
    ("ts", "avc.ts", "VIDEO AUDIO AVC -c:a aac -b:a 16k"),
    ("ts", "mpeg2.ts", "VIDEO AUDIO -c:v mpeg2video -c:a mp2 -b:a 32k"),
    ("ts", "hevc.ts", "VIDEO -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p"),
    ("ts", "ac3.ts", "AUDIO -ar 48000 -c:a ac3 -b:a 32k -ac 1"),
    ("ts", "mp3.ts", "AUDIO -c:a libmp3lame -b:a 16k"),
    ("ts", "bluray.m2ts", "VIDEO AVC -mpegts_m2ts_mode 1"),
    ("ogg", "vorbis.ogg", "AUDIO -c:a libvorbis -q:a 0"),
    ("ogg", "opus.opus", "AUDIO -c:a libopus -b:a 8k"),
    ("ogg", "flac.oga", "AUDIO -c:a flac -t 0.05"),
    ("flac", "sine.flac", "AUDIO -c:a flac -t 0.1"),
    ("flac", "small.flac", "AUDIO -c:a flac -t 0.1 -frame_size 256"),
    ("wav", "s16.wav", "AUDIO -c:a pcm_s16le -t 0.02"),
    ("wav", "f32.wav", "AUDIO -c:a pcm_f32le -ac 2 -t 0.01"),
    ("wav", "rf64.wav", "AUDIO -c:a pcm_s16le -rf64 always -t 0.01"),
    ("adts", "lc.aac", "AUDIO -c:a aac -b:a 16k"),
    ("mp3", "cbr.mp3", "AUDIO -c:a libmp3lame -b:a 16k"),
    ("mp3", "vbr.mp3", "AUDIO -c:a libmp3lame -q:a 7 -metadata title=x"),
    ("mp3", "mp2.mp2", "AUDIO -c:a mp2 -b:a 32k"),
    ("ac3", "ac3.ac3", "AUDIO -ar 48000 -c:a ac3 -b:a 32k -ac 1"),
    ("ac3", "eac3.eac3", "AUDIO -ar 48000 -c:a eac3 -b:a 32k -ac 1"),
];

/// Where of the fixtures there is something for a target.
const FIXTURES: &[(&str, &str)] = &[
    ("mp4", "androidx/media/mp4"),
    ("matroska", "androidx/media/mkv"),
    ("ts", "androidx/media/ts"),
    ("flac", "flac"),
    ("mp3", "androidx/media/mp3"),
    ("hls", "m3u8"),
    ("webvtt", "webvtt/file-layout"),
    ("webvtt", "androidx/captions/webvtt"),
    ("srt", "androidx/captions/subrip"),
    ("ass", "androidx/captions/ssa"),
];

/// Targets that read their input as a list of decisions: noise of some length is as good as any.
const FROM_NOISE: &[&str] = &["display_list", "display_tree", "snapshot", "engine", "events"];

/// Makes what is not there yet.
pub(super) fn make() -> Result<(), String> {
    let captions = folder().join("captions.srt");
    std::fs::create_dir_all(folder()).map_err(|e| format!("{}: {e}", folder().display()))?;
    std::fs::write(
        &captions,
        "1\n00:00:00,500 --> 00:00:01,000\n<i>One</i>\n\n2\n00:00:01,500 --> 00:00:02,000\nTwo\n",
    )
    .map_err(|e| format!("{}: {e}", captions.display()))?;
    for (target, name, args) in RECIPES {
        let path = seed(target, name)?;
        if !path.is_file() {
            let args = args.replace("TEXT", &TEXT.replace("TEXT", &captions.to_string_lossy()));
            let args = args.replace("VIDEO", VIDEO).replace("AUDIO", AUDIO).replace("AVC", AVC);
            run(Command::new("ffmpeg")
                .args(["-loglevel", "error", "-nostdin"])
                .args(args.split_whitespace())
                .arg(&path))?;
        }
        let every = seed("media", name)?;
        std::fs::copy(&path, &every).map_err(|e| format!("{}: {e}", every.display()))?;
    }
    for target in FROM_NOISE {
        for n in 0..8 {
            let path = seed(target, &format!("noise{n}"))?;
            std::fs::write(&path, noise(n, 100 << (n % 4)))
                .map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    let Some(fixtures) = std::env::var_os("KINORA_FIXTURES") else { return Ok(()) };
    for (target, below) in FIXTURES {
        take(target, &Path::new(&fixtures).join(below))?;
    }
    Ok(())
}

/// Bytes of a linear congruential generator (Knuth's MMIX).
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let step =
        |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), step).skip(1).map(|x| (x >> 33) as u8).take(len).collect()
}

/// Takes the small files of a folder.
fn take(target: &str, from: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", from.display());
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let facts = entry.metadata().map_err(failed)?;
        let expectation = entry.path().extension().is_some_and(|extension| extension == "json");
        if facts.is_file() && facts.len() <= MAX_BYTES && !expectation {
            std::fs::copy(entry.path(), seed(target, &entry.file_name().to_string_lossy())?)
                .map_err(failed)?;
        }
    }
    Ok(())
}

/// The place of a seed.
fn seed(target: &str, name: &str) -> Result<PathBuf, String> {
    let folder = folder().join("seeds").join(target);
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder.join(name))
}
