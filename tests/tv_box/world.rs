//! A box in front of somebody.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kinora_box::{Disk, Hardware, Machine, Picture, STATE_LABEL};
use kinora_tests::{Headless, Screen, scratch};

use crate::films;

/// Nothing that is waited for takes as long, slow as an emulated box is.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often something awaited is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Pixels of the box's screen.
const SIZE: (u32, u32) = (640, 360);
const MEMORY_MIB: u32 = 1024;
/// What the player remembers fits many times.
const STATE_MIB: u32 = 32;

/// Waits until `look` finds something; the error says what was last wrong.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(why) if began.elapsed() > PATIENCE => return Err(format!("{what}: {why}")),
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// What a test's boxes are made of.
pub(crate) struct World {
    system: PathBuf,
    /// For what the box and the test leave to be looked at.
    pub(crate) folder: PathBuf,
    /// The disk that keeps what the player remembers.
    pub(crate) state: Disk,
}

impl World {
    /// A box with an empty memory.
    pub(crate) fn new(name: &str, system: PathBuf) -> Result<Self, String> {
        let folder = scratch(&format!("tv_box/{name}"));
        let state = Disk::format(&folder.join("state.ext4"), STATE_MIB, STATE_LABEL)?;
        Ok(World { system, folder, state })
    }

    /// Switches it on, with the films' folders in the box.
    pub(crate) fn boot(&self) -> Result<Watching, String> {
        self.boot_with(&[])
    }

    /// Switches it on with more disks.
    pub(crate) fn boot_with(&self, disks: &[&Disk]) -> Result<Watching, String> {
        let films = [films::bars()?, films::clock()?];
        let disks = [&self.state].into_iter().chain(disks.iter().copied());
        let hardware = Hardware {
            system: self.system.clone(),
            screen: SIZE,
            picture: Picture::Hidden,
            disks: disks.map(|disk| disk.path().to_path_buf()).collect(),
            shares: films.iter().filter_map(|film| Some(film.parent()?.to_path_buf())).collect(),
            memory_mib: MEMORY_MIB,
        };
        let machine = Machine::boot(&hardware, &self.folder)?;
        Ok(Watching { machine, folder: self.folder.clone() })
    }

    /// What headless shows at the end, after the keys.
    pub(crate) fn expected(&self, film: &Path, keys: &str, name: &str) -> Result<Screen, String> {
        let (width, height) = SIZE;
        let size = format!("{width}x{height}");
        let file = format!("{name}.png");
        let shot = format!("15={file}");
        let args =
            ["--device", "tv", "--size", &size, "--keys", keys, "--until", "16", "--screenshot", &shot];
        let folder = self.folder.strip_prefix(scratch("")).unwrap_or(&self.folder);
        let played = Headless::here().play(&folder.to_string_lossy(), &film.to_string_lossy(), &args);
        picture(&played.folder.join(file)).map_err(|why| format!("{why}: {}", played.stderr))
    }
}

/// A box that is on.
pub(crate) struct Watching {
    pub(crate) machine: Machine,
    folder: PathBuf,
}

impl Watching {
    /// Has it play a film of this machine.
    pub(crate) fn play(&mut self, film: &Path) -> Result<(), String> {
        let films = [films::bars()?, films::clock()?];
        let n = films.iter().position(|known| known == film).ok_or("a film that the box does not have")?;
        let name = film.file_name().unwrap_or_default().to_string_lossy();
        let folder = self.machine.mount(n)?;
        self.machine.play(&[format!("{folder}/{name}")])
    }

    /// What is to be seen.
    pub(crate) fn look(&mut self) -> Result<Screen, String> {
        picture(&self.machine.look("seen.png")?)
    }

    /// Waits until the picture moves: two looks that differ, of which none is of one colour.
    pub(crate) fn wait_moving(&mut self) -> Result<(), String> {
        let mut before = None;
        let waited = wait_for("a moving picture", || {
            let now = self.look()?;
            let blank = now.rgb.chunks_exact(3).all(|pixel| pixel == &now.rgb[..3]);
            let moved = before.as_ref().is_some_and(|before: &Screen| *before != now);
            before = Some(now);
            if moved && !blank { Ok(()) } else { Err("it stands still".into()) }
        });
        waited.map_err(|why| self.explained(why))
    }

    /// Waits until it shows exactly this picture; leaves both in the folder otherwise.
    pub(crate) fn wait_for_picture(&mut self, expected: &Screen) -> Result<(), String> {
        let waited = wait_for("the expected picture", || {
            let seen = self.look()?;
            let pairs = expected.rgb.chunks_exact(3).zip(seen.rgb.chunks_exact(3));
            match pairs.filter(|(a, b)| a != b).count() {
                _ if (seen.width, seen.height) != (expected.width, expected.height) => {
                    Err(format!("it is {}x{}", seen.width, seen.height))
                }
                0 => Ok(()),
                off => Err(format!("{off} pixels differ")),
            }
        });
        waited.map_err(|why| {
            let path = self.folder.join("expected.png");
            // The message names it even if it could not be written.
            let _ = std::fs::write(&path, expected.to_png());
            self.explained(format!("{why}\n  expected {}", path.display()))
        })
    }

    /// Waits until [`films::clock`] shows a second that is wanted, and returns it.
    pub(crate) fn wait_for_second(&mut self, wanted: impl Fn(u32) -> bool) -> Result<u32, String> {
        let waited = wait_for("the film's time", || {
            let second = films::second(&self.look()?);
            second.filter(|second| wanted(*second)).ok_or_else(|| format!("it shows {second:?}"))
        });
        waited.map_err(|why| self.explained(why))
    }

    /// The player's process, which is the one that it was all the time.
    pub(crate) fn process(&mut self) -> Result<u32, String> {
        self.machine.player()?.ok_or_else(|| self.explained("the player does not run".into()))
    }

    fn explained(&mut self, why: String) -> String {
        let log = self.machine.player_log().unwrap_or_else(|e| e);
        format!("{why}\n  seen {}\n{log}", self.folder.join("seen.png").display())
    }
}

/// Reads a picture.
pub(crate) fn picture(path: &Path) -> Result<Screen, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Screen::from_png(&bytes)
}
