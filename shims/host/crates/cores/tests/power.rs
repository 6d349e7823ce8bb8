//! The power goes at every write, and after it the store holds what had returned, and starts a core that is whole.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use kinora_cores::{Cores, Disk, Error, Facts, Figures, When, hash};

/// Bytes that a disk writes at once.
const SECTOR: usize = 512;
const ENGINE: &str = "48.0.8-x86_64-linux-1";

/// A disk with a cache: what was not synced is there after a cut, or is not, in any mixture.
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
    /// No write finds room.
    full: bool,
}

#[derive(Debug, Default, Clone)]
struct Contents {
    durable: Vec<u8>,
    cached: Vec<u8>,
}

#[derive(Debug, Default, Clone)]
struct Cache(Rc<RefCell<Platter>>);

impl Cache {
    fn with<T>(&self, f: impl FnOnce(&mut Platter) -> io::Result<T>) -> io::Result<T> {
        let platter = &mut *self.0.borrow_mut();
        platter.operations += 1;
        if let Some(left) = &mut platter.left {
            *left = left.checked_sub(1).ok_or_else(|| io::Error::other("the power is gone"))?;
        }
        f(platter)
    }

    /// The disk as it comes up again: `chance` decides about everything that was not synced.
    fn cut(&self, chance: &mut impl FnMut() -> bool) -> Cache {
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
        Cache(Rc::new(RefCell::new(after)))
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
}

impl Disk for Cache {
    type Lock = ();

