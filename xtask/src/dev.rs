//! `dev`: the desktop player runs, and whenever a source of the core is saved, the core is built anew and takes over in it.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crate::env::{cargo_native, root, run, target, tracked};
use crate::{core, setup};

/// What the core is built from.
const SOURCES: &[&str] = &["player-core/", "wit/", "assets/fonts/"];
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Opens the player and stays until it is closed.
pub(crate) fn dev(sources: &[String]) -> Result<(), String> {
    setup::ensure(setup::Purpose::Play)?;
    let path = core::build_for_dev()?;
    run(cargo_native("build").args(["--bin", "kinora"]))?;
    let mut command = Command::new(target().join("debug/kinora"));
    command.arg("play").args(sources).arg("--watch").arg("--core").arg(path);
    let mut player = command.spawn().map_err(|e| format!("cannot start the player: {e}"))?;
    let mut built = newest()?;
    loop {
        if let Some(status) = player.try_wait().map_err(|e| e.to_string())? {
            return if status.success() { Ok(()) } else { Err(format!("the player ended with {status}")) };
        }
        sleep(LOOK_EVERY);
        let saved = newest()?;
        if saved > built {
            built = saved;
            let began = Instant::now();
            match core::build_for_dev() {
                Ok(_) => println!("built in {:.1} s", began.elapsed().as_secs_f64()),
                // The compiler has said why; the next save may mend it.
                Err(why) => eprintln!("{why}"),
            }
        }
    }
}

/// When a source was last saved.
fn newest() -> Result<Option<SystemTime>, String> {
    let sources = tracked()?.into_iter().filter(|file| SOURCES.iter().any(|folder| file.starts_with(folder)));
    let saved = |file: String| std::fs::metadata(root().join(file)).and_then(|file| file.modified()).ok();
    Ok(sources.filter_map(saved).max())
}
