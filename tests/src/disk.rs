//! A disk from which the power is taken, that is full, or that cannot be written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use kinora_cores::Disk;

/// Bytes that a disk writes at once.
const SECTOR: usize = 512;

/// A disk with a cache: what was not synced is there after a cut, or is not, in any mixture. A clone is the same disk.
#[derive(Debug, Default, Clone)]
pub struct FakeDisk(Rc<RefCell<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since the last sync, in order.
    changes: Vec<(String, Option<usize>)>,
    /// Operations until the power goes; none: it stays.
    left: Option<u32>,
    operations: u32,
    /// Why no write succeeds.
    refuses: Option<io::ErrorKind>,
}

#[derive(Debug, Default, Clone)]
struct Contents {
    durable: Vec<u8>,
    cached: Vec<u8>,
}

impl FakeDisk {
    /// The power goes after so many more operations that change something.
    pub fn cut_after(&self, operations: u32) {
        self.0.borrow_mut().left = Some(operations);
    }

    /// How many operations that change something were made.
    pub fn operations(&self) -> u32 {
        self.0.borrow().operations
    }

    /// Has every change fail so from now on; none: no more.
    pub fn refuse(&self, why: Option<io::ErrorKind>) {
        self.0.borrow_mut().refuses = why;
    }

    /// The disk as it comes up again: chance decides about everything that was not synced.
    pub fn after_cut(&self, seed: u64) -> FakeDisk {
        let chance = &mut chance(seed);
        let platter = self.0.borrow();
        let mut after = Platter { durable_names: platter.durable_names.clone(), ..Platter::default() };
        for (name, file) in &platter.changes {
            if chance() {
                match file {
                    Some(file) => after.durable_names.insert(name.clone(), *file),
                    None => after.durable_names.remove(name),
                };
            }
        }
        for file in &platter.files {
            let len = if chance() { file.cached.len() } else { file.durable.len() };
            let mut bytes = vec![0; len];
            for (n, sector) in bytes.chunks_mut(SECTOR).enumerate() {
                let from = if chance() { &file.cached } else { &file.durable };
                let from = from.get(n * SECTOR..).unwrap_or_default();
                let count = from.len().min(sector.len());
                sector[..count].copy_from_slice(&from[..count]);
            }
            after.files.push(Contents { durable: bytes.clone(), cached: bytes });
        }
        after.names = after.durable_names.clone();
        FakeDisk(Rc::new(RefCell::new(after)))
    }

    /// Another disk with what this one holds, all of it durable.
    pub fn copy(&self) -> FakeDisk {
        let platter = self.0.borrow();
        let durable =
            |file: &Contents| Contents { durable: file.cached.clone(), cached: file.cached.clone() };
        FakeDisk(Rc::new(RefCell::new(Platter {
            files: platter.files.iter().map(durable).collect(),
            names: platter.names.clone(),
            durable_names: platter.names.clone(),
            ..Platter::default()
        })))
    }

    fn change<T>(&self, f: impl FnOnce(&mut Platter) -> io::Result<T>) -> io::Result<T> {
        let platter = &mut *self.0.borrow_mut();
        platter.operations += 1;
        if let Some(left) = &mut platter.left {
            *left = left.checked_sub(1).ok_or_else(|| io::Error::other("the power is gone"))?;
        }
        if let Some(why) = platter.refuses {
            return Err(why.into());
        }
        f(platter)
    }
}

impl Platter {
    fn named(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn name(&mut self, name: &str, file: Option<usize>) {
        match file {
            Some(file) => self.names.insert(name.to_owned(), file),
            None => self.names.remove(name),
        };
        self.changes.push((name.to_owned(), file));
    }

    /// What is in a file, which is made if it is not there.
    fn contents(&mut self, name: &str) -> &mut Vec<u8> {
        let file = self.named(name).unwrap_or_else(|_| {
            self.files.push(Contents::default());
            let file = self.files.len() - 1;
            self.name(name, Some(file));
            file
        });
        &mut self.files[file].cached
    }
}

impl Disk for FakeDisk {
    type Lock = ();

    fn lock(&mut self) -> io::Result<()> {
        match self.0.borrow().refuses {
            Some(io::ErrorKind::ReadOnlyFilesystem) => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            _ => Ok(()),
        }
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let platter = self.0.borrow();
        platter.named(name).map(|file| platter.files[file].cached.clone())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().names.keys().cloned().collect())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|platter| {
            *platter.contents(name) = bytes.to_vec();
            Ok(())
        })
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|platter| {
            platter.contents(name).extend_from_slice(bytes);
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.change(|platter| {
            let file = platter.named(name)?;
            platter.files[file].durable = platter.files[file].cached.clone();
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change(|platter| {
            let file = platter.named(from)?;
            platter.name(to, Some(file));
            platter.name(from, None);
            Ok(())
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.change(|platter| {
            platter.named(name)?;
            platter.name(name, None);
            Ok(())
        })
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.change(|platter| {
            platter.durable_names = platter.names.clone();
            platter.changes.clear();
            Ok(())
        })
    }
}

/// A linear congruential generator (Knuth's MMIX).
fn chance(mut seed: u64) -> impl FnMut() -> bool {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 63 == 1
    }
}
