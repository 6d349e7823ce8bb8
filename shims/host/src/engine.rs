//! The WebAssembly engine and compiled cores: those that ship with a program, and the cache of those it compiled itself.
//!
//! A program without the compiler (feature `compiler`) runs what was compiled for its engine: [`precompile`] makes it.

#[cfg(feature = "compiler")]
mod functions;

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
#[cfg(feature = "compiler")]
use std::sync::Arc;

use sha2::{Digest, Sha256};
use twox_hash::XxHash3_128;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use crate::stamp::{self, Stamp};

/// The contract this host offers: every `0.1.x`.
pub const CONTRACT: &str = "0.1";
/// Name of the wasmtime release, part of an artefact's name: its own version check knows only the major number.
const WASMTIME: &str = "48.0.8";
/// Number of the configuration, part of an artefact's name: raise it with each change of [`config`] or [`BASELINE`].
const CONFIGURATION: u32 = 1;
/// What every x86-64 processor of the last fifteen years has (level 2 of the psABI's micro-architecture levels); vectors of WebAssembly need
/// most of it. Other processors get what their architecture always has.
#[cfg(feature = "compiler")]
const BASELINE: &[&str] = &["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"];

/// Of the checksum behind an artefact.
const CHECKSUM_BYTES: u64 = 16;
/// Fits the cache of any processor.
const SUMMED_AT_ONCE: usize = 128 << 10;

/// Why a core cannot be used.
#[derive(Debug)]
pub enum CoreError {
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// What was compiled cannot be written.
    Unwritable(PathBuf, std::io::Error),
    /// Not a component, or not one of this contract; in words.
    Unusable(String),
}

impl fmt::Display for CoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CoreError::Unreadable(path, e) => {
                write!(f, "cannot read the player core {}: {e}", path.display())
            }
            CoreError::Unwritable(path, e) => write!(f, "cannot write {}: {e}", path.display()),
            CoreError::Unusable(why) => write!(f, "the player core cannot be used: {why}"),
        }
    }
}

impl std::error::Error for CoreError {}

/// A player core, compiled for this machine.
#[derive(Clone)]
pub struct Core {
    pub(crate) component: Component,
    /// SHA-256 of the component file, the same on every device.
    pub sha256: String,
    /// Size of the component file in bytes.
    pub size: usize,
    /// What it says it is.
    pub stamp: Stamp,
}

/// The engine that runs cores: everything that compiles one for this machine uses it, since an artefact made under any other
/// configuration is refused.
pub fn engine() -> Engine {
    Engine::new(&config()).expect("the engine configuration is valid on every supported target")
}

/// The same engine for whoever works on a core: what it has compiled it does not compile again.
pub(crate) fn developing() -> Engine {
    #[cfg(feature = "compiler")]
    return developing_with(Arc::default());
    #[cfg(not(feature = "compiler"))]
    engine()
}

#[cfg(feature = "compiler")]
fn developing_with(kept: Arc<functions::Functions>) -> Engine {
    let mut config = config();
    config.enable_incremental_compilation(kept).expect("the compiler is built in");
    Engine::new(&config).expect("the engine configuration is valid on every supported target")
}

/// The engine of devices that allow no generated code: wasmtime's interpreter, Pulley. Slower by an order of magnitude, with the same
/// results.
#[cfg(feature = "compiler")]
pub fn interpreter() -> Engine {
    let mut config = config();
    config.target(PULLEY).expect("the interpreter is built in");
    Engine::new(&config).expect("the engine configuration is valid for the interpreter")
}

/// What the interpreter's artefacts are compiled for.
const PULLEY: &str = if cfg!(target_pointer_width = "64") { "pulley64" } else { "pulley32" };

/// The kinds of machines that artefacts can be made for here: this one's own first, with the feature `cross` the others that players are
/// built for, and those that interpret.
#[cfg(feature = "compiler")]
pub fn machines() -> Vec<String> {
    let own = own_machine();
    let others = ["x86_64-linux", "aarch64-linux"].map(String::from);
    let others = others.into_iter().filter(|other| cfg!(feature = "cross") && *other != own);
    let interpreting = ["pulley64", "pulley32"].map(String::from);
    [own.clone()].into_iter().chain(others).chain(interpreting).collect()
}

