//! Updates of the player core: what is offered to this device, whether it can be trusted, and its bytes.
//!
//! A repository is a folder of plain files on any HTTPS server, kept by `kinora-publish`. [`Updater::check`] brings its metadata up to
//! date by The Update Framework and chooses among the releases; [`Updater::download`] fetches what was chosen. Nothing here installs,
//! loads or runs anything: whatever goes wrong, the device keeps what it has, and the [`Error`] says why.
//!
//! Everything blocks: a shim runs it on a thread of its own.

mod choice;
mod download;
mod error;
mod format;
mod link;
mod proof;
mod schedule;
mod trust;

use std::collections::BTreeMap;
use std::path::PathBuf;

use kinora_cores::{Disk, Folder};
use kinora_port::{Net, NetEvents};
use sha2::{Digest, Sha256};
use tough::TargetName;
use tough::schema::Targets;
use url::Url;

use choice::{Choice, choose};
use download::{Fetcher, Wanted};
use link::Link;
use trust::{Trust, Trusted};

pub use semver::Version;

pub use choice::Device;
pub use download::{WINDOW_LOG, hex};
pub use error::{Error, Kind};
pub use format::{
    CHANNELS, Channels, EVERYBODY, FORMAT, File, MAX_FILE_BYTES, Needs, Package, Release, Schemas, is_plain,
};
pub use proof::{Proof, Vouched};
pub use schedule::Schedule;

use format::MAX_DESCRIPTION_BYTES;

/// Where updates come from and what they are measured against.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of the repository's folder.
    pub repository: String,
    /// The root metadata that came with the shim.
    pub root: Vec<u8>,
    /// Folder for what was verified and what is on its way; made when missing. One process at a time.
    pub folder: PathBuf,
    /// When the shim was built, Unix seconds: no clock can be right before that.
    pub not_before_s: u64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// There is nothing for this device; in words, why it keeps what it has.
    Keep(String),
    /// There is something newer; in words, what.
    Offer(Box<Offer>, String),
    /// What runs must not run any more; in words, why. Without an offer the factory's core is next.
    Withdrawn(Option<Box<Offer>>, String),
}

/// A core for this device.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Its description.
    pub package: Package,
    description: Vec<u8>,
    component: Wanted,
    artefact: Option<Wanted>,
    proof: Proof,
}

/// A core that was fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct Download {
    /// Its description.
    pub package: Package,
    /// The bytes of the description, as they were signed.
    pub description: Vec<u8>,
    /// The component.
    pub component: Vec<u8>,
    /// The artefact for this device's engine, where the publisher made one.
    pub artefact: Option<Vec<u8>>,
    /// What vouches for all three for as long as they are installed.
    pub proof: Proof,
    /// Bytes that came over the network.
    pub received_bytes: u64,
}

/// The client of one repository.
pub struct Updater<D: Disk = Folder> {
    trust: Trust<D>,
    base: Url,
    folder: PathBuf,
    not_before_s: u64,
}

impl Updater {
    /// Opens the folder. `connect` gives the network, which reports to the events it is handed; the repository is granted on it.
    pub fn new(
        config: Config,
        connect: impl FnOnce(NetEvents) -> std::io::Result<Box<dyn Net>>,
    ) -> Result<Self, Error> {
        Updater::on(Folder::new(&config.folder), config, connect)
    }
}

impl<D: Disk> Updater<D> {
    /// The same with another disk for what has to last; only what is made anew each time lies in the folder then.
    pub fn on(
        disk: D,
        config: Config,
        connect: impl FnOnce(NetEvents) -> std::io::Result<Box<dyn Net>>,
    ) -> Result<Self, Error> {
        let Config { mut repository, root, folder, not_before_s } = config;
        if !repository.ends_with('/') {
            repository.push('/');
        }
        let base = Url::parse(&repository).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(base) = base else {
            return Err(Error::new(Kind::Setup, format!("{repository} is no address of an update server")));
        };
        let link = Link::new(connect, &base)?;
        let trust = Trust::open(disk, &folder, root, base.clone(), link)?;
        Ok(Self { trust, base, folder, not_before_s })
    }

