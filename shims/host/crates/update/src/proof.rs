//! What vouches for an installed core for as long as it is installed, without a network and whatever the date.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tough::TargetName;
use tough::schema::{Root, Signed, Targets};

use crate::download::hex;
use crate::error::{Error, Kind};

/// The signed list of targets a core came from, and the roots that lead from the factory's to the keys that signed it. Kept beside the
/// core and checked at each start: expiry is ignored, signatures and hashes never.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    roots: Vec<Value>,
    targets: Value,
}

impl Proof {
    pub(crate) fn new(roots: Vec<Value>, targets: &Signed<Targets>) -> Result<Self, Error> {
        let targets = serde_json::to_value(targets).map_err(|error| Error::refused(error.to_string()))?;
        Ok(Self { roots, targets })
    }

    /// Verifies the signatures from `factory_root` on, and gives what they vouch for.
    pub fn verify(&self, factory_root: &[u8]) -> Result<Vouched, Error> {
        let root = newest_root(factory_root, &self.roots)?;
        let targets: Signed<Targets> = parse(&self.targets)?;
        root.signed.verify_role(&targets).map_err(|error| untrusted(&error.to_string()))?;
        Ok(Vouched(targets.signed))
    }
}

/// Targets whose signatures were verified.
#[derive(Debug, Clone)]
pub struct Vouched(Targets);

impl Vouched {
    /// Whether the target `name` is exactly of this SHA-256 (lower-case hexadecimal) and length.
    pub fn covers(&self, name: &str, sha256: &str, length: u64) -> bool {
        let target = TargetName::new(name).ok().and_then(|name| self.0.targets.get(&name));
        target.is_some_and(|target| target.length == length && hex(&target.hashes.sha256) == sha256)
    }
}

/// Follows the changes of keys from the factory's root on: each root is signed by the one before it and by itself. What is not newer
/// than the factory's is passed over.
pub(crate) fn newest_root(factory_root: &[u8], roots: &[Value]) -> Result<Signed<Root>, Error> {
    let mut root: Signed<Root> = serde_json::from_slice(factory_root)
        .map_err(|error| Error::new(Kind::Setup, format!("the factory's root cannot be read: {error}")))?;
    for next in roots {
        let next: Signed<Root> = parse(next)?;
        if next.signed.version <= root.signed.version {
            continue;
        }
        if next.signed.version.get() != root.signed.version.get() + 1 {
            return Err(untrusted("a change of keys is missing"));
        }
        root.signed.verify_role(&next).map_err(|error| untrusted(&error.to_string()))?;
        next.signed.verify_role(&next).map_err(|error| untrusted(&error.to_string()))?;
        root = next;
    }
    Ok(root)
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Error> {
    serde_json::from_value(value.clone()).map_err(|error| untrusted(&error.to_string()))
}

fn untrusted(why: &str) -> Error {
    Error::refused(format!("nothing vouches for the installed core ({why})"))
}
