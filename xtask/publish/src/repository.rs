//! The repository's folder: `metadata/` and `targets/`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use jiff::Timestamp as Time;
use kinora_update::{CHANNELS, Channels, FORMAT, hex, is_plain};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tough::TargetName;
use tough::schema::{
    Hashes, Metafile, RoleKeys, RoleType, Root, Signed, Snapshot, Target, Targets, Timestamp,
};

use crate::keys::{Key, Keys};
use crate::sign::{bytes, sign, sign_trusted};

const SPECIFICATION: &str = "1.0.0";
const DAY_S: u64 = 24 * 3600;
/// How long metadata is good for. Whoever holds newer back from a device can do so for as long as `timestamp` lasts; the
/// publisher signs at least as often. Targets and root are signed with keys that are kept offline, hence seldom.
const ROOT_DAYS: u64 = 365;
const TARGETS_DAYS: u64 = 180;
const SNAPSHOT_DAYS: u64 = 30;
const TIMESTAMP_DAYS: u64 = 7;

/// A repository, and what it says.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
    /// Its newest root.
    pub root: Root,
    /// What its next list of targets will be made of.
    pub targets: Targets,
    /// Which release is for whom.
    pub channels: Channels,
    snapshot_version: u64,
    timestamp_version: u64,
    /// Exactly as it was last signed, so that a refresh needs no key of targets.
    signed_targets: Vec<u8>,
}

