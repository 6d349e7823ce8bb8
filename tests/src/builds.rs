//! Builds of the core: the player core, the same as another build, and guests.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::{scratch, target_folder};

fn built(name: &str) -> PathBuf {
    target_folder().parent().expect("target/PROFILE").join(name)
}

/// The file of a guest (`tests/guests`).
pub fn guest(name: &str) -> String {
    built(&format!("guests/{name}.wasm")).to_string_lossy().into_owned()
}

/// The player core as another build: the same code, with a custom section more (Core Specification 5.5.3) and so another hash.
pub fn other_build() -> Result<String, String> {
    static MADE: OnceLock<Result<String, String>> = OnceLock::new();
    let make = || {
        let (core, path) = (built("kinora-core.wasm"), scratch("swap").join("other.wasm"));
        let mut wasm = std::fs::read(&core).map_err(|e| format!("{}: {e}", core.display()))?;
        let name = b"another build";
        wasm.extend([0, name.len() as u8 + 1, name.len() as u8]);
        wasm.extend(name);
        std::fs::write(&path, wasm).map_err(|e| e.to_string())?;
        Ok(path.to_string_lossy().into_owned())
    };
    MADE.get_or_init(make).clone()
}
