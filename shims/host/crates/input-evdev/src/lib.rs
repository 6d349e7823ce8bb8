//! Remotes, keyboards and gamepads through the kernel's input devices, without udev: nodes are looked for in `/dev/input`, which is watched
//! for those that come and go.

mod keymap;
mod translate;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use evdev::{Device, KeyCode};
use kinora_port::{HostUs, Key};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify;

pub use keymap::Keymap;
use translate::Translator;

/// Where the kernel's devices appear.
const FOLDER: &str = "/dev/input";

/// Which devices are listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All that have a key of the map. They are taken from others: what is typed reaches no login prompt on the console.
    All,
    /// Gamepads only, which others may use as well.
    Gamepads,
}

/// Something that presses keys.
pub struct Found {
    /// Its node.
    pub path: PathBuf,
    /// Its name, if it can be told.
    pub name: Option<String>,
    /// Why it cannot be used, if it cannot.
    pub refused: Option<Refusal>,
}

/// Why a device cannot be used: no permission, or another program has taken it.
#[derive(Debug, Clone, Copy)]
pub struct Refusal(io::ErrorKind);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from(self.0).fmt(f)
    }
}

impl Refusal {
    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self.0 {
            io::ErrorKind::PermissionDenied => {
                "let this user in: `usermod -aG input USER`, or `SupplementaryGroups=input` in the unit"
            }
            io::ErrorKind::ResourceBusy => "end the program that has taken it",
            _ => "unplug it and plug it in again",
        }
    }
}

/// The devices and the folder they appear in.
pub struct Devices {
    wanted: Wanted,
    keymap: Keymap,
    watch: OwnedFd,
    open: BTreeMap<PathBuf, (Device, Translator)>,
    /// What could not be opened, so that it is said once.
    refused: BTreeMap<PathBuf, (Option<String>, Refusal)>,
}

impl Devices {
    /// Opens what is there. Fails where devices can never be found; a system without any is none that fails.
    pub fn open(wanted: Wanted, keymap: Keymap) -> io::Result<Devices> {
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        // Rights may be given to a node after it was made.
        let flags = inotify::WatchFlags::CREATE | inotify::WatchFlags::ATTRIB;
        inotify::add_watch(&watch, FOLDER, flags)?;
        let mut devices = Devices { wanted, keymap, watch, open: BTreeMap::new(), refused: BTreeMap::new() };
        devices.scan();
        Ok(devices)
    }

    /// What is listened to, and what should be and cannot.
    pub fn found(&self) -> Vec<Found> {
        let open = self.open.iter().map(|(path, (device, _))| Found {
            path: path.clone(),
            name: device.name().map(str::to_owned),
            refused: None,
        });
        let refused = self.refused.iter().map(|(path, (name, refusal))| Found {
            path: path.clone(),
            name: name.clone(),
            refused: Some(*refusal),
        });
        open.chain(refused).collect()
    }

    /// Why nothing can be pressed and what to do, if all devices that there are refuse.
    pub fn refusal(&self) -> Option<String> {
        let (path, (_, refusal)) = self.refused.first_key_value().filter(|_| self.open.is_empty())?;
        Some(format!("{}: {refusal}; {}", path.display(), refusal.remedy()))
    }

    /// Waits for keys and sends them, for ever. `now` is the shim's clock.
    pub fn listen(mut self, now: impl Fn() -> HostUs, mut send: impl FnMut(Key)) -> io::Result<()> {
        loop {
            let ready = self.wait()?;
            for path in ready {
                for key in self.read(&path, now()) {
                    send(key);
                }
            }
            if drain(&self.watch)? {
                self.scan();
            }
        }
    }

    /// Opens what is new.
    fn scan(&mut self) {
        let Ok(entries) = std::fs::read_dir(FOLDER) else { return };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        self.refused.retain(|path, _| paths.contains(path));
        paths.retain(|path| is_node(path) && !self.open.contains_key(path));
        for path in paths {
            match self.take(&path) {
                Ok(Some(device)) => {
                    self.refused.remove(&path);
                    self.open.insert(path, (device, Translator::default()));
                }
                Ok(None) => {}
                Err(refusal) => {
                    self.refused.insert(path, refusal);
                }
            }
        }
    }

    fn take(&self, path: &Path) -> Result<Option<Device>, (Option<String>, Refusal)> {
        let mut device = Device::open(path).map_err(|e| (None, Refusal(e.kind())))?;
        let keys = device.supported_keys();
        let has = |test: &dyn Fn(KeyCode) -> bool| keys.is_some_and(|keys| keys.iter().any(test));
        match self.wanted {
            Wanted::Gamepads if !has(&|key| key == KeyCode::BTN_SOUTH) => return Ok(None),
            Wanted::All if !has(&|key| self.keymap.get(key.code()).is_some()) => return Ok(None),
            _ => {}
        }
        let taken = if self.wanted == Wanted::All { device.grab() } else { Ok(()) };
        match taken.and_then(|()| device.set_nonblocking(true)) {
            Ok(()) => Ok(Some(device)),
            Err(e) => Err((device.name().map(str::to_owned), Refusal(e.kind()))),
        }
    }

    /// The devices that have something to read, or are gone.
    fn wait(&self) -> io::Result<Vec<PathBuf>> {
        let fds = self.open.values().map(|(device, _)| device.as_fd()).chain([self.watch.as_fd()]);
        let mut fds: Vec<PollFd<'_>> =
            fds.map(|fd: BorrowedFd<'_>| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        let ready = self.open.keys().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(path, _)| path.clone()).collect())
    }

    fn read(&mut self, path: &Path, now: HostUs) -> Vec<Key> {
        let Some((device, translator)) = self.open.get_mut(path) else { return Vec::new() };
        let events = device.fetch_events().map(|events| events.collect::<Vec<_>>());
        let mut keys = match events {
            Ok(events) => {
                events.into_iter().flat_map(|event| translator.keys(event, &self.keymap, now)).collect()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Vec::new(),
            // It is gone; what it held is not held any more.
            Err(_) => {
                let released = translator.release(&self.keymap, now);
                self.open.remove(path);
                released
            }
        };
        self.complete(&mut keys);
        keys
    }

    /// Adds what depends on the modifiers, which may be on another device.
    fn complete(&self, keys: &mut [Key]) {
        let held = self.open.values().map(|(_, translator)| translator.modifiers(&self.keymap));
        let modifiers = held.fold(0, |all, one| all | one);
        for key in keys {
            key.modifiers = modifiers;
            // With the others held a key is a command.
            if key.phase != kinora_port::phase::UP && modifiers & !SHIFT == 0 {
                key.text = keymap::text(key.code, modifiers & SHIFT != 0);
            }
        }
    }
}

/// Bit of `key.modifiers`.
const SHIFT: u32 = 1;

fn is_node(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("event"))
}

/// Takes what the watch has to say; whether it was anything.
fn drain(watch: &OwnedFd) -> io::Result<bool> {
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut reader = inotify::Reader::new(watch, &mut buffer);
    let mut any = false;
    loop {
        match reader.next() {
            Ok(_) => any = true,
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(any),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
