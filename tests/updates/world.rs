//! A publisher, a server and a device.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use kinora_cores::{Disk, Folder};
use kinora_net::HostNet;
use kinora_publish::{Keys, NewCore, Repository};
use kinora_tests::Random;
use kinora_update::{Config, Device, Download, Error, Kind, Offer, Schemas, Updater, Verdict};
use semver::Version;

use crate::server::Server;

/// When the tests take place, Unix seconds: early in 2027.
pub(crate) const NOW_S: u64 = 1_800_000_000;
pub(crate) const DAY_S: u64 = 24 * 3600;
/// Engine of the device.
pub(crate) const ENGINE: &str = "an-engine";

pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) repository: Repository,
    pub(crate) keys: Keys,
    pub(crate) server: Server,
    pub(crate) device: Device,
    /// What the shim was built with.
    pub(crate) root: Vec<u8>,
    pub(crate) now_s: u64,
    updater: Option<Updater>,
    readings: Sender<()>,
}

pub(crate) fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

/// Bytes of a core: most of them those of every other version.
pub(crate) fn component(number: &str) -> Vec<u8> {
    let mut random = Random::new(7);
    let mut bytes: Vec<u8> = (0..200_000).map(|_| random.below(251) as u8).collect();
    bytes.extend(number.bytes());
    bytes
}

impl World {
    /// A repository that offers 1.1.0 to a device that runs 1.0.0 and has seen it.
    pub(crate) fn new(name: &str) -> Self {
        let folder = kinora_tests::scratch(&format!("updates-{name}"));
        std::fs::remove_dir_all(&folder).unwrap();
        let (at, keys_at) = (folder.join("repository"), folder.join("keys"));
        let repository = Repository::init(&at, &keys_at, NOW_S).unwrap();
        let keys = Keys::load(&keys_at).unwrap();
        let (readings, read) = channel();
        let server = Server::start(&at, read);
        let root = std::fs::read(at.join("metadata/1.root.json")).unwrap();
        let device = Device {
            channel: "stable".into(),
            class: "tv".into(),
            shim: version("0.1.0"),
            contract: "0.1".into(),
            engine: ENGINE.into(),
            compiles: false,
            running: version("1.0.0"),
            bad: BTreeSet::new(),
        };
        let mut world =
            Self { folder, repository, keys, server, device, root, now_s: NOW_S, updater: None, readings };
        world.add("1.0.0");
        world.check().expect("the first check");
        world.offer("1.1.0");
        world
    }

    /// Adds a core to the repository.
    pub(crate) fn add(&mut self, number: &str) {
        let core = NewCore {
            name: "kinora".into(),
            version: version(number),
            contract: "0.1.0".into(),
            min_shim: version("0.1.0"),
            snapshots: Schemas { oldest: 1, newest: 1 },
            notes: String::new(),
            urgent: false,
            component: component(number),
            artefacts: BTreeMap::from([(ENGINE.to_owned(), number.repeat(1000).into_bytes())]),
        };
        self.repository.add(&core).unwrap();
        self.publish();
    }

    /// Adds a core and offers it to everybody.
    pub(crate) fn offer(&mut self, number: &str) {
        self.add(number);
        self.repository.promote(&version(number), "stable", 1000, BTreeSet::new()).unwrap();
        self.publish();
    }

    pub(crate) fn publish(&mut self) {
        self.repository.publish(&self.keys, self.now_s).unwrap();
    }

    /// The file of the repository.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join("repository").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The device's own folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("device")
    }

    pub(crate) fn restart(&mut self) {
        self.updater = None;
    }

    /// What has come of targets and is kept.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.state()).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|suffix| suffix == "part")).collect()
    }

    /// The device's client, as it is after a start, with a disk for what has to last.
    pub(crate) fn updater_on<D: Disk>(&self, disk: D) -> Result<Updater<D>, Error> {
        let config = Config {
            repository: self.server.address().to_owned(),
            root: self.root.clone(),
            folder: self.state(),
            not_before_s: NOW_S - 30 * DAY_S,
        };
        let readings = Mutex::new(self.readings.clone());
        let seconds = AtomicU64::new(0);
        // Each reading of the network's clock is a second later.
        let clock = move || {
            let now = seconds.fetch_add(1, Ordering::SeqCst);
            let _ = readings.lock().unwrap().send(());
            now * 1_000_000
        };
        Updater::on(disk, config, |events| Ok(Box::new(HostNet::new(Arc::new(clock), events)?)))
    }

    pub(crate) fn updater(&mut self) -> Result<&mut Updater, Error> {
        if self.updater.is_none() {
            self.updater = Some(self.updater_on(Folder::new(&self.state()))?);
        }
        Ok(self.updater.as_mut().expect("made above"))
    }

    pub(crate) fn check(&mut self) -> Result<Verdict, Error> {
        let (now_s, device) = (self.now_s, self.device.clone());
        self.updater()?.check(now_s, &device)
    }

    pub(crate) fn download(&mut self, offer: &Offer, bases: &[PathBuf]) -> Result<Download, Error> {
        self.updater()?.download(offer, bases)
    }

    /// Checks, and expects an offer of `number`.
    pub(crate) fn offered(&mut self, number: &str) -> Offer {
        match self.check() {
            Ok(Verdict::Offer(offer, _)) if offer.package.version == version(number) => *offer,
            other => panic!("{number} is not offered: {other:?}"),
        }
    }

    /// Checks, and expects an error of this kind whose message has `words`; a restarted device must think the same.
    pub(crate) fn refused(&mut self, kind: Kind, words: &str) {
        let error = self.check().expect_err("it must be refused");
        expect(&error, kind, words);
        self.restart();
        let error = self.check().expect_err("it must be refused after a restart");
        expect(&error, kind, words);
    }
}

pub(crate) fn expect(error: &Error, kind: Kind, words: &str) {
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(words), "{error}");
}

/// Copies the files of a folder, which has no folders in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