impl Repository {
    /// Makes an empty repository in `folder` with one new key a role in `keys`. Its first root is `metadata/1.root.json`, which shims
    /// are built with.
    pub fn init(folder: &Path, keys_folder: &Path, now_s: u64) -> Result<Self, String> {
        let metadata = folder.join("metadata");
        if metadata.join("1.root.json").exists() {
            return Err(format!("{} is a repository already", folder.display()));
        }
        for folder in [&metadata, &folder.join("targets")] {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let mut keys = Keys::default();
        let mut root = Root {
            spec_version: SPECIFICATION.into(),
            consistent_snapshot: true,
            version: NonZeroU64::MIN,
            expires: after(now_s, ROOT_DAYS)?,
            keys: HashMap::new(),
            roles: HashMap::new(),
            _extra: HashMap::new(),
        };
        for role in [RoleType::Root, RoleType::Targets, RoleType::Snapshot, RoleType::Timestamp] {
            let key = keys.create(keys_folder, role)?;
            root.keys.insert(key.id.clone(), key.public());
            let role_keys =
                RoleKeys { keyids: vec![key.id.clone()], threshold: NonZeroU64::MIN, _extra: HashMap::new() };
            root.roles.insert(role, role_keys);
        }
        let signed = sign_trusted(root.clone(), &root, &keys)?;
        write(&metadata.join("1.root.json"), &bytes(&signed)?)?;
        let mut targets = Targets::new(SPECIFICATION.into(), NonZeroU64::MIN, after(now_s, TARGETS_DAYS)?);
        targets.delegations = None;
        let mut repository = Self {
            folder: folder.to_owned(),
            root,
            targets,
            channels: Channels {
                format: FORMAT,
                published_s: now_s,
                channels: BTreeMap::new(),
                revoked: BTreeMap::new(),
            },
            snapshot_version: 0,
            timestamp_version: 0,
            signed_targets: Vec::new(),
        };
        repository.publish(&keys, now_s)?;
        Ok(repository)
    }

    /// Opens what [`init`](Self::init) made.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let metadata = folder.join("metadata");
        let mut newest = 0;
        for entry in fs::read_dir(&metadata).map_err(|error| format!("{}: {error}", metadata.display()))? {
            let name = entry.map_err(|error| error.to_string())?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".root.json")?.parse().ok());
            newest = newest.max(number.unwrap_or(0));
        }
        let root: Signed<Root> = read(&metadata.join(format!("{newest}.root.json")))?;
        let timestamp: Signed<Timestamp> = read(&metadata.join("timestamp.json"))?;
        let snapshot_version = meta_version(&timestamp.signed.meta, "snapshot.json")?;
        let snapshot: Signed<Snapshot> = read(&metadata.join(format!("{snapshot_version}.snapshot.json")))?;
        let targets_version = meta_version(&snapshot.signed.meta, "targets.json")?;
        let path = metadata.join(format!("{targets_version}.targets.json"));
        let targets: Signed<Targets> = read(&path)?;
        let signed_targets = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut repository = Self {
            folder: folder.to_owned(),
            root: root.signed,
            targets: targets.signed,
            channels: Channels {
                format: FORMAT,
                published_s: 0,
                channels: BTreeMap::new(),
                revoked: BTreeMap::new(),
            },
            snapshot_version,
            timestamp_version: timestamp.signed.version.get(),
            signed_targets,
        };
        repository.channels = parse(CHANNELS, &repository.read_target(CHANNELS)?)?;
        Ok(repository)
    }

    /// Adds a target, or puts it in the place of the one of its name.
    pub fn add_target(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        if !is_plain(name) {
            return Err(format!("{name} cannot be the name of a file everywhere"));
        }
        let hash = Sha256::digest(bytes);
        let path = self.target_path(&hash, name);
        // Named by its content: what is there is what would be written.
        if !path.exists() {
            write(&path, bytes)?;
        }
        let target = Target {
            length: bytes.len() as u64,
            hashes: Hashes { sha256: hash.to_vec().into(), _extra: HashMap::new() },
            custom: HashMap::new(),
            _extra: HashMap::new(),
        };
        self.targets.add_target(TargetName::new(name).map_err(|error| error.to_string())?, target);
        Ok(())
    }

    /// The bytes of a target.
    pub fn read_target(&self, name: &str) -> Result<Vec<u8>, String> {
        let found = TargetName::new(name).ok().and_then(|name| self.targets.targets.get(&name));
        let target = found.ok_or_else(|| format!("there is no {name} in {}", self.folder.display()))?;
        let path = self.target_path(&target.hashes.sha256, name);
        fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn target_path(&self, hash: &[u8], name: &str) -> PathBuf {
        self.folder.join("targets").join(format!("{}.{name}", hex(hash)))
    }

    /// Signs and publishes targets and channels as they are now.
    pub fn publish(&mut self, keys: &Keys, now_s: u64) -> Result<(), String> {
        self.channels.published_s = now_s;
        let channels = json(&self.channels)?;
        self.add_target(CHANNELS, &channels)?;
        if !self.signed_targets.is_empty() {
            self.targets.version = next(self.targets.version.get())?;
        }
        self.targets.expires = after(now_s, TARGETS_DAYS)?;
        let signed = sign_trusted(self.targets.clone(), &self.root, keys)?;
        self.signed_targets = bytes(&signed)?;
        let name = format!("{}.targets.json", self.targets.version);
        write(&self.metadata().join(name), &self.signed_targets)?;
        self.refresh(keys, now_s)
    }

    /// Signs snapshot and timestamp anew, which takes their keys only.
    pub fn refresh(&mut self, keys: &Keys, now_s: u64) -> Result<(), String> {
        let version = next(self.snapshot_version)?;
        let mut snapshot = Snapshot::new(SPECIFICATION.into(), version, after(now_s, SNAPSHOT_DAYS)?);
        snapshot.meta.insert("targets.json".into(), meta(&self.signed_targets, self.targets.version));
        let snapshot = bytes(&sign_trusted(snapshot, &self.root, keys)?)?;
        self.snapshot_version = version.get();
        write(&self.metadata().join(format!("{version}.snapshot.json")), &snapshot)?;

        let number = next(self.timestamp_version)?;
        let mut timestamp = Timestamp::new(SPECIFICATION.into(), number, after(now_s, TIMESTAMP_DAYS)?);
        timestamp.meta.insert("snapshot.json".into(), meta(&snapshot, version));
        let timestamp = bytes(&sign_trusted(timestamp, &self.root, keys)?)?;
        self.timestamp_version = number.get();
        write(&self.metadata().join("timestamp.json"), &timestamp)
    }

    /// Publishes a new root with what `edit` changes. It is signed by enough keys of the old one and of the new one.
    pub fn change_root(
        &mut self,
        keys: &Keys,
        now_s: u64,
        edit: impl FnOnce(&mut Root) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut root = self.root.clone();
        edit(&mut root)?;
        for (role, role_keys) in &root.roles {
            if role_keys.threshold.get() > role_keys.keyids.len() as u64 {
                return Err(format!(
                    "{role} would have {} keys and need {} of them",
                    role_keys.keyids.len(),
                    role_keys.threshold
                ));
            }
        }
        let used: Vec<_> = root.roles.values().flat_map(|keys| keys.keyids.clone()).collect();
        root.keys.retain(|id, _| used.contains(id));
        root.version = next(root.version.get())?;
        root.expires = after(now_s, ROOT_DAYS)?;
        let mut signers: Vec<&Key> = keys.of(&self.root, RoleType::Root);
        for key in keys.of(&root, RoleType::Root) {
            if signers.iter().all(|signer| signer.id != key.id) {
                signers.push(key);
            }
        }
        let signed = sign(root, &signers)?;
        for (root, which) in [(&self.root, "present"), (&signed.signed, "new")] {
            root.verify_role(&signed)
                .map_err(|error| format!("not enough of the {which} root's keys are here ({error})"))?;
        }
        let name = format!("{}.root.json", signed.signed.version);
        write(&self.metadata().join(name), &bytes(&signed)?)?;
        self.root = signed.signed;
        Ok(())
    }

    /// Renews what expires, as far as the keys for it are here: snapshot and timestamp each time, targets and root when a third of their
    /// time is left.
    pub fn renew(&mut self, keys: &Keys, now_s: u64) -> Result<(), String> {
        let ends = |expires: Time, days: u64| expires.as_second() < (now_s + days * DAY_S) as i64;
        if ends(self.root.expires, ROOT_DAYS / 3) && self.can_sign(keys, RoleType::Root) {
            self.change_root(keys, now_s, |_| Ok(()))?;
        }
        if ends(self.targets.expires, TARGETS_DAYS / 3) && self.can_sign(keys, RoleType::Targets) {
            return self.publish(keys, now_s);
        }
        self.refresh(keys, now_s)
    }

    fn can_sign(&self, keys: &Keys, role: RoleType) -> bool {
        let threshold = self.root.roles.get(&role).map_or(u64::MAX, |keys| keys.threshold.get());
        keys.of(&self.root, role).len() as u64 >= threshold
    }

    fn metadata(&self) -> PathBuf {
        self.folder.join("metadata")
    }
}

fn next(version: u64) -> Result<NonZeroU64, String> {
    version.checked_add(1).and_then(NonZeroU64::new).ok_or_else(|| "versions are used up".into())
}

fn after(now_s: u64, days: u64) -> Result<Time, String> {
    let seconds = now_s.saturating_add(days * DAY_S);
    Time::from_second(i64::try_from(seconds).unwrap_or(i64::MAX)).map_err(|error| error.to_string())
}

fn meta(bytes: &[u8], version: NonZeroU64) -> Metafile {
    Metafile {
        length: Some(bytes.len() as u64),
        hashes: Some(Hashes { sha256: Sha256::digest(bytes).to_vec().into(), _extra: HashMap::new() }),
        version,
        _extra: HashMap::new(),
    }
}

fn meta_version(meta: &HashMap<String, Metafile>, name: &str) -> Result<u64, String> {
    meta.get(name).map(|file| file.version.get()).ok_or_else(|| format!("{name} is not mentioned"))
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    let name = path.display().to_string();
    parse(&name, &fs::read(path).map_err(|error| format!("{name}: {error}"))?)
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{name}: {error}"))
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Whole or not at all, for readers too.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let temporary = path.with_extension("new");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    written.map_err(|error| format!("{}: {error}", path.display()))
}
