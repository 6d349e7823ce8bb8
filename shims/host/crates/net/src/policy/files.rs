//! Which files were granted.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use kinora_port::{Failure, Next, code};

/// Caption formats that stand beside a film under its name.
const CAPTION_EXTENSIONS: [&str; 4] = ["srt", "vtt", "ass", "ssa"];
/// `film.pt-BR.forced.sdh.srt` has three.
const MAX_CAPTION_TAGS: usize = 3;
/// Files of a folder that are looked at for captions; a folder of photographs must not delay the start.
const MAX_FOLDER_ENTRIES: usize = 20_000;
const MAX_CAPTIONS: usize = 64;

/// Whether `path` has a step upwards. An encoded slash can hide one from the URL parser.
fn climbs(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}

/// A folder by the name it was opened under and by the one that symlinks lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    named: PathBuf,
    real: PathBuf,
}

impl Folder {
    pub(super) fn at(named: PathBuf) -> Self {
        let real = named.canonicalize().unwrap_or_else(|_| named.clone());
        Self { named, real }
    }

    fn of(file: &Path) -> Option<Self> {
        Some(Self::at(file.parent()?.to_owned()))
    }

    /// Whether `path` looks as if it lay below, without touching the disk.
    pub(super) fn holds(&self, path: &Path) -> bool {
        !climbs(path) && (path.starts_with(&self.named) || path.starts_with(&self.real))
    }
}

/// The files a person opened and what goes with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    exact: BTreeSet<PathBuf>,
    /// Where a film lies, and its stem.
    captions: Vec<(Folder, String)>,
    /// Below these everything, for playlists.
    folders: Vec<Folder>,
}

impl Files {
    /// This one file, whatever its name leads to: it was named by a person or by the system.
    pub(crate) fn grant_exact(&mut self, path: &Path) {
        self.exact.insert(path.to_owned());
    }

    /// Everything below a folder that the owner of the device names.
    pub(super) fn grant_folder(&mut self, folder: Folder) {
        self.folders.push(folder);
    }

    /// A file that a person opened, with its neighbours.
    pub(crate) fn grant_opened(&mut self, path: &Path) {
        self.grant_exact(path);
        let Some(folder) = Folder::of(path) else { return };
        if is_playlist(path) {
            // The root of a disk is nobody's folder of media.
            if folder.real.parent().is_some() {
                self.folders.push(folder);
            }
        } else if let Some(stem) = path.file_stem() {
            self.captions.push((folder, stem.to_string_lossy().into_owned()));
        }
    }

    /// Whether `path` looks granted, without touching the disk. [`Files::locate`] has the last word.
    pub(crate) fn mentions(&self, path: &Path) -> bool {
        let beside = |(folder, stem): &(Folder, String)| folder.holds(path) && is_caption_of(stem, path);
        self.exact.contains(path) && !climbs(path)
            || self.folders.iter().any(|folder| folder.holds(path))
            || self.captions.iter().any(beside)
    }

    /// The file to open for `path`, with symlinks followed; those that lead out of a granted folder are refused. Blocks on the disk.
    pub(crate) fn locate(&self, path: &Path) -> Result<PathBuf, Failure> {
        if self.exact.contains(path) {
            return Ok(path.to_owned());
        }
        let denied = || {
            let message = format!("{} was not opened and may not be read", path.display());
            Failure::new(Next::TellUser, code::DENIED, message)
        };
        if !self.mentions(path) {
            return Err(denied());
        }
        let real = path.canonicalize().map_err(|error| crate::failure::of_file(path, &error))?;
        let below = self.folders.iter().any(|folder| real.starts_with(&folder.real));
        let beside = |(folder, stem): &(Folder, String)| {
            is_caption_of(stem, path) && real.parent() == Some(folder.real.as_path())
        };
        if below || self.captions.iter().any(beside) { Ok(real) } else { Err(denied()) }
    }
}

