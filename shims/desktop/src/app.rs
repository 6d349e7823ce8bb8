//! The window and its events (winit), on the main thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kinora_host::realtime::{self, Input, Session, spawn};
use kinora_port::InputEvent;
use winit::application::ApplicationHandler;
use winit::dpi::{LogicalSize, Size};
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy};
use winit::keyboard::ModifiersState;
use winit::platform::x11::WindowAttributesExtX11;
use winit::raw_window_handle::{HasDisplayHandle, RawDisplayHandle};
use winit::window::{Fullscreen, Theme, Window, WindowId};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt};

use crate::args::Options;
use crate::keys;
use crate::pointer::Pointers;
use crate::present::Outputs;
use crate::session;

/// Size of a new window in logical pixels; two thirds of the screen where that is less.
const SIZE: LogicalSize<f64> = LogicalSize::new(1280.0, 720.0);
const MIN_SIZE: LogicalSize<f64> = LogicalSize::new(320.0, 180.0);
/// How long closing waits for the core's thread.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// Lifecycle events (`wit/player.wit`).
const FOCUSED: u32 = 1;
const BLURRED: u32 = 2;
const CONCEALED: u32 = 3;

/// What other threads ask of the window.
pub(crate) enum Ask {
    Fullscreen(bool),
    Title(String),
    Cursor(bool),
    Raise,
    Close,
    /// Something was presented.
    LookAround,
    /// The core's thread has ended with this exit status, or the reason why it could not go on.
    Exit(Result<u32, String>),
}

/// Opens the window and plays until the end; the exit status.
pub(crate) fn run(options: Options) -> Result<u32, String> {
    let event_loop = EventLoop::<Ask>::with_user_event()
        .build()
        .map_err(|e| format!("no window can be opened (is there a display?): {e}"))?;
    event_loop.set_control_flow(ControlFlow::Wait);
    let proxy = event_loop.create_proxy();
    let session = session::start(&options, proxy.clone())?;
    let mut app = App {
        options,
        session,
        proxy,
        window: None,
        surface: None,
        pointers: Pointers::default(),
        modifiers: ModifiersState::empty(),
        dropped: Vec::new(),
        stopping: None,
        unmanaged: false,
        windowed: SIZE.into(),
        outcome: Ok(0),
    };
    let ended = event_loop.run_app(&mut app);
    let screen = &app.session.links().screen;
    screen.close();
    if app.window.is_some() && !screen.wait_finished() {
        // A presenter that its platform holds must not outlive the display's connection.
        std::process::exit(app.outcome.map_or(1, |status| status as i32));
    }
    ended.map_err(|e| format!("the display is gone: {e}"))?;
    app.outcome
}

struct App {
    options: Options,
    session: Session,
    proxy: EventLoopProxy<Ask>,
    window: Option<Arc<Window>>,
    /// As last reported.
    surface: Option<InputEvent>,
    pointers: Pointers,
    modifiers: ModifiersState,
    /// Files of the drop in progress: they come one by one.
    dropped: Vec<PathBuf>,
    /// When waiting for the core's thread ends.
    stopping: Option<Instant>,
    /// Nobody manages windows on this X server.
    unmanaged: bool,
    /// The size before full screen, which a window manager would remember.
    windowed: Size,
    outcome: Result<u32, String>,
}

impl App {
    fn open_window(&mut self, event_loop: &ActiveEventLoop) -> Result<Arc<Window>, String> {
        let monitor = event_loop.primary_monitor().or_else(|| event_loop.available_monitors().next());
        let size = monitor.map_or(SIZE, |monitor| {
            let screen = monitor.size().to_logical::<f64>(monitor.scale_factor());
            let scale = (screen.width / 1.5 / SIZE.width).min(screen.height / 1.5 / SIZE.height).min(1.0);
            // A screen as small as the window, or of no known size, gets the usual one.
            if scale > 0.25 { LogicalSize::new(SIZE.width * scale, SIZE.height * scale) } else { SIZE }
        });
        let attributes = Window::default_attributes()
            .with_title("Kinora")
            .with_inner_size(size)
            .with_min_inner_size(MIN_SIZE)
            .with_theme(Some(Theme::Dark))
            .with_fullscreen(self.options.fullscreen.then_some(Fullscreen::Borderless(None)))
            // WM_CLASS; the Wayland backend takes it for the application id.
            .with_name("kinora", "kinora");
        let window =
            event_loop.create_window(attributes).map_err(|e| format!("no window can be opened: {e}"))?;
        Ok(Arc::new(window))
    }

    fn start(&mut self, event_loop: &ActiveEventLoop) -> Result<(), String> {
        let window = self.open_window(event_loop)?;
        self.window = Some(Arc::clone(&window));
        let handle = window.display_handle().map_err(|e| e.to_string())?.as_raw();
        self.unmanaged = !matches!(handle, RawDisplayHandle::Wayland(_)) && !has_window_manager();
        if self.unmanaged && self.options.fullscreen {
            self.fill_screen(&window, true);
        }
        self.report_surface();
        let (screen, clock) = (Arc::clone(&self.session.links().screen), self.session.links().clock);
        let (stage, proxy) = (Arc::clone(self.session.stage()), self.proxy.clone());
        let wanted = self.options.presenter;
        spawn("presenting", move || {
            let outputs = Outputs { window, screen: Arc::clone(&screen), clock, proxy: proxy.clone() };
            let presented = realtime::present(&stage, &screen, clock, &mut |lost| match lost {
                None => outputs.first(wanted),
                Some(failure) => {
                    eprintln!("kinora: {failure}; drawing on the CPU");
                    outputs.cpu()
                }
            });
            if let Err(reason) = presented {
                // The loop may be gone already.
                let _ = proxy.send_event(Ask::Exit(Err(reason)));
            }
        })
    }

