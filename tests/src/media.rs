//! Test media, made by FFmpeg once and kept in the target folder.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::target_folder;

/// A recipe: a file's name (its extension names the container) and FFmpeg's arguments before it.
#[derive(Debug, Clone, Copy)]
pub struct Media {
    /// File name.
    pub name: &'static str,
    /// Arguments separated by blanks; after `THEN` those of a second run whose input is the first one's output, for what FFmpeg writes only
    /// when it copies.
    pub args: &'static str,
}

/// The file of a recipe, made if it is not there.
pub fn make(media: &Media) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    media.args.hash(&mut hasher);
    let folder = target_folder().join("test-media").join(format!("{:016x}", hasher.finish()));
    let path = folder.join(media.name);
    // Tests of one program run at the same time and may want the same file.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if path.is_file() {
        return Ok(path);
    }
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    // Made under another name first, so that an interrupted run leaves no half file. The extension stays: it names the container.
    let unfinished = folder.join(format!("{}-{}", std::process::id(), media.name));
    match media.args.split_once(" THEN ") {
        None => ffmpeg(media.args.split_whitespace(), &unfinished)?,
        Some((first, second)) => {
            let halfway = folder.join(format!("{}-halfway-{}", std::process::id(), media.name));
            ffmpeg(first.split_whitespace(), &halfway)?;
            let input = halfway.to_string_lossy();
            ffmpeg(["-i", &input].into_iter().chain(second.split_whitespace()), &unfinished)?;
            std::fs::remove_file(&halfway).map_err(|e| e.to_string())?;
        }
    }
    std::fs::rename(&unfinished, &path).map_err(|e| e.to_string())?;
    Ok(path)
}

fn ffmpeg<'a>(args: impl Iterator<Item = &'a str>, output: &Path) -> Result<(), String> {
    let result = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-threads", "2"])
        .args(args)
        .arg(output)
        .output()
        .map_err(|e| format!("ffmpeg: {e}"))?;
    if result.status.success() {
        return Ok(());
    }
    Err(format!("ffmpeg for {}: {}", output.display(), String::from_utf8_lossy(&result.stderr)))
}