/// Processor and system, which an artefact is made for; whether a processor has what an artefact wants is checked when it is loaded.
pub(crate) fn own_machine() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// Id of the engine that runs artefacts on this kind of machine: wasmtime's release, the machine, this host's configuration.
pub fn engine_id(machine: &str) -> String {
    format!("{WASMTIME}-{machine}-{CONFIGURATION}")
}

/// Id of an engine of this machine.
pub(crate) fn id_of(engine: &Engine) -> String {
    if engine.is_pulley() { engine_id(PULLEY) } else { engine_id(&own_machine()) }
}

/// Compiles a component for every machine of a kind, which need not be this one's.
#[cfg(feature = "compiler")]
pub fn compile_for(wasm: &[u8], machine: &str) -> Result<Vec<u8>, CoreError> {
    let unusable = |error: wasmtime::Error| CoreError::Unusable(format!("for {machine}: {error:#}"));
    let mut config = config();
    let target = match machine.split_once('-') {
        Some((processor, system)) => format!("{processor}-unknown-{system}"),
        None => machine.to_owned(),
    };
    config.target(&target).map_err(unusable)?;
    if machine.starts_with("x86_64") {
        for flag in BASELINE {
            enable(&mut config, flag);
        }
    }
    Engine::new(&config).and_then(|engine| engine.precompile_component(wasm)).map_err(unusable)
}

#[cfg(feature = "compiler")]
#[expect(unsafe_code, reason = "flags of the compiler can be set by name only")]
fn enable(config: &mut Config, flag: &str) {
    // SAFETY: the flags of `BASELINE` state what processors can do, and an artefact made with them is refused where one cannot.
    unsafe { config.cranelift_flag_enable(flag) };
}

fn config() -> Config {
    let mut config = Config::new();
    // Costs 3x per call, and the contract is synchronous.
    config.concurrency_support(false);
    config.epoch_interruption(true);
    // The same results on every processor, so that a record replays bit for bit.
    config.relaxed_simd_deterministic(true);
    #[cfg(feature = "compiler")]
    config.cranelift_nan_canonicalization(true);
    config.max_wasm_stack(512 << 10);
    config
}

/// Loads a core. What was compiled of it before comes from the program's own folder or the cache.
pub fn load(engine: &Engine, path: &Path, cache: Option<&Path>) -> Result<Core, CoreError> {
    let wasm = fs::read(path).map_err(|e| CoreError::Unreadable(path.to_path_buf(), e))?;
    let artefact = crate::cores::artefact(path, &id_of(engine));
    load_bytes(engine, &wasm, artefact.as_deref(), cache)
}

/// [`load`] for a core that is already in memory, with what was compiled of it if there is such, which must come from whom this program
/// trusts as itself.
pub fn load_bytes(
    engine: &Engine,
    wasm: &[u8],
    compiled: Option<&[u8]>,
    cache: Option<&Path>,
) -> Result<Core, CoreError> {
    let stamp = stamp::read(wasm).map_err(CoreError::Unusable)?;
    let contract = &stamp.contract;
    let matches =
        contract.strip_prefix(CONTRACT).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if !matches {
        return Err(CoreError::Unusable(format!(
            "it was built for contract {contract}, and this shim offers {CONTRACT}"
        )));
    }
    let sha256 = hex(&Sha256::digest(wasm));
    // What lies in the program's folder is trusted as the program is; what lies beside some core is not.
    let program = std::env::current_exe().ok();
    let folders = program.as_deref().and_then(Path::parent).into_iter().chain(cache);
    let name = artefact_name(&id_of(engine), &sha256);
    let found = compiled.and_then(|compiled| deserialize(engine, compiled));
    let found =
        found.or_else(|| folders.into_iter().find_map(|folder| artefact(engine, &folder.join(&name))));
    let component = match found {
        Some(component) => component,
        None => compile(engine, wasm, cache, &name)?,
    };
    Ok(Core { component, sha256, size: wasm.len(), stamp })
}

