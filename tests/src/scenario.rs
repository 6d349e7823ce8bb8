//! Scenario folders, the same for every shim.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::{Headless, LiveConfig, LiveServer, Played, root};

/// Trace of a run, in its folder.
pub const TRACE: &str = "trace";

/// `test.toml` of a scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The folder.
    #[serde(skip)]
    pub folder: PathBuf,
    /// What it shows, for the reader.
    #[serde(rename = "about")]
    _about: String,
    /// Played one after another, relative to the repository's root.
    pub sources: Vec<String>,
    /// As `--keys` takes them.
    #[serde(default)]
    pub keys: String,
    /// As `--size` takes it.
    #[serde(default)]
    pub size: Option<String>,
    /// As `--scale` takes it.
    #[serde(default)]
    scale: Option<String>,
    /// As `--device` takes it.
    #[serde(default)]
    device: Option<String>,
    /// Seconds.
    #[serde(default)]
    until: Option<f64>,
    /// Seconds at which the screen is looked at.
    #[serde(default)]
    pub screenshots: Vec<f64>,
    /// The first source is the playlist of a complete stream, which is to be served as a live one.
    #[serde(default)]
    pub live: Option<Live>,
    /// It comes to rest at its last screenshot, so that the desktop player, whose clock is real, must come to show the same.
    #[serde(default)]
    pub rests: bool,
}

/// How a stream is served live, see [`LiveConfig`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    window: usize,
    total: usize,
}

/// All scenarios, in the order of their names.
pub fn scenarios() -> Result<Vec<Scenario>, String> {
    let folder = root().join("tests/scenarios");
    let mut folders: Vec<PathBuf> = fs::read_dir(&folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("test.toml").is_file())
        .collect();
    folders.sort();
    let read = |folder: PathBuf| {
        let file = folder.join("test.toml");
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let scenario: Scenario = toml::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        Ok(Scenario { folder, ..scenario })
    };
    folders.into_iter().map(read).collect()
}

impl Scenario {
    /// The folder's name.
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Full paths of what is played.
    pub fn paths(&self) -> Vec<String> {
        self.sources.iter().map(|source| root().join(source).to_string_lossy().into_owned()).collect()
    }

    /// Has `player` play it. The pictures are `TIME.png` in the run's folder.
    pub fn play(&self, player: &Headless, name: &str) -> Played {
        let mut extra: Vec<String> = Vec::new();
        let mut option = |flag: &str, value: String| extra.extend([flag.to_owned(), value]);
        for time in &self.screenshots {
            option("--screenshot", format!("{time}={time}.png"));
        }
        if !self.keys.is_empty() {
            option("--keys", self.keys.clone());
        }
        for (flag, value) in [
            ("--size", self.size.clone()),
            ("--scale", self.scale.clone()),
            ("--device", self.device.clone()),
            ("--until", self.until.map(|t| t.to_string())),
        ] {
            if let Some(value) = value {
                option(flag, value);
            }
        }
        option("--record", TRACE.into());
        let mut paths = self.paths();
        if let Some(Live { window, total }) = self.live {
            let path = PathBuf::from(&paths[0]);
            let folder = path.parent().expect("a path in the repository").to_owned();
            let server = LiveServer::start(LiveConfig { folder, window, holds: None, total })
                .expect("loopback has a free port");
            paths[0] = server.url(&path.file_name().expect("a file").to_string_lossy());
        }
        extra.extend_from_slice(&paths[1..]);
        let extra: Vec<&str> = extra.iter().map(String::as_str).collect();
        player.play(name, &paths[0], &extra)
    }
}
