//! The rig of a shim with a window: a virtual X display that is grabbed all the time, a sound server whose monitor is recorded, and a desktop
//! session with media controls, a screen saver and a file chooser.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kinora_tests::{Display, Ears, Screen, Session, SoundServer, Speaker, TICK};
use serde_json::{Value, json};

use super::following::Viewer;
use super::{Ability, LOOK, Moment, Order, Rig, Seen, Timed, process};

/// Size of the display; grabbing it takes a few milliseconds.
const SIZE: (u32, u32) = (640, 360);
/// Least time between two grabs.
const LOOK_EVERY: Duration = Duration::from_millis(8);
/// The part of it that has all of a picture's number, which is grabbed in well under a millisecond.
const NUMBER: (u32, u32) = (168, 60);
/// The same where times are taken.
const TIMED_EVERY: Duration = Duration::from_millis(1);
/// Where the pointer is while it is looked at.
const POINTER: (i16, i16) = (100, 100);

/// Any shim whose window fills the display and whose arguments are the kit's.
pub(crate) struct XvfbRig {
    /// Program and arguments; the kit's own follow.
    pub(crate) shim: Vec<String>,
}

impl Rig for XvfbRig {
    fn name(&self) -> &'static str {
        "xvfb"
    }

    fn can(&self, _ability: Ability) -> bool {
        true
    }

    fn run(&mut self, order: &Order, folder: &Path) -> Result<Seen, String> {
        let surroundings = Surroundings::new(order, folder)?;
        let mut command = surroundings.command(&self.shim, order);
        if order.needs(Ability::Time) {
            return surroundings.time(&mut command, order);
        }
        let Surroundings { display, session, sound } = &surroundings;
        let (mut viewer, mut told) = (Viewer::new(order, LOOK_EVERY), Vec::new());
        let mut seen = process::run(&mut command, order.limit, |words| {
            if let Some(words) = words {
                viewer.heard(words);
                if words.starts_with("begin ") && order.needs(Ability::Told) {
                    // A pointer that cannot be moved is where it was, over the same window.
                    let _ = display.point(POINTER.0, POINTER.1);
                }
                if let Some((_, at)) = words.strip_prefix("mark ").and_then(|mark| mark.split_once(' ')) {
                    let at_us = at.parse().unwrap_or(0);
                    let shown = shown(order, display, session);
                    told.extend(shown.into_iter().map(|(what, value)| (at_us, what.to_owned(), value)));
                }
            }
            if let Some(key) = viewer.key() {
                // A key that cannot be pressed is one that does not come.
                let _ = display.window().and_then(|_| display.press(key).ok());
            }
            if viewer.looks()
                && let Ok(screen) = display.look_at(0, 0, LOOK.0, LOOK.1)
            {
                viewer.saw(screen);
            }
        })?;
        // What is still on its way to the monitor.
        std::thread::sleep(Duration::from_millis(200));
        seen.heard = if let Sound::Monitor(_, ears) = sound { ears.heard() } else { Vec::new() };
        (seen.film, seen.told) = (viewer.film(), told);
        Ok(seen)
    }
}

