//! A display and a sound server of a bench's own, and players on them that are watched from outside, ours as the peer.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kinora_tests::{Display, Running, Screen, SoundServer, Speaker, Usage, scratch, target_folder};

use crate::film::{code_y, film, number};

/// The window's pixels. The display is half as large again, so that ours opens it in its own size.
pub(crate) const WIDTH: u32 = 1280;
pub(crate) const HEIGHT: u32 = 720;
/// Lines at the bottom where controls show.
const CONTROLS: u32 = 120;
/// Nothing that is waited for takes as long on a machine that works.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the picture is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Keys that make mpv seek to the key frames before the tenths of the film.
pub(crate) const MPV_KEY_FRAMES: &str = "abcdefghij";

/// Who plays, drawing how.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Player {
    /// Ours, with its `--present`.
    Kinora(&'static str),
    /// mpv, with its `--vo`.
    Mpv(&'static str),
}

/// Ours and the peer on a machine without a GPU: drawn by the processor, and by a GPU that is one in software.
pub(crate) const PAIRS: [(Player, Player); 2] =
    [(Player::Kinora("cpu"), Player::Mpv("x11")), (Player::Kinora("gpu"), Player::Mpv("gpu"))];

impl Player {
    /// What it draws with.
    pub(crate) fn name(self) -> &'static str {
        let (Player::Kinora(name) | Player::Mpv(name)) = self;
        name
    }

    /// The two that are compared.
    pub(crate) fn beside(self, peer: Player) -> String {
        format!("{}, mpv --vo={}", self.name(), peer.name())
    }
}

/// Where players are watched.
pub(crate) struct Stage {
    pub(crate) display: Display,
    sound: SoundServer,
    folder: PathBuf,
    film: PathBuf,
}

impl Stage {
    pub(crate) fn new() -> Result<Self, String> {
        let folder = scratch("bench/stage");
        let sound = SoundServer::start(&folder)?;
        Stage::with(folder, sound)
    }

    /// A stage on which the sound of each moment is known.
    pub(crate) fn with_speaker() -> Result<(Self, Speaker), String> {
        let folder = scratch("bench/stage");
        let (sound, speaker) = Speaker::start(&folder)?;
        Ok((Stage::with(folder, sound)?, speaker))
    }

    fn with(folder: PathBuf, sound: SoundServer) -> Result<Self, String> {
        Ok(Stage { display: Display::start(WIDTH * 3 / 2, HEIGHT * 3 / 2)?, sound, folder, film: film()? })
    }

    /// Calls of the core that ours has noted, but for those of the last second.
    pub(crate) fn calls(&self) -> Result<usize, String> {
        let file = self.folder.join("data/kinora/recent.txt");
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        Ok(text.lines().filter(|line| line.starts_with("call ")).count())
    }

    /// Starts a player on so many films. It remembers nothing but what it compiled.
    pub(crate) fn play(&self, player: Player, films: usize) -> Result<Show<'_>, String> {
        self.open(player, &vec![&*self.film; films], |_| {})
    }

    /// Starts a player on some files; `change` says what is different from other runs.
    pub(crate) fn open(
        &self,
        player: Player,
        files: &[&Path],
        change: impl FnOnce(&mut Command),
    ) -> Result<Show<'_>, String> {
        let data = self.folder.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data).map_err(|e| e.to_string())?;
        }
        let mut command = match player {
            Player::Kinora(present) => {
                let mut command = Command::new(target_folder().join("kinora"));
                command.args(["play", "--present", present]);
                command
            }
            Player::Mpv(output) => {
                // Seeks to tenths, exact as ours are, and to their key frames.
                let keys = self.folder.join("mpv-keys");
                let binding = |(n, key): (usize, char)| {
                    format!(
                        "{n} seek {n}0 absolute-percent+exact\n{key} seek {n}0 absolute-percent+keyframes\n"
                    )
                };
                let bindings: String = MPV_KEY_FRAMES.chars().enumerate().map(binding).collect();
                std::fs::write(&keys, bindings).map_err(|e| e.to_string())?;
                let mut command = Command::new("mpv");
                command.args(["--no-config", "--no-terminal", "--hwdec=no", "--ao=pulse", "--no-border"]);
                command.arg(format!("--vo={output}")).arg(format!("--geometry={WIDTH}x{HEIGHT}+0+0"));
                command.arg(format!("--input-conf={}", keys.display()));
                if output == "gpu" {
                    // Asked for by name it accepts a GPU that is none.
                    command.arg("--gpu-context=x11egl");
                }
                command
            }
        };
        let log = std::fs::File::create(self.folder.join("stderr")).map_err(|e| e.to_string())?;
        command
            .args(files)
            .env_remove("WAYLAND_DISPLAY")
            .env("DISPLAY", &self.display.name)
            .env("PULSE_SERVER", self.sound.address())
            .env("XDG_DATA_HOME", &data)
            .env("XDG_STATE_HOME", &data)
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        change(&mut command);
        let began = Instant::now();
        let process = Running::start(&mut command)?;
        Ok(Show { stage: self, player, process, began })
    }
}

