//! The two slot files and the lock beside them.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use kinora_port::{Failure, Next, code};

use crate::{Map, image};

/// Where the next image goes.
#[derive(Debug)]
pub(crate) struct Slots {
    folder: PathBuf,
    next: usize,
    generation: u64,
}

/// Held as long as this process writes.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

fn path(folder: &Path, slot: usize) -> PathBuf {
    folder.join(format!("store.{slot}"))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(image::MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The newest whole image of `folder`, and where to write next: never over that one.
pub(crate) fn load(folder: &Path) -> (Map, Option<&'static str>, Slots) {
    let mut newest: Option<(u64, Map, usize)> = None;
    let mut damaged = false;
    for slot in 0..2 {
        match read(&path(folder, slot)) {
            // A cut right after the file was made.
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => match image::decode(&bytes) {
                Some((generation, map)) => {
                    if newest.as_ref().is_none_or(|(other, ..)| generation > *other) {
                        newest = Some((generation, map, slot));
                    }
                }
                None => damaged = true,
            },
            Err(error) => damaged |= error.kind() != io::ErrorKind::NotFound,
        }
    }
    let notice = match (damaged, &newest) {
        (false, _) => None,
        (true, Some(_)) => Some("The settings were damaged; the last good copy is used."),
        (true, None) => Some("The settings were damaged beyond repair; everything starts afresh."),
    };
    let (generation, map, slot) = newest.unwrap_or((0, Map::new(), 1));
    (map, notice, Slots { folder: folder.to_owned(), next: 1 - slot, generation })
}

impl Slots {
    /// Makes `folder` and becomes its only writer.
    pub(crate) fn lock(folder: &Path) -> Result<Lock, Failure> {
        fs::create_dir_all(folder).map_err(|error| failure(folder, &error))?;
        let file = File::options().create(true).write(true).truncate(false).open(folder.join("store.lock"));
        let file = file.map_err(|error| failure(folder, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => {
                let message = "another player is running: what changes in this one is not kept";
                Err(Failure::new(Next::Skip, code::PERMISSION, message))
            }
            Err(TryLockError::Error(error)) => Err(failure(folder, &error)),
        }
    }

    /// Writes `map` and returns when a power cut cannot lose it. After a failure the same slot is tried again: the other one is
    /// the last good copy.
    pub(crate) fn write(&mut self, map: &Map) -> Result<(), Failure> {
        let generation = self.generation.saturating_add(1);
        self.try_write(&image::encode(generation, map)).map_err(|error| failure(&self.folder, &error))?;
        self.generation = generation;
        self.next = 1 - self.next;
        Ok(())
    }

    fn try_write(&self, image: &[u8]) -> io::Result<()> {
        let path = path(&self.folder, self.next);
        let fresh = !path.exists();
        // Not truncated first: blocks that the file has stay its own when the disk is full.
        let mut file = File::options().create(true).write(true).truncate(false).open(&path)?;
        file.write_all(image)?;
        file.sync_all()?;
        if fresh { sync_folder(&self.folder) } else { Ok(()) }
    }
}

/// Makes the name of a new file durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Names are journalled with their file, and folders cannot be opened.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn failure(folder: &Path, error: &io::Error) -> Failure {
    use io::ErrorKind::{NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let folder = folder.display();
    match error.kind() {
        StorageFull | QuotaExceeded => {
            let message = format!("the disk of {folder} is full: settings and positions are not kept");
            Failure::new(Next::TellUser, code::FULL, message)
        }
        PermissionDenied | ReadOnlyFilesystem | NotADirectory => {
            let message = format!("{folder} cannot be written to: settings and positions are not kept");
            Failure::new(Next::TellUser, code::PERMISSION, message)
        }
        _ => Failure::new(
            Next::Retry,
            code::UNSPECIFIED,
            format!("settings cannot be kept in {folder}: {error}"),
        ),
    }
}
