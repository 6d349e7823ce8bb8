//! `core ...`: which cores are installed and which of them runs, for people and for scripts. The same in every shim.

use std::io::Write;
use std::path::{Path, PathBuf};

use kinora_cores::{Cores, Entry, Facts, Folder, When, short};
use kinora_port::Build;
use serde::Serialize;

use crate::download::{MakeNet, download};
use crate::engine::Core;
use crate::instance::{Instance, Limits, Ticker};
use crate::places::{cache_folder, core_file, data_folder, factory_core};
use crate::player::aside;
use crate::stamp::Stamp;
use crate::updates::{self, Checked, Doubt, Source};

/// The words after `core`, for usage texts.
pub const CORE_USAGE: &str = "\
core list                   the factory core and those that are installed
core info [ID]              one of them, or the one that runs
core install FILE|URL       try a core and keep it; `core use` lets it run
core use ID|factory         let it run from the next start on
core check                  ask for updates, and take the one that is offered
core rollback               go back to the one before
core pin | unpin            keep what was chosen whatever updates come, or not
core remove ID              take one away
core why                    which one runs, and why
With --json each prints JSON. An ID is a core's SHA-256, or enough of its beginning.
";

/// How people name the factory core.
const FACTORY: &str = "factory";
const BY_HAND: &str = "chosen by hand";
const NO_HOME: &str = "there is no home folder to keep cores in";

/// The core to start: the file that was named, else the installed one that was chosen, else the one that ships with this program.
pub fn chosen_core(named: Option<&Path>) -> Result<PathBuf, String> {
    if let (None, Some(mut cores)) = (named, store()) {
        while let Some(id) = cores.choose().id {
            let Err(doubt) = updates::vouched(&cores, &id) else { return Ok(cores.path(&id)) };
            eprintln!("kinora: core {} is not started: {doubt}", short(&id));
            match doubt {
                Doubt::Forged(why) if cores.condemn(&id, &why).is_ok() => {}
                // Where that cannot be noted it is found again at the next start.
                _ => break,
            }
        }
    }
    core_file(named)
}

/// Which core is to run, as [`chosen_core`] has it, and when a running player that runs another is to follow.
pub(crate) fn wanted() -> Option<(PathBuf, When)> {
    let path = chosen_core(None).ok()?;
    Some((path, store()?.state().when))
}

/// The builds a person may choose from, the factory's first.
pub fn builds() -> Vec<Build> {
    let Some(cores) = store() else { return Vec::new() };
    let state = cores.state();
    let factory = Build {
        id: String::new(),
        title: "The one that came with the player".into(),
        chosen: state.selected.is_none(),
    };
    let installed = state.cores.iter().filter(|(_, entry)| entry.bad.is_none());
    let installed = installed.map(|(id, entry)| Build {
        id: id.clone(),
        title: entry.title(id),
        chosen: state.selected.as_ref() == Some(id),
    });
    std::iter::once(factory).chain(installed).collect()
}

/// Chooses one of [`builds`] for this and other players, aside: a disk can take longer than a call may.
pub fn choose_build(id: &str) {
    let id = (!id.is_empty()).then(|| id.to_owned());
    let _ = aside(move || {
        let Some(mut cores) = store() else { return };
        if let Err(error) = cores.select(id.as_deref(), When::AtOnce, BY_HAND) {
            eprintln!("kinora: {error}");
        }
    });
}

/// Number of the store's last change.
pub(crate) fn generation() -> Option<u64> {
    Some(store()?.state().generation)
}

/// The id of a core that is a file.
pub(crate) fn id(core: &Path) -> Option<String> {
    Some(kinora_cores::hash(&std::fs::read(core).ok()?))
}

/// Asks for updates once.
pub(crate) fn check(source: &Source, class: &str, net: MakeNet<'_>) -> Result<Checked, String> {
    updates::check(&mut store().ok_or(NO_HOME)?, source, class, net)
}

/// What a publisher compiled of an installed core for this engine.
pub(crate) fn artefact(core: &Path, engine: &str) -> Option<Vec<u8>> {
    let cores = store().filter(|_| core.starts_with(folder().unwrap_or_default()))?;
    cores.artefact(core.file_stem()?.to_str()?, engine).ok()?
}

