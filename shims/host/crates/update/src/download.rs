//! Files of a package: found in the smallest form there is, fetched where the last attempt broke off, checked, unpacked, checked again.
//!
//! Only what came over the network is kept, as it came, until something else is fetched. Nothing of it is made durable: whatever a power cut
//! leaves of it is a beginning that is good or is fetched anew.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kinora_cores::Disk;
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

/// Suffix of what has come so far of a target.
const PART: &str = ".part";

/// Where files come from, where they are put, and what may serve as base.
pub(crate) struct Fetcher<'a, D> {
    pub(crate) link: &'a mut Link,
    /// The repository's folder of targets.
    pub(crate) base: &'a Url,
    pub(crate) disk: &'a mut D,
    /// As people know the disk.
    pub(crate) folder: &'a Path,
    /// Files that the device has, by SHA-256.
    pub(crate) bases: &'a BTreeMap<String, PathBuf>,
    /// Bytes that came over the network.
    pub(crate) received: u64,
}

impl<D: Disk> Fetcher<'_, D> {
    /// Removes what other downloads left.
    pub(crate) fn tidy(&mut self, wanted: &[Wanted]) -> Result<(), Error> {
        for name in self.disk.names().map_err(|error| Error::unwritable(self.folder, &error))? {
            let Some(hash) = name.strip_suffix(PART) else { continue };
            let known = |wanted: &Wanted| wanted.ways.iter().any(|way| way.sha256 == hash);
            if !wanted.iter().any(known) {
                self.disk.remove(&name).map_err(|error| self.unwritable(&name, &error))?;
            }
        }
        Ok(())
    }

    /// The file, whole and verified.
    pub(crate) fn file(&mut self, wanted: &Wanted) -> Result<Vec<u8>, Error> {
        let file = &wanted.file;
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
            match self.part(way).and_then(|part| unpack(&part, &base, file)) {
                Ok(bytes) => return Ok(bytes),
                // The server may have another form that is good; a network that failed will not be better for it.
                Err(error) if error.kind == Kind::Refused => failure = error,
                Err(error) => return Err(error),
            }
        }
        Err(failure)
    }

    /// The bytes of `way`, verified. What an earlier attempt left is a beginning; if it was no good one, there is another attempt.
    fn part(&mut self, way: &Way) -> Result<Vec<u8>, Error> {
        let name = format!("{}{PART}", way.sha256);
        loop {
            let resumed = self.fetch(way, &name)?;
            let part = self.disk.read(&name).map_err(|error| self.unwritable(&name, &error))?;
            let length = part.len() as u64;
            if length == way.length && hex(&Sha256::digest(&part)) == way.sha256 {
                return Ok(part);
            }
            if length < way.length {
                return Err(Error::new(Kind::Later, format!("{} was cut short", way.target)));
            }
            self.disk.remove(&name).map_err(|error| self.unwritable(&name, &error))?;
            if !resumed {
                return Err(Error::refused(format!("{} is not what was signed", way.target)));
            }
        }
    }

    /// Fetches what the file `name` has not got of `way`. Whether it began with something.
    fn fetch(&mut self, way: &Way, name: &str) -> Result<bool, Error> {
        let Fetcher { disk, folder, .. } = self;
        let broken = |error| Error::unwritable(&folder.join(name), &error);
        let mut have = disk.read(name).map_or(0, |part| part.len() as u64);
        if have > way.length {
            disk.write(name, &[]).map_err(broken)?;
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
                disk.write(name, &[]).map_err(broken)?;
                resumed = false;
            }
            received += bytes.len() as u64;
            disk.append(name, bytes).map_err(broken)
        });
        self.received += received;
        match got? {
            Got::Whole | Got::Rest => Ok(resumed),
            Got::Missing => Err(Error::new(Kind::Later, format!("{url} does not exist"))),
            Got::NothingMore => {
                disk.write(name, &[]).map_err(broken)?;
                Err(Error::refused(format!("{url} is shorter than what was signed")))
            }
        }
    }

    fn unwritable(&self, name: &str, error: &io::Error) -> Error {
        Error::unwritable(&self.folder.join(name), error)
    }
}

/// Unpacks `part`, and gives it only if it is `file`.
fn unpack(part: &[u8], base: &[u8], file: &File) -> Result<Vec<u8>, Error> {
    let refused = |error: io::Error| Error::refused(format!("{} cannot be unpacked: {error}", file.target));
    let mut decoder = Decoder::with_ref_prefix(part, base).map_err(refused)?;
    decoder.window_log_max(WINDOW_LOG).map_err(refused)?;
    let mut bytes = Vec::new();
    decoder.take(file.length + 1).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() as u64 == file.length && hex(&Sha256::digest(&bytes)) == file.sha256 {
        return Ok(bytes);
    }
    Err(Error::refused(format!("{} does not unpack to what was signed", file.target)))
}

fn read_base(path: &Path, sha256: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok()?;
    (hex(&Sha256::digest(&bytes)) == sha256).then_some(bytes)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
