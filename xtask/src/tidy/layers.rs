//! Which crate may depend on which.

use crate::env::cargo;

/// A crate (or a prefix ending in `*`) and the crates of this workspace it may use. First match counts.
const LAYERS: &[(&str, &[&str])] = &[
    ("kinora-display-list", &[]),
    ("kinora-time", &[]),
    ("kinora-bytes", &[]),
    ("kinora-demux", &["kinora-time", "kinora-bytes"]),
    ("kinora-manifest", &["kinora-time", "kinora-bytes"]),
    ("kinora-captions", &["kinora-time", "kinora-bytes"]),
    ("kinora-abr", &["kinora-time", "kinora-bytes"]),
    (
        "kinora-engine",
        &["kinora-time", "kinora-bytes", "kinora-demux", "kinora-manifest", "kinora-captions", "kinora-abr"],
    ),
    ("kinora-ui", &["kinora-time", "kinora-bytes", "kinora-captions", "kinora-display-list"]),
    (
        "kinora-testkit",
        &["kinora-time", "kinora-bytes", "kinora-demux", "kinora-engine", "kinora-display-list"],
    ),
    ("kinora-guests", &["kinora-display-list"]),
    ("player-core", &["kinora-time", "kinora-engine", "kinora-ui", "kinora-display-list", "kinora-captions"]),
    ("kinora-guests", &["kinora-display-list"]),
    ("kinora-port", &["kinora-display-list"]),
    ("kinora-pipeline", &["kinora-port"]),
    ("kinora-decode-*", &["kinora-port"]),
    ("kinora-audio-*", &["kinora-port"]),
    // Colour tables and placement are the same on both.
    ("kinora-raster-gpu", &["kinora-port", "kinora-display-list", "kinora-raster-cpu"]),
    ("kinora-raster-*", &["kinora-port", "kinora-display-list"]),
    ("kinora-input-*", &["kinora-port"]),
    ("kinora-net", &["kinora-port"]),
    ("kinora-store", &["kinora-port"]),
    ("kinora-cores", &[]),
    ("kinora-update", &["kinora-port", "kinora-cores"]),
    (
        "kinora-host",
        &["kinora-port", "kinora-pipeline", "kinora-display-list", "kinora-cores", "kinora-update"],
    ),
    // What programs have in common is put together of the same things.
    ("kinora-program", SHIM),
    // Shims use the host and its adapters, never one another and never a core crate.
    ("kinora-headless", SHIM),
    ("kinora-tv", SHIM),
    ("kinora-stub", SHIM),
    ("kinora", SHIM),
];

const SHIM: &[&str] = &[
    "kinora-host",
    "kinora-port",
    "kinora-pipeline",
    "kinora-display-list",
    "kinora-decode-ffmpeg",
    "kinora-decode-symphonia",
    "kinora-audio-cpal",
    "kinora-input-evdev",
    "kinora-raster-cpu",
    "kinora-raster-gpu",
    "kinora-net",
    "kinora-store",
    "kinora-update",
    "kinora-program",
];

/// Platform crates and the only crates that may use them.
const PLATFORM: &[(&str, &[&str])] = &[
    ("wasmtime", &["kinora-host"]),
    ("wit-bindgen", &["player-core", "kinora-guests"]),
    ("winit", &["kinora"]),
    ("wgpu", &["kinora-raster-gpu", "kinora"]),
    ("cpal", &["kinora-audio-cpal"]),
    ("ffmpeg-next", &["kinora-decode-ffmpeg"]),
    ("symphonia", &["kinora-decode-symphonia"]),
    ("tough", &["kinora-update", "kinora-publish"]),
    ("drm", &["kinora-tv"]),
    ("evdev", &["kinora-input-evdev"]),
    ("ndk", &[]),
];

pub(super) fn check(offences: &mut Vec<String>) -> Result<(), String> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            if let Some((_, allowed)) = PLATFORM.iter().find(|(platform, _)| *platform == used)
                && !allowed.contains(&name)
                && name != "kinora-tests"
            {
                offences.push(format!("{name} uses {used}, which belongs behind {}", allowed.join(" or ")));
            }
            let ours = used.starts_with("kinora") || used == "player-core";
            // Tests and tasks may use anything; what ships may use its layer's, test dependencies included.
            if !ours || matches!(name, "kinora-tests" | "kinora-fuzz" | "kinora-publish" | "xtask") {
                continue;
            }
            let development = dependency["kind"].as_str() == Some("dev");
            match LAYERS.iter().find(|(layer, _)| matches(layer, name)) {
                Some((_, allowed)) if allowed.contains(&used) => {}
                // Tests of the core may use the test kit, tests of an adapter another adapter as its oracle.
                Some(_) if development && used == "kinora-testkit" => {}
                Some(_) if development && SHIM.contains(&name) && SHIM.contains(&used) => {}
                Some(_) => offences.push(format!("{name} must not depend on {used}")),
                None => offences.push(format!("{name} has no place in the layers")),
            }
        }
    }
    Ok(())
}

fn matches(layer: &str, name: &str) -> bool {
    match layer.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => layer == name,
    }
}
