//! The WebAssembly engine and the cache of compiled cores.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

/// Custom section in which a component states the contract version it was built for.
const CONTRACT_SECTION: &str = "kinora:contract";
/// The contract this host offers: every `0.1.x`.
pub const CONTRACT: &str = "0.1";
/// Name of the wasmtime release, part of the cache key: its own version check knows only the major number.
const WASMTIME: &str = "48.0.8";

/// Why a core cannot be used.
#[derive(Debug)]
pub enum CoreError {
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// Not a component, or not one of this contract; in words.
    Unusable(String),
}

impl fmt::Display for CoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CoreError::Unreadable(path, e) => {
                write!(f, "cannot read the player core {}: {e}", path.display())
            }
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
    /// The contract version it was built for.
    pub contract: String,
}

/// The engine that runs cores: everything that compiles one for this machine uses it, since an artefact made under any other
/// configuration is refused.
pub fn engine() -> Engine {
    Engine::new(&config()).expect("the engine configuration is valid on every supported target")
}

/// The engine of devices that allow no generated code: wasmtime's interpreter, Pulley. Slower by an order of magnitude, with the same
/// results.
pub fn interpreter() -> Engine {
    let mut config = config();
    let word = if cfg!(target_pointer_width = "64") { "pulley64" } else { "pulley32" };
    config.target(word).expect("the interpreter is built in");
    Engine::new(&config).expect("the engine configuration is valid for the interpreter")
}

/// Raised whenever `config` changes what artefacts are.
const CONFIGURATION: u32 = 1;

/// Id of the engine that runs artefacts for `target`: wasmtime's exact release, the target with its baseline of processor features, and
/// this host's configuration.
pub fn engine_id(target: &str) -> String {
    format!("{target}.wasmtime-{WASMTIME}.{CONFIGURATION}")
}

/// What artefacts can be made for here, as wasmtime names targets: this machine's own kind, the interpreter, and with the feature `cross`
/// the other kinds of processors that wasmtime compiles for.
pub fn targets() -> Vec<&'static str> {
    let native = [
        ("x86_64", "x86_64-unknown-linux-gnu"),
        ("aarch64", "aarch64-unknown-linux-gnu"),
        ("riscv64", "riscv64gc-unknown-linux-gnu"),
    ];
    let native =
        native.into_iter().filter(|(arch, _)| cfg!(feature = "cross") || *arch == std::env::consts::ARCH);
    native.map(|(_, target)| target).chain(["pulley64", "pulley32"]).collect()
}

/// Compiles a component for `target`, which need not be this machine. Only features that every processor of the target has are used.
pub fn compile_for(wasm: &[u8], target: &str) -> Result<Vec<u8>, CoreError> {
    let unusable = |error: wasmtime::Error| CoreError::Unusable(format!("for {target}: {error:#}"));
    let mut config = config();
    config.target(target).map_err(unusable)?;
    Engine::new(&config).and_then(|engine| engine.precompile_component(wasm)).map_err(unusable)
}

fn config() -> Config {
    let mut config = Config::new();
    // Costs 3x per call, and the contract is synchronous.
    config.concurrency_support(false);
    config.epoch_interruption(true);
    // The same results on every processor, so that a record replays bit for bit.
    config.relaxed_simd_deterministic(true);
    config.cranelift_nan_canonicalization(true);
    config.max_wasm_stack(512 << 10);
    config
}

/// Loads a core, compiled from the cache where it has been seen before.
pub fn load(engine: &Engine, path: &Path, cache: Option<&Path>) -> Result<Core, CoreError> {
    let wasm = fs::read(path).map_err(|e| CoreError::Unreadable(path.to_path_buf(), e))?;
    load_bytes(engine, &wasm, cache)
}

/// [`load`] for a core that is already in memory, as the one inside a shim.
pub fn load_bytes(engine: &Engine, wasm: &[u8], cache: Option<&Path>) -> Result<Core, CoreError> {
    let contract = contract_version(wasm).map_err(CoreError::Unusable)?;
    let matches =
        contract.strip_prefix(CONTRACT).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if !matches {
        return Err(CoreError::Unusable(format!(
            "it was built for contract {contract}, and this shim offers {CONTRACT}"
        )));
    }
    let sha256 = hex(&Sha256::digest(wasm));
    let component = match cache.and_then(|dir| cached(engine, dir, &sha256)) {
        Some(component) => component,
        None => compile(engine, wasm, cache, &sha256)?,
    };
    Ok(Core { component, sha256, size: wasm.len(), contract })
}

