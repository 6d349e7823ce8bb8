//! The display through kernel mode setting: the card, what is connected to it, and its modes.

mod buffer;
mod commit;
mod film;
pub(crate) mod modes;
mod output;
mod planes;
mod plug;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drm::control::{Device as _, Mode, ModeFlags, ModeTypeFlags, connector, crtc};
use drm::{ClientCapability, Device as _, DriverCapability};

pub(crate) use modes::{Content, Timing, Wish};
pub(crate) use output::Outputs;
pub(crate) use plug::Plug;

/// Where the kernel's devices appear.
const FOLDER: &str = "/dev/dri";

/// A graphics card that this process alone may set modes on, as long as it is open.
pub(crate) struct Card {
    file: File,
    pub(crate) path: PathBuf,
    /// All changes of one refresh in one request, planes included; else the older calls.
    pub(crate) atomic: bool,
    /// Reading from its buffers is slow: draw elsewhere and copy.
    pub(crate) prefers_shadow: bool,
}

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

impl Card {
    /// The named card, or the first with something connected to it. The error names the node and what to do.
    pub(crate) fn open(named: Option<&Path>) -> Result<Card, String> {
        if let Some(path) = named {
            return Card::at(path)?.taken();
        }
        let (mut idle, mut refused) = (None, None);
        for path in nodes() {
            match Card::at(&path).and_then(Card::taken) {
                Ok(card) if card.connected().is_ok() => return Ok(card),
                Ok(card) => idle = idle.or(Some(card)),
                Err(reason) => refused = refused.or(Some(reason)),
            }
        }
        idle.ok_or_else(|| refused.unwrap_or_else(no_card))
    }

    /// A card to look at, which another program may be showing something on.
    pub(crate) fn at(path: &Path) -> Result<Card, String> {
        let node = path.display();
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| match e.kind() {
            io::ErrorKind::PermissionDenied => format!(
                "cannot open {node}: permission denied; let this user in: `usermod -aG video USER`, or \
                 `SupplementaryGroups=video` in the unit"
            ),
            io::ErrorKind::NotFound => format!("there is no {node}; `kinora-tv doctor` lists what there is"),
            _ => format!("cannot open {node}: {e}"),
        })?;
        let mut card = Card { file, path: path.to_owned(), atomic: false, prefers_shadow: false };
        match card.get_driver_capability(DriverCapability::DumbBuffer) {
            Ok(1..) => {}
            _ => return Err(format!("{node} drives no display; name another with --card")),
        }
        let shadow = card.get_driver_capability(DriverCapability::DumbPreferShadow);
        card.prefers_shadow = shadow.is_ok_and(|wish| wish != 0);
        let planes = card.set_client_capability(ClientCapability::UniversalPlanes, true);
        card.atomic = planes.is_ok() && card.set_client_capability(ClientCapability::Atomic, true).is_ok();
        Ok(card)
    }

    /// The card for this process alone, which whoever opens it first has.
    pub(crate) fn taken(self) -> Result<Card, String> {
        let node = self.path.display();
        match self.acquire_master_lock() {
            Ok(()) => Ok(self),
            Err(_) => Err(format!(
                "{node} is in use by another program; end the desktop session or player that shows there"
            )),
        }
    }

    /// The connectors, as the kernel last saw them; with `probe` it looks again, which takes time.
    pub(crate) fn connectors(&self, probe: bool) -> io::Result<Vec<connector::Info>> {
        let handles = self.resource_handles()?;
        handles.connectors().iter().map(|handle| self.get_connector(*handle, probe)).collect()
    }

    /// What is connected. The error names what is not.
    pub(crate) fn connected(&self) -> Result<Target, String> {
        let node = self.path.display();
        let broken = |e: io::Error| format!("{node} does not answer: {e}");
        let connectors = self.connectors(true).map_err(broken)?;
        let handles = self.resource_handles().map_err(broken)?;
        let found = connectors.iter().find(|connector| is_connected(connector));
        let Some(connector) = found.filter(|connector| !connector.modes().is_empty()) else {
            let names: Vec<_> = connectors.iter().map(ToString::to_string).collect();
            return Err(match found {
                Some(connector) => {
                    format!("the display on {connector} of {node} tells no modes; try another cable")
                }
                None => format!("no display is connected to {node} ({}); plug one in", names.join(", ")),
            });
        };
        let encoders = connector.encoders().iter().filter_map(|handle| self.get_encoder(*handle).ok());
        let mut crtcs: Vec<_> =
            encoders.flat_map(|encoder| handles.filter_crtcs(encoder.possible_crtcs())).collect();
        // The one that shows something there already needs the least change.
        let current = connector.current_encoder().and_then(|handle| self.get_encoder(handle).ok()?.crtc());
        crtcs.sort_by_key(|crtc| Some(*crtc) != current);
        let crtc = *crtcs.first().ok_or_else(|| format!("nothing drives {connector} of {node}"))?;
        Ok(Target {
            name: connector.to_string(),
            connector: connector.handle(),
            crtc,
            modes: connector.modes().to_vec(),
        })
    }
}

