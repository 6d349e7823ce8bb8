//! A folder, in the operations whose order decides what a power cut leaves of it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long another process may take over a change.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK: &str = "lock";

/// A folder of files. Nothing is durable before it is synced.
pub trait Disk {
    /// Held during a change; other processes wait.
    type Lock;

    /// Makes the folder and locks it.
    fn lock(&mut self) -> io::Result<Self::Lock>;
    /// A whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// The names of all files.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Makes a file or replaces what is in it.
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Writes behind what is in a file, which is made if it is not there.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written into a file durable, not its name.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Gives a file another name, in the place of what had it.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Takes a file away.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes new, changed and removed names durable.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder that need not be there before the first change.
    pub fn new(path: &Path) -> Self {
        Folder(path.to_owned())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Disk for Folder {
    type Lock = File;

    fn lock(&mut self) -> io::Result<File> {
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        // What is compiled is trusted as far as nobody else can write here.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.0)?;
        let file = File::options().create(true).write(true).truncate(false).open(self.0.join(LOCK))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if began.elapsed() > LOCK_WAIT => {
                    return Err(io::Error::new(
                        io::ErrorKind::ResourceBusy,
                        "another process is changing it",
                    ));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(name))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.0)?;
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.0.join(name), bytes)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        File::options().create(true).append(true).open(self.0.join(name))?.write_all(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        File::options().write(true).open(self.0.join(name))?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    #[cfg(unix)]
    fn sync_names(&mut self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    /// Names are journalled with their file, and folders cannot be opened.
    #[cfg(not(unix))]
    fn sync_names(&mut self) -> io::Result<()> {
        Ok(())
    }
}
