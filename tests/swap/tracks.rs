//! Somebody changes the sound track while builds take turns.

use std::ops::Range;
use std::path::Path;

use kinora_tests::{Media, framemd5, make, pcm_of_track, play};

use crate::{same_frames, swapping};

/// Noise tells where in a track a piece of it comes from; FLAC gives every sample as it was.
const FILM: Media = Media {
    name: "tracks.mkv",
    args: "-f lavfi -i testsrc2=s=128x72:r=25:d=12 -f lavfi -i anoisesrc=r=48000:d=12:seed=1:a=0.2 \
           -f lavfi -i anoisesrc=r=48000:d=12:seed=2:a=0.2 -map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast \
           -g 25 -bf 2 -pix_fmt yuv420p -c:a flac",
};
const RATE_HZ: usize = 48_000;
/// To the other track and back, twice: at the same moment as another build takes over, and between two.
const KEYS: &str = "2:#,4.9:#,6.05:#,9.31:#";
const CHANGES_S: [f64; 4] = [2.0, 4.9, 6.05, 9.31];
/// How often builds take turns, in seconds.
const EVERY: [&str; 3] = ["0.1", "0.25", "0.31"];
/// Sound is decoded so far ahead, and playing begins so late, in seconds.
const AHEAD_S: f64 = 0.6;
/// So many samples of noise stand nowhere else.
const SAMPLES: usize = 32;

/// All pictures, and of each track all that was chosen, sample by sample as FFmpeg decodes it, and nothing else.
pub(crate) fn changes() -> Result<(), String> {
    let path = make(&FILM)?;
    let source = path.to_string_lossy();
    let tracks = [pcm_of_track(&path, 0)?, pcm_of_track(&path, 1)?];
    let peace = play("swap/tracks-peace", &source, &["--keys", KEYS]);
    peace.expect_played()?;
    followed(&peace.sound()?.samples, &tracks).map_err(|why| format!("in peace: {why}"))?;
    for every in EVERY {
        let swapped = swapping(&format!("tracks-{every}"), &source, every, 30, &["--keys", KEYS])?;
        whole(&path, &swapped.frames())?;
        same_frames(&peace, &swapped)?;
        followed(&swapped.sound()?.samples, &tracks)
            .map_err(|why| format!("every {every} s: {why}\n{}", swapped.stderr))?;
    }
    Ok(())
}

fn whole(path: &Path, frames: &[String]) -> Result<(), String> {
    if frames == framemd5(path)? { Ok(()) } else { Err("the frames are not FFmpeg's".into()) }
}

/// Whether the sound goes from one track to the other at each of the changes, at the same place of the film, and ends with it.
fn followed(sound: &[f32], tracks: &[Vec<f32>; 2]) -> Result<(), String> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let (mut at, mut from) = (0, 0);
    while at < sound.len() {
        let track = &tracks[pieces.len() % 2];
        let length = sound[at..].iter().zip(&track[from..]).take_while(|(a, b)| a == b).count();
        pieces.push(from..from + length);
        at += length;
        if at == sound.len() {
            break;
        }
        // What was decoded ahead of the other track is not heard: this one begins before its end.
        let next = &tracks[pieces.len() % 2];
        let wanted = &sound[at..sound.len().min(at + SAMPLES)];
        let earliest = (from + length).saturating_sub((AHEAD_S * RATE_HZ as f64) as usize);
        let found = next[earliest..].windows(wanted.len()).position(|window| window == wanted);
        from = earliest + found.ok_or(format!("sample {at} is of neither track, after {pieces:?}"))?;
        if from > pieces[pieces.len() - 1].end {
            return Err(format!("something is left out before {from}, after {pieces:?}"));
        }
    }
    let begins = pieces.iter().skip(1).map(|piece| piece.start as f64 / RATE_HZ as f64);
    let near = begins.zip(CHANGES_S).all(|(begins, change)| (begins - change).abs() < AHEAD_S);
    if pieces.len() != CHANGES_S.len() + 1 || !near {
        return Err(format!("it changes elsewhere: {pieces:?}"));
    }
    let last = pieces.last().map_or(0, |piece| piece.end);
    if last == tracks[0].len() { Ok(()) } else { Err(format!("it ends at sample {last}")) }
}