/// A connected display and what drives it.
#[derive(Clone)]
pub(crate) struct Target {
    /// As the kernel names the connector: `HDMI-A-1`.
    pub(crate) name: String,
    pub(crate) connector: connector::Handle,
    pub(crate) crtc: crtc::Handle,
    pub(crate) modes: Vec<Mode>,
}

impl Target {
    /// The mode that the person wants, or the one that suits the film. The error names what there is.
    pub(crate) fn mode(&self, wish: Option<Wish>, content: Option<Content>) -> Result<Mode, String> {
        let timings: Vec<_> = self.modes.iter().map(timing).collect();
        let chosen = match wish {
            Some(wish) => modes::find(&timings, wish).ok_or_else(|| {
                let offers: Vec<_> = timings.iter().map(ToString::to_string).collect();
                let (name, offers) = (&self.name, offers.join(", "));
                format!("the display on {name} has no mode {wish}; --mode takes one of {offers}")
            })?,
            None => modes::choose(&timings, content).ok_or("the display has no modes")?,
        };
        Ok(self.modes[chosen])
    }
}

/// The graphics cards' nodes in the order of their numbers.
pub(crate) fn nodes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(FOLDER).into_iter().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("card")?.parse::<u32>().ok();
    let mut nodes: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| number(path).is_some()).collect();
    nodes.sort_by_key(number);
    nodes
}

/// What to say where there is none.
pub(crate) fn no_card() -> String {
    format!("no display: there is no {FOLDER}/card*; load the driver of the graphics card (`modprobe`)")
}

/// Whether something is plugged in, or might be where that cannot be told.
pub(crate) fn is_connected(connector: &connector::Info) -> bool {
    match connector.state() {
        connector::State::Connected => true,
        connector::State::Unknown => !connector.modes().is_empty(),
        connector::State::Disconnected => false,
    }
}

/// Pixels across and down.
fn size(mode: &Mode) -> (u32, u32) {
    let (width, height) = mode.size();
    (width.into(), height.into())
}

/// Where a film is shown on a display in this mode, or why it is drawn together with the interface.
pub(crate) fn film_planes(card: &Arc<Card>, target: &Target, mode: &Mode) -> Result<String, String> {
    let commit = commit::Commit::new(card, target.clone()).map_err(|e| e.to_string())?;
    let stack = commit.stacks(film::frames(&film::sample(mode)), mode)?[0];
    let (film, format, interface) = (stack.film.0, stack.format, stack.interface.0);
    Ok(format!("plane {film} ({format}) below the interface on {interface}, if the driver takes the sizes"))
}

/// What choosing goes by of a mode.
pub(crate) fn timing(mode: &Mode) -> Timing {
    let (width, height) = size(mode);
    let interlaced = mode.flags().contains(ModeFlags::INTERLACE);
    let scans = mode.vscan().max(1) * if mode.flags().contains(ModeFlags::DBLSCAN) { 2 } else { 1 };
    let total = (mode.hsync().2, mode.vsync().2);
    Timing {
        width,
        height,
        refresh_mhz: modes::refresh_mhz(mode.clock(), total, scans, interlaced),
        interlaced,
        preferred: mode.mode_type().contains(ModeTypeFlags::PREFERRED),
    }
}
