//! A virtual X display, and what a person does in front of it: looks, types, moves and resizes windows.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use x11rb::connection::Connection;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _,
    EventMask, ImageFormat, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, MapState,
    Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::{Running, Screen};

/// Keys with names, as X key symbols (`keysymdef.h`).
const KEYS: &[(&str, u32)] = &[
    ("space", 0x20),
    ("comma", 0x2c),
    ("left", 0xff51),
    ("up", 0xff52),
    ("right", 0xff53),
    ("down", 0xff54),
    ("ok", 0xff0d),
    ("enter", 0xff0d),
    ("tab", 0xff09),
    ("esc", 0xff1b),
    ("f7", 0xffc4),
    ("f8", 0xffc5),
];

/// A display of its own, gone when dropped.
pub struct Display {
    server: Running,
    /// Value for `DISPLAY`.
    pub name: String,
    connection: RustConnection,
    root: Window,
}

impl Display {
    /// Starts a display of so many pixels.
    pub fn start(width: u32, height: u32) -> Result<Self, String> {
        let mut command = Command::new("Xvfb");
        command
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", &format!("{width}x{height}x24")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = Running::start(&mut command)?;
        let mut line = String::new();
        let out = server.stdout.take().expect("it was piped");
        let read = BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string());
        let name = format!(":{}", line.trim());
        let connected = read.and_then(|_| x11rb::connect(Some(&name)).map_err(|e| e.to_string()));
        let (connection, screen) = connected.map_err(|e| format!("Xvfb gives no display: {e}"))?;
        let root = connection.setup().roots[screen].root;
        Ok(Display { server, name, connection, root })
    }

    /// Process id of the server.
    pub fn server(&self) -> u32 {
        self.server.id()
    }

    /// The window that is shown, focused as a window manager would; `None` while there is none.
    pub fn window(&self) -> Option<Window> {
        let children = self.connection.query_tree(self.root).ok()?.reply().ok()?.children;
        let window = children.into_iter().rev().find(|&window| self.is_shown(window))?;
        self.connection
            .set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)
            .ok()?
            .check()
            .ok()?;
        Some(window)
    }

    fn is_shown(&self, window: Window) -> bool {
        let attributes =
            self.connection.get_window_attributes(window).ok().and_then(|cookie| cookie.reply().ok());
        attributes.is_some_and(|a| a.map_state == MapState::VIEWABLE)
            && self.size(window).is_ok_and(|(w, _)| w > 1)
    }

    /// Size of a window in pixels.
    pub fn size(&self, window: Window) -> Result<(u32, u32), String> {
        let geometry = self.connection.get_geometry(window).map_err(say)?.reply().map_err(say)?;
        Ok((geometry.width.into(), geometry.height.into()))
    }

    /// The title of a window.
    pub fn title(&self, window: Window) -> Result<String, String> {
        let atom = |name: &str| {
            let cookie = self.connection.intern_atom(false, name.as_bytes()).map_err(say)?;
            Ok::<_, String>(cookie.reply().map_err(say)?.atom)
        };
        let (name, utf8) = (atom("_NET_WM_NAME")?, atom("UTF8_STRING")?);
        let property = self.connection.get_property(false, window, name, utf8, 0, 1024).map_err(say)?;
        Ok(String::from_utf8_lossy(&property.reply().map_err(say)?.value).into_owned())
    }

    /// What is to be seen in a window.
    pub fn look(&self, window: Window) -> Result<Screen, String> {
        let (width, height) = self.size(window)?;
        self.image(window, 0, 0, width, height)
    }

    /// What is to be seen of a part of the screen, whichever windows are there.
    pub fn look_at(&self, x: i16, y: i16, width: u32, height: u32) -> Result<Screen, String> {
        self.image(self.root, x, y, width, height)
    }

    fn image(&self, drawable: Window, x: i16, y: i16, width: u32, height: u32) -> Result<Screen, String> {
        let (w, h) = (width as u16, height as u16);
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, drawable, x, y, w, h, !0);
        let image = image.map_err(say)?.reply().map_err(say)?;
        let rgb = image.data.chunks_exact(4).flat_map(|bgrx| [bgrx[2], bgrx[1], bgrx[0]]).collect();
        Ok(Screen { width, height, rgb })
    }

    /// Presses a key: a name of the table, or the character it types.
    pub fn press(&self, key: &str) -> Result<(), String> {
        let named = KEYS.iter().find(|(name, _)| *name == key).map(|(_, symbol)| *symbol);
        let symbol = named.or_else(|| key.chars().next().map(u32::from)).ok_or("no key")?;
        let (code, shift) = self.key_code(symbol)?;
        let shift_code = self.key_code(0xffe1)?.0;
        if shift {
            self.fake(KEY_PRESS_EVENT, shift_code)?;
        }
        self.fake(KEY_PRESS_EVENT, code)?;
        self.fake(KEY_RELEASE_EVENT, code)?;
        if shift {
            self.fake(KEY_RELEASE_EVENT, shift_code)?;
        }
        Ok(())
    }

    /// Key code that types a symbol, and whether with Shift.
    fn key_code(&self, symbol: u32) -> Result<(u8, bool), String> {
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.connection.get_keyboard_mapping(first, last - first + 1).map_err(say)?;
        let map = map.reply().map_err(say)?;
        let columns = usize::from(map.keysyms_per_keycode);
        for (code, symbols) in (first..).zip(map.keysyms.chunks_exact(columns)) {
            if let Some(column) = symbols.iter().take(2).position(|s| *s == symbol) {
                return Ok((code, column == 1));
            }
        }
        Err(format!("the keyboard has no key for {symbol:#x}"))
    }

    fn fake(&self, kind: u8, code: u8) -> Result<(), String> {
        let request = self.connection.xtest_fake_input(kind, code, 0, self.root, 0, 0, 0);
        request.map_err(say)?.check().map_err(say)
    }

    /// Moves the pointer to a place on the screen.
    pub fn point(&self, x: i16, y: i16) -> Result<(), String> {
        let request = self.connection.xtest_fake_input(MOTION_NOTIFY_EVENT, 0, 0, self.root, x, y, 0);
        request.map_err(say)?.check().map_err(say)
    }

    /// Whether the pointer is to be seen where it is: not with an image of which every pixel is transparent.
    pub fn pointer_shown(&self) -> Result<bool, String> {
        // Whoever has not named a version has none of its requests answered (X Fixes Extension 6.0, 4).
        self.connection.xfixes_query_version(5, 0).map_err(say)?.reply().map_err(say)?;
        let image = self.connection.xfixes_get_cursor_image().map_err(say)?.reply().map_err(say)?;
        Ok(image.cursor_image.iter().any(|argb| argb >> 24 != 0))
    }

    /// Presses and releases a button of the pointer where it is.
    pub fn click(&self, button: u8) -> Result<(), String> {
        self.button(button, true)?;
        self.button(button, false)
    }

    /// Presses a button of the pointer where it is, or releases it.
    pub fn button(&self, button: u8, down: bool) -> Result<(), String> {
        self.fake(if down { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT }, button)
    }

    /// Gives a window another size, as dragging its corner does.
    pub fn resize(&self, window: Window, width: u32, height: u32) -> Result<(), String> {
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(window, &size).map_err(say)?.check().map_err(say)
    }

    /// Asks a window to close, as its close button does (ICCCM 4.2.8.1).
    pub fn close(&self, window: Window) -> Result<(), String> {
        let atom = |name: &[u8]| {
            let cookie = self.connection.intern_atom(false, name).map_err(say)?;
            Ok::<_, String>(cookie.reply().map_err(say)?.atom)
        };
        let data = [atom(b"WM_DELETE_WINDOW")?, x11rb::CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS")?, data);
        let sent = self.connection.send_event(false, window, EventMask::NO_EVENT, message);
        sent.map_err(say)?.check().map_err(say)?;
        self.connection.sync().map_err(say)
    }
}

fn say(error: impl std::fmt::Display) -> String {
    format!("X: {error}")
}
