//! How much there is to a port: lines of Rust without tests, comments and blank lines, of the shim and of the adapters that only it uses.

use std::path::Path;

use crate::env::{root, tracked};

/// Lines of the shim in `shims/NAME`.
pub(crate) fn of_shim(name: &str) -> Result<usize, String> {
    let files = tracked()?;
    let mut folders = vec![format!("shims/{name}/src/")];
    for manifest in
        files.iter().filter(|file| file.starts_with("shims/host/crates/") && file.ends_with("/Cargo.toml"))
    {
        let adapter = manifest.trim_end_matches("Cargo.toml");
        let package =
            format!("kinora-{}.", Path::new(adapter).file_name().unwrap_or_default().to_string_lossy());
        let users: Vec<&String> =
            files.iter().filter(|file| is_native_manifest(file) && uses(file, &package)).collect();
        if users == [&format!("shims/{name}/Cargo.toml")] {
            folders.push(format!("{adapter}src/"));
        }
    }
    let sources = files
        .iter()
        .filter(|file| file.ends_with(".rs") && folders.iter().any(|folder| file.starts_with(folder)));
    sources.map(|file| lines(file)).sum()
}

fn is_native_manifest(file: &str) -> bool {
    file.starts_with("shims/") && file.ends_with("/Cargo.toml")
}

fn uses(manifest: &str, package: &str) -> bool {
    std::fs::read_to_string(root().join(manifest))
        .is_ok_and(|text| text.lines().any(|line| line.starts_with(package)))
}

/// Lines of a file that are neither blank nor comment, up to its tests, which are its last module.
fn lines(file: &str) -> Result<usize, String> {
    if file.ends_with("/tests.rs") || file.contains("/tests/") {
        return Ok(0);
    }
    let text = std::fs::read_to_string(root().join(file)).map_err(|e| format!("{file}: {e}"))?;
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    Ok(code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count())
}
