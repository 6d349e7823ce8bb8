//! Files of a package: found in the smallest form there is, fetched where the last attempt broke off, checked, unpacked, checked again.

use std::collections::BTreeMap;
use std::fs::{self, File as Disk};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tough::TargetName;
use tough::schema::Targets;
use url::Url;
use zstd::stream::read::Decoder;

use crate::error::{Error, Kind};
use crate::format::{File, MAX_FILE_BYTES, is_plain};
use crate::link::{Got, Link};

/// Zstandard's window for the largest file beside the largest base: 64 MiB, as a power of two.
pub const WINDOW_LOG: u32 = 26;

/// One form in which a file can be fetched: compressed, alone or against a base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    target: String,
    sha256: String,
    length: u64,
    /// SHA-256 of the base.
    base: Option<String>,
}

/// A file and the ways to it, the smallest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) file: File,
    pub(crate) ways: Vec<Way>,
}

impl Wanted {
    /// Finds the ways among signed targets. The file itself must be among them too: that is what stays signed once it is installed.
    pub(crate) fn find(file: &File, targets: &Targets) -> Result<Self, Error> {
        let target = |name: &str| {
            let found = TargetName::new(name).ok().and_then(|name| targets.targets.get(&name));
            found.map(|target| (hex(&target.hashes.sha256), target.length))
        };
        let described = Some((file.sha256.clone(), file.length));
        if !is_plain(&file.target) || target(&file.target) != described {
            return Err(Error::refused(format!("{} is not described as it was signed", file.target)));
        }
        if file.length > MAX_FILE_BYTES {
            return Err(Error::refused(format!("{} is larger than {MAX_FILE_BYTES} bytes", file.target)));
        }
        let (before, after) = (format!("{}.from-", file.target), ".zst");
        let names = targets.targets.keys().map(TargetName::raw);
        let deltas = names
            .filter_map(|name| Some((name, name.strip_prefix(&before)?.strip_suffix(after)?)))
            .map(|(name, base)| (name.to_owned(), Some(base.to_owned())));
        let mut ways: Vec<Way> = deltas
            .chain([(file.packed(), None)])
            .filter_map(|(name, base)| {
                let (sha256, length) = target(&name)?;
                Some(Way { target: name, sha256, length, base })
            })
            .filter(|way| is_plain(&way.target) && way.length <= MAX_FILE_BYTES)
            .collect();
        ways.sort_by_key(|way| way.length);
        Ok(Self { file: file.clone(), ways })
    }
}

/// Where files come from, where they are put, and what may serve as base.
pub(crate) struct Fetcher<'a> {
    pub(crate) link: &'a mut Link,
    /// The repository's folder of targets.
    pub(crate) base: &'a Url,
    pub(crate) folder: &'a Path,
    /// Files that the device has, by SHA-256.
    pub(crate) bases: &'a BTreeMap<String, PathBuf>,
    /// Bytes that came over the network.
    pub(crate) received: u64,
}

