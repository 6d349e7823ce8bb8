//! The last calls of the core as text, kept on disk without secrets, so that a person can say what happened: `kinora report`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Entry;
use super::text::{Teller, redacted};

/// A file grows to this size; then it takes the older one's place. Both together hold some minutes, also of busy ones.
const MAX_BYTES: u64 = 2 << 20;
const NEWER: &str = "recent.txt";
const OLDER: &str = "recent-older.txt";

/// See the [module](self).
pub(crate) struct Recent {
    folder: PathBuf,
    home: Option<String>,
    teller: Teller,
    file: BufWriter<File>,
    bytes: u64,
}

impl Recent {
    /// Goes on in a folder, which is made.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let file = append(folder)?;
        let bytes = file.metadata()?.len();
        let home = std::env::home_dir().map(|home| home.to_string_lossy().into_owned());
        Ok(Recent {
            folder: folder.to_path_buf(),
            home,
            teller: Teller::default(),
            file: BufWriter::new(file),
            bytes,
        })
    }

    pub(crate) fn write(&mut self, entry: &Entry) -> io::Result<()> {
        if self.bytes > MAX_BYTES {
            self.file.flush()?;
            fs::rename(self.folder.join(NEWER), self.folder.join(OLDER))?;
            self.file = BufWriter::new(append(&self.folder)?);
            self.bytes = 0;
        }
        let text = redacted(&self.teller.tell(entry), self.home.as_deref());
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(folder: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(folder.join(NEWER))
}

/// What a player left of its last minutes in `folder`, oldest first; empty if there is nothing.
pub fn recent_calls(folder: &Path) -> String {
    let part = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
    String::from_utf8_lossy(&[part(OLDER), part(NEWER)].concat()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Build;

    #[test]
    fn recent_beyond_its_size_forgets_the_oldest() {
        let folder = std::env::temp_dir().join(format!("kinora-recent-{}", std::process::id()));
        let mut recent = Recent::open(&folder).expect("a folder");
        let name = "x".repeat(1 << 18);
        for number in 0..40 {
            let build = Build { core: format!("core{number}."), shim: name.clone() };
            recent.write(&Entry::Instance(build)).expect("written");
        }
        recent.flush().expect("written");
        let text = recent_calls(&folder);
        fs::remove_dir_all(&folder).expect("removed");
        assert!(text.contains("core39.") && text.contains("core30.") && !text.contains("core0."));
        assert!(text.len() < 6 << 20, "{} bytes", text.len());
    }
}