/// Whether a file is a list of others.
pub(crate) fn is_playlist(path: &Path) -> bool {
    has_extension(path, &["m3u8", "m3u", "mpd"])
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    extensions.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// `film.srt`, `film.de.srt`, `film.pt-BR.forced.srt` for the stem `film`.
fn is_caption_of(stem: &str, path: &Path) -> bool {
    let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { return false };
    let Some(tags) = name.strip_prefix(stem) else { return false };
    let tag = |tag: &str| {
        (1..=16).contains(&tag.len())
            && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let tagged = match tags.strip_prefix('.') {
        Some(tags) => tags.split('.').count() <= MAX_CAPTION_TAGS && tags.split('.').all(tag),
        None => tags.is_empty(),
    };
    tagged && has_extension(path, &CAPTION_EXTENSIONS)
}

/// The caption files beside `path`, in order of name.
pub(crate) fn captions_beside(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|stem| stem.to_str())) else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = entries.take(MAX_FOLDER_ENTRIES).flatten().map(|entry| entry.path());
    let mut found: Vec<_> = files.filter(|file| is_caption_of(stem, file) && file != path).collect();
    found.sort();
    found.truncate(MAX_CAPTIONS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(path: &str) -> Files {
        let mut files = Files::default();
        files.grant_opened(Path::new(path));
        files
    }

    #[test]
    fn film_grants_itself_and_captions_of_its_stem() {
        let files = granted("/nowhere/film.mkv");
        for name in ["film.mkv", "film.srt", "film.en.VTT", "film.pt-BR.forced.ass"] {
            assert!(files.mentions(&Path::new("/nowhere").join(name)), "{name}");
        }
        for name in [
            "film2.srt",
            "film.txt",
            "film..srt",
            "film.a.b.c.d.srt",
            "film.a b.srt",
            "sub/film.srt.exe",
            "../film.srt",
        ] {
            assert!(!files.mentions(&Path::new("/nowhere").join(name)), "{name}");
        }
    }

    #[test]
    fn playlist_grants_what_lies_below_its_folder() {
        let files = granted("/nowhere/show/main.m3u8");
        assert!(files.mentions(Path::new("/nowhere/show/hd/1.ts")));
        assert!(!files.mentions(Path::new("/nowhere/other.ts")));
        assert!(!files.mentions(Path::new("/nowhere/show2/1.ts")));
    }

    #[test]
    fn playlist_at_the_root_grants_only_itself() {
        let files = granted("/main.m3u8");
        assert!(files.mentions(Path::new("/main.m3u8")));
        assert!(!files.mentions(Path::new("/etc/passwd")));
    }

    #[cfg(unix)]
    #[test]
    fn locate_symlink_out_of_the_folder_is_refused() {
        let root = std::env::temp_dir().join(format!("kinora-policy-{}", std::process::id()));
        let show = root.join("show");
        std::fs::create_dir_all(&show).unwrap();
        std::fs::write(root.join("secret.ts"), "s").unwrap();
        std::fs::write(show.join("1.ts"), "1").unwrap();
        std::fs::write(show.join("film.mkv"), "f").unwrap();
        let link = |target: &Path, name: &str| {
            let _ = std::os::unix::fs::symlink(target, show.join(name));
        };
        link(&root.join("secret.ts"), "out.ts");
        link(&root.join("secret.ts"), "film.srt");
        link(&show.join("1.ts"), "in.ts");

        let mut files = granted(show.join("main.m3u8").to_str().unwrap());
        assert!(files.locate(&show.join("1.ts")).is_ok());
        assert!(files.locate(&show.join("in.ts")).is_ok());
        assert_eq!(files.locate(&show.join("out.ts")).unwrap_err().code, code::DENIED);
        assert_eq!(files.locate(&show.join("../secret.ts")).unwrap_err().code, code::DENIED);
        assert_eq!(files.locate(&show.join("none.ts")).unwrap_err().code, code::NOT_FOUND);

        files = granted(show.join("film.mkv").to_str().unwrap());
        assert_eq!(files.locate(&show.join("film.srt")).unwrap_err().code, code::DENIED);
        assert!(files.locate(&show.join("film.mkv")).is_ok());
        std::fs::remove_dir_all(&root).unwrap();
    }
}
