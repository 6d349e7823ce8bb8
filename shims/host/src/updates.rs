//! Updates: where cores come from, and how one that is offered gets into the store. Nothing is run here: players follow the store.

use std::fmt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use kinora_cores::{Cores, Facts, Folder, When};
use kinora_update::{Config, Device, Download, Offer, Package, Proof, Updater, Verdict, Version};
use serde::{Deserialize, Serialize};

use crate::download::MakeNet;
use crate::engine::{CONTRACT, engine_id, own_machine};
use crate::instance::{Instance, Limits, Ticker};
use crate::places::{cache_folder, data_folder, factory_core};

/// Says where updates come from: in the data folder, else beside the program.
const FILE: &str = "updates.json";
/// When this version was made, Unix seconds: a clock that is behind it is wrong. Raised with each release.
const MADE_S: u64 = 1_795_392_000;
/// Nothing is older than a core of which no version is known.
const UNKNOWN: Version = Version::new(0, 0, 0);

/// Where a device takes its cores from; whoever builds players writes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Source {
    /// Address of the repository.
    repository: String,
    #[serde(default = "stable")]
    channel: String,
    /// When an update takes over, unless its publisher calls it urgent.
    #[serde(default = "idle")]
    apply: When,
    /// The root metadata that updates are verified from.
    root: serde_json::Value,
}

fn stable() -> String {
    "stable".into()
}

fn idle() -> When {
    When::Idle
}

impl Source {
    /// The source this device has; none if it takes no updates. The error is for whoever wrote the file.
    pub(crate) fn find() -> Result<Option<Source>, String> {
        let program = std::env::current_exe().ok();
        let beside = program.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        let paths = data_folder().into_iter().chain(beside).map(|folder| folder.join(FILE));
        let Some(path) = paths.into_iter().find(|path| path.is_file()) else { return Ok(None) };
        let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let text = std::fs::read(&path).map_err(|e| wrong(&e))?;
        serde_json::from_slice(&text).map(Some).map_err(|e| wrong(&e))
    }

    fn root(&self) -> Vec<u8> {
        self.root.to_string().into_bytes()
    }
}

/// What to say where there is none.
pub(crate) fn no_source() -> String {
    format!("this device takes no updates: there is no {FILE} in its data folder or beside the program")
}

/// What came of a check that went well.
#[derive(Debug, Serialize)]
pub(crate) struct Checked {
    /// In words.
    pub(crate) why: String,
    /// Id of the core that was installed and chosen.
    installed: Option<String>,
    /// Bytes that came over the network for it.
    received_bytes: u64,
}

/// Asks for updates once. What is offered is verified, tried and chosen; what was withdrawn is not chosen any more, pinned or not. The
/// error says why everything stays as it is. `core why` tells either.
pub(crate) fn check(
    cores: &mut Cores<Folder>,
    source: &Source,
    class: &str,
    net: MakeNet<'_>,
) -> Result<Checked, String> {
    let checked = ask(cores, source, class, net);
    let told = match &checked {
        Ok(checked) => &checked.why,
        Err(why) => why,
    };
    // Where it cannot be noted it has been said.
    let _ = cores.checked(told);
    checked
}

fn ask(cores: &mut Cores<Folder>, source: &Source, class: &str, net: MakeNet<'_>) -> Result<Checked, String> {
    let config = Config {
        repository: source.repository.clone(),
        root: source.root(),
        folder: data_folder().ok_or("there is no home folder")?.join("updates"),
        not_before_s: MADE_S,
    };
    let mut updater =
        Updater::new(config, |events| net(events).map_err(std::io::Error::other)).map_err(text)?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let running = cores.choose().id;
    let device = device(cores, running.as_deref(), source, class)?;
    let kept = |why| Checked { why, installed: None, received_bytes: 0 };
    match updater.check(now_s, &device).map_err(text)? {
        Verdict::Keep(why) => Ok(kept(why)),
        Verdict::Offer(_, why) if cores.state().pinned => Ok(kept(format!("{why}, but what runs is pinned"))),
        Verdict::Offer(offer, why) => take(cores, &mut updater, source, &offer, why, source.apply),
        Verdict::Withdrawn(offer, why) => {
            if let Some(id) = running {
                cores.condemn(&id, &why).map_err(text)?;
            }
            match offer {
                Some(offer) => take(cores, &mut updater, source, &offer, why, When::AtOnce),
                None => Ok(kept(why)),
            }
        }
    }
}

