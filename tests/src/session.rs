//! A desktop session of a test's own: its bus, media controls, who keeps the screen awake, and a file chooser with somebody in front of it.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zbus::message::Header;
use zbus::{Connection, DynamicType, OwnedObjectPath, OwnedVariant, Variant, connection, fdo};

use crate::Running;

/// Where players offer media controls (MPRIS D-Bus Interface Specification 2.2).
const PLAYER: &str = "org.mpris.MediaPlayer2.Player";
const PLAYER_PATH: &str = "/org/mpris/MediaPlayer2";
const PLAYER_NAMES: &str = "org.mpris.MediaPlayer2.";
/// Where the desktop portal is (XDG Desktop Portal).
const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";
/// How long somebody takes to choose a file. Some players hear no answer that comes together with the chooser's handle.
const CHOOSING: Duration = Duration::from_millis(300);

/// A session with a bus that nothing else is on; gone when dropped.
pub struct Session {
    bus: Connection,
    _daemon: Running,
    address: String,
    person: Arc<Mutex<Person>>,
}

/// What a media control shows.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaControls {
    /// `Playing`, `Paused` or `Stopped`.
    pub status: String,
    /// Empty where nothing plays.
    pub title: String,
    /// Microseconds.
    pub position_us: i64,
}

/// Whoever sits in front of the desktop, and what the desktop was asked for.
#[derive(Default)]
struct Person {
    /// Those who keep the screen awake, and the last one of them.
    awake: BTreeSet<u32>,
    last: u32,
    /// What is chosen when a file is asked for; nothing: the person cancels.
    choice: Option<PathBuf>,
}

impl Session {
    /// Starts a bus, with a screen saver and a portal on it.
    pub fn start() -> Result<Self, String> {
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--print-address=1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut daemon = Running::start(&mut command)?;
        let mut address = String::new();
        let out = daemon.stdout.take().expect("it was piped");
        BufReader::new(out).read_line(&mut address).map_err(|e| format!("dbus-daemon: {e}"))?;
        let address = address.trim().to_owned();
        let person = Arc::<Mutex<Person>>::default();
        let bus = connection::Builder::address(&*address)
            .serve_at("/org/freedesktop/ScreenSaver", ScreenSaver(Arc::clone(&person)))
            .serve_at(PORTAL_PATH, Portal(Arc::clone(&person)))
            .name("org.freedesktop.ScreenSaver")
            .name(PORTAL);
        let bus = zbus::block_on(bus.build()).map_err(say)?;
        Ok(Session { bus, _daemon: daemon, address, person })
    }

    /// Value for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether somebody keeps the screen awake.
    pub fn awake(&self) -> bool {
        !lock(&self.person).awake.is_empty()
    }

    /// What is chosen from now on when a file is asked for.
    pub fn choose(&self, file: &Path) {
        lock(&self.person).choice = Some(file.to_path_buf());
    }

    /// What media controls show of the player on this bus.
    pub fn media_controls(&self) -> Result<MediaControls, String> {
        let mut all = zbus::block_on(async {
            let name = self.player().await?;
            let (interface, method) = ("org.freedesktop.DBus.Properties", "GetAll");
            let reply = self.bus.call_method(Some(name), PLAYER_PATH, Some(interface), method, &PLAYER).await;
            reply.map_err(say)?.body().deserialize::<HashMap<String, OwnedVariant>>().map_err(say)
        })?;
        let mut take = |name: &str| all.remove(name).ok_or_else(|| format!("the player tells no {name}"));
        let mut metadata = HashMap::<String, OwnedVariant>::try_from(take("Metadata")?).map_err(say)?;
        let title = metadata.remove("xesam:title").map(String::try_from).transpose().map_err(say)?;
        Ok(MediaControls {
            status: take("PlaybackStatus")?.try_into().map_err(say)?,
            title: title.unwrap_or_default(),
            position_us: take("Position")?.try_into().map_err(say)?,
        })
    }

    /// Uses a media control: a method of the player and what it takes.
    pub fn control(&self, method: &str, body: &(impl serde::Serialize + DynamicType)) -> Result<(), String> {
        zbus::block_on(async {
            let name = self.player().await?;
            self.bus.call_method(Some(name), PLAYER_PATH, Some(PLAYER), method, body).await.map_err(say)?;
            Ok(())
        })
    }

    /// The name of the player on this bus.
    async fn player(&self) -> Result<String, String> {
        let bus = fdo::DBusProxy::new(&self.bus).await.map_err(say)?;
        let names = bus.list_names().await.map_err(say)?;
        let mut players =
            names.iter().map(|name| name.as_str()).filter(|name| name.starts_with(PLAYER_NAMES));
        players.next().map(str::to_owned).ok_or_else(|| "no player offers media controls".into())
    }
}

/// `org.freedesktop.ScreenSaver`, as far as players use it (Idle Inhibition Service Draft). Whoever forgets to let go is remembered.
struct ScreenSaver(Arc<Mutex<Person>>);

#[zbus::interface(name = "org.freedesktop.ScreenSaver")]
impl ScreenSaver {
    fn inhibit(&self, _application: &str, _reason: &str) -> u32 {
        let mut person = lock(&self.0);
        person.last += 1;
        let cookie = person.last;
        person.awake.insert(cookie);
        cookie
    }

    fn un_inhibit(&self, cookie: u32) {
        lock(&self.0).awake.remove(&cookie);
    }
}

/// `org.freedesktop.portal.FileChooser`, as far as players use it.
struct Portal(Arc<Mutex<Person>>);

#[zbus::interface(name = "org.freedesktop.portal.FileChooser")]
impl Portal {
    fn open_file(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
        _parent: &str,
        _title: &str,
        options: HashMap<String, OwnedVariant>,
    ) -> fdo::Result<OwnedObjectPath> {
        let asks = header.sender().ok_or_else(|| fdo::Error::Failed("nobody asks".into()))?.to_string();
        let token = options.get("handle_token").and_then(|token| <&str>::try_from(token).ok()).unwrap_or("t");
        let sender = asks.trim_start_matches(':').replace('.', "_");
        let request = format!("{PORTAL_PATH}/request/{sender}/{token}");
        let handle = OwnedObjectPath::try_from(request.clone())
            .map_err(|_| fdo::Error::InvalidArgs(format!("`{token}` is no token")))?;
        let (bus, choice) = (bus.clone(), lock(&self.0).choice.clone());
        std::thread::spawn(move || {
            std::thread::sleep(CHOOSING);
            let uris: Vec<String> = choice.iter().map(|file| address(file)).collect();
            // 0: chosen, 1: cancelled.
            let answer = (u32::from(uris.is_empty()), HashMap::from([("uris", Variant::from(uris))]));
            let interface = "org.freedesktop.portal.Request";
            // Whoever is gone needs no answer.
            let _ = zbus::block_on(bus.emit_signal(Some(asks), request, interface, "Response", &answer));
        });
        Ok(handle)
    }
}

/// A file's address (RFC 8089), with what may not stand in one escaped (RFC 3986, 2.1).
fn address(file: &Path) -> String {
    let escaped = file.as_os_str().as_encoded_bytes().iter().map(|&byte| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("file://{}", escaped.collect::<String>())
}

fn lock(person: &Mutex<Person>) -> MutexGuard<'_, Person> {
    person.lock().unwrap_or_else(PoisonError::into_inner)
}

fn say(error: impl std::fmt::Display) -> String {
    format!("the session bus: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_a_file_with_spaces_is_escaped() {
        assert_eq!(address(Path::new("/a b/\u{e9}%.mp4")), "file:///a%20b/%C3%A9%25.mp4");
    }
}
