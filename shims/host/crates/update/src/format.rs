//! What a repository says about cores, beside TUF's own metadata: which release is for whom, and what is in a package. Both are JSON
//! files that TUF signs as targets. The publisher writes them, the client reads them.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde::{Deserialize, Serialize};

/// The target that says which release is for whom.
pub const CHANNELS: &str = "channels.json";
/// The layout of both files. A reader refuses a higher one: what it would miss may matter.
pub const FORMAT: u32 = 1;
/// Everybody, in [`Release::permille`].
pub const EVERYBODY: u16 = 1000;

/// Largest channels file and package description, bytes.
pub(crate) const MAX_DESCRIPTION_BYTES: u64 = 256 << 10;
/// Largest file of a package, bytes.
pub const MAX_FILE_BYTES: u64 = 32 << 20;

/// Which release is for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    /// [`FORMAT`].
    pub format: u32,
    /// When the publisher wrote this, Unix seconds. A clock far behind it is wrong.
    pub published_s: u64,
    /// Releases by channel, in any order.
    pub channels: BTreeMap<String, Vec<Release>>,
    /// Versions that no device may run any more, with the reason.
    #[serde(default)]
    pub revoked: BTreeMap<Version, String>,
}

/// One version in one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Version of the core.
    pub version: Version,
    /// How many of a thousand devices may have it.
    pub permille: u16,
    /// Device classes it is for; empty for all.
    #[serde(default)]
    pub classes: BTreeSet<String>,
    /// What it needs of a device.
    pub needs: Needs,
}

/// What a core needs of a device; the same in its package and its releases, so that a choice takes one download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Version of the contract it was built for, as in its custom section.
    pub contract: String,
    /// Oldest shim it runs on.
    pub min_shim: Version,
    /// Engines it was compiled for; a device that cannot compile needs its own among them.
    pub engines: BTreeSet<String>,
}

/// Description of one core: the package's own metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// [`FORMAT`].
    pub format: u32,
    /// Name of the product.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// What it needs of a device.
    pub needs: Needs,
    /// Snapshot schemas it reads, and the newest it writes.
    pub snapshots: Schemas,
    /// What changed, for people.
    #[serde(default)]
    pub notes: String,
    /// Whether it takes over while something plays, on devices that otherwise wait until nothing does.
    #[serde(default)]
    pub urgent: bool,
    /// The component.
    pub component: File,
    /// Compiled artefacts by engine id.
    #[serde(default)]
    pub artefacts: BTreeMap<String, File>,
}

/// Snapshot schemas from the oldest to the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the type says it")]
pub struct Schemas {
    pub oldest: u32,
    pub newest: u32,
}

/// A file of a package, as it is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Name of the TUF target.
    pub target: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub length: u64,
}

impl Package {
    /// Name of the target with the description of `version`.
    pub fn target(version: &Version) -> String {
        format!("core-{version}.json")
    }

    /// Name of the target with the component of `version`.
    pub fn component_target(version: &Version) -> String {
        format!("core-{version}.wasm")
    }

    /// Name of the target with the artefact of `version` for `engine`.
    pub fn artefact_target(version: &Version, engine: &str) -> String {
        format!("core-{version}.{engine}.cwasm")
    }
}

impl File {
    /// The target with this file compressed (Zstandard, RFC 8878).
    pub fn packed(&self) -> String {
        format!("{}.zst", self.target)
    }

    /// The target with this file compressed against a base that the device has, whose SHA-256 is `base`.
    pub fn delta(&self, base: &str) -> String {
        format!("{}.from-{base}.zst", self.target)
    }
}

/// Whether `name` can stand in a URL and in a file system as it is.
pub fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.bytes().all(plain)
}
