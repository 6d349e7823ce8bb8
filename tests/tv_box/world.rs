//! A box in front of somebody.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kinora_box::{Disk, Hardware, Machine, Pace, Picture, STATE_LABEL, media};
use kinora_tests::{Headless, Screen, scratch};

use crate::films;

/// Nothing that is waited for takes as long, slow as an emulated box is.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often something awaited is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Pixels of the box's screen.
const SIZE: (u32, u32) = (640, 360);
const MEMORY_MIB: u32 = 1024;
/// Number of the folder that a test shares.
pub(crate) const SHARED: usize = 2;
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

/// A key by its names.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    /// In headless.
    here: &'static str,
    /// In QEMU.
    there: &'static str,
}

const fn key(here: &'static str, there: &'static str) -> Key {
    Key { here, there }
}

pub(crate) const PAUSE: Key = key("space", "spc");
/// To the middle.
pub(crate) const MIDDLE: Key = key("5", "5");
pub(crate) const OK: Key = key("ok", "ret");
pub(crate) const UP: Key = key("up", "up");
pub(crate) const DOWN: Key = key("down", "down");
pub(crate) const RIGHT: Key = key("right", "right");
pub(crate) const MUTE: Key = key("m", "m");

/// Seconds from a key until what it shows has settled, and is not hidden yet.
pub(crate) const SHOWN: u64 = 1;
/// Seconds from a key until only a paused film is left.
pub(crate) const RESTS: u64 = 10;

/// When headless is pressed for the n-th time, in seconds.
fn press_time(n: usize) -> u64 {
    3 + 2 * n as u64
}

/// What a test's boxes are made of.
pub(crate) struct World {
    system: PathBuf,
    /// For what the box and the test leave to be looked at.
    pub(crate) folder: PathBuf,
    /// The disk that keeps what the player remembers.
    pub(crate) state: Disk,
    /// Name of the folder of what headless leaves.
    expected: String,
}

impl World {
    /// A box with an empty memory.
    pub(crate) fn new(name: &str, system: PathBuf) -> Result<Self, String> {
        let folder = scratch(&format!("tv_box/{name}"));
        let state = Disk::format(&folder.join("state.ext4"), STATE_MIB, STATE_LABEL)?;
        Ok(World { system, folder, state, expected: format!("tv_box/{name}/expected") })
    }

    /// Switches it on, with the films' folders in the box.
    pub(crate) fn boot(&self) -> Result<Watching, String> {
        self.boot_with(&[], None)
    }

    /// Switches it on with more disks, and with a folder of this machine after those of the films ([`SHARED`]).
    pub(crate) fn boot_with(&self, disks: &[&Disk], shared: Option<&Path>) -> Result<Watching, String> {
        let films = [films::bars()?, films::clock()?];
        let folders = films.iter().filter_map(|film| film.parent()).chain(shared);
        let disks = [&self.state].into_iter().chain(disks.iter().copied());
        let hardware = Hardware {
            system: self.system.clone(),
            screen: SIZE,
            picture: Picture::Hidden,
            disks: disks.map(|disk| disk.path().to_path_buf()).collect(),
            shares: folders.map(Path::to_path_buf).collect(),
            memory_mib: MEMORY_MIB,
            pace: Pace::Seconds,
        };
        let machine = Machine::boot(&hardware, &self.folder)?;
        Ok(Watching { machine, folder: self.folder.clone() })
    }

    /// What headless shows some seconds after the last of these keys.
    pub(crate) fn expected(&self, film: &Path, keys: &[Key], after: u64) -> Result<Screen, String> {
        let (width, height) = SIZE;
        let size = format!("{width}x{height}");
        let presses: Vec<String> =
            keys.iter().enumerate().map(|(n, key)| format!("{}:{}", press_time(n), key.here)).collect();
        let presses = presses.join(",");
        let seen = press_time(keys.len().saturating_sub(1)) + after;
        let (shot, until) = (format!("{seen}=expected.png"), (seen + 1).to_string());
        let args = [
            ["--device", "tv"],
            ["--size", &size],
            ["--keys", &presses],
            ["--screenshot", &shot],
            ["--until", &until],
        ];
        let args = args.concat();
        let played = Headless::here().play(&self.expected, &film.to_string_lossy(), &args);
        picture(&played.folder.join("expected.png")).map_err(|why| format!("{why}: {}", played.stderr))
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
        self.machine.play(&[format!("{}/{name}", media(n))])
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: Key) -> Result<(), String> {
        self.machine.press(key.there)
    }

    /// What is to be seen.
    pub(crate) fn look(&mut self) -> Result<Screen, String> {
        picture(&self.machine.look("seen.png")?)
    }

    /// Waits until the film's picture moves: a tenth of all pixels, which is more than what turns while it loads.
    pub(crate) fn wait_moving(&mut self) -> Result<(), String> {
        let mut before = None;
        let waited = wait_for("a moving picture", || {
            let now = self.look()?;
            let moved = before.as_ref().map_or(0, |before| differing(before, &now));
            let all = now.rgb.len() / 3;
            before = Some(now);
            if moved * 10 > all { Ok(()) } else { Err(format!("{moved} of {all} pixels change")) }
        });
        waited.map_err(|why| self.explained(why))
    }

    /// Waits until it shows exactly this picture; leaves both in the folder otherwise.
    pub(crate) fn wait_for_picture(&mut self, expected: &Screen) -> Result<(), String> {
        let mut nearest = None;
        let waited = wait_for("the expected picture", || {
            let seen = self.look()?;
            let off = differing(expected, &seen);
            let least = nearest.as_ref().map_or(usize::MAX, |(least, _)| *least);
            if off < least {
                nearest = Some((off, seen));
            }
            if off == 0 { Ok(()) } else { Err(format!("{} pixels differ at least", off.min(least))) }
        });
        waited.map_err(|why| {
            let (path, near) = (self.folder.join("expected.png"), self.folder.join("nearest.png"));
            // The message names them even if they could not be written.
            let _ = std::fs::write(&path, expected.to_png());
            let _ = nearest.map(|(_, seen)| std::fs::write(&near, seen.to_png()));
            self.explained(format!("{why}\n  expected {}\n  nearest {}", path.display(), near.display()))
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

/// How many pixels differ: all of them where the sizes do.
fn differing(a: &Screen, b: &Screen) -> usize {
    if (a.width, a.height) != (b.width, b.height) {
        return a.rgb.len() / 3;
    }
    a.rgb.chunks_exact(3).zip(b.rgb.chunks_exact(3)).filter(|(a, b)| a != b).count()
}

/// Reads a picture.
pub(crate) fn picture(path: &Path) -> Result<Screen, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Screen::from_png(&bytes)
}
