//! The desktop player in front of somebody.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kinora_tests::{Display, Running, Screen, scratch, target_folder};

/// Nothing that is waited for takes as long on a machine that works.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often something awaited is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(40);

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

/// Surroundings of a player that are not those of the machine.
pub(crate) struct World {
    /// Its own display.
    pub(crate) display: Display,
    /// For what the player keeps and what the test leaves to be looked at.
    pub(crate) folder: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl World {
    /// A display of 1280x720 without sound and without a session bus, and a new data folder.
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let folder = scratch(&format!("desktop/{name}"));
        let data = folder.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data).map_err(|e| e.to_string())?;
        }
        let display = Display::start(1280, 720)?;
        let environment = vec![
            ("DISPLAY", display.name.clone()),
            ("XDG_DATA_HOME", data.display().to_string()),
            ("XDG_STATE_HOME", data.display().to_string()),
            ("PULSE_SERVER", "unix:/nowhere".into()),
            ("ALSA_CONFIG_PATH", "/dev/null".into()),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere".into()),
            ("LC_ALL", "C".into()),
        ];
        Ok(World { display, folder, environment })
    }

    /// Changes a variable of players started from now on.
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value));
    }

    /// A command of the player in these surroundings.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(target_folder().join("kinora"));
        command.arg(name).env_remove("WAYLAND_DISPLAY");
        command.envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())));
        command
    }

    /// Starts the player and waits for its window.
    pub(crate) fn play(&self, args: &[&str]) -> Result<Watching<'_>, String> {
        let log = self.folder.join("stderr");
        let file = File::create(&log).map_err(|e| e.to_string())?;
        let mut command = self.command("play");
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let player = Running::start(&mut command)?;
        let mut watching = Watching { world: self, player, log, window: 0 };
        watching.window = wait_for("a window", || match watching.ended()? {
            Some(status) => Err(format!("ended with status {status} before there was a window")),
            None => self.display.window().ok_or_else(|| "there is none".into()),
        })?;
        Ok(watching)
    }
}

/// A running player with its window; ended when dropped.
pub(crate) struct Watching<'a> {
    world: &'a World,
    player: Running,
    log: PathBuf,
    /// Its window.
    pub(crate) window: u32,
}

impl Watching<'_> {
    /// What is to be seen.
    pub(crate) fn look(&self) -> Result<Screen, String> {
        self.world.display.look(self.window)
    }

    /// Presses a key.
    pub(crate) fn press(&self, key: &str) -> Result<(), String> {
        self.world.display.press(key)
    }

    /// The exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<i32>, String> {
        let status = self.player.try_wait().map_err(|e| e.to_string())?;
        Ok(status.map(|status| status.code().unwrap_or(-1)))
    }

    /// Waits for its end; the exit status.
    pub(crate) fn wait(&mut self) -> Result<i32, String> {
        wait_for("the player's end", || self.ended()?.ok_or_else(|| "it still runs".into()))
    }

    /// What it wrote to standard error.
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the picture moves: two looks that differ, of which none is of one colour.
    pub(crate) fn wait_moving(&self) -> Result<(), String> {
        let mut before = None;
        wait_for("a moving picture", || {
            let now = self.look()?;
            let blank = now.rgb.chunks_exact(3).all(|pixel| pixel == &now.rgb[..3]);
            let moved = before.as_ref().is_some_and(|before: &Screen| before.difference(&now).is_some());
            before = Some(now);
            if moved && !blank { Ok(()) } else { Err("it stands still".into()) }
        })
    }

    /// Waits until it shows this picture, but for `most` in a channel; leaves the last one seen in the folder otherwise.
    pub(crate) fn wait_for_picture(&self, expected: &Screen, most: u8) -> Result<(), String> {
        let mut seen = None;
        let waited = wait_for("the expected picture", || {
            let now = self.look()?;
            let difference = expected.difference_over(most, &now);
            seen = Some(now);
            difference.map_or(Ok(()), Err)
        });
        waited.map_err(|why| {
            let save = |name: &str, picture: &Screen| {
                let path = self.world.folder.join(name);
                // The message names it even if it could not be written.
                let _ = std::fs::write(&path, picture.to_png());
                path.display().to_string()
            };
            let seen = seen.map(|seen| save("seen.png", &seen)).unwrap_or_default();
            format!("{why}\n  seen {seen}\n  expected {}\n{}", save("expected.png", expected), self.stderr())
        })
    }
}

/// A picture that was written by a headless run.
pub(crate) fn picture(path: &Path) -> Result<Screen, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Screen::from_png(&bytes)
}