    /// Asks what there is for `device`. `now_s` is what the device's clock says, Unix seconds.
    pub fn check(&mut self, now_s: u64, device: &Device) -> Result<Verdict, Error> {
        self.trust.check_clock(now_s, self.not_before_s)?;
        let Trusted { targets, proof } = self.trust.refresh(now_s)?;
        let targets = &targets.signed;
        let channels: Channels = parse(CHANNELS, &self.description(targets, CHANNELS)?)?;
        // The publisher's signature says that it is at least that late.
        self.trust.check_clock(now_s, channels.published_s)?;
        self.trust.raise_floor(channels.published_s)?;

        let Choice { version, withdrawn, why } = choose(&channels, device, self.trust.seed());
        let offer = match version {
            Some(version) => Some(Box::new(self.offer(targets, &version, device, proof)?)),
            None => None,
        };
        Ok(match (withdrawn, offer) {
            (true, offer) => Verdict::Withdrawn(offer, why),
            (false, Some(offer)) => Verdict::Offer(offer, why),
            (false, None) => Verdict::Keep(why),
        })
    }

    /// Fetches what was offered. `bases` are files of the same product that the device has: a delta against one of them is smaller.
    /// What came before something failed is kept for the next attempt.
    pub fn download(&mut self, offer: &Offer, bases: &[PathBuf]) -> Result<Download, Error> {
        let base = self.targets_base()?;
        let bases: BTreeMap<String, PathBuf> = bases
            .iter()
            .filter_map(|path| Some((hex(&Sha256::digest(std::fs::read(path).ok()?)), path.clone())))
            .collect();
        let (mut link, disk) = self.trust.link_and_disk();
        let mut fetcher =
            Fetcher { link: &mut link, base: &base, disk, folder: &self.folder, bases: &bases, received: 0 };
        let wanted: Vec<Wanted> = [&offer.component].into_iter().chain(&offer.artefact).cloned().collect();
        fetcher.tidy(&wanted)?;
        let component = fetcher.file(&offer.component)?;
        let artefact = offer.artefact.as_ref().map(|artefact| fetcher.file(artefact)).transpose()?;
        Ok(Download {
            package: offer.package.clone(),
            description: offer.description.clone(),
            component,
            artefact,
            proof: offer.proof.clone(),
            received_bytes: fetcher.received,
        })
    }

    fn offer(
        &self,
        targets: &Targets,
        version: &Version,
        device: &Device,
        proof: Proof,
    ) -> Result<Offer, Error> {
        let name = Package::target(version);
        let description = self.description(targets, &name)?;
        let package: Package = parse(&name, &description)?;
        if package.version != *version {
            return Err(Error::refused(format!("{name} does not describe {version}")));
        }
        let component = Wanted::find(&package.component, targets)?;
        let artefact = package.artefacts.get(&device.engine);
        let artefact = artefact.map(|artefact| Wanted::find(artefact, targets)).transpose()?;
        if artefact.is_none() && !device.compiles {
            return Err(Error::refused(format!("{name} has nothing for {}", device.engine)));
        }
        Ok(Offer { package, description, component, artefact, proof })
    }

    /// The bytes of a small signed target.
    fn description(&self, targets: &Targets, name: &str) -> Result<Vec<u8>, Error> {
        let target = TargetName::new(name).ok().and_then(|name| targets.targets.get(&name));
        let target =
            target.ok_or_else(|| Error::refused(format!("the update server has signed no {name}")))?;
        if target.length > MAX_DESCRIPTION_BYTES {
            return Err(Error::refused(format!("{name} is larger than {MAX_DESCRIPTION_BYTES} bytes")));
        }
        let sha256 = hex(&target.hashes.sha256);
        let url = self.targets_base()?.join(&format!("{sha256}.{name}"));
        let url = url.map_err(|error| Error::refused(format!("{name}: {error}")))?;
        let bytes = self.trust.link().read(&url, target.length)?;
        let bytes = bytes.ok_or_else(|| Error::new(Kind::Later, format!("{url} does not exist")))?;
        if hex(&Sha256::digest(&bytes)) != sha256 {
            return Err(Error::refused(format!("{url} is not what was signed")));
        }
        Ok(bytes)
    }

    fn targets_base(&self) -> Result<Url, Error> {
        self.base.join("targets/").map_err(|error| Error::new(Kind::Setup, format!("{}: {error}", self.base)))
    }
}

/// Reads a signed file of ours. Its layout is looked at first: what is newer may not parse at all.
fn parse<T: serde::de::DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Error> {
    let unreadable = |error: serde_json::Error| Error::refused(format!("{name} cannot be read: {error}"));
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(unreadable)?;
    if value["format"].as_u64().is_none_or(|format| format > u64::from(FORMAT)) {
        return Err(Error::refused(format!("{name} is for newer shims: this one must be renewed first")));
    }
    serde_json::from_value(value).map_err(unreadable)
}