    fn lock(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let platter = self.0.borrow();
        platter.named(name).map(|file| platter.files[file].cached.clone())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().names.keys().cloned().collect())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.with(|platter| {
            if platter.full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let file = match platter.named(name) {
                Ok(file) => file,
                Err(_) => {
                    platter.files.push(Contents::default());
                    let file = platter.files.len() - 1;
                    platter.name(name, Some(file));
                    file
                }
            };
            platter.files[file].cached = bytes.to_vec();
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.with(|platter| {
            let file = platter.named(name)?;
            platter.files[file].durable = platter.files[file].cached.clone();
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.with(|platter| {
            let file = platter.named(from)?;
            platter.name(to, Some(file));
            platter.name(from, None);
            Ok(())
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.with(|platter| {
            platter.named(name)?;
            platter.name(name, None);
            Ok(())
        })
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.with(|platter| {
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

fn bytes(n: u8) -> Vec<u8> {
    vec![n; 3 * SECTOR + usize::from(n)]
}

fn facts() -> Facts {
    Facts { name: "player-core".into(), version: "1".into(), ..Facts::default() }
}

/// Of a core that came from a publisher.
fn signed(n: u8) -> Facts {
    let artefact = Some((ENGINE.into(), vec![n ^ 0xff; 5 * SECTOR]));
    Facts { artefact, proof: Some(vec![n ^ 0x55; SECTOR + 1]), ..facts() }
}

fn measured() -> Figures {
    let mut figures = Figures { played_us: 600_000_000, plays: 3, failed: [7].into(), ..Figures::default() };
    figures.calls.add(1000);
    figures
}

type Step = fn(&mut Cores<Cache>) -> Result<(), Error>;

/// What is done, step by step.
const STEPS: &[Step] = &[
    |cores| cores.install(&bytes(1), facts()).map(drop),
    |cores| cores.select(Some(&hash(&bytes(1))), When::AtOnce, "chosen"),
    |cores| cores.starting(&hash(&bytes(1))),
    |cores| cores.proved(&hash(&bytes(1))),
    |cores| cores.measured(&hash(&bytes(1)), &measured(), true),
    |cores| cores.install(&bytes(2), signed(2)).map(drop),
    |cores| cores.select(Some(&hash(&bytes(2))), When::AtOnce, "chosen"),
    |cores| cores.pin(true),
    |cores| cores.checked("2 is the newest of stable"),
    |cores| cores.excused(&hash(&bytes(2)), "of a film that no core can play"),
    |cores| cores.measured("the factory's", &measured(), false),
    |cores| cores.condemn(&hash(&bytes(2)), "it was slow"),
    |cores| cores.remove(&hash(&bytes(2))),
    |cores| cores.install(&bytes(3), signed(3)).map(drop),
    |cores| cores.select(Some(&hash(&bytes(3))), When::AtOnce, "chosen"),
    |cores| cores.roll_back(),
    |cores| cores.select(None, When::AtOnce, "chosen"),
];

/// The states after each step, in peace.
fn in_peace() -> (Vec<kinora_cores::State>, u32) {
    let disk = Cache::default();
    let mut cores = Cores::open(disk.clone());
    let mut states = vec![cores.state().clone()];
    for step in STEPS {
        step(&mut cores).expect("nothing is in the way");
        states.push(cores.state().clone());
    }
    let operations = disk.0.borrow().operations;
    (states, operations)
}

#[test]
fn power_cut_at_every_operation_loses_nothing_that_had_returned() {
    let (states, operations) = in_peace();
    assert!(operations > 40, "{operations} operations");
    for cut_after in 0..operations {
        for seed in 0..32 {
            let disk = Cache::default();
            disk.0.borrow_mut().left = Some(cut_after);
            let mut cores = Cores::open(disk.clone());
            let done = STEPS.iter().take_while(|step| step(&mut cores).is_ok()).count();
            let mut chance = chance(u64::from(cut_after) << 32 | seed);
            let mut cores = Cores::open(disk.cut(&mut chance));
            let what = format!("cut after {cut_after} operations, {done} steps, seed {seed}");
            let found = cores.state().clone();
            let next = states.get(done + 1);
            assert!(found == states[done] || Some(&found) == next, "{what}: {found:#?}");
            for id in found.cores.keys() {
                let whole =
                    cores.read(id).is_ok() && cores.artefact(id, ENGINE).is_ok() && cores.proof(id).is_ok();
                assert!(whole, "{what}: core {id} is damaged");
            }
            assert_eq!(cores.choose().id, found.selected, "{what}");
            // And it goes on from there.
            cores.install(&bytes(9), facts()).expect("the power is back");
            cores.select(Some(&hash(&bytes(9))), When::AtOnce, "chosen").expect("the power is back");
            assert_eq!(cores.choose().id, Some(hash(&bytes(9))), "{what}");
        }
    }
}

#[test]
fn full_disk_keeps_what_was_there() {
    let disk = Cache::default();
    let mut cores = Cores::open(disk.clone());
    let first = cores.install(&bytes(1), facts()).expect("there is room");
    cores.select(Some(&first), When::AtOnce, "chosen").expect("there is room");
    disk.0.borrow_mut().full = true;
    let error = cores.install(&bytes(2), facts()).expect_err("there is none").to_string();
    assert!(error.contains("disk is full"), "{error}");
    assert!(cores.select(None, When::AtOnce, "chosen").is_err());
    let cores = Cores::open(disk.clone());
    assert_eq!(cores.choose().id, Some(first));
    disk.0.borrow_mut().full = false;
    let mut cores = Cores::open(disk);
    cores.install(&bytes(2), facts()).expect("there is room again");
}

#[test]
fn core_whose_file_is_damaged_gives_way_to_the_factory_core() {
    let mut disk = Cache::default();
    let mut cores = Cores::open(disk.clone());
    let id = cores.install(&bytes(1), facts()).expect("nothing is in the way");
    cores.select(Some(&id), When::AtOnce, "chosen").expect("it is there");
    disk.write(&format!("{id}.wasm"), b"something else").expect("there is room");
    let choice = Cores::open(disk.clone()).choose();
    assert!(choice.id.is_none() && choice.why.contains("damaged"), "{choice:?}");
    // Installing it again mends it.
    cores.install(&bytes(1), facts()).expect("nothing is in the way");
    assert_eq!(Cores::open(disk).choose().id, Some(id));
}

#[test]
fn core_that_never_proves_itself_is_not_started_a_fourth_time() {
    let mut cores = Cores::open(Cache::default());
    let id = cores.install(&bytes(1), facts()).expect("nothing is in the way");
    cores.select(Some(&id), When::AtOnce, "chosen").expect("it is there");
    for _ in 0..3 {
        assert_eq!(cores.choose().id.as_ref(), Some(&id));
        cores.starting(&id).expect("nothing is in the way");
    }
    let choice = cores.choose();
    assert!(choice.id.is_none() && choice.why.contains("3 times in a row"), "{choice:?}");
}

#[test]
fn figures_are_added_up_and_those_of_a_bad_core_forgotten() {
    let disk = Cache::default();
    let mut cores = Cores::open(disk.clone());
    let id = cores.install(&bytes(1), facts()).expect("nothing is in the way");
    cores.measured(&id, &measured(), false).expect("nothing is in the way");
    cores.measured(&id, &measured(), true).expect("nothing is in the way");
    let mut cores = Cores::open(disk);
    let figures = cores.figures(&id);
    assert_eq!((figures.played_us, figures.plays, figures.failed.len()), (1_200_000_000, 6, 1));
    assert_eq!(figures.calls.count(), 2);
    assert!(cores.state().cores[&id].accepted);
    for n in 0..100 {
        cores.measured(&format!("gone {n}"), &measured(), false).expect("nothing is in the way");
    }
    assert!(cores.figures(&id).plays == 6 && cores.figures("gone 3") == Figures::default());
    cores.condemn(&id, "it was slow").expect("nothing is in the way");
    assert!(cores.figures(&id) == Figures::default() && !cores.state().cores[&id].accepted);
}

#[test]
fn store_over_its_quota_forgets_what_was_used_longest_ago() {
    let mut cores = Cores::open(Cache::default());
    let large = |n: u8| vec![n; 40 << 20];
    let ids: Vec<String> =
        (1..=3).map(|n| cores.install(&large(n), facts()).expect("there is room")).collect();
    cores.select(Some(&ids[0]), When::AtOnce, "chosen").expect("it is there");
    let fourth = cores.install(&large(4), facts()).expect("room is made");
    let left: Vec<&String> = cores.state().cores.keys().collect();
    assert!(left.contains(&&ids[0]) && left.contains(&&ids[2]) && left.contains(&&fourth), "{left:?}");
    assert!(cores.read(&ids[1]).is_err(), "its file is gone too");
    assert!(cores.install(&vec![5; 129 << 20], facts()).is_err());
}
