use std::fmt;
use std::io;

/// Why the store did not do what it was asked to.
#[derive(Debug)]
pub enum Error {
    /// There is no such core; what was asked for.
    Unknown(String),
    /// It must stay or must not run; in words.
    Refused(String),
    /// The disk refused; what was being done.
    Disk(&'static str, io::Error),
    /// Another version of the shim wrote the store, and this one does not know its format.
    Newer(u32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match self {
            Error::Unknown(id) => write!(f, "no core `{id}` is installed; `core list` shows those that are"),
            Error::Refused(why) => f.write_str(why),
            Error::Disk(what, error) => match error.kind() {
                StorageFull | QuotaExceeded => write!(f, "cannot {what}: the disk is full"),
                PermissionDenied | ReadOnlyFilesystem => {
                    write!(f, "cannot {what}: the store of cores cannot be written to ({error})")
                }
                _ => write!(f, "cannot {what}: {error}"),
            },
            Error::Newer(format) => write!(
                f,
                "the store of cores has format {format}, which a newer version of this program made; it is left as it is"
            ),
        }
    }
}

impl std::error::Error for Error {}
