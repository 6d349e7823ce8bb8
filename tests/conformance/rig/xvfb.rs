//! The rig of a shim with a window: a virtual X display that is grabbed all the time, and a sound server whose monitor is recorded.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kinora_tests::{Display, SoundServer};

use super::following::Viewer;
use super::{Ability, LOOK, Order, Rig, Seen, process};

/// Size of the display; grabbing it takes a few milliseconds.
const SIZE: (u32, u32) = (640, 360);
/// Least time between two grabs.
const LOOK_EVERY: Duration = Duration::from_millis(8);

/// Any shim whose window fills the display and whose arguments are the kit's.
pub(crate) struct XvfbRig {
    /// Program and arguments; the kit's own follow.
    pub(crate) shim: Vec<String>,
}

impl Rig for XvfbRig {
    fn name(&self) -> &'static str {
        "xvfb"
    }

    fn can(&self, ability: Ability) -> bool {
        use Ability::{Hear, Kill, Mute, Press, Report, See, Status, Title, Weigh};
        matches!(ability, See | Hear | Press | Kill | Mute | Report | Title | Status | Weigh)
    }

    fn run(&mut self, order: &Order, folder: &Path) -> Result<Seen, String> {
        let display = Display::start(SIZE.0, SIZE.1)?;
        let sound = if !order.needs(Ability::Mute) { Some(SoundServer::start(folder)?) } else { None };
        let ears = sound.as_ref().map(SoundServer::listen).transpose()?;
        let mut command = Command::new(&self.shim[0]);
        command.args(&self.shim[1..]).arg(&order.source).args(["--log", "4", "--fullscreen"]);
        command.arg("--core").arg(&order.core);
        command.env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY");
        // Nothing of the person who runs the kit is used or changed.
        for name in ["XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
            command.env(name, &order.store);
        }
        command.env_remove("DBUS_SESSION_BUS_ADDRESS");
        // Without a server the address leads nowhere.
        let address = sound.as_ref().map_or_else(|| "unix:/nonexistent".to_owned(), SoundServer::address);
        command.env("PULSE_SERVER", address);

        let (mut viewer, mut told) = (Viewer::new(order, LOOK_EVERY), Vec::new());
        let mut seen = process::run(&mut command, order.limit, |words| {
            if let Some(words) = words {
                viewer.heard(words);
                if let Some(at) = words.strip_prefix("mark titled ")
                    && let Some(title) = display.window().and_then(|window| display.title(window).ok())
                {
                    told.push((at.parse().unwrap_or(0), "title".to_owned(), title.into()));
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
        seen.heard = ears.map_or_else(Vec::new, |ears| ears.heard());
        (seen.film, seen.told) = (viewer.film(), told);
        Ok(seen)
    }
}