impl Fetcher<'_> {
    /// Removes what other downloads left.
    pub(crate) fn tidy(&self, wanted: &[Wanted]) -> io::Result<()> {
        fs::create_dir_all(self.folder)?;
        for entry in fs::read_dir(self.folder)? {
            let path = entry?.path();
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let known = |wanted: &Wanted| {
                wanted.file.sha256 == stem || wanted.ways.iter().any(|way| way.sha256 == stem)
            };
            if !wanted.iter().any(known) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// The file, whole and verified.
    pub(crate) fn file(&mut self, wanted: &Wanted) -> Result<PathBuf, Error> {
        let file = &wanted.file;
        let path = self.folder.join(format!("{}.file", file.sha256));
        if hash_of(&path).is_some_and(|found| found == (file.sha256.clone(), file.length)) {
            return Ok(path);
        }
        let mut failure =
            Error::new(Kind::Later, format!("{} is not offered in a form this device can use", file.target));
        for way in &wanted.ways {
            let base = match &way.base {
                None => Vec::new(),
                // A base that is not what it was is as good as none.
                Some(base) => match self.bases.get(base).and_then(|path| read_base(path, base)) {
                    Some(base) => base,
                    None => continue,
                },
            };
            match self.part(way).and_then(|part| unpack(&part, &base, file, &path)) {
                Ok(()) => return Ok(path),
                // The server may have another form that is good; a network that failed will not be better for it.
                Err(error) if error.kind == Kind::Refused => failure = error,
                Err(error) => return Err(error),
            }
        }
        Err(failure)
    }

    /// The bytes of `way`, verified. What an earlier attempt left is a beginning; if it was no good one, there is another attempt.
    fn part(&mut self, way: &Way) -> Result<PathBuf, Error> {
        let path = self.folder.join(format!("{}.part", way.sha256));
        loop {
            let resumed = self.fetch(way, &path)?;
            match hash_of(&path) {
                Some(found) if found == (way.sha256.clone(), way.length) => return Ok(path),
                Some((_, length)) if length < way.length => {
                    return Err(Error::new(Kind::Later, format!("{} was cut short", way.target)));
                }
                _ => fs::remove_file(&path).map_err(|error| unwritable(&path, &error))?,
            }
            if !resumed {
                return Err(Error::refused(format!("{} is not what was signed", way.target)));
            }
        }
    }

    /// Fetches what `path` has not got of `way`. Whether it began with something.
    fn fetch(&mut self, way: &Way, path: &Path) -> Result<bool, Error> {
        let broken = |error| unwritable(path, &error);
        let mut disk = Disk::options().create(true).append(true).open(path).map_err(broken)?;
        let mut have = disk.metadata().map_err(broken)?.len();
        if have > way.length {
            disk.set_len(0).map_err(broken)?;
            have = 0;
        }
        if have == way.length {
            return Ok(true);
        }
        let url = self.base.join(&format!("{}.{}", way.sha256, way.target));
        let url = url.map_err(|error| Error::refused(format!("{}: {error}", way.target)))?;
        let mut resumed = have > 0;
        let mut received = 0;
        let got = self.link.get(&url, Some(have), way.length, &mut |got, bytes| {
            // A server without ranges begins anew.
            if got == Got::Whole && resumed {
                disk.set_len(0).map_err(broken)?;
                resumed = false;
            }
            received += bytes.len() as u64;
            disk.write_all(bytes).map_err(broken)
        });
        self.received += received;
        match got? {
            Got::Whole | Got::Rest => Ok(resumed),
            Got::Missing => Err(Error::new(Kind::Later, format!("{url} does not exist"))),
            Got::NothingMore => {
                disk.set_len(0).map_err(broken)?;
                Err(Error::refused(format!("{url} is shorter than what was signed")))
            }
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::disk(&format!("{} cannot be written", path.display()), error)
}

/// Unpacks `part` to `path`, and keeps it only if it is `file`.
fn unpack(part: &Path, base: &[u8], file: &File, path: &Path) -> Result<(), Error> {
    let refused = |error: io::Error| Error::refused(format!("{} cannot be unpacked: {error}", file.target));
    let broken = |error| unwritable(path, &error);
    let packed = BufReader::new(Disk::open(part).map_err(broken)?);
    let mut decoder = Decoder::with_ref_prefix(packed, base).map_err(refused)?;
    decoder.window_log_max(WINDOW_LOG).map_err(refused)?;
    let mut unpacked = decoder.take(file.length + 1);
    let mut disk = Disk::create(path).map_err(broken)?;
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 << 10];
    let outcome = loop {
        match unpacked.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => {
                hash.update(&buffer[..count]);
                length += count as u64;
                disk.write_all(&buffer[..count]).map_err(broken)?;
            }
            Err(error) => break Err(refused(error)),
        }
    };
    disk.sync_all().map_err(broken)?;
    let right = outcome.is_ok() && length == file.length && hex(&hash.finalize()) == file.sha256;
    let _ = fs::remove_file(part);
    if right {
        return Ok(());
    }
    fs::remove_file(path).map_err(broken)?;
    outcome.and(Err(Error::refused(format!("{} does not unpack to what was signed", file.target))))
}

fn read_base(path: &Path, sha256: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    Disk::open(path).ok()?.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok()?;
    (hex(&Sha256::digest(&bytes)) == sha256).then_some(bytes)
}

/// SHA-256 and length of a file.
fn hash_of(path: &Path) -> Option<(String, u64)> {
    let mut file = Disk::open(path).ok()?;
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some((hex(&hash.finalize()), length)),
            count => {
                hash.update(&buffer[..count]);
                length += count as u64;
            }
        }
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