/// A player that runs; ended when dropped.
pub(crate) struct Show<'a> {
    stage: &'a Stage,
    player: Player,
    process: Running,
    began: Instant,
}

impl Show<'_> {
    /// Waits for the first picture; how long after the process's start it was seen.
    pub(crate) fn wait_first(&mut self) -> Result<Duration, String> {
        let seen = self.wait_number(|_| true)?;
        Ok(seen - self.began)
    }

    /// Waits for a picture whose number is wanted; when it was seen.
    pub(crate) fn wait_number(&mut self, wanted: impl Fn(u32) -> bool) -> Result<Instant, String> {
        self.watch(PATIENCE, wanted)?
            .ok_or_else(|| format!("{:?} does not come to show what is waited for", self.player))
    }

    /// Looks at the picture until `done` of a number, or until the time is over; when that was.
    pub(crate) fn watch(
        &mut self,
        time: Duration,
        mut done: impl FnMut(u32) -> bool,
    ) -> Result<Option<Instant>, String> {
        let until = Instant::now() + time;
        loop {
            let (seen, now) = self.number()?;
            if seen.is_some_and(&mut done) {
                return Ok(Some(now));
            }
            if now > until {
                return Ok(None);
            }
            self.pause()?;
        }
    }

    /// The number of the picture, and when it was seen.
    pub(crate) fn number(&self) -> Result<(Option<u32>, Instant), String> {
        let (line, now) = self.line(code_y(HEIGHT))?;
        Ok((number(&line), now))
    }

    /// A line of the window, and when it was seen.
    pub(crate) fn line(&self, y: u32) -> Result<(Screen, Instant), String> {
        let line = self.stage.display.look_at(0, y as i16, WIDTH, 1)?;
        Ok((line, Instant::now()))
    }

    /// Between two looks; an error if the player is gone.
    pub(crate) fn pause(&mut self) -> Result<(), String> {
        std::thread::sleep(LOOK_EVERY);
        match self.process.try_wait() {
            Ok(Some(status)) => {
                let said = std::fs::read_to_string(self.stage.folder.join("stderr")).unwrap_or_default();
                Err(format!("{:?} ended with {status}: {said}", self.player))
            }
            _ => Ok(()),
        }
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Where it is played.
    pub(crate) fn display(&self) -> &Display {
        &self.stage.display
    }

    /// Presses a key in the player's window; when that was.
    pub(crate) fn pressed(&self, key: &str) -> Result<Instant, String> {
        self.stage.display.window().ok_or("there is no window")?;
        let now = Instant::now();
        self.stage.display.press(key).map(|()| now)
    }

    /// Presses a key in the player's window.
    pub(crate) fn press(&self, key: &str) -> Result<(), String> {
        self.stage.display.window().ok_or("there is no window")?;
        self.stage.display.press(key)
    }

    /// All that is to be seen where controls show.
    pub(crate) fn look(&self) -> Result<Screen, String> {
        self.stage.display.look_at(0, (HEIGHT - CONTROLS) as i16, WIDTH, CONTROLS)
    }

    /// What the player uses, and what player and display server use together.
    pub(crate) fn usage(&self) -> Result<(Usage, Usage), String> {
        let player = Usage::of(self.process.id())?;
        Ok((player, player + Usage::of(self.stage.display.server())?))
    }
}