/// Does what the words after `core` ask for. The error is for the person who typed them.
/// `class` is the device's, which updates are offered by.
pub fn core_command(
    words: &[String],
    class: &str,
    net: MakeNet<'_>,
    out: &mut dyn Write,
) -> Result<(), String> {
    let json = words.iter().any(|word| word == "--json");
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "--json").collect();
    let mut cores = store().ok_or(NO_HOME)?;
    let told = match words[..] {
        ["list"] => list(&cores, json)?,
        ["info"] => match cores.choose().id {
            Some(id) => info(&cores, &id, json)?,
            None => factory(&cores)?.shown().told(json),
        },
        ["info", FACTORY] => factory(&cores)?.shown().told(json),
        ["info", id] => info(&cores, &cores.find(id).map_err(text)?, json)?,
        ["install", source] => install(&mut cores, source, net, json)?,
        ["check"] => {
            let source = Source::find()?.ok_or_else(updates::no_source)?;
            let checked = updates::check(&mut cores, &source, class, net)?;
            if json { as_json(&checked) } else { format!("{}\n", checked.why) }
        }
        ["use", FACTORY] => done(cores.select(None, When::AtOnce, BY_HAND), &cores, json)?,
        ["use", id] => {
            let id = cores.find(id).map_err(text)?;
            cores.read(&id).map_err(text)?;
            done(cores.select(Some(&id), When::AtOnce, BY_HAND), &cores, json)?
        }
        ["rollback"] => done(cores.roll_back(), &cores, json)?,
        ["pin"] => done(cores.pin(true), &cores, json)?,
        ["unpin"] => done(cores.pin(false), &cores, json)?,
        ["remove", id] => {
            let id = cores.find(id).map_err(text)?;
            done(cores.remove(&id), &cores, json)?
        }
        ["why"] => why(&cores, json),
        _ => return Err(format!("`core {}` is not one of these:\n\n{CORE_USAGE}", words.join(" "))),
    };
    out.write_all(told.as_bytes()).map_err(|e| e.to_string())
}

fn folder() -> Option<PathBuf> {
    data_folder().map(|data| data.join("cores"))
}

/// The store; none without a home.
pub(crate) fn store() -> Option<Cores<Folder>> {
    Some(Cores::open(Folder::new(&folder()?)))
}

/// A core as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    /// Comes with the program.
    factory: bool,
    runs: bool,
    name: &'a str,
    version: &'a str,
    contract: &'a str,
    snapshot: Option<(u32, u32)>,
    bytes: u64,
    origin: &'a str,
    tries: u32,
    bad: Option<&'a str>,
}

impl Shown<'_> {
    fn told(&self, json: bool) -> String {
        if json { as_json(self) } else { self.facts() }
    }

    fn facts(&self) -> String {
        let snapshots = match self.snapshot {
            Some((oldest, newest)) => format!("reads schemas {oldest} to {newest}, writes {newest}"),
            None => "it does not say which it reads".into(),
        };
        let facts = [
            ("id", self.id.to_owned()),
            ("name", or(self.name, "it does not say").to_owned()),
            ("version", or(self.version, "it does not say").to_owned()),
            ("contract", self.contract.to_owned()),
            ("snapshots", snapshots),
            ("size", format!("{} bytes", self.bytes)),
            ("from", self.origin.to_owned()),
            ("starts not proved", self.tries.to_string()),
            ("bad", self.bad.unwrap_or("no").to_owned()),
            ("runs", if self.runs { "yes" } else { "no" }.to_owned()),
        ];
        facts.iter().map(|(name, value)| format!("{name:<18} {value}\n")).collect()
    }

    fn line(&self) -> String {
        let mark = if self.runs { '*' } else { ' ' };
        let (name, version) = (or(self.name, "core"), or(self.version, "of no version"));
        let place = if self.factory { "comes with the program" } else { self.origin };
        let bad = self.bad.map_or(String::new(), |why| format!(", bad: {why}"));
        format!("{mark} {}  {name} {version}, contract {}, {place}{bad}\n", short(self.id), self.contract)
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn shown<'a>(cores: &Cores<Folder>, id: &'a str, entry: &'a Entry) -> Shown<'a> {
    Shown {
        id,
        factory: false,
        runs: cores.choose().id.as_deref() == Some(id),
        name: &entry.name,
        version: &entry.version,
        contract: &entry.contract,
        snapshot: entry.snapshot,
        bytes: entry.size,
        origin: &entry.origin,
        tries: entry.tries,
        bad: entry.bad.as_deref(),
    }
}

/// The core that comes with the program.
struct Factory {
    path: PathBuf,
    id: String,
    stamp: Stamp,
    bytes: u64,
    runs: bool,
}

fn factory(cores: &Cores<Folder>) -> Result<Factory, String> {
    let path = factory_core().ok_or("there is no player core beside this program")?;
    let wasm = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let stamp = crate::stamp::read(&wasm)?;
    Ok(Factory {
        path,
        id: kinora_cores::hash(&wasm),
        stamp,
        bytes: wasm.len() as u64,
        runs: cores.choose().id.is_none(),
    })
}

impl Factory {
    fn shown(&self) -> Shown<'_> {
        Shown {
            id: &self.id,
            factory: true,
            runs: self.runs,
            name: &self.stamp.name,
            version: &self.stamp.version,
            contract: &self.stamp.contract,
            snapshot: self.stamp.snapshot,
            bytes: self.bytes,
            origin: self.path.to_str().unwrap_or_default(),
            tries: 0,
            bad: None,
        }
    }
}

