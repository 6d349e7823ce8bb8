//! What each command does.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use kinora_publish::serve::Server;
use kinora_publish::{Keys, NewCore, Repository, packages};
use kinora_update::{Schemas, hex};
use semver::Version;
use tough::schema::{RoleType, Root};

use crate::args::{Command, Places, USAGE};

/// Name of the product in packages.
const PRODUCT: &str = "kinora";

pub(crate) fn run(places: &Places, command: Command) -> Result<(), String> {
    let now_s =
        SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| "the clock is before 1970")?.as_secs();
    let open = || Repository::open(&places.repository);
    let keys = || Keys::load(&places.keys);
    match command {
        Command::Help => {
            print!("{USAGE}");
            Ok(())
        }
        Command::Init => {
            Repository::init(&places.repository, &places.keys, now_s)?;
            let root = places.repository.join("metadata/1.root.json");
            println!("shims are built with {}; its keys are in {}", root.display(), places.keys.display());
            Ok(())
        }
        Command::KeyList => {
            list_keys(&open()?.root, &keys()?);
            Ok(())
        }
        Command::KeyAdd(role) => {
            let mut keys = keys()?;
            let added = keys.create(&places.keys, role)?;
            let (id, public) = (added.id.clone(), added.public());
            change_root(&mut open()?, &keys, now_s, |root| {
                root.keys.insert(id.clone(), public);
                role_keys(root, role)?.keyids.push(id);
                Ok(())
            })
        }
        Command::KeyRemove(role, id) => change_root(&mut open()?, &keys()?, now_s, |root| {
            let role_keys = role_keys(root, role)?;
            let before = role_keys.keyids.len();
            role_keys.keyids.retain(|known| !hex(known).starts_with(&id));
            match before - role_keys.keyids.len() {
                1 => Ok(()),
                count => Err(format!("{count} keys of {role} begin with {id}")),
            }
        }),
        Command::KeyThreshold(role, number) => change_root(&mut open()?, &keys()?, now_s, |root| {
            role_keys(root, role)?.threshold = NonZeroU64::new(number).ok_or("somebody must sign")?;
            Ok(())
        }),
        Command::Add { file, version, notes, urgent, min_shim } => {
            let mut repository = open()?;
            let min_shim = min_shim.map_or_else(|| Version::parse(env!("CARGO_PKG_VERSION")), Ok);
            let min_shim = min_shim.map_err(|error| error.to_string())?;
            let core = compile(&file, version, notes, urgent, min_shim)?;
            let package = repository.add(&core)?;
            repository.publish(&keys()?, now_s)?;
            println!("{} is there; `promote {} CHANNEL` offers it", package.version, package.version);
            Ok(())
        }
        Command::Promote { version, channel, permille, classes } => {
            change(&mut open()?, &keys()?, now_s, |it| it.promote(&version, &channel, permille, classes))
        }
        Command::RollOut { version, channel, permille } => {
            change(&mut open()?, &keys()?, now_s, |it| it.roll_out(&version, &channel, permille))
        }
        Command::Revoke { version, why } => {
            change(&mut open()?, &keys()?, now_s, |it| it.revoke(&version, &why))
        }
        Command::Sign => {
            open()?.renew(&keys()?, now_s)?;
            list(&open()?)
        }
        Command::Push { version, reference } => {
            let login = std::env::var("KINORA_REGISTRY_LOGIN").ok();
            let login =
                login.and_then(|login| login.split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())));
            println!("{}", kinora_publish::push(&open()?, &version, &reference, login)?);
            Ok(())
        }
        Command::List => list(&open()?),
        Command::Device { address } => {
            let path = places.repository.join(format!("metadata/{}.root.json", open()?.root.version));
            let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let root = std::fs::read(&path).map_err(|error| wrong(&error))?;
            let root: serde_json::Value = serde_json::from_slice(&root).map_err(|error| wrong(&error))?;
            let source = serde_json::json!({ "repository": address, "channel": "stable", "apply": "idle", "root": root });
            println!("{source:#}");
            Ok(())
        }
        Command::Serve { port } => serve(&places.repository, port),
    }
}