/// Has an engine of [`developing`] know a core's functions, be it that they were compiled in an earlier run.
pub(crate) fn compile_ahead(engine: &Engine, path: &Path) {
    #[cfg(feature = "compiler")]
    if let Ok(wasm) = fs::read(path) {
        // If it does not compile, nobody runs it.
        let _ = Component::from_binary(engine, &wasm);
    }
    #[cfg(not(feature = "compiler"))]
    let _ = (engine, path);
}

#[cfg(feature = "compiler")]
fn compile(engine: &Engine, wasm: &[u8], cache: Option<&Path>, name: &str) -> Result<Component, CoreError> {
    let component =
        Component::from_binary(engine, wasm).map_err(|e| CoreError::Unusable(format!("{e:#}")))?;
    if let Some(dir) = cache
        && let Ok(artefact) = component.serialize()
        && private(dir).is_ok()
    {
        // A cache that cannot be written costs time at the next start, nothing else.
        let _ = store(dir, name, &artefact);
    }
    Ok(component)
}

#[cfg(not(feature = "compiler"))]
fn compile(_: &Engine, _: &[u8], _: Option<&Path>, name: &str) -> Result<Component, CoreError> {
    Err(CoreError::Unusable(format!(
        "this program has no compiler, and there is no {name} beside it that it can load; \
         `kinora-headless compile` makes one"
    )))
}

/// Compiles a core for programs without a compiler, on all machines of this architecture or for their interpreter, into a file of `folder`,
/// whose path is returned. It belongs beside such a program.
#[cfg(feature = "compiler")]
pub fn precompile(path: &Path, interpreted: bool, folder: &Path) -> Result<PathBuf, CoreError> {
    let wasm = fs::read(path).map_err(|e| CoreError::Unreadable(path.to_path_buf(), e))?;
    let machine = if interpreted { PULLEY.to_owned() } else { own_machine() };
    let artefact = compile_for(&wasm, &machine)?;
    let name = artefact_name(&engine_id(&machine), &hex(&Sha256::digest(&wasm)));
    let written = fs::create_dir_all(folder).and_then(|()| store(folder, &name, &artefact));
    written.map_err(|e| CoreError::Unwritable(folder.join(&name), e))?;
    Ok(folder.join(name))
}

/// Name of what was compiled of this component for an engine.
fn artefact_name(engine: &str, sha256: &str) -> String {
    format!("{sha256}-{engine}.cwasm")
}

/// Maps a file of an artefact and its checksum, once that is seen to be true. It tells what a disk or a power cut has spoilt; whoever may write
/// to the folder could write any code with any digest.
#[expect(unsafe_code, reason = "an artefact is native code, which wasmtime cannot check")]
fn artefact(engine: &Engine, path: &Path) -> Option<Component> {
    let mut file = File::open(path).ok()?;
    let mut left = file.metadata().ok()?.len().checked_sub(CHECKSUM_BYTES)?;
    let mut checksum = XxHash3_128::new();
    let mut buffer = vec![0; SUMMED_AT_ONCE];
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = file.read(&mut buffer[..most]).ok().filter(|read| *read > 0)?;
        checksum.write(&buffer[..read]);
        left -= read as u64;
    }
    let mut stated = [0; CHECKSUM_BYTES as usize];
    file.read_exact(&mut stated).ok()?;
    if checksum.finish_128().to_le_bytes() != stated {
        return None;
    }
    // SAFETY: as for `deserialize`; and the file is replaced as a whole or not at all, by programs that may write to its folder.
    unsafe { Component::deserialize_file(engine, path) }.ok()
}

