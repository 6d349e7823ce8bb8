//! Clips of many codecs, containers, rates and layouts, each against FFmpeg: every frame there, none more, with its time and its
//! pixels; every sample of sound.

mod table;

use std::path::Path;

use kinora_tests::{framemd5, make, pcm_f32, play};
use libtest_mimic::{Arguments, Failed, Trial};
use table::{CLIPS, Clip, Sound};

fn main() {
    let arguments = Arguments::from_args();
    let trials =
        CLIPS.iter().map(|clip| Trial::test(clip.media.name, move || check(clip).map_err(Failed::from)));
    let demo = std::fs::read_dir(kinora_tests::root().join("assets/demo")).expect("the demo is committed");
    let demo = demo.filter_map(|entry| Some(entry.ok()?.path()));
    let demo = demo.filter(|path| path.extension().is_some_and(|e| e == "mp4" || e == "webm")).map(|path| {
        let name = format!("demo_{}", path.file_name().expect("a file").to_string_lossy().replace(' ', "_"));
        Trial::test(name.clone(), move || {
            check_file(&name, &path, true, Some(Sound::Lossy)).map_err(Failed::from)
        })
    });
    libtest_mimic::run(&arguments, trials.chain(demo).collect()).exit();
}

fn check(clip: &Clip) -> Result<(), String> {
    let file = make(&clip.media)?;
    check_file(clip.media.name, &file, clip.picture, clip.sound)
}

fn check_file(name: &str, file: &Path, picture: bool, sound: Option<Sound>) -> Result<(), String> {
    let played = play(&format!("clips/{name}"), &file.to_string_lossy(), &[]);
    played.expect_played()?;
    if picture {
        same_frames(&played.frames(), &framemd5(file)?)?;
    }
    if let Some(sound) = sound {
        let (ours, theirs) = (played.sound()?, pcm_f32(file)?);
        if ours.samples.len() != theirs.len() {
            let per = ours.channels.max(1);
            return Err(format!(
                "{} samples of sound, FFmpeg has {}",
                ours.samples.len() / per,
                theirs.len() / per
            ));
        }
        let errors = ours.error_db(&theirs);
        let limit = match sound {
            Sound::Lossless => -200.0,
            Sound::Lossy => -60.0,
        };
        if errors.iter().any(|&db| db > limit) {
            return Err(format!("sound differs by {errors:.1?} dBFS in its channels"));
        }
    }
    Ok(())
}

fn same_frames(ours: &[String], theirs: &[String]) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let at = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
    let line = |list: &[String]| list.get(at).cloned().unwrap_or_else(|| "nothing".into());
    Err(format!(
        "{} frames, FFmpeg has {}; frame {at} is `{}`, FFmpeg's is `{}`",
        ours.len(),
        theirs.len(),
        line(ours),
        line(theirs)
    ))
}