fn list(cores: &Cores<Folder>, json: bool) -> Result<String, String> {
    let factory = factory(cores)?;
    let mut all = vec![factory.shown()];
    all.extend(cores.state().cores.iter().map(|(id, entry)| shown(cores, id, entry)));
    Ok(if json { as_json(&all) } else { all.iter().map(Shown::line).collect() })
}

fn info(cores: &Cores<Folder>, id: &str, json: bool) -> Result<String, String> {
    let entry = cores.state().cores.get(id).ok_or_else(|| format!("core {} is not installed", short(id)))?;
    Ok(shown(cores, id, entry).told(json))
}

/// A component is tried before it is kept: read whole, compiled, instantiated.
fn install(cores: &mut Cores<Folder>, source: &str, net: MakeNet<'_>, json: bool) -> Result<String, String> {
    let origin = match std::path::absolute(source) {
        Ok(path) if !source.contains("://") => path.display().to_string(),
        _ => source.to_owned(),
    };
    let wasm = download(&origin, net)?;
    let engine = crate::engine();
    let core = crate::load_bytes(&engine, &wasm, None, cache_folder().as_deref()).map_err(text)?;
    Instance::new(&engine, &core, Limits::REAL_TIME, Ticker::start(&engine))
        .map_err(|fault| fault.brief())?;
    let Core { stamp: Stamp { contract, name, version, snapshot }, .. } = core;
    let facts = Facts { name, version, contract, snapshot, origin, ..Facts::default() };
    let id = cores.install(&wasm, facts).map_err(text)?;
    info(cores, &id, json)
}

/// What a change came to: which core runs from now on.
fn done(
    result: Result<(), kinora_cores::Error>,
    cores: &Cores<Folder>,
    json: bool,
) -> Result<String, String> {
    result.map_err(text)?;
    Ok(why(cores, json))
}

fn why(cores: &Cores<Folder>, json: bool) -> String {
    let (choice, state) = (cores.choose(), cores.state());
    if json {
        return as_json(&serde_json::json!({
            "id": choice.id,
            "factory": choice.id.is_none(),
            "why": choice.why,
            "running_players": state.when,
            "pinned": state.pinned,
            "last_check": state.last_check,
            "events": state.events,
        }));
    }
    let title = match choice.id.as_ref().and_then(|id| Some((id, state.cores.get(id)?))) {
        Some((id, entry)) => entry.title(id),
        None => "the factory core".into(),
    };
    let follow = match state.when {
        When::AtOnce => "at once",
        When::Idle => "as soon as nothing plays",
        When::Start => "when they are started anew",
    };
    let mut out =
        format!("At the next start {title} runs: {}.\nRunning players change to it {follow}.\n", choice.why);
    if state.pinned {
        out.push_str("It is pinned: updates leave it as it is.\n");
    }
    if let Some(what) = &state.last_check {
        out.push_str(&format!("The last check for updates: {what}.\n"));
    }
    for event in &state.events {
        out.push_str(&format!("  {:>4}  {}\n", event.generation, event.what));
    }
    out
}

fn as_json(value: &impl Serialize) -> String {
    format!("{:#}\n", serde_json::to_value(value).unwrap_or_default())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