#[expect(unsafe_code, reason = "an artefact is native code, which wasmtime cannot check")]
fn deserialize(engine: &Engine, artefact: &[u8]) -> Option<Component> {
    // SAFETY: the bytes were made by this wasmtime release under this configuration (both stand in the engine's id, by which they were
    // found), by the publisher whose signature was verified, or in a folder that only this user can write or that the program itself was
    // installed in; and their hash or checksum has just been checked.
    unsafe { Component::deserialize(engine, artefact) }.ok()
}

/// Makes a folder that only this user can use.
#[cfg(feature = "compiler")]
fn private(dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes an artefact and its checksum whole or not at all. The checksum comes last, so that the file can be mapped.
#[cfg(feature = "compiler")]
fn store(dir: &Path, name: &str, artefact: &[u8]) -> std::io::Result<()> {
    let temporary = dir.join(format!("{name}.{}", std::process::id()));
    fs::write(&temporary, [artefact, &XxHash3_128::oneshot(artefact).to_le_bytes()[..]].concat())?;
    fs::rename(temporary, dir.join(name))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that contains nothing but the contract's version.
    #[cfg(feature = "compiler")]
    fn empty_component() -> Vec<u8> {
        let name = b"kinora:contract";
        let section = [&[name.len() as u8][..], name, b"0.1.0"].concat();
        [b"\0asm\x0d\x00\x01\x00", &[0, section.len() as u8][..], &section].concat()
    }

    #[cfg(feature = "compiler")]
    #[test]
    fn precompiled_core_is_loaded_unless_a_byte_of_it_differs() {
        let folder = std::env::temp_dir().join(format!("kinora-artefacts-{}", std::process::id()));
        let core = folder.join("core.wasm");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(&core, empty_component()).expect("written");
        for (interpreted, engine) in [(false, engine()), (true, interpreter())] {
            let path = precompile(&core, interpreted, &folder).expect("it compiles");
            assert!(artefact(&engine, &path).is_some(), "{}", path.display());
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            assert_eq!(name.contains("pulley"), interpreted, "{name}");
            let mut bytes = fs::read(&path).expect("it is there");
            *bytes.last_mut().expect("not empty") ^= 1;
            fs::write(&path, &bytes).expect("written");
            assert!(artefact(&engine, &path).is_none(), "{name}");
        }
        fs::remove_dir_all(&folder).expect("removed");
    }

    /// What a core is compiled to is the same whether its functions were compiled before or not.
    #[cfg(feature = "compiler")]
    #[test]
    fn engine_of_developers_compiles_a_function_once_and_to_the_same() {
        // (module (func (result i32) i32.const 42))
        let mut module =
            b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x0a\x06\x01\x04\0\x41\x2a\x0b".to_vec();
        let component =
            |module: &[u8]| [b"\0asm\x0d\0\x01\0\x01", &[module.len() as u8][..], module].concat();
        let compiled = |engine: &Engine, module: &[u8]| {
            let compiled = Component::from_binary(engine, &component(module)).expect("it is well formed");
            compiled.serialize().expect("it is compiled")
        };
        let kept = Arc::new(functions::Functions::default());
        let developing = developing_with(Arc::clone(&kept));
        let plain = compiled(&engine(), &module);
        assert!(compiled(&developing, &module) == plain && kept.count() > 0);
        let before = kept.count();
        assert!(compiled(&developing, &module) == plain && kept.count() == before);
        *module.iter_mut().rev().nth(1).expect("it is not empty") = 43;
        assert!(compiled(&developing, &module) == compiled(&engine(), &module) && kept.count() == before + 1);
    }

    #[test]
    fn load_bytes_of_other_things_says_what_is_wrong() {
        let engine = engine();
        let module = b"\0asm\x01\0\0\0";
        for (bytes, why) in [
            (&b""[..], "not a WebAssembly component"),
            (module, "not a WebAssembly component"),
            (b"\0asm\x0d\x00\x01\x00", "which contract"),
            (b"\0asm\x0d\x00\x01\x00\x00\xff\xff\xff\xff\x0f", "cut short"),
        ] {
            let error = load_bytes(&engine, bytes, None, None).err().expect("refused").to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
