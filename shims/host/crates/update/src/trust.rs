//! The newest metadata of the repository that this device has verified, and its refresh.
//!
//! tough does The Update Framework's client workflow (specification 1.0, section 5) in a scratch folder; what it verified there is then
//! published as one file, durably and at once. Three things are ours, since tough's own way does not suit a device:
//!
//! - It starts from the newest root ever verified, never from the factory's again: after a key rotation that would forget the versions
//!   seen before.
//! - It reads no clock. tough notes the latest time it saw and refuses to work for ever once a clock was ahead; here the caller gives the
//!   time, expiry is judged against it, and the only time that is kept is the publisher's own, which is signed.
//! - Nothing is lost by a power cut, since nothing that is kept is ever written in place.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;
use kinora_cores::Disk;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tough::schema::{Role, Signed, Snapshot, Targets, Timestamp};
use tough::{
    Bytes, ExpirationEnforcement, Limits, RepositoryLoader, Transport, TransportError, TransportErrorKind,
    TransportStream,
};
use url::Url;

use crate::error::{Error, Kind};
use crate::link::Link;
use crate::proof::{Proof, newest_root};

/// Largest metadata file, bytes.
const MAX_METADATA_BYTES: u64 = 4 << 20;
/// Key rotations that one check follows.
const MAX_ROOTS: u64 = 256;
const DAY_S: u64 = 24 * 3600;
/// Where the state is kept, and what takes its place once it is durable.
const STATE: &str = "trust.json";
const NEW_STATE: &str = "trust.new";

/// What is kept from check to check.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// This device's place in staged rollouts.
    seed: u64,
    /// The latest time that a publisher signed, Unix seconds.
    floor_s: u64,
    /// Every root after the factory's, in order.
    roots: Vec<Value>,
    timestamp: Option<Value>,
    snapshot: Option<Value>,
}

/// The state, its disk, and the link to the repository.
pub(crate) struct Trust<D: Disk> {
    state: State,
    /// Held as long as this process looks after the folder.
    _lock: D::Lock,
    disk: D,
    /// As people know the disk; below it tough works.
    folder: PathBuf,
    factory_root: Vec<u8>,
    factory_version: u64,
    base: Url,
    link: Arc<Mutex<Link>>,
}

/// The repository as it is now, verified and fresh.
pub(crate) struct Trusted {
    pub(crate) targets: Signed<Targets>,
    pub(crate) proof: Proof,
}

