//! The cores installed on a device, and which of them is to run.
//!
//! Components lie in a folder under the SHA-256 of their bytes (`HASH.wasm`), which are hashed again whenever they are read; beside one lies
//! what was compiled of it (`HASH.ENGINE.cwasm`) and what proves where it comes from (`HASH.proof`), if it came with such. What is known
//! of them and which one was chosen stands in two slot files that take turns (`state.0`, `state.1`), each with a checksum and a generation:
//! a cut at any point damages at most the older one. The factory core is no file here: it lies inside the shim's own folder, needs no store,
//! and runs whenever nothing here can.
//!
//! Several processes may use one store: each change locks it, reads it anew, and is durable when it returns.

mod disk;
mod error;
mod figures;
mod state;

pub use disk::{Disk, Folder};
pub use error::Error;
pub use figures::{Figures, Spread};
pub use state::{Artefact, Entry, Event, MAX_TRIES, State, When};

use std::path::PathBuf;

use sha2::{Digest, Sha256};

/// Most bytes that installed cores may take: half a dozen of today's with what was compiled of them.
pub const QUOTA_BYTES: u64 = 128 << 20;
/// Of the files that only cores of the state need.
const SUFFIXES: [&str; 3] = [".wasm", ".cwasm", ".proof"];
const UNFINISHED: &str = "unfinished";

/// What is known of a component before it is installed.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What it is called.
    pub name: String,
    /// Version of the build.
    pub version: String,
    /// The contract version it was built for.
    pub contract: String,
    /// Oldest and newest schema of snapshots it reads.
    pub snapshot: Option<(u32, u32)>,
    /// Where it came from.
    pub origin: String,
    /// Id of an engine, and what was compiled for it.
    pub artefact: Option<(String, Vec<u8>)>,
    /// What proves where it comes from.
    pub proof: Option<Vec<u8>>,
}

/// Which core is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The installed one; none: the factory core.
    pub id: Option<String>,
    /// Why that one, in words.
    pub why: String,
}

/// The store. What it holds is read when it is opened and at each change.
#[derive(Debug)]
pub struct Cores<D> {
    disk: D,
    state: State,
    /// Why nothing can be changed.
    newer: Option<u32>,
}

impl Cores<Folder> {
    /// Where the component of an installed core lies.
    pub fn path(&self, id: &str) -> PathBuf {
        self.disk.path().join(component(id))
    }

    /// Where the component and what was compiled of it lie.
    pub fn paths(&self, id: &str) -> Vec<PathBuf> {
        let compiled = self.state.cores.get(id).and_then(|entry| entry.artefact.as_ref());
        let compiled = compiled.map(|known| self.disk.path().join(artefact(id, &known.engine)));
        [self.path(id)].into_iter().chain(compiled).collect()
    }
}

impl<D: Disk> Cores<D> {
    /// Opens a store, which need not exist yet. Never fails: what cannot be read is not there.
    pub fn open(disk: D) -> Self {
        let (state, newer) = state::load(&disk);
        Cores { disk, state, newer }
    }