fn change(
    repository: &mut Repository,
    keys: &Keys,
    now_s: u64,
    edit: impl FnOnce(&mut Repository) -> Result<(), String>,
) -> Result<(), String> {
    edit(repository)?;
    repository.publish(keys, now_s)?;
    list(repository)
}

/// A new root, and everything signed anew by whoever may sign now.
fn change_root(
    repository: &mut Repository,
    keys: &Keys,
    now_s: u64,
    edit: impl FnOnce(&mut Root) -> Result<(), String>,
) -> Result<(), String> {
    repository.change_root(keys, now_s, edit)?;
    repository.publish(keys, now_s)?;
    list_keys(&repository.root, keys);
    Ok(())
}

fn role_keys(root: &mut Root, role: RoleType) -> Result<&mut tough::schema::RoleKeys, String> {
    root.roles.get_mut(&role).ok_or_else(|| format!("the root knows no {role}"))
}

/// Compiles the component for every kind of machine there is a compiler for.
fn compile(
    file: &Path,
    version: Option<Version>,
    notes: String,
    urgent: bool,
    min_shim: Version,
) -> Result<NewCore, String> {
    let named = |error: String| format!("{}: {error}", file.display());
    let component = std::fs::read(file).map_err(|error| named(error.to_string()))?;
    let stamp = kinora_host::read_stamp(&component).map_err(named)?;
    let version = version.map_or_else(|| stamp.version.parse(), Ok);
    let version = version.map_err(|_| named("it does not say its version: say it with --version".into()))?;
    let mut artefacts = BTreeMap::new();
    for machine in kinora_host::machines() {
        let artefact = kinora_host::compile_for(&component, &machine).map_err(|error| error.to_string())?;
        println!("compiled for {machine}: {} bytes", artefact.len());
        artefacts.insert(kinora_host::engine_id(&machine), artefact);
    }
    // One that says nothing reads what it writes itself.
    let (oldest, newest) = stamp.snapshot.unwrap_or((1, 1));
    let (contract, snapshots) = (stamp.contract, Schemas { oldest, newest });
    let name = PRODUCT.to_owned();
    Ok(NewCore { name, version, contract, min_shim, snapshots, notes, urgent, component, artefacts })
}

fn list_keys(root: &Root, keys: &Keys) {
    println!("root {}, good until {}", root.version, root.expires);
    for role in [RoleType::Root, RoleType::Targets, RoleType::Snapshot, RoleType::Timestamp] {
        let Some(role_keys) = root.roles.get(&role) else { continue };
        println!("{role}: {} of {} must sign", role_keys.threshold, role_keys.keyids.len());
        for id in &role_keys.keyids {
            println!("  {}{}", hex(id), if keys.contains(id) { " (here)" } else { "" });
        }
    }
}

fn list(repository: &Repository) -> Result<(), String> {
    for (version, package) in packages(repository)? {
        let engines: Vec<&str> = package.artefacts.keys().map(String::as_str).collect();
        println!("{version}: contract {}, {}", package.needs.contract, engines.join(", "));
    }
    for (channel, releases) in &repository.channels.channels {
        for release in releases {
            let percent = f32::from(release.permille) / 10.0;
            let classes: Vec<&str> = release.classes.iter().map(String::as_str).collect();
            let classes = if classes.is_empty() { "all devices".into() } else { classes.join(", ") };
            println!("{channel}: {} for {percent} % of {classes}", release.version);
        }
    }
    for (version, why) in &repository.channels.revoked {
        println!("revoked: {version}: {why}");
    }
    Ok(())
}

fn serve(folder: &Path, port: u16) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("port {port} cannot be served: {error}");
    let server = Server::bind(folder, port).map_err(broken)?;
    println!("http://{}/", server.address().map_err(broken)?);
    server.run();
    Ok(())
}