fn device(
    cores: &Cores<Folder>,
    running: Option<&str>,
    source: &Source,
    class: &str,
) -> Result<Device, String> {
    let version = match running.and_then(|id| cores.state().cores.get(id)) {
        Some(entry) => entry.version.clone(),
        None => factory_version().unwrap_or_default(),
    };
    Ok(Device {
        channel: source.channel.clone(),
        class: class.to_owned(),
        shim: env!("CARGO_PKG_VERSION").parse().map_err(text)?,
        contract: CONTRACT.to_owned(),
        engine: engine_id(&own_machine()),
        compiles: cfg!(feature = "compiler"),
        running: version.parse().unwrap_or(UNKNOWN),
        bad: cores.state().bad_versions.iter().filter_map(|version| version.parse().ok()).collect(),
    })
}

fn factory_version() -> Option<String> {
    let wasm = std::fs::read(factory_core()?).ok()?;
    crate::stamp::read(&wasm).ok().map(|stamp| stamp.version)
}

/// Fetches an offer, tries it, installs it and lets it be the one to run.
fn take(
    cores: &mut Cores<Folder>,
    updater: &mut Updater,
    source: &Source,
    offer: &Offer,
    why: String,
    when: When,
) -> Result<Checked, String> {
    let bases: Vec<_> =
        cores.state().cores.keys().flat_map(|id| cores.paths(id)).chain(factory_core()).collect();
    let download = updater.download(offer, &bases).map_err(text)?;
    let read = |path: &Path| std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let wasm = read(&download.component)?;
    let artefact = download.artefact.as_deref().map(read).transpose()?;
    let tried = try_out(&wasm, artefact.as_deref());
    let Download { package, received_bytes, proof, .. } = download;
    let facts = Facts {
        name: package.name,
        version: package.version.to_string(),
        contract: package.needs.contract,
        snapshot: Some((package.snapshots.oldest, package.snapshots.newest)),
        origin: source.repository.clone(),
        artefact: artefact.map(|bytes| (engine_id(&own_machine()), bytes)),
        proof: Some(serde_json::to_vec(&proof).map_err(text)?),
    };
    let id = cores.install(&wasm, facts).map_err(text)?;
    if let Err(fault) = tried {
        // So that it is not fetched again each day.
        cores.condemn(&id, &fault).map_err(text)?;
        return Err(format!("{} came, but {fault}", package.version));
    }
    let when = if package.urgent { When::AtOnce } else { when };
    cores.select(Some(&id), when, "chosen as its publisher's update").map_err(text)?;
    Ok(Checked { why: format!("{why}, and was installed"), installed: Some(id), received_bytes })
}

fn try_out(wasm: &[u8], artefact: Option<&[u8]>) -> Result<(), String> {
    let engine = crate::engine();
    let core = crate::load_bytes(&engine, wasm, artefact, cache_folder().as_deref()).map_err(text)?;
    Instance::new(&engine, &core, Limits::REAL_TIME, Ticker::start(&engine))
        .map(drop)
        .map_err(|fault| fault.brief())
}

/// Why an installed core is not started.
#[derive(Debug)]
pub(crate) enum Doubt {
    /// It cannot be told whose signature it needs; it may once that is known again.
    Unknown(String),
    /// It is not what its publisher signed, for good.
    Forged(String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Doubt::Unknown(why) | Doubt::Forged(why)) = self;
        f.write_str(why)
    }
}

/// Verifies that an installed core is what its publisher signed; one that a person brought needs nobody's word.
pub(crate) fn vouched(cores: &Cores<Folder>, id: &str) -> Result<(), Doubt> {
    let Some(proof) = cores.proof(id).map_err(|e| Doubt::Unknown(text(e)))? else { return Ok(()) };
    let nowhere = || format!("nothing says whose signature it needs, since there is no {FILE}");
    let source = Source::find().and_then(|source| source.ok_or_else(nowhere)).map_err(Doubt::Unknown)?;
    verify(cores, id, &proof, &source).map_err(Doubt::Forged)
}

fn verify(cores: &Cores<Folder>, id: &str, proof: &[u8], source: &Source) -> Result<(), String> {
    let entry = cores.state().cores.get(id).ok_or("it is not installed")?;
    let proof: Proof = serde_json::from_slice(proof).map_err(|e| format!("its proof is damaged: {e}"))?;
    let vouched = proof.verify(&source.root()).map_err(text)?;
    let version: Version = entry.version.parse().map_err(text)?;
    let component = (Package::component_target(&version), id, entry.size);
    let artefact = entry.artefact.as_ref().map(|known| {
        let target = Package::artefact_target(&version, &known.engine);
        (target, known.sha256.as_str(), known.size)
    });
    for (target, sha256, size) in [component].into_iter().chain(artefact) {
        if !vouched.covers(&target, sha256, size) {
            return Err(format!("its publisher has not signed this {target}"));
        }
    }
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