impl<D: Disk> Trust<D> {
    /// Reads what the disk holds, which is `folder`. What is damaged counts as missing: the factory's root is the trust then, as on the
    /// first day.
    pub(crate) fn open(
        mut disk: D,
        folder: &Path,
        factory_root: Vec<u8>,
        base: Url,
        link: Link,
    ) -> Result<Self, Error> {
        let lock = disk.lock().map_err(|error| match error.kind() {
            ErrorKind::ResourceBusy => {
                Error::new(Kind::Later, "another player looks after updates at the moment")
            }
            _ => Error::unwritable(folder, &error),
        })?;
        let state = disk.read(STATE).ok();
        let state = match state.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(state) => state,
            None => State { seed: random()?, ..State::default() },
        };
        let mut state: State = state;
        let factory_version = newest_root(&factory_root, &[])?.signed.version.get();
        // A shim that was itself renewed may bring a newer root than those kept here.
        state.roots.retain(|root| version(root) > factory_version);
        if newest_root(&factory_root, &state.roots).is_err() {
            state = State { seed: state.seed, ..State::default() };
        }
        let folder = folder.to_owned();
        Ok(Self {
            state,
            _lock: lock,
            disk,
            folder,
            factory_version,
            factory_root,
            base,
            link: Arc::new(Mutex::new(link)),
        })
    }

    pub(crate) fn seed(&self) -> u64 {
        self.state.seed
    }

    pub(crate) fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What downloads come by and go to.
    pub(crate) fn link_and_disk(&mut self) -> (MutexGuard<'_, Link>, &mut D) {
        (self.link.lock().unwrap_or_else(PoisonError::into_inner), &mut self.disk)
    }

    /// Whether a clock that says `now_s` can be right, which is at least `not_before_s` and about what publishers signed.
    pub(crate) fn check_clock(&self, now_s: u64, not_before_s: u64) -> Result<(), Error> {
        let floor_s = self.state.floor_s.max(not_before_s);
        if now_s.saturating_add(DAY_S) >= floor_s {
            return Ok(());
        }
        let days = (floor_s - now_s) / DAY_S;
        let message =
            format!("the clock of this device is at least {days} days behind; updates wait until it is set");
        Err(Error::new(Kind::SetClock, message))
    }

    /// Keeps the time at which the publisher signed something.
    pub(crate) fn raise_floor(&mut self, published_s: u64) -> Result<(), Error> {
        if published_s <= self.state.floor_s {
            return Ok(());
        }
        self.state.floor_s = published_s;
        self.save()
    }

    /// Brings the metadata up to date.
    pub(crate) fn refresh(&mut self, now_s: u64) -> Result<Trusted, Error> {
        let scratch = self.folder.join("scratch");
        self.prepare(&scratch).map_err(|error| Error::disk(&format!("{}", scratch.display()), &error))?;
        let transport = Metadata { link: Arc::clone(&self.link), roots: Arc::default() };
        let fetched = Arc::clone(&transport.roots);
        let loaded = self.load(&scratch, transport);

        let fetched = std::mem::take(&mut *fetched.lock().unwrap_or_else(PoisonError::into_inner));
        let before = self.state.clone();
        self.take_over(&scratch, &fetched, now_s);
        let _ = fs::remove_dir_all(&scratch);
        // What was verified before something failed is kept as well: a rotated key must not be believed again.
        if self.state.roots != before.roots
            || self.state.timestamp != before.timestamp
            || self.state.snapshot != before.snapshot
        {
            self.save()?;
        }

        let repository = loaded?;
        let root = repository.root();
        fresh("root", root.signed.expires().as_second(), now_s)?;
        fresh("timestamp", repository.timestamp().signed.expires().as_second(), now_s)?;
        fresh("snapshot", repository.snapshot().signed.expires().as_second(), now_s)?;
        fresh("targets", repository.targets().signed.expires().as_second(), now_s)?;
        if !root.signed.consistent_snapshot {
            return Err(Error::refused("the update server's files are not named by their content"));
        }
        let targets = repository.targets().clone();
        let proof = Proof::new(self.state.roots.clone(), &targets)?;
        Ok(Trusted { targets, proof })
    }

    fn load(&self, scratch: &Path, transport: Metadata) -> Result<tough::Repository, Error> {
        let join = |folder| {
            self.base.join(folder).map_err(|error| Error::new(Kind::Setup, format!("{}: {error}", self.base)))
        };
        let (metadata, targets) = (join("metadata/")?, join("targets/")?);
        let root = match self.state.roots.last() {
            Some(root) => root.to_string().into_bytes(),
            None => self.factory_root.clone(),
        };
        let limits = Limits {
            max_root_size: MAX_METADATA_BYTES,
            max_targets_size: MAX_METADATA_BYTES,
            max_timestamp_size: MAX_METADATA_BYTES,
            max_snapshot_size: MAX_METADATA_BYTES,
            max_root_updates: MAX_ROOTS,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| Error::new(Kind::Later, format!("updates cannot run: {error}")))?;
        let loader = RepositoryLoader::new(&root, metadata, targets)
            .transport(transport)
            .limits(limits)
            .datastore(scratch)
            // Judged in `refresh`, against the caller's clock.
            .expiration_enforcement(ExpirationEnforcement::Unsafe);
        runtime.block_on(loader.load()).map_err(|error| Error::of_tough(&error))
    }

    /// An empty scratch folder with what tough compares with.
    fn prepare(&self, scratch: &Path) -> std::io::Result<()> {
        match fs::remove_dir_all(scratch) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(scratch)?,
        }
        let kept = [("timestamp.json", &self.state.timestamp), ("snapshot.json", &self.state.snapshot)];
        for (name, value) in kept {
            if let Some(value) = value {
                fs::write(scratch.join(name), value.to_string())?;
            }
        }
        Ok(())
    }

    /// Takes what tough verified from the scratch folder: the chain of roots as far as it got, and what is not expired of the rest.
    fn take_over(&mut self, scratch: &Path, fetched: &[Vec<u8>], now_s: u64) {
        let read = |name: &str| -> Option<Value> {
            serde_json::from_slice(&fs::read(scratch.join(name)).ok()?).ok()
        };
        // Missing where nothing was verified; then the others still hold what `prepare` put there.
        let Some(root) = read("root.json") else { return };
        let newest = version(&root);
        for root in fetched.iter().filter_map(|bytes| serde_json::from_slice(bytes).ok()) {
            let next = self.factory_version + 1 + self.state.roots.len() as u64;
            if version(&root) == next && next <= newest {
                self.state.roots.push(root);
            }
        }
        take_fresh::<Timestamp>(&mut self.state.timestamp, read("timestamp.json"), now_s);
        take_fresh::<Snapshot>(&mut self.state.snapshot, read("snapshot.json"), now_s);
    }

    /// After a cut there is the state before or the new one.
    fn save(&mut self) -> Result<(), Error> {
        let failed = |error| Error::unwritable(&self.folder.join(STATE), &error);
        let bytes = serde_json::to_vec(&self.state).map_err(|error| failed(error.into()))?;
        let disk = &mut self.disk;
        disk.write(NEW_STATE, &bytes)
            .and_then(|()| disk.sync(NEW_STATE))
            .and_then(|()| disk.rename(NEW_STATE, STATE))
            .and_then(|()| disk.sync_names())
            .map_err(failed)
    }
}