    /// Reports the surface if it has changed.
    fn report_surface(&mut self) {
        let Some(window) = &self.window else { return };
        let size = window.inner_size();
        let refresh_mhz = window.current_monitor().and_then(|m| m.refresh_rate_millihertz()).unwrap_or(0);
        let surface = InputEvent::Surface {
            width_px: size.width,
            height_px: size.height,
            scale_permille: (window.scale_factor() * 1000.0).round() as u32,
            refresh_mhz,
            fullscreen: window.fullscreen().is_some(),
        };
        if self.surface.as_ref() != Some(&surface) {
            self.session.links().screen.resize(size.into(), refresh_mhz);
            self.session.surface(surface.clone());
            self.surface = Some(surface);
        }
    }

    fn input(&self) -> &Input {
        &self.session.links().input
    }

    fn lifecycle(&self, state: u32) {
        self.input().send(InputEvent::Lifecycle(state));
    }

    fn close(&mut self, event_loop: &ActiveEventLoop) {
        match self.stopping {
            // A second time: at once.
            Some(_) => event_loop.exit(),
            None => {
                let limit = Instant::now() + STOP_LIMIT;
                self.stopping = Some(limit);
                event_loop.set_control_flow(ControlFlow::WaitUntil(limit));
                self.session.stop();
            }
        }
    }

    /// What a window manager would do for full screen, where there is none.
    fn fill_screen(&self, window: &Window, on: bool) {
        let Some(monitor) = window.current_monitor() else { return };
        let size = if on {
            window.set_outer_position(monitor.position());
            monitor.size().into()
        } else {
            self.windowed
        };
        // The answer is a resize event.
        let _ = window.request_inner_size(size);
    }

    fn exit(&mut self, event_loop: &ActiveEventLoop, outcome: Result<u32, String>) {
        self.outcome = outcome;
        event_loop.exit();
    }
}

/// Whether the X server's windows are managed (Extended Window Manager Hints, `_NET_SUPPORTING_WM_CHECK`).
fn has_window_manager() -> bool {
    let find = || -> Option<u32> {
        let (connection, screen) = x11rb::connect(None).ok()?;
        let root = connection.setup().roots.get(screen)?.root;
        let name = connection.intern_atom(false, b"_NET_SUPPORTING_WM_CHECK").ok()?.reply().ok()?.atom;
        let property = connection.get_property(false, root, name, AtomEnum::WINDOW, 0, 1).ok()?;
        property.reply().ok()?.value32()?.next()
    };
    find().is_some()
}

impl ApplicationHandler<Ask> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window.is_none()
            && let Err(reason) = self.start(event_loop)
        {
            self.exit(event_loop, Err(reason));
        }
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, ask: Ask) {
        let Some(window) = &self.window else {
            if let Ask::Exit(outcome) = ask {
                self.exit(event_loop, outcome);
            }
            return;
        };
        match ask {
            Ask::Fullscreen(on) => {
                if on && window.fullscreen().is_none() {
                    self.windowed = window.inner_size().into();
                }
                window.set_fullscreen(on.then_some(Fullscreen::Borderless(None)));
                if self.unmanaged {
                    self.fill_screen(window, on);
                }
                self.report_surface();
            }
            Ask::Title(title) => window.set_title(&title),
            Ask::Cursor(visible) => window.set_cursor_visible(visible),
            Ask::Raise => window.focus_window(),
            Ask::Close => self.close(event_loop),
            Ask::LookAround => {}
            Ask::Exit(outcome) => self.exit(event_loop, outcome),
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let now = self.input().now();
        match event {
            // Destroyed by somebody else, it cannot ask.
            WindowEvent::CloseRequested | WindowEvent::Destroyed => self.close(event_loop),
            WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. } | WindowEvent::Moved(_) => {
                self.report_surface();
            }
            WindowEvent::RedrawRequested => self.session.links().screen.expose(),
            WindowEvent::Focused(focused) => self.lifecycle(if focused { FOCUSED } else { BLURRED }),
            WindowEvent::Occluded(hidden) => {
                self.session.links().screen.hide(hidden);
                let focused = self.window.as_ref().is_some_and(|window| window.has_focus());
                self.lifecycle(if hidden {
                    CONCEALED
                } else if focused {
                    FOCUSED
                } else {
                    BLURRED
                });
            }
            WindowEvent::DroppedFile(path) => self.dropped.push(path),
            WindowEvent::ModifiersChanged(modifiers) => self.modifiers = modifiers.state(),
            // Synthetic ones tell what was held when the focus came: not meant for the player.
            WindowEvent::KeyboardInput { event, is_synthetic: false, .. } => {
                let key = keys::translate(&event, self.modifiers, now);
                self.input().send(InputEvent::Key(key));
            }
            event => {
                let scale = self.window.as_ref().map_or(1.0, |window| window.scale_factor());
                let modifiers = keys::modifier_bits(self.modifiers);
                if let Some(pointer) = self.pointers.translate(&event, scale, modifiers, now) {
                    self.input().send(InputEvent::Pointer(pointer));
                }
            }
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        if !self.dropped.is_empty() {
            let paths = std::mem::take(&mut self.dropped);
            let sources = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
            self.input().send(InputEvent::Open { sources, append: false });
        }
        if self.stopping.is_some_and(|limit| Instant::now() >= limit) {
            self.exit(event_loop, Err("the player core did not come to an end".into()));
        }
    }
}
