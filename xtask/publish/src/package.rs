//! Cores in a repository: adding one, and saying who may have it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use kinora_update::{
    EVERYBODY, FORMAT, File, MAX_FILE_BYTES, Needs, Package, Release, Schemas, WINDOW_LOG, hex, is_plain,
};
use semver::Version;
use sha2::{Digest, Sha256};
use tough::TargetName;

use crate::repository::{Repository, json, parse};

/// A new core is offered as a delta against this many versions before it.
pub const DELTAS: usize = 3;
/// Zstandard's: slow to make, small to fetch.
const LEVEL: i32 = 19;

/// What a package is made of.
#[derive(Debug, Clone)]
pub struct NewCore {
    /// Name of the product.
    pub name: String,
    /// Its version, newer than all others of the repository or between them.
    pub version: Version,
    /// The contract it was built for.
    pub contract: String,
    /// Oldest shim it runs on.
    pub min_shim: Version,
    /// Snapshot schemas it reads, and the newest it writes.
    pub snapshots: Schemas,
    /// What changed, for people.
    pub notes: String,
    /// Whether it takes over while something plays.
    pub urgent: bool,
    /// The component.
    pub component: Vec<u8>,
    /// Compiled artefacts by engine id.
    pub artefacts: BTreeMap<String, Vec<u8>>,
}

/// The packages of `repository` by version.
pub fn packages(repository: &Repository) -> Result<BTreeMap<Version, Package>, String> {
    let names = repository.targets.targets.keys().map(TargetName::raw);
    let mut packages = BTreeMap::new();
    for name in names.filter(|name| name.starts_with("core-") && name.ends_with(".json")) {
        let package: Package = parse(name, &repository.read_target(name)?)?;
        packages.insert(package.version.clone(), package);
    }
    Ok(packages)
}

impl Repository {
    /// Adds a core that nobody is offered yet. It is published with the next [`publish`](Self::publish).
    pub fn add(&mut self, core: &NewCore) -> Result<Package, String> {
        let NewCore { version, .. } = core;
        let others = packages(self)?;
        if others.contains_key(version) {
            return Err(format!("{version} is there already; what was published stays what it is"));
        }
        if let Some(id) = core.artefacts.keys().find(|id| !is_plain(id)) {
            return Err(format!("{id} is no engine id"));
        }
        let bases: Vec<&Package> =
            others.range(..version).rev().take(DELTAS).map(|(_, package)| package).collect();
        let components: Vec<&File> = bases.iter().map(|base| &base.component).collect();
        let component = self.add_file(Package::component_target(version), &core.component, &components)?;
        let mut artefacts = BTreeMap::new();
        for (engine, bytes) in &core.artefacts {
            let same: Vec<&File> = bases.iter().filter_map(|base| base.artefacts.get(engine)).collect();
            let file = self.add_file(Package::artefact_target(version, engine), bytes, &same)?;
            artefacts.insert(engine.clone(), file);
        }
        let package = Package {
            format: FORMAT,
            name: core.name.clone(),
            version: version.clone(),
            needs: Needs {
                contract: core.contract.clone(),
                min_shim: core.min_shim.clone(),
                engines: core.artefacts.keys().cloned().collect(),
            },
            snapshots: core.snapshots,
            notes: core.notes.clone(),
            urgent: core.urgent,
            component,
            artefacts,
        };
        self.add_target(&Package::target(version), &json(&package)?)?;
        Ok(package)
    }

    /// The file itself, compressed, and compressed against each of `bases` where that is smaller.
    fn add_file(&mut self, target: String, bytes: &[u8], bases: &[&File]) -> Result<File, String> {
        let length = bytes.len() as u64;
        if length > MAX_FILE_BYTES {
            return Err(format!("{target} has {length} bytes; devices take {MAX_FILE_BYTES} at most"));
        }
        let file = File { target, sha256: hex(&Sha256::digest(bytes)), length };
        self.add_target(&file.target, bytes)?;
        let alone = pack(bytes, &[])?;
        self.add_target(&file.packed(), &alone)?;
        for base in bases.iter().filter(|base| base.sha256 != file.sha256) {
            let delta = pack(bytes, &self.read_target(&base.target)?)?;
            if delta.len() < alone.len() {
                self.add_target(&file.delta(&base.sha256), &delta)?;
            }
        }
        Ok(file)
    }

    /// Offers `version` in `channel` to so many of a thousand devices, of all classes or of some. What stood there of the same version is
    /// replaced.
    pub fn promote(
        &mut self,
        version: &Version,
        channel: &str,
        permille: u16,
        classes: BTreeSet<String>,
    ) -> Result<(), String> {
        let packages = packages(self)?;
        let package = packages.get(version).ok_or_else(|| format!("there is no {version}; add it first"))?;
        if let Some(why) = self.channels.revoked.get(version) {
            return Err(format!("{version} was revoked: {why}"));
        }
        let releases = self.channels.channels.entry(channel.to_owned()).or_default();
        releases.retain(|release| release.version != *version);
        let needs = package.needs.clone();
        releases.push(Release {
            version: version.clone(),
            permille: permille.min(EVERYBODY),
            classes,
            needs,
        });
        Ok(())
    }

    /// Lets another share of devices have `version`, which `channel` offers.
    pub fn roll_out(&mut self, version: &Version, channel: &str, permille: u16) -> Result<(), String> {
        let releases = self.channels.channels.get_mut(channel).into_iter().flatten();
        let release = releases.into_iter().find(|release| release.version == *version);
        let release =
            release.ok_or_else(|| format!("{channel} does not offer {version}; promote it first"))?;
        release.permille = permille.min(EVERYBODY);
        Ok(())
    }

    /// Takes `version` away from every device: none is offered it, and those that run it leave it at their next check.
    pub fn revoke(&mut self, version: &Version, why: &str) -> Result<(), String> {
        if !packages(self)?.contains_key(version) {
            return Err(format!("there is no {version}"));
        }
        for releases in self.channels.channels.values_mut() {
            releases.retain(|release| release.version != *version);
        }
        self.channels.revoked.insert(version.clone(), why.to_owned());
        Ok(())
    }
}

/// Compresses `bytes` against `base`, which may be empty, as devices fetch them.
pub fn pack(bytes: &[u8], base: &[u8]) -> Result<Vec<u8>, String> {
    let packed = || -> std::io::Result<Vec<u8>> {
        let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), LEVEL, base)?;
        // The base lies before the bytes in the window.
        let span = (bytes.len() + base.len()).next_power_of_two().ilog2();
        encoder.window_log(span.clamp(10, WINDOW_LOG))?;
        encoder.long_distance_matching(!base.is_empty())?;
        encoder.write_all(bytes)?;
        encoder.finish()
    };
    packed().map_err(|error| format!("it cannot be compressed: {error}"))
}
