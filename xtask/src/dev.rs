//! `dev`: the desktop player runs, and whenever a source of the core is saved, the core is built anew and takes over in it.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant, SystemTime};

use crate::env::{cargo_native, root, run, target, tracked};
use crate::{core, setup};

/// What the core is built from.
const SOURCES: &[&str] = &["player-core/", "wit/", "assets/fonts/"];
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How often new files are looked for.
const LIST_EVERY: Duration = Duration::from_secs(2);
/// What the player says of a build once it is to be seen (`shims/host/src/player/probation.rs`).
const SHOWN: &str = "shows its first picture";

/// When what is being built was saved; none once it has been shown.
type Saved = Arc<Mutex<Option<SystemTime>>>;

/// Opens the player and stays until it is closed.
pub(crate) fn dev(films: &[String]) -> Result<(), String> {
    setup::ensure(setup::Purpose::Play)?;
    let path = core::build_for_dev()?;
    run(cargo_native("build").args(["--bin", "kinora"]))?;
    let mut command = Command::new(target().join("debug/kinora"));
    command.arg("play").args(films).args(["--log", "3", "--watch", "--core"]).arg(path);
    let player = command.stderr(Stdio::piped()).spawn();
    let mut player = player.map_err(|e| format!("cannot start the player: {e}"))?;
    let saved = Saved::default();
    if let Some(said) = player.stderr.take() {
        let saved = Arc::clone(&saved);
        spawn(move || listen(said, &saved));
    }
    let mut sources = Sources::list()?;
    let mut built = sources.newest();
    loop {
        if let Some(status) = player.try_wait().map_err(|e| e.to_string())? {
            return if status.success() { Ok(()) } else { Err(format!("the player ended with {status}")) };
        }
        sleep(LOOK_EVERY);
        if sources.listed.elapsed() > LIST_EVERY {
            sources = Sources::list()?;
        }
        let newest = sources.newest();
        if newest > built {
            built = newest;
            *saved.lock().unwrap_or_else(PoisonError::into_inner) = newest;
            let began = Instant::now();
            match core::build_for_dev() {
                Ok(_) => println!("built in {:.1} s", began.elapsed().as_secs_f64()),
                // The compiler has said why; the next save may mend it.
                Err(why) => eprintln!("{why}"),
            }
        }
    }
}

/// Passes on what the player says, and tells how long a saved change took to be seen.
fn listen(said: impl Read, saved: &Saved) {
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        eprintln!("{line}");
        if line.ends_with(SHOWN)
            && let Some(saved) = saved.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            println!("saved to picture in {:.1} s", saved.elapsed().unwrap_or_default().as_secs_f64());
        }
    }
}

/// The files that the core is built from.
struct Sources {
    files: Vec<PathBuf>,
    listed: Instant,
}

impl Sources {
    fn list() -> Result<Self, String> {
        let ours = |file: &String| SOURCES.iter().any(|folder| file.starts_with(folder));
        let files = tracked()?.into_iter().filter(ours).map(|file| root().join(file)).collect();
        Ok(Sources { files, listed: Instant::now() })
    }

    /// When one of them was last saved.
    fn newest(&self) -> Option<SystemTime> {
        self.files.iter().filter_map(|file| file.metadata().ok()?.modified().ok()).max()
    }
}
