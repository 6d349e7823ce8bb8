//! Why a check or a download came to nothing. In each case the device keeps what it has.

use std::fmt;
use std::io;
use std::path::Path;

use kinora_port::{Failure, Next};

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Try again after the schedule's back-off: the network or the server failed.
    Later,
    /// Try again after the back-off, and let a person know: what the server gave must not be trusted.
    Refused,
    /// Try again once the clock has been set.
    SetClock,
    /// Let a person make room or mend the disk.
    Disk,
    /// Stop asking: this device was set up wrongly.
    Setup,
}

/// Why a check or a download came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the caller does next.
    pub kind: Kind,
    /// One sentence for a person.
    pub message: String,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    pub(crate) fn disk(what: &str, error: &io::Error) -> Self {
        Self::new(Kind::Disk, format!("{what}: {error}"))
    }

    /// A place that nothing can be written to.
    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::disk(&format!("{} cannot be written", path.display()), error)
    }

    /// What went wrong with a transfer, in the network's own words.
    pub(crate) fn transfer(failure: Failure) -> Self {
        let kind = if failure.next == Next::Stop { Kind::Setup } else { Kind::Later };
        Self::new(kind, failure.message)
    }

    /// What tough found wrong. Its messages are for developers: they follow ours.
    pub(crate) fn of_tough(error: &tough::error::Error) -> Self {
        use tough::error::Error as Tough;
        let words = match error {
            Tough::Transport { source, .. } => return of_transport(source),
            Tough::DatastoreInit { .. }
            | Tough::DatastoreCreate { .. }
            | Tough::DatastoreOpen { .. }
            | Tough::DatastoreRemove { .. } => {
                return Self::new(Kind::Disk, error.to_string());
            }
            Tough::ParseTrustedMetadata { .. } | Tough::VerifyTrustedMetadata { .. } => {
                return Self::new(
                    Kind::Setup,
                    format!("the root of trust of this device cannot be used ({error})"),
                );
            }
            Tough::VerifyMetadata { .. } => "it is not signed by enough keys that this device trusts",
            Tough::ParseMetadata { .. } => "it is damaged or cut short",
            Tough::OlderMetadata { .. }
            | Tough::OlderSnapshotInTimestamp { .. }
            | Tough::SnapshotRoleRollback { .. }
            | Tough::SnapshotRoleMissing { .. } => "it is older than what this device has seen before",
            Tough::VersionMismatch { .. } => "its parts do not belong together",
            Tough::MaxUpdatesExceeded { .. } => "it changes its keys without end",
            _ => "it breaks the rules of The Update Framework",
        };
        Self::refused(format!("the update server's metadata is refused: {words} ({error})"))
    }
}

fn of_transport(error: &tough::TransportError) -> Error {
    use std::error::Error as _;
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return ours.clone();
        }
        if let Some(tough) = error.downcast_ref::<tough::error::Error>() {
            let words = match tough {
                tough::error::Error::HashMismatch { .. } => "its parts do not belong together",
                _ => "it is larger than it may be",
            };
            let message = format!("the update server's metadata is refused: {words} ({tough})");
            return Error::refused(message);
        }
        cause = error.source();
    }
    Error::new(Kind::Later, error.to_string())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