    /// What is known of the installed cores.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The full id that `id` is the beginning of.
    pub fn find(&self, id: &str) -> Result<String, Error> {
        let mut found = self.state.cores.keys().filter(|known| !id.is_empty() && known.starts_with(id));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one.clone()),
            (Some(_), Some(_)) => {
                Err(Error::Refused(format!("`{id}` is the beginning of several cores' ids")))
            }
            (None, _) => Err(Error::Unknown(id.to_owned())),
        }
    }

    /// The bytes of an installed core, verified.
    pub fn read(&self, id: &str) -> Result<Vec<u8>, Error> {
        self.read_file(&component(id), id)
    }

    /// What was compiled of an installed core for an engine, verified; none if there is none for it.
    pub fn artefact(&self, id: &str, engine: &str) -> Result<Option<Vec<u8>>, Error> {
        let known = self.state.cores.get(id).and_then(|entry| entry.artefact.as_ref());
        let fits = known.filter(|artefact| artefact.engine == engine);
        fits.map(|known| self.read_file(&artefact(id, engine), &known.sha256)).transpose()
    }

    /// What proves where an installed core comes from; none if a person brought it.
    pub fn proof(&self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        let known = self.state.cores.get(id).and_then(|entry| entry.proof);
        let read = || self.disk.read(&proof(id)).map_err(|e| Error::Disk("read the proof", e));
        known.map(|_| read()).transpose()
    }

    fn read_file(&self, name: &str, sha256: &str) -> Result<Vec<u8>, Error> {
        let bytes = self.disk.read(name).map_err(|e| Error::Disk("read the core", e))?;
        if hash(&bytes) == sha256 {
            Ok(bytes)
        } else {
            Err(Error::Refused(format!("the file {name} is damaged")))
        }
    }

    /// The core to run, which is verified, and why that one.
    pub fn choose(&self) -> Choice {
        let factory = |why: String| Choice { id: None, why };
        if let Some(format) = self.newer {
            return factory(Error::Newer(format).to_string());
        }
        let Some(id) = &self.state.selected else {
            return factory(match &self.state.fallen_back {
                Some(why) => why.clone(),
                None => "no other core was chosen".into(),
            });
        };
        let Some(entry) = self.state.cores.get(id) else {
            return factory(format!("core {} was chosen, and is no longer installed", short(id)));
        };
        if let Some(why) = &entry.bad {
            return factory(format!("core {} was chosen, and proved bad: {why}", short(id)));
        }
        if entry.tries >= MAX_TRIES {
            return factory(format!(
                "core {} was chosen, and did not come up {} times in a row",
                short(id),
                entry.tries
            ));
        }
        match self.read(id) {
            Ok(_) => Choice { id: Some(id.clone()), why: format!("core {} was chosen", short(id)) },
            Err(error) => factory(format!("core {} was chosen, but {error}", short(id))),
        }
    }

    /// Installs a component, which the caller has tried, and gives its id. One that is there already only gets its facts anew.
    pub fn install(&mut self, bytes: &[u8], facts: Facts) -> Result<String, Error> {
        const WHAT: &str = "install the core";
        let id = hash(bytes);
        let Facts { name, version, contract, snapshot, origin, artefact, proof } = facts;
        let mut parts = vec![bytes];
        let described = artefact.as_ref().map(|(engine, bytes)| {
            parts.push(bytes);
            Artefact { engine: engine.clone(), sha256: hash(bytes), size: bytes.len() as u64 }
        });
        parts.extend(proof.as_deref());
        let entry = Entry {
            name,
            version,
            contract,
            snapshot,
            origin,
            size: bytes.len() as u64,
            artefact: described,
            proof: proof.as_ref().map(|proof| proof.len() as u64),
            ..Entry::default()
        };
        self.change(WHAT, |disk, state| {
            make_room(state, &id, entry.taken())?;
            for (name, bytes) in files(&id, &entry).into_iter().zip(&parts) {
                if disk.read(&name).is_ok_and(|there| there == *bytes) {
                    continue;
                }
                let written = disk
                    .write(UNFINISHED, bytes)
                    .and_then(|()| disk.sync(UNFINISHED))
                    .and_then(|()| disk.rename(UNFINISHED, &name));
                if let Err(error) = written {
                    // What is half written takes room that a full disk needs.
                    let _ = disk.remove(UNFINISHED);
                    return Err(Error::Disk(WHAT, error));
                }
            }
            // Of files that were there already, too: a cut may have come between their names and the state.
            disk.sync_names().map_err(|e| Error::Disk(WHAT, e))?;
            let Entry { tries, bad, accepted, .. } = state.cores.remove(&id).unwrap_or_default();
            let entry = Entry { tries, bad, accepted, used: state.next_use(), ..entry };
            state.tell(format!("{} installed from {}", entry.title(&id), entry.origin));
            state.cores.insert(id.clone(), entry);
            Ok(())
        })?;
        Ok(id)
    }

    /// Lets a core be the one to run; none: the factory core. `how` it came to that is told by `core why`.
    pub fn select(&mut self, id: Option<&str>, when: When, how: &str) -> Result<(), Error> {
        self.change("choose the core", |_, state| {
            if let Some(id) = id {
                let used = state.next_use();
                let entry = state.cores.get_mut(id).ok_or_else(|| Error::Unknown(id.into()))?;
                (entry.used, entry.tries, entry.bad) = (used, 0, None);
                state.bad_versions.remove(&entry.version);
            }
            state.select(id.map(Into::into), when, how);
            Ok(())
        })
    }

    /// Lets the core before this one be the one to run.
    pub fn roll_back(&mut self) -> Result<(), Error> {
        self.change("go back", |_, state| {
            let there = state.previous.clone().filter(|id| state.cores.contains_key(id));
            if there.is_none() && state.selected.is_none() {
                return Err(Error::Refused("the factory core runs, and there is none to go back to".into()));
            }
            state.select(there, When::AtOnce, "gone back to by hand");
            Ok(())
        })
    }

    /// Whether updates leave the chosen core as it is.
    pub fn pin(&mut self, pinned: bool) -> Result<(), Error> {
        self.change("pin the core", |_, state| {
            state.pinned = pinned;
            Ok(())
        })
    }

    /// Takes a core that does not run away.
    pub fn remove(&mut self, id: &str) -> Result<(), Error> {
        self.change("remove the core", |_, state| {
            if state.selected.as_deref() == Some(id) {
                let why = format!("core {} is the one that was chosen; choose another first", short(id));
                return Err(Error::Refused(why));
            }
            let entry = state.cores.remove(id).ok_or_else(|| Error::Unknown(id.into()))?;
            state.tell(format!("{} removed", entry.title(id)));
            Ok(())
        })
    }

    /// Notes that a core is about to start, before it does: power may go.
    pub fn starting(&mut self, id: &str) -> Result<(), Error> {
        self.change("count the start", |_, state| {
            state.cores.get_mut(id).ok_or_else(|| Error::Unknown(id.into()))?.tries += 1;
            Ok(())
        })
    }

    /// Notes that a core has proved itself.
    pub fn proved(&mut self, id: &str) -> Result<(), Error> {
        self.change("note that the core runs", |_, state| {
            state.cores.get_mut(id).ok_or_else(|| Error::Unknown(id.into()))?.tries = 0;
            Ok(())
        })
    }

    /// Notes what a check for updates came to; what is noted already costs no write.
    pub fn checked(&mut self, what: &str) -> Result<(), Error> {
        if self.state.last_check.as_deref() == Some(what) {
            return Ok(());
        }
        self.change("note what the check came to", |_, state| {
            state.last_check = Some(what.to_owned());
            Ok(())
        })
    }

    /// What was measured of a core, installed or not, on this device.
    pub fn figures(&self, id: &str) -> Figures {
        self.state.figures.get(id).cloned().unwrap_or_default()
    }

    /// Adds what was measured of a core, installed or not. With `accepted`, it has been no worse than the one before it.
    pub fn measured(&mut self, id: &str, figures: &Figures, accepted: bool) -> Result<(), Error> {
        self.change("keep what was measured of the core", |_, state| {
            state.measured(id, figures);
            if let Some(entry) = state.cores.get_mut(id) {
                entry.accepted |= accepted;
            }
            Ok(())
        })
    }

    /// Notes that a core gave way for something that does not count against it.
    pub fn excused(&mut self, id: &str, why: &str) -> Result<(), Error> {
        self.change("note why the core gave way", |_, state| {
            let entry = state.cores.get(id).ok_or_else(|| Error::Unknown(id.into()))?;
            state.tell(format!("{} gave way: {why}", entry.title(id)));
            Ok(())
        })
    }

    /// Notes that a core is bad: it is not chosen any more, and the one before it is.
    pub fn condemn(&mut self, id: &str, why: &str) -> Result<(), Error> {
        self.change("note that the core is bad", |_, state| {
            // It may get another chance, which is to be judged by itself.
            state.figures.remove(id);
            let entry = state.cores.get_mut(id).ok_or_else(|| Error::Unknown(id.into()))?;
            (entry.bad, entry.accepted) = (Some(why.to_owned()), false);
            if entry.proof.is_some() {
                state.bad_versions.insert(entry.version.clone());
            }
            let told = format!("{} proved bad: {why}", entry.title(id));
            state.tell(told.clone());
            if state.selected.as_deref() == Some(id) {
                let good = |id: &String| state.cores.get(id).is_some_and(|entry| entry.bad.is_none());
                let before = state.previous.clone().filter(good);
                state.select(before, When::AtOnce, "gone back to by itself");
                state.fallen_back = Some(told);
            }
            Ok(())
        })
    }

    /// Makes a change durable: under the lock, on what the disk holds by then, and with what is no longer needed taken away after it.
    fn change(
        &mut self,
        what: &'static str,
        change: impl FnOnce(&mut D, &mut State) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = |error| Error::Disk(what, error);
        let lock = self.disk.lock().map_err(failed)?;
        let (mut state, newer) = state::load(&self.disk);
        if let Some(format) = newer {
            return Err(Error::Newer(format));
        }
        change(&mut self.disk, &mut state)?;
        state::store(&mut self.disk, &mut state).map_err(failed)?;
        self.state = state;
        // What is left over costs room, and the next change tries again.
        let needed: Vec<String> = self.state.cores.iter().flat_map(|(id, entry)| files(id, entry)).collect();
        for name in self.disk.names().unwrap_or_default() {
            let ours = SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
            if name == UNFINISHED || ours && !needed.contains(&name) {
                let _ = self.disk.remove(&name);
            }
        }
        drop(lock);
        Ok(())
    }
}