/// What window and session show now of what a check may ask for.
fn shown(order: &Order, display: &Display, session: &Session) -> Vec<(&'static str, Value)> {
    let mut shown: Vec<(&'static str, Value)> = Vec::new();
    if order.needs(Ability::Title) {
        let title = display.window().and_then(|window| display.title(window).ok());
        shown.extend(title.map(|title| ("title", title.into())));
    }
    if order.needs(Ability::Told) {
        shown.extend(display.pointer_shown().ok().map(|on| ("cursor", on.into())));
        shown.push(("awake", session.awake().into()));
        let now = session.media_controls().ok().map(|now| {
            let kind = ["Stopped", "Paused", "Playing"].iter().position(|status| *status == now.status);
            json!({ "kind": kind, "title": now.title, "position_us": now.position_us })
        });
        shown.extend(now.map(|now| ("now-playing", now)));
    }
    shown
}

/// The loudspeaker.
enum Sound {
    Absent,
    /// One that is listened to.
    Monitor(SoundServer, Ears),
    /// One of which is known when each sample leaves it.
    Clocked(SoundServer, Speaker),
}

/// Everything around a shim; of the person who runs the kit nothing is used or changed.
struct Surroundings {
    display: Display,
    session: Session,
    sound: Sound,
}

impl Surroundings {
    fn new(order: &Order, folder: &Path) -> Result<Self, String> {
        let display = Display::start(SIZE.0, SIZE.1)?;
        let session = Session::start()?;
        if let Some(file) = order.pick()? {
            session.choose(&file);
        }
        let sound = if order.needs(Ability::Mute) {
            Sound::Absent
        } else if order.needs(Ability::Time) {
            let (server, speaker) = Speaker::start(folder)?;
            Sound::Clocked(server, speaker)
        } else {
            let server = SoundServer::start(folder)?;
            let ears = server.listen()?;
            Sound::Monitor(server, ears)
        };
        Ok(Surroundings { display, session, sound })
    }

    fn command(&self, shim: &[String], order: &Order) -> Command {
        let mut command = Command::new(&shim[0]);
        command.args(&shim[1..]).arg(&order.source).args(["--log", "4", "--fullscreen"]);
        command.arg("--core").arg(&order.core);
        command.env("DISPLAY", &self.display.name).env_remove("WAYLAND_DISPLAY");
        for name in ["XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
            command.env(name, &order.store);
        }
        command.env("DBUS_SESSION_BUS_ADDRESS", self.session.address());
        let address = match &self.sound {
            Sound::Monitor(server, _) | Sound::Clocked(server, _) => server.address(),
            // Leads nowhere.
            Sound::Absent => "unix:/nonexistent".into(),
        };
        command.env("PULSE_SERVER", address);
        command
    }

    /// Runs a shim whose times are taken.
    fn time(&self, command: &mut Command, order: &Order) -> Result<Seen, String> {
        let (mut viewer, mut presses) = (Viewer::new(order, LOOK_EVERY), Vec::new());
        let (began, ends) = (Instant::now(), AtomicBool::new(false));
        let (seen, (pictures, unseen_us)) = std::thread::scope(|scope| {
            let eyes = scope.spawn(|| watch(&self.display, began, &ends));
            let seen = process::run(command, order.limit, |words| {
                words.into_iter().for_each(|words| viewer.heard(words));
                if let Some(key) = viewer.key()
                    && self.display.window().is_some()
                {
                    let before = Instant::now();
                    let pressed = self.display.press(key);
                    presses.extend(pressed.ok().map(|()| Moment::between(began, before, Instant::now())));
                }
            });
            ends.store(true, Ordering::Relaxed);
            (seen, eyes.join().expect("nobody panics who looks"))
        });
        let mut seen = seen?;
        let beeps = if let Sound::Clocked(_, speaker) = &self.sound {
            let heard = speaker.heard();
            let beeps = heard.beeps.into_iter().zip(heard.late);
            beeps.map(|(at, late)| Moment::near(began, at, TICK / 2 + late)).collect()
        } else {
            Vec::new()
        };
        seen.timed = Timed { pictures, unseen_us, beeps, presses };
        Ok(seen)
    }
}

/// Looks until it ends: each picture with the moment between the look that saw it and the one before, and the longest time between two looks.
fn watch(display: &Display, began: Instant, ends: &AtomicBool) -> (Vec<(Moment, Screen)>, u64) {
    let mut pictures: Vec<(Moment, Screen)> = Vec::new();
    let (mut last, mut unseen) = (began, Duration::ZERO);
    while !ends.load(Ordering::Relaxed) {
        std::thread::sleep(TIMED_EVERY);
        // A display that does not answer is one that was not looked at.
        let Ok(screen) = display.look_at(0, 0, NUMBER.0, NUMBER.1) else { continue };
        let now = Instant::now();
        if !pictures.is_empty() {
            unseen = unseen.max(now - last);
        }
        if pictures.last().is_none_or(|(_, seen)| *seen != screen) {
            pictures.push((Moment::between(began, last, now), screen));
        }
        last = now;
    }
    (pictures, unseen.as_micros() as u64)
}
