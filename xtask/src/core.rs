//! Builds the player core: Rust to a WebAssembly module to a component, the same bytes on every machine.

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wit_component::ComponentEncoder;

use crate::env::{cargo, root, run, target};

/// Name of the custom section that states the contract version, read before anything is compiled.
const CONTRACT_SECTION: &str = "kinora:contract";
const CONTRACT_VERSION: &str = "0.1.0";
/// Name of the custom section that states which build it is, in lines of `KEY VALUE` (`shims/host/src/stamp.rs`).
const BUILD_SECTION: &str = "kinora:build";
/// Oldest and newest schema of snapshots that the player core reads (`player-core/crates/engine/src/snapshot.rs`).
const SNAPSHOTS: &str = "1-1";

/// The guest of the conformance kit, whose sources lie with the kit.
const KIT: &str = "kit";

/// A built component.
pub(crate) struct Core {
    pub(crate) path: PathBuf,
    bytes: usize,
    zstd: usize,
    pub(crate) sha256: String,
}

impl fmt::Display for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes={} zstd={} sha256={}", self.path.display(), self.bytes, self.zstd, self.sha256)
    }
}

/// Builds the component. Paths of this machine are mapped away, so that two clones give the same bytes.
pub(crate) fn build() -> Result<Core, String> {
    let path = target().join("kinora-core.wasm");
    let component = build_from(&root(), &path)?;
    let zstd = zstd::bulk::compress(&component, 19).map_err(|e| e.to_string())?.len();
    let sha256 = Sha256::digest(&component).iter().map(|b| format!("{b:02x}")).collect();
    Ok(Core { path, bytes: component.len(), zstd, sha256 })
}

/// Builds the component of these sources into a file; its bytes.
pub(crate) fn build_from(sources: &Path, path: &Path) -> Result<Vec<u8>, String> {
    build_modules(sources, "core", &["--package", "player-core"], &[])?;
    let module = target().join("wasm32-unknown-unknown/core/player_core.wasm");
    let component = player_core(&module, "")?;
    write_if_changed(path, &component)?;
    Ok(component)
}

/// Builds the core that fails when told to; beside the guests, so that nobody takes it for the one that ships.
pub(crate) fn build_faulty() -> Result<(), String> {
    build_modules(&root(), "core", &["--package", "player-core", "--features", "faults"], &[])?;
    let module = target().join("wasm32-unknown-unknown/core/player_core.wasm");
    write_if_changed(&guests()?.join("faulty_core.wasm"), &player_core(&module, "-faulty")?)
}

/// Builds the component fast instead of small, for `dev`, and gives its file.
pub(crate) fn build_for_dev() -> Result<PathBuf, String> {
    let linker = root().join("xtask/src/dev/link.sh");
    build_modules(
        &root(),
        "core-dev",
        &["--package", "player-core"],
        &[format!("-Clinker={}", linker.display())],
    )?;
    let module = target().join("wasm32-unknown-unknown/core-dev/player_core.wasm");
    let path = target().join("kinora-core-dev.wasm");
    write_if_changed(&path, &player_core(&module, "-dev")?)?;
    Ok(path)
}

/// The player core's module as a component that says which build it is.
fn player_core(module: &Path, kind: &str) -> Result<Vec<u8>, String> {
    let mut component = componentize(module)?;
    let version = env!("CARGO_PKG_VERSION");
    let build = format!("name player-core\nversion {version}{kind}\nsnapshot {SNAPSHOTS}\n");
    add_section(&mut component, BUILD_SECTION, &build);
    Ok(component)
}

/// Builds the guests of the tests, each a component of its own in `guests/` of the target folder.
pub(crate) fn build_guests() -> Result<(), String> {
    build_modules(&root(), "dev", &["--package", "kinora-guests", "--examples"], &[])?;
    let folder = guests()?;
    let sources = root().join("tests/guests/examples");
    let sources = std::fs::read_dir(&sources).map_err(|e| format!("{}: {e}", sources.display()))?;
    let names =
        sources.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_string_lossy().into_owned()));
    for name in names.chain([KIT.to_owned()]) {
        let module = target().join(format!("wasm32-unknown-unknown/debug/examples/{name}.wasm"));
        write_if_changed(&folder.join(format!("{name}.wasm")), &componentize(&module)?)?;
    }
    Ok(())
}

/// The folder of components that only tests and benches run.
fn guests() -> Result<PathBuf, String> {
    let folder = target().join("guests");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

fn build_modules(sources: &Path, profile: &str, packages: &[&str], flags: &[String]) -> Result<(), String> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let home = home.ok_or("neither CARGO_HOME nor HOME is set")?;
    let always = [
        format!("--remap-path-prefix={}=/cargo", home.display()),
        format!("--remap-path-prefix={}=/kinora", sources.display()),
        "-Ctarget-feature=+simd128".into(),
    ];
    let flags = [&always, flags].concat();
    run(cargo()
        .current_dir(sources)
        .args(["build", "--quiet", "--locked", "--target", "wasm32-unknown-unknown", "--profile", profile])
        .args(packages)
        // A caller's own flags would change the bytes.
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")))
}

fn componentize(module: &Path) -> Result<Vec<u8>, String> {
    let module = std::fs::read(module).map_err(|e| format!("{}: {e}", module.display()))?;
    let mut component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .map_err(|e| format!("it is not a component of the contract: {e:#}"))?;
    add_section(&mut component, CONTRACT_SECTION, CONTRACT_VERSION);
    Ok(component)
}

fn add_section(component: &mut Vec<u8>, name: &str, text: &str) {
    let section = wasm_encoder::CustomSection { name: name.into(), data: text.as_bytes().into() };
    wasm_encoder::ComponentSection::append_to_component(&section, component);
}

/// An unchanged file keeps its time, so that nothing that depends on it is redone. Whoever watches a changed one sees it whole.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let unfinished = path.with_extension("unfinished");
    let written = std::fs::write(&unfinished, bytes).and_then(|()| std::fs::rename(&unfinished, path));
    written.map_err(|e| format!("{}: {e}", path.display()))
}