/// Forgets cores until another of `size` bytes fits: bad ones first, then those used longest ago, and never one that may have to run.
fn make_room(state: &mut State, id: &str, size: u64) -> Result<(), Error> {
    loop {
        let others = state.cores.iter().filter(|(known, _)| *known != id);
        let taken: u64 = others.map(|(_, entry)| entry.taken()).sum();
        if taken.saturating_add(size) <= QUOTA_BYTES {
            return Ok(());
        }
        let kept = [Some(id), state.selected.as_deref(), state.previous.as_deref()];
        let free = state.cores.iter().filter(|(known, _)| !kept.contains(&Some(known.as_str())));
        let oldest = free.min_by_key(|(_, entry)| (entry.bad.is_none(), entry.used));
        let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
            let why = format!("a core of {size} bytes does not fit: the store holds at most {QUOTA_BYTES}");
            return Err(Error::Refused(why));
        };
        if let Some(entry) = state.cores.remove(&oldest) {
            state.tell(format!("{} removed to make room", entry.title(&oldest)));
        }
    }
}

/// The files of a core: the component, what was compiled of it, what proves where it comes from.
fn files(id: &str, entry: &Entry) -> Vec<String> {
    let mut names = vec![component(id)];
    names.extend(entry.artefact.as_ref().map(|known| artefact(id, &known.engine)));
    names.extend(entry.proof.map(|_| proof(id)));
    names
}

fn component(id: &str) -> String {
    format!("{id}.wasm")
}

fn artefact(id: &str, engine: &str) -> String {
    format!("{id}.{engine}.cwasm")
}

fn proof(id: &str) -> String {
    format!("{id}.proof")
}

/// The id of a component.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// As much of an id as people need.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
