//! What has to be downloaded, and what has to be written for a port.

use std::path::Path;

use kinora_tests::{root, target_folder};

use crate::calm::Machine;
use crate::report::Row;

/// Data of the core that is not code, and what a device might bring itself.
const FONTS: [&str; 2] = ["assets/fonts/Inter-Regular.ttf", "assets/fonts/Inter-SemiBold.ttf"];
/// The ports, each with the adapters that only it uses.
const PORTS: &[(&str, &[&str])] = &[
    ("headless", &["shims/headless/src"]),
    ("desktop", &["shims/desktop/src", "shims/host/crates/raster-gpu/src"]),
    ("tv", &["shims/tv/src"]),
];

pub(crate) fn bench(_: &mut Machine, rows: &mut Vec<Row>) -> Result<(), String> {
    let core = target_folder().parent().expect("target/PROFILE").join("kinora-core.wasm");
    let core = read(&core)?;
    let mut without_fonts = core.clone();
    for font in FONTS {
        let font = read(&root().join(font))?;
        let at = without_fonts.windows(font.len()).position(|window| window == font);
        let at = at.ok_or("the core holds a font in another form")?;
        without_fonts.drain(at..at + font.len());
    }
    let packed = |bytes: &[u8]| {
        let packed = zstd::bulk::compress(bytes, 19).map_err(|e| e.to_string())?;
        Ok::<_, String>(packed.len() as f64 / f64::from(1 << 20))
    };
    rows.extend([
        Row::alone("core, zstd, without fonts", "MiB", vec![packed(&without_fonts)?], 1.0),
        Row::alone("core, zstd", "MiB", vec![packed(&core)?], 1.5),
    ]);
    for (port, folders) in PORTS {
        let lines = folders.iter().map(|folder| lines(&root().join(folder))).sum::<Result<usize, _>>()?;
        rows.push(Row::alone(
            format!("port {port}, its adapters included"),
            "lines",
            vec![lines as f64],
            1500.0,
        ));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Names of what is there for tests: tests, and the mistakes that headless makes on purpose for the kit to find.
const TESTS: [&str; 2] = ["tests", "faults"];

/// Lines of Rust below a folder that are neither blank, comment nor test.
fn lines(folder: &Path) -> Result<usize, String> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?.flatten() {
        let path = entry.path();
        if path.file_stem().is_some_and(|stem| TESTS.iter().any(|test| stem == *test)) {
            continue;
        }
        if path.is_dir() {
            count += lines(&path)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            // Tests within a file are its last module.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
            count += code.lines().filter(is_code).count();
        }
    }
    Ok(count)
}