/// Specification 5.4.4 and 5.5.6: expired metadata does not become the trusted one. None at all does, after a key rotation.
fn take_fresh<T: Role + serde::de::DeserializeOwned>(
    kept: &mut Option<Value>,
    new: Option<Value>,
    now_s: u64,
) {
    let expires_s = |value: &Value| {
        let role = serde_json::from_value::<Signed<T>>(value.clone()).ok();
        role.map_or(i64::MIN, |role| role.signed.expires().as_second())
    };
    if new.as_ref().is_none_or(|new| expires_s(new) >= signed(now_s)) {
        *kept = new;
    }
}

fn fresh(role: &str, expires_s: i64, now_s: u64) -> Result<(), Error> {
    let late_s = signed(now_s).saturating_sub(expires_s);
    if late_s <= 0 {
        return Ok(());
    }
    let days = late_s as u64 / DAY_S;
    Err(Error::refused(format!(
        "the update server's {role} metadata expired {days} days ago: newer is withheld, nobody renews it, or the clock of this device is \
         ahead"
    )))
}

/// Seconds as TUF's timestamps have them; a clock beyond their end is at their end.
fn signed(now_s: u64) -> i64 {
    i64::try_from(now_s).unwrap_or(i64::MAX)
}

/// The version that a root states; 0 where it states none.
fn version(root: &Value) -> u64 {
    root["signed"]["version"].as_u64().unwrap_or(0)
}

fn random() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    let filled = rand::fill(&mut bytes);
    filled.map_err(|_| Error::new(Kind::Setup, "this device has no source of randomness"))?;
    Ok(u64::from_le_bytes(bytes))
}

/// tough's way to the repository. It blocks: nothing else runs beside it.
#[derive(Clone)]
struct Metadata {
    link: Arc<Mutex<Link>>,
    /// The roots that were fetched, verified or not.
    roots: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metadata")
    }
}

#[tough::async_trait]
impl Transport for Metadata {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let read = self.link.lock().unwrap_or_else(PoisonError::into_inner).read(&url, MAX_METADATA_BYTES);
        let bytes = match read {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let missing = Error::new(Kind::Later, format!("{url} does not exist"));
                return Err(TransportError::new_with_cause(TransportErrorKind::FileNotFound, url, missing));
            }
            Err(error) => return Err(TransportError::new_with_cause(TransportErrorKind::Other, url, error)),
        };
        if url.path().ends_with(".root.json") {
            self.roots.lock().unwrap_or_else(PoisonError::into_inner).push(bytes.clone());
        }
        Ok(Box::pin(futures_util::stream::once(std::future::ready(Ok(Bytes::from(bytes))))))
    }
}