fn compile(engine: &Engine, wasm: &[u8], cache: Option<&Path>, sha256: &str) -> Result<Component, CoreError> {
    let component =
        Component::from_binary(engine, wasm).map_err(|e| CoreError::Unusable(format!("{e:#}")))?;
    if let Some(dir) = cache
        && let Ok(artefact) = component.serialize()
    {
        // A cache that cannot be written costs time at the next start, nothing else.
        let _ = store(dir, &artefact_name(engine, sha256), &artefact);
    }
    Ok(component)
}

/// Name of the artefact for this component, engine configuration and wasmtime release.
fn artefact_name(engine: &Engine, sha256: &str) -> String {
    use std::hash::{Hash, Hasher};
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{sha256}-{WASMTIME}-{:016x}.cwasm", hasher.finish())
}

fn cached(engine: &Engine, dir: &Path, sha256: &str) -> Option<Component> {
    let file = fs::read(dir.join(artefact_name(engine, sha256))).ok()?;
    let (digest, artefact) = file.split_first_chunk::<32>()?;
    if Sha256::digest(artefact)[..] != digest[..] {
        return None;
    }
    deserialize(engine, artefact)
}

#[expect(unsafe_code, reason = "an artefact is native code, which wasmtime cannot check")]
fn deserialize(engine: &Engine, artefact: &[u8]) -> Option<Component> {
    // SAFETY: the bytes were made by `Component::serialize` of this wasmtime release under this configuration (both stand
    // in the file's name) in a folder that only this user can write, and their hash has just been checked.
    unsafe { Component::deserialize(engine, artefact) }.ok()
}

/// Writes `digest + artefact` whole or not at all, in a folder only this user can use.
fn store(dir: &Path, name: &str, artefact: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    let temporary = dir.join(format!("{name}.{}", std::process::id()));
    fs::write(&temporary, [&Sha256::digest(artefact)[..], artefact].concat())?;
    fs::rename(temporary, dir.join(name))
}

/// Reads the contract version without compiling anything. Checks only the sections' framing.
pub fn contract_version(wasm: &[u8]) -> Result<String, String> {
    const COMPONENT_HEADER: &[u8] = b"\0asm\x0d\x00\x01\x00";
    let mut rest = wasm.strip_prefix(COMPONENT_HEADER).ok_or("it is not a WebAssembly component")?;
    while let Some((&id, after)) = rest.split_first() {
        let (size, after) = leb128(after).ok_or("it is cut short")?;
        let (section, after) = after.split_at_checked(size as usize).ok_or("it is cut short")?;
        rest = after;
        if id != 0 {
            continue;
        }
        let (length, body) = leb128(section).ok_or("it is cut short")?;
        let (name, data) = body.split_at_checked(length as usize).ok_or("it is cut short")?;
        if name == CONTRACT_SECTION.as_bytes() {
            return String::from_utf8(data.to_vec()).map_err(|_| "its contract version is garbled".into());
        }
    }
    Err("it does not say which contract it was built for".into())
}

fn leb128(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u32;
    for (i, &byte) in bytes.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f).checked_shl(7 * i as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let error = load_bytes(&engine, bytes, None).err().expect("refused").to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn compile_for_this_machine_gives_what_its_engine_loads() {
        const EMPTY: &[u8] = b"\0asm\x0d\x00\x01\x00";
        let native = targets()[0];
        let artefact = compile_for(EMPTY, native).expect("compiled");
        assert!(deserialize(&engine(), &artefact).is_some(), "{}", engine_id(native));
        let word = if cfg!(target_pointer_width = "64") { "pulley64" } else { "pulley32" };
        let artefact = compile_for(EMPTY, word).expect("compiled");
        assert!(deserialize(&interpreter(), &artefact).is_some());
        assert!(deserialize(&engine(), &artefact).is_none());
        assert!(compile_for(EMPTY, "vax").is_err());
    }
}
