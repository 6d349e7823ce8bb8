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
    teller: Teller<Box<dyn Fn(String) -> String + Send>>,
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
        let teller = Teller::new(Box::new(move |words| redacted(words, home.as_deref())) as Box<_>);
        Ok(Recent { folder: folder.to_path_buf(), teller, file: BufWriter::new(file), bytes })
    }

    pub(crate) fn write(&mut self, entry: &Entry) -> io::Result<()> {
        if self.bytes > MAX_BYTES {
            self.file.flush()?;
            fs::rename(self.folder.join(NEWER), self.folder.join(OLDER))?;
            self.file = BufWriter::new(append(&self.folder)?);
            self.bytes = 0;
        }
        let text = self.teller.tell(entry);
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
    use crate::bindings::player::{Event, Open, Source};
    use crate::trace::{Build, Call, Export, Outcome};

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

    #[test]
    fn recent_secret_beyond_the_longest_words_is_not_told() {
        let folder = std::env::temp_dir().join(format!("kinora-secret-{}", std::process::id()));
        let mut recent = Recent::open(&folder).expect("a folder");
        let url = format!("http://ann:{}@host/film.mp4", "secret".repeat(100));
        let source = Source { url, title: String::new(), related: Vec::new() };
        let open = Event::Open(Open { sources: vec![source], mode: 0, extras: Vec::new() });
        let export = Export::Handle { host_us: 0, budget_us: 0, events: vec![open] };
        let call = Call { export, imports: Vec::new(), outcome: Outcome::Trapped };
        recent.write(&Entry::Call(call)).expect("written");
        recent.flush().expect("written");
        let text = recent_calls(&folder);
        fs::remove_dir_all(&folder).expect("removed");
        assert!(text.contains("http://host/film.mp4") && !text.contains("secret"), "{text}");
    }
}
